"""kasumori probe: 0 for a 2xx within the deadline, 1 for everything else, whatever the server does."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.paths import binaries, free_port

DEADLINE_S = 2.0


def probe(target: str) -> tuple[int, str, float]:
    started = time.monotonic()
    done = subprocess.run(
        [binaries() / "kasumori", "probe", target], capture_output=True, text=True, timeout=30
    )
    return done.returncode, done.stderr, time.monotonic() - started


@contextlib.contextmanager
def serving(behave: Callable[[socket.socket], None], family: int = socket.AF_INET) -> Iterator[int]:
    """A server for one connection; the port."""
    with socket.socket(family) as listener:
        listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        listener.listen()
        listener.settimeout(10)

        def serve() -> None:
            link, _ = listener.accept()
            with link, contextlib.suppress(OSError):
                behave(link)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def answering(text: bytes) -> Callable[[socket.socket], None]:
    def behave(link: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += link.recv(4096)
        lines = request.decode().split("\r\n")
        assert lines[0] == "GET /readyz HTTP/1.1"
        assert sum(line.lower().startswith("host:") for line in lines) == 1
        link.sendall(text)

    return behave


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0),
        (b"HTTP/1.0 200 OK\r\n\r\n", 0),
        (b"HTTP/1.1 301 Moved\r\n\r\n", 1),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 1),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", 1),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", 1),
        (b"HTTP/1.1 20", 1),
        (b"", 1),
    ],
)
def test_the_status_decides(answer: bytes, code: int) -> None:
    with serving(answering(answer)) as port:
        found, said, _ = probe(f"127.0.0.1:{port}/readyz")
    assert found == code, said
    assert (said == "") == (code == 0)


def test_an_answer_in_pieces_counts() -> None:
    def behave(link: socket.socket) -> None:
        link.recv(4096)
        for byte in b"HTTP/1.1 200 OK\r\n\r\n":
            link.sendall(bytes([byte]))
            time.sleep(0.01)

    with serving(behave) as port:
        assert probe(f"127.0.0.1:{port}/readyz")[0] == 0


@pytest.mark.parametrize("is_dribbling", [False, True])
def test_one_deadline_for_everything(is_dribbling: bool) -> None:
    is_over = threading.Event()

    def behave(link: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK":
            if is_over.wait(0.7):
                return
            if is_dribbling:
                link.sendall(bytes([byte]))

    with serving(behave) as port:
        code, said, took_s = probe(f"127.0.0.1:{port}/readyz")
        is_over.set()
    assert code == 1
    assert "no answer within 2000 ms" in said
    assert DEADLINE_S * 0.9 < took_s < DEADLINE_S + 3


def test_ipv6() -> None:
    try:
        with serving(answering(b"HTTP/1.1 200 OK\r\n\r\n"), socket.AF_INET6) as port:
            assert probe(f"[::1]:{port}/readyz")[0] == 0
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")


def test_nobody_there() -> None:
    code, said, _ = probe(f"127.0.0.1:{free_port()}/readyz")
    assert code == 1
    assert "could not connect" in said


@pytest.mark.parametrize(
    "target",
    ["", "127.0.0.1", "127.0.0.1:80", "127.0.0.1/readyz", ":80/readyz", "localhost:80/readyz",
     "127.0.0.1:80/a b", "127.0.0.1:80/a\r\nX: y", "127.0.0.1:http/x", "[::1:80/x",
     "127.0.0.1:80/" + "x" * 300, "1" * 100 + ":80/"],
)  # fmt: skip
def test_a_bad_target_is_refused(target: str) -> None:
    code, said, took_s = probe(target)
    assert code == 1
    assert "want " in said
    assert took_s < DEADLINE_S
