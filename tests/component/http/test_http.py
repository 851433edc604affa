"""The HTTP server seen from outside, over plain sockets: odd bytes, slow and vanishing peers, caps.

usage: test_http.py ECHO_SERVER [unittest arguments]
"""

import ast
import os
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "support" / "http_requests.inc"
KEY = "0123456789abcdef-key"
GOOD = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
BODY_BYTES_MAX = 256 * 1024
server_program = ""


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


class OddRequests(HttpTest):
    def test_each_is_refused_and_its_connection_closed(self):
        count = 0
        for status, name, data in odd_requests():
            with self.subTest(name), self.server.connect() as sock:
                sock.sendall(data)
                with sock.makefile("rb") as stream:
                    reply = read_reply(stream)
                    self.assertEqual(reply.status, status)
                    self.assertEqual(reply.headers["content-type"], "application/problem+json")
                    self.assertEqual(reply.headers["cache-control"], "no-store")
                    self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
                    self.assertEqual(reply.headers["connection"], "close")
                    self.assertNotIn("server", reply.headers)
                    self.assertEqual(ast.literal_eval(reply.body.decode())["status"], status)
                    self.assertTrue(is_ended(stream))
            count += 1
        self.assertGreaterEqual(count, 100)
        self.assert_good()

    def test_each_byte_by_itself(self):
        for status, name, data in list(odd_requests())[::6]:
            with self.subTest(name), self.server.connect() as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    for byte in data:
                        sock.send(bytes([byte]))
                except (BrokenPipeError, ConnectionResetError):
                    pass
                with sock.makefile("rb") as stream:
                    self.assertEqual(read_reply(stream).status, status)

    def test_behind_a_good_one_the_good_one_is_answered_first(self):
        for status, name, data in odd_requests():
            with self.subTest(name), self.server.connect() as sock:
                sock.sendall(GOOD + data + GOOD)
                with sock.makefile("rb") as stream:
                    self.assertEqual(read_reply(stream).body, b"hello")
                    self.assertEqual(read_reply(stream).status, status)
                    self.assertTrue(is_ended(stream))

    def test_mutated_requests_never_hurt(self):
        rng = random.Random(3)
        seeds = [GOOD, b"GET /query?name=a%20b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"]
        seeds += [data for _, _, data in odd_requests()]
        for _ in range(400):
            data = bytearray(b"".join(rng.choices(seeds, k=rng.randint(1, 3))))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(data))
                if rng.random() < 0.5:
                    data[at] = rng.choice(b"\0\r\n\t :%/0159aZ\xff")
                else:
                    del data[at : at + rng.randint(1, 9)]
            with self.server.connect() as sock:
                sock.sendall(bytes(data))
                sock.shutdown(socket.SHUT_WR)
                with sock.makefile("rb") as stream:
                    try:
                        while reply := read_reply(stream):
                            self.assertIn(reply.status // 100, (1, 2, 4, 5))
                            self.assertNotEqual(reply.headers.get("content-type"), "text/html")
                    except ConnectionResetError:
                        pass
        self.assert_good()


class Requests(HttpTest):
    def test_routes_are_exact(self):
        self.assertEqual(self.get("/livez").body, b"alive\n")
        for path in ("/", "/livez/", "/livez/x", "/Livez", "/%6civez", "/a/../livez"):
            self.assertEqual(self.get(path).status, 404, path)
        self.assertEqual(self.get("/query?name=a%20b%C3%A9").body, "a bé".encode())
        self.assertEqual(self.get("/query").body, b"(none)")
        self.assertEqual(self.get("/query?broken").body, b"(none)")

    def test_a_known_path_names_its_methods(self):
        for method in ("PUT", "DELETE", "HEAD", "OPTIONS", "get", "QUERY"):
            reply = self.ask(f"{method} /echo HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            self.assertEqual((reply.status, reply.headers["allow"]), (405, "POST, GET"))
        reply = self.ask(b"POST /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual((reply.status, reply.headers["allow"]), (405, "GET"))

    def test_a_reply_says_what_it_must(self):
        reply = self.ask(GOOD)
        self.assertEqual(reply.status, 201)
        self.assertEqual(reply.headers["cache-control"], "no-store")
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        self.assertNotIn("server", reply.headers)
        reply = self.get("/empty")
        self.assertEqual((reply.status, reply.body), (204, b""))
        self.assertNotIn("content-type", reply.headers)
        reply = self.get("/problem")
        self.assertEqual((reply.status, reply.headers["retry-after"]), (507, "30"))
        self.assertEqual(
            reply.body.decode(),
            '{"type":"about:blank","status":507,"title":"Disk full",'
            '"detail":"line 1: \\"quoted\\" \\\\ \\u0001 \N{REPLACEMENT CHARACTER}"}\n',
        )

    def test_http_1_0(self):
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            self.assertIn(b"alive", stream.read())
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            for _ in range(2):
                sock.sendall(b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                self.assertEqual(read_reply(stream).status, 200)

    def test_connection_close(self):
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            self.assertEqual(read_reply(stream).body, b"hello")
            self.assertTrue(is_ended(stream))

    def test_a_large_body_comes_whole(self):
        body = random.Random(1).randbytes(BODY_BYTES_MAX)
        head = f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.assertEqual(self.ask(head + body).body, body)

    def test_a_body_too_large_is_refused_by_its_length(self):
        head = f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n"
        self.assertEqual(self.ask(head.encode()).status, 413)
        reply = self.ask(b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        self.assertEqual(reply.status, 413)

    def test_the_reply_to_a_refused_body_survives_the_body(self):
        head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n"
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(head + bytes(4_000_000))
            self.assertEqual(read_reply(stream).status, 413)

    def test_what_follows_a_refusal_takes_no_memory(self):
        server = Server(ASAN_OPTIONS="quarantine_size_mb=1")
        before = server.memory_kib()
        with server.connect(timeout=1) as sock, self.assertRaises(OSError):
            sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
            for _ in range(100_000):
                sock.sendall(bytes(64 * 1024))
                self.assertLess(server.memory_kib() - before, 16 * 1024)
        self.assertEqual(server.end(), (0, ""))

    def test_leave_to_continue(self):
        head = (
            b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        )
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            for _ in range(3):
                sock.sendall(head % 5)
                self.assertEqual(read_reply(stream).status, 100)
                sock.sendall(b"hello")
                self.assertEqual(read_reply(stream).body, b"hello")
            sock.sendall(head % 5 + b"hello")
            self.assertEqual(read_reply(stream).status, 201)
            sock.sendall(head % 5_000_000)
            self.assertEqual(read_reply(stream).status, 413)

    def test_pipelined_requests_are_answered_in_order(self):
        data = b""
        for i in range(200):
            path = b"/late" if i % 50 == 7 else b"/echo"
            body = b"%d" % i * (i % 7 + 1)
            data += b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
            data += body
        for step in (len(data), 1, 77, 4096):
            with self.server.connect() as sock, sock.makefile("rb") as stream:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(data), step):
                    sock.sendall(data[at : at + step])
                for i in range(200):
                    self.assertEqual(read_reply(stream).body, b"%d" % i * (i % 7 + 1))

    def test_pipelining_without_reading_takes_no_memory(self):
        # A sanitizer's own hoard of freed memory would hide ours.
        server = Server(ASAN_OPTIONS="quarantine_size_mb=1")
        with server.connect(timeout=1) as sock:
            before = server.memory_kib()
            try:
                for _ in range(400):
                    sock.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
            except TimeoutError:
                pass
            self.assertLess(server.memory_kib() - before, 16 * 1024)
            with server.connect() as other:
                self.assertEqual(talk(other, GOOD).body, b"hello")
        self.assertEqual(server.end(), (0, ""))

    def test_a_half_closed_peer_gets_its_reply(self):
        for path in (b"/echo", b"/late"):
            for _ in range(5):
                with self.server.connect() as sock, sock.makefile("rb") as stream:
                    sock.sendall(GOOD.replace(b"/echo", path))
                    sock.shutdown(socket.SHUT_WR)
                    self.assertEqual(read_reply(stream).body, b"hello")
                    self.assertTrue(is_ended(stream))
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(GOOD * 20)
            sock.shutdown(socket.SHUT_WR)
            for _ in range(20):
                self.assertEqual(read_reply(stream).body, b"hello")

    def test_a_peer_cut_in_mid_request_is_forgotten(self):
        for cut in range(1, len(GOOD)):
            with self.server.connect() as sock:
                sock.sendall(GOOD[:cut])
        self.wait_for(lambda: self.get("/stats").body.split()[0] == b"1")


class VanishingPeers(HttpTest):
    # A connection whose request a handler holds counts until the reply, gone or not: the caps are
    # out of the way here.
    args = ("-n", "512", "-N", "512")

    def test_peers_that_vanish_before_the_reply(self):
        for round_ in range(4):
            for i in range(40):
                sock = self.server.connect()
                sock.sendall(GOOD.replace(b"/echo", b"/late") * (i % 3 + 1))
                if (i + round_) % 2:
                    reset = struct.pack("ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                sock.close()
            self.assert_good()
        self.wait_for(lambda: self.get("/stats").body == b"1 0")


class HeldRequests(HttpTest):
    args = ("-t", "60000")

    def stop(self):
        status, errors = self.server.end(signal.SIGUSR1)
        self.assertEqual((status, errors), (0, ""))

    def test_requests_outlive_the_server(self):
        socks = [self.server.connect() for _ in range(9)]
        for sock in socks:
            sock.sendall(GOOD.replace(b"/echo", b"/late"))
        self.wait_for(lambda: self.get("/stats").body.split()[1] == b"9")
        for sock in socks[:4]:
            sock.close()
        self.addCleanup(lambda: [sock.close() for sock in socks])


class Deadlines(HttpTest):
    args = ("-d", "1000", "-i", "1000")

    def drip(self, sock, data, pause):
        try:
            for byte in data:
                sock.sendall(bytes([byte]))
                time.sleep(pause)
        except OSError:
            pass

    def assert_dropped(self, first, rest):
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            began = time.monotonic()
            sock.sendall(first)
            dripper = threading.Thread(target=self.drip, args=(sock, rest, 0.05))
            dripper.start()
            reply = read_reply(stream)
            took = time.monotonic() - began
            self.assertEqual(reply.status, 408)
            self.assertGreater(took, 0.9)
            self.assertLess(took, 2)
            self.assertTrue(is_ended(stream))
            dripper.join()

    def test_slow_heads_and_bodies_while_others_are_served(self):
        slow = [
            threading.Thread(target=self.assert_dropped, args=arguments)
            for arguments in (
                (b"P", GOOD[1:40] + b"X: " + bytes(100).replace(b"\0", b"y")),
                (GOOD[:-5].replace(b": 5", b": 500"), b"z" * 100),
            )
            for _ in range(8)
        ]
        failures = []
        threading.excepthook = failures.append
        for thread in slow:
            thread.start()
        slowest = 0
        while any(thread.is_alive() for thread in slow):
            began = time.monotonic()
            self.assert_good()
            slowest = max(slowest, time.monotonic() - began)
        threading.excepthook = threading.__excepthook__
        self.assertEqual(failures, [])
        self.assertLess(slowest, 0.5)

    def test_silence_is_closed_without_a_word(self):
        for data in (b"", GOOD):
            with self.server.connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(data)
                if data:
                    self.assertEqual(read_reply(stream).status, 201)
                began = time.monotonic()
                self.assertTrue(is_ended(stream))
                self.assertGreater(time.monotonic() - began, 0.8)
                self.assertLess(time.monotonic() - began, 2)

    def test_a_handler_may_take_longer(self):
        server = Server("-d", "300", "-i", "300", "-t", "1200")
        with server.connect() as sock:
            self.assertEqual(talk(sock, GOOD.replace(b"/echo", b"/late")).body, b"hello")
        self.assertEqual(server.end()[0], 0)

    def test_a_reply_that_nobody_reads_is_given_up(self):
        head = (
            f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES_MAX}\r\n\r\n".encode()
        )
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", self.server.port))
            sock.settimeout(1)
            try:
                for _ in range(40):
                    sock.sendall(head + bytes(BODY_BYTES_MAX))
            except OSError:
                pass
            self.wait_for(lambda: self.get("/stats").body == b"1 0")


class Caps(HttpTest):
    args = ("-n", "64", "-N", "48", "-d", "1500", "-i", "1500")

    def test_idle_crowds(self):
        crowd = [self.server.connect() for _ in range(200)]
        self.addCleanup(lambda: [sock.close() for sock in crowd])
        self.wait_for(lambda: self.get("/stats", source="127.0.0.2").body == b"49 0")
        self.assertLess(self.server.descriptors(), 64 + 20)
        for _ in range(50):
            self.assert_good(source="127.0.0.2")
        crowd += [self.server.connect(source="127.0.0.3") for _ in range(48)]
        time.sleep(0.3)
        self.assertLess(self.server.descriptors(), 64 + 20)
        self.assert_good(source="127.0.0.2")  # when the idle ones have been closed
        self.wait_for(lambda: self.get("/stats", source="127.0.0.2").body == b"1 0")

    def test_the_cap_comes_and_goes(self):
        for _ in range(3):
            crowd = [
                self.server.connect(source=f"127.0.0.{2 + i % 4}", timeout=20) for i in range(90)
            ]
            for sock in crowd[:60]:
                self.assertEqual(talk(sock, GOOD).body, b"hello")
            for sock in crowd[:60]:
                sock.close()
            for sock in crowd[60:]:
                self.assertEqual(talk(sock, GOOD).body, b"hello")
                sock.close()
        self.assert_good()


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
    server_program = sys.argv.pop(1)
    unittest.main()
