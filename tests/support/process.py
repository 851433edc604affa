"""One process of the installation under test: started, stopped, killed and paused by its pid."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class ProcessError(RuntimeError):
    pass


def wait_until(
    is_so: Callable[[], object], what: str, wait_s: float = 30.0, every_s: float = 0.05
) -> object:
    """The first true answer of is_so(); TimeoutError names what did not come about."""
    deadline = time.monotonic() + wait_s
    while True:
        answer = is_so()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {wait_s:g} s: {what}")
        time.sleep(every_s)


class Process:
    """Its output is appended to one log file. It does not outlive the thread that started it, and gets
    no Ctrl-C: the owner stops things in order."""

    def __init__(
        self, name: str, argv: list[str | Path], log: Path, env: dict[str, str] | None = None
    ):
        self.name = name
        self.argv = [str(arg) for arg in argv]
        self.log = log
        self.env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.is_alive():
            raise ProcessError(f"{self.name}: runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as out:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.env,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None or self._process.poll() is not None:
            raise ProcessError(f"{self.name}: does not run")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def wait(self, wait_s: float = 30.0) -> int:
        if self._process is None:
            raise ProcessError(f"{self.name}: never started")
        try:
            return self._process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name}: still runs after {wait_s:g} s") from None

    def stop(self, wait_s: float = 30.0) -> int | None:
        """SIGTERM. Its exit status; a process that does not end is killed and reported."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise TimeoutError(f"{self.name}: did not end within {wait_s:g} s of SIGTERM") from None

    def kill9(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def status_kib(self, field: str = "VmRSS") -> int:
        """A size from /proc/PID/status, for example VmRSS or VmHWM."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise ProcessError(f"{self.name}: no {field}")

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
