"""An HTTP server of ours under test, spoken to over plain sockets."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "support" / "http_requests.inc"
KEY = "0123456789abcdef-key"
GOOD = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
BODY_BYTES_MAX = 256 * 1024
server_program = sys.argv.pop(1)  # of every test here: test_….py ECHO_SERVER [unittest arguments]


def odd_requests():
    for line in TABLE.read_text().splitlines():
        found = re.fullmatch(r'REQUEST\((\d+), (".*?"), (".*")\)', line)
        if found:
            data = ast.literal_eval("b" + found[3])
            yield int(found[1]), ast.literal_eval(found[2]), data


class Server:
    def __init__(self, *args, port=True, **environment):
        where = ["-a", "127.0.0.1"] if port else []
        self.process = subprocess.Popen(
            [server_program, *where, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
        )
        line = self.process.stdout.readline().split()
        self.port = int(line[1]) if line else None

    def connect(self, source="127.0.0.1", host="127.0.0.1", timeout=10):
        return socket.create_connection(
            (host, self.port), timeout=timeout, source_address=(source, 0) if source else None
        )

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def end(self, signo=signal.SIGTERM):
        """Returns (exit status, stderr)."""
        self.process.send_signal(signo)
        try:
            _, errors = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
        return self.process.returncode, errors.decode()


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


def read_reply(stream):
    """stream: a file made from a socket. None at the end of the stream."""
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, value = line.decode().split(":", 1)
        headers[name.lower()] = value.strip()
    return Reply(status, headers, stream.read(int(headers.get("content-length", 0))))


def is_ended(stream):
    try:
        return stream.read(1) == b""
    except ConnectionResetError:
        return True


def talk(sock, data):
    sock.sendall(data)
    with sock.makefile("rb") as stream:
        return read_reply(stream)


class HttpTest(unittest.TestCase):
    args = ()

    def setUp(self):
        self.server = Server(*self.args)
        self.addCleanup(self.stop)

    def stop(self):
        status, errors = self.server.end()
        self.assertEqual((status, errors), (0, ""))

    def ask(self, data, **where):
        with self.server.connect(**where) as sock:
            return talk(sock, data)

    def get(self, path, **where):
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), **where)

    def assert_good(self, **where):
        self.assertEqual(self.ask(GOOD, **where).body, b"hello")

    def wait_for(self, check, seconds=10):
        end = time.monotonic() + seconds
        while not check():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.02)
