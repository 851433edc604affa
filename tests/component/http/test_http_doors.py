"""How a server opens, whom it lets in, how it stops: settings, sockets, keys, TLS.

usage: test_http_doors.py ECHO_SERVER [unittest arguments]
"""

import os
import random
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from server import (
    BODY_BYTES_MAX,
    GOOD,
    KEY,
    HttpTest,
    Server,
    is_ended,
    odd_requests,
    read_reply,
    talk,
)


class Settings(unittest.TestCase):
    def test_bad_settings_are_one_sentence(self):
        for args, want in (
            ((), "reject: neither an address nor a Unix path is given"),
            (("-a", "localhost"), "reject: address localhost is neither IPv4 nor IPv6"),
            (("-a", "127.0.0.1", "-p", "65536"), "reject: port 65536 is not in 0 to 65535"),
            (("-a", "127.0.0.1", "-c", "x"), "reject: TLS needs both"),
            (("-a", "127.0.0.1", "-n", "9999999"), "reject: 9999999 connections do not fit"),
            (("-a", "192.0.2.1"), "retry: could not listen on 192.0.2.1 port 0"),
            (("-u", "/" + "x" * 200), "reject: the path of a Unix socket"),
        ):
            status, errors = Server(*args, port=False).end()
            self.assertEqual(status, 1, args)
            self.assertTrue(errors.startswith(want), errors)

    def test_a_taken_port(self):
        server = Server()
        status, errors = Server("-p", str(server.port)).end()
        self.assertEqual(status, 1)
        self.assertIn("Address already in use", errors)
        server.end()

    def test_ipv6(self):
        server = Server("-a", "::1", port=False)
        with server.connect(source=None, host="::1") as sock:
            self.assertEqual(talk(sock, GOOD).body, b"hello")
        self.assertEqual(server.end(), (0, ""))


class UnixSocket(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.path = Path(self.dir.name) / "http.sock"

    def start(self):
        return Server("-u", str(self.path), port=False)

    def assert_good(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.path))
            for _ in range(2):
                self.assertEqual(talk(sock, GOOD).body, b"hello")

    def test_mode_and_end(self):
        server = self.start()
        self.assertEqual(self.path.stat().st_mode & 0o7777, 0o660)
        self.assert_good()
        self.assertEqual(server.end(), (0, ""))
        self.assertFalse(self.path.exists())

    def test_a_stale_socket_is_replaced(self):
        server = self.start()
        server.end(signal.SIGKILL)
        self.assertTrue(self.path.exists())
        server = self.start()
        self.assert_good()
        self.assertEqual(server.end(), (0, ""))

    def test_a_live_one_is_not(self):
        server = self.start()
        status, errors = self.start().end()
        self.assertEqual(status, 1)
        self.assertIn("another process does", errors)
        self.assert_good()
        server.end()

    def test_another_file_is_not(self):
        self.path.write_text("precious")
        status, errors = self.start().end()
        self.assertEqual(status, 1)
        self.assertIn("is not a socket", errors)
        self.assertEqual(self.path.read_text(), "precious")

    def test_only_the_own_file_is_removed(self):
        server = self.start()
        self.path.unlink()
        self.path.write_text("precious")
        self.assertEqual(server.end(), (0, ""))
        self.assertEqual(self.path.read_text(), "precious")

    def test_unix_peers_count_one_each(self):
        server = self.start()
        server.end()
        server = Server("-u", str(self.path), "-N", "2", port=False)
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(9)]
        for sock in crowd:
            sock.connect(str(self.path))
        for sock in crowd:
            self.assertEqual(talk(sock, GOOD).body, b"hello")
            sock.close()
        self.assertEqual(server.end(), (0, ""))


class Keys(HttpTest):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.key_file = Path(self.dir.name) / "key"
        self.key_file.write_text(KEY + "\n")
        self.key_file.chmod(0o600)
        self.path = str(Path(self.dir.name) / "http.sock")
        self.args = ("-K", str(self.key_file), "-u", self.path)
        super().setUp()

    def status(self, path, authorization=None):
        line = f"Authorization: {authorization}\r\n" if authorization is not None else ""
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{line}\r\n".encode()).status

    def test_the_key_is_demanded(self):
        self.assertEqual(self.status("/echo", "Bearer " + KEY), 200)
        self.assertEqual(self.status("/echo", "bearer " + KEY), 200)
        wrong = (
            "",
            KEY,
            "Bearer",
            "Bearer ",
            "Bearer  " + KEY,
            "Basic " + KEY,
            "Bearer " + KEY[:-1],
        )
        wrong += ("Bearer " + KEY + "x", "Bearer " + KEY[:-1] + "Y", "Bearer " + KEY.upper())
        for value in (None, *wrong):
            self.assertEqual(self.status("/echo", value), 401, value)
        self.assertEqual(self.status("/nothing"), 401)
        self.assertEqual(self.status("/livez"), 200)
        reply = self.ask(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        self.assertEqual((reply.status, reply.headers["www-authenticate"]), (401, "Bearer"))

    def test_a_unix_peer_needs_none(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.path)
            self.assertEqual(talk(sock, GOOD).body, b"hello")

    def test_key_files(self):
        def fails(text, mode, want):
            path = Path(self.dir.name) / "other"
            path.unlink(missing_ok=True)
            path.write_text(text)
            path.chmod(mode)
            status, errors = Server("-K", str(path)).end()
            self.assertEqual(status, 1)
            self.assertIn(want, errors)
            self.assertNotIn("secret", errors)

        fails("a-secret-of-some-length", 0o640, "can be read by others")
        fails("secret", 0o600, "fewer than 16 characters")
        fails("a secret with spaces", 0o600, "white space")
        fails("secret" * 200, 0o600, "larger than 512 bytes")


class Stopping(HttpTest):
    args = ("-t", "400")

    def test_what_is_under_way_is_answered(self):
        idle = self.server.connect()
        busy = self.server.connect()
        half = self.server.connect()
        self.addCleanup(lambda: [sock.close() for sock in (idle, busy, half)])
        self.assertEqual(talk(idle, GOOD).status, 201)
        half.sendall(GOOD[:-2])
        busy.sendall(GOOD.replace(b"/echo", b"/late"))
        time.sleep(0.1)
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(idle.recv(1), b"")
        with self.assertRaises(ConnectionRefusedError):
            self.server.connect()
        for sock, rest in ((half, GOOD[-2:]), (busy, b"")):
            sock.sendall(rest)
            with sock.makefile("rb") as stream:
                reply = read_reply(stream)
                self.assertEqual((reply.body, reply.headers["connection"]), (b"hello", "close"))
                self.assertTrue(is_ended(stream))


class Tls(HttpTest):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        cls.certificate = str(Path(cls.dir.name) / "certificate.pem")
        cls.key = str(Path(cls.dir.name) / "key.pem")
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(
            [*command.split(), *subject, "-keyout", cls.key, "-out", cls.certificate],
            check=True,
            capture_output=True,
        )
        os.chmod(cls.key, 0o600)
        cls.args = ("-c", cls.certificate, "-k", cls.key, "-d", "1000", "-i", "3000")

    def connect(self, version=None):
        context = ssl.create_default_context(cafile=self.certificate)
        if version:
            context.minimum_version = context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context.wrap_socket(self.server.connect(), server_hostname="127.0.0.1")

    def test_requests(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.connect(version) as sock, sock.makefile("rb") as stream:
                sock.sendall(GOOD * 30)
                for _ in range(30):
                    self.assertEqual(read_reply(stream).body, b"hello")
                body = random.Random(2).randbytes(BODY_BYTES_MAX)
                head = b"POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % len(body)
                sock.sendall(head + b"Expect: 100-continue\r\n\r\n")
                self.assertEqual(read_reply(stream).status, 100)
                sock.sendall(body)
                self.assertEqual(read_reply(stream).body, body)

    def test_odd_requests(self):
        for status, name, data in list(odd_requests())[::5]:
            with self.subTest(name), self.connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(GOOD + data)
                self.assertEqual(read_reply(stream).body, b"hello")
                self.assertEqual(read_reply(stream).status, status)
                self.assertTrue(is_ended(stream))

    def test_old_versions_are_refused(self):
        with self.assertRaises(OSError):
            self.connect(ssl.TLSVersion.TLSv1_1)

    def test_a_slow_handshake_is_closed(self):
        for hello in (b"", b"\x16\x03\x01\x02\x00\x01\x00", GOOD):
            with self.server.connect() as sock:
                sock.sendall(hello)
                began = time.monotonic()
                try:
                    while sock.recv(100):
                        pass
                except ConnectionResetError:
                    pass
                self.assertLess(time.monotonic() - began, 2)

    def test_peers_that_vanish(self):
        for i in range(20):
            sock = self.connect()
            sock.sendall(GOOD.replace(b"/echo", b"/late") * (i % 3 + 1))
            sock.close()
        with self.connect() as sock:
            self.assertEqual(talk(sock, GOOD).body, b"hello")

    def test_key_files(self):
        loose = str(Path(self.dir.name) / "loose.pem")
        Path(loose).write_text(Path(self.key).read_text())
        os.chmod(loose, 0o644)
        for certificate, key, want in (
            (self.certificate, loose, "can be read by others"),
            (self.certificate, "/nowhere", "could not open /nowhere"),
            (self.key, self.key, "cannot be read as a certificate chain"),
        ):
            status, errors = Server("-c", certificate, "-k", key).end()
            self.assertEqual(status, 1)
            self.assertIn(want, errors)


if __name__ == "__main__":
    unittest.main()
