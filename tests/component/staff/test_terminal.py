"""A PIN typed at a terminal: twice, without echo, and the terminal is as before afterwards."""

from __future__ import annotations

import os
import pty
import subprocess
import termios

import pytest

from tests.support.paths import binaries
from tests.support.process import wait_until


def type_pin(folder, *lines: str) -> tuple[int, str, str]:
    """Exit code, what the terminal showed, what the list holds."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    made = folder / "workers"
    argv = [binaries() / "kasumori", "worker", "add", "--file", made, "--worker", "w12"]
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs)
    shown = ""
    for turn, line in enumerate(lines):
        prompt = ("PIN: ", "PIN again: ")[turn]
        while not shown.endswith(prompt):
            shown += os.read(ours, 1024).decode()
        wait_until(lambda: not termios.tcgetattr(theirs)[3] & termios.ECHO, "no echo")
        os.write(ours, line.encode() + b"\n")
    code = process.wait(20)
    os.set_blocking(ours, False)
    try:
        shown += os.read(ours, 4096).decode()
    except BlockingIOError:
        pass
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
    return code, shown, made.read_text() if made.exists() else ""


def test_twice_the_same(tmp_path):
    code, shown, made = type_pin(tmp_path, "271828", "271828")
    assert code == 0, shown
    assert "w12 $argon2id$" in made
    assert "271828" not in shown + made


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        (("271828", "271829"), "the two differ"),
        (("1234", "1234"), "want 6 to 12 digits"),
        (("2" * 80,), "too long"),
    ],
)
def test_what_is_refused(tmp_path, lines, want):
    code, shown, made = type_pin(tmp_path, *lines)
    assert (code, made) == (1, "")
    assert want in shown and lines[0] not in shown
