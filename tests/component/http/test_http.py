"""Requests seen from outside: odd bytes, routes, replies.

usage: test_http.py ECHO_SERVER [unittest arguments]
"""

import ast
import random
import socket
import unittest

from server import BODY_BYTES_MAX, GOOD, HttpTest, Server, is_ended, odd_requests, read_reply, talk


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
        for query in ("&&name=a", "bare&name=a", "=x&name=a&", "name=a&bare"):
            self.assertEqual(self.get("/query?" + query).body, b"a", query)

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


if __name__ == "__main__":
    unittest.main()
