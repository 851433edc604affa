"""Answers that go on, parts of paths, headers of an answer's own.

usage: test_http_streams.py ECHO_SERVER [unittest arguments]
"""

import signal
import socket
import struct
import time
import unittest

from server import GOOD, HttpTest, Server, is_ended, read_reply, talk


def read_chunks(stream):
    """Yields the chunks of a chunked body; ends after the last one, raises EOFError when cut."""
    while True:
        line = stream.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        size = int(line, 16)
        data = stream.read(size + 2)
        if len(data) < size + 2:
            raise EOFError
        if size == 0:
            return
        yield data[:-2]


class Paths(HttpTest):
    def test_parts(self):
        for path, body in (
            ("/parts/a", "[a][][]"),
            ("/parts/a%2Fb%20%E6%96%B0+", "[a/b 新+][][]"),
            ("/parts/1/of/2?x=/of/3", "[1][2][]"),
            ("/parts/*/of/%2a", "[*][*][]"),
            ("/parts/first", "alive\n"),
            ("/parts/first/of/second", "[first][second][]"),
        ):
            self.assertEqual(self.get(path).body.decode(), body, path)

    def test_what_does_not_fit(self):
        for path in (
            "/parts",
            "/parts/",
            "/parts//",
            "/parts/1/of",
            "/parts/1/of/",
            "/parts//of/2",
            "/parts/1/of/2/",
            "/parts/1/of/2/3",
            "/parts/1/off/2",
            "/part/1",
            "/parts/1%2Fof/2",
        ):
            self.assertEqual(self.get(path).status, 404, path)

    def test_methods_of_routes_that_fit(self):
        reply = self.ask(b"PUT /parts/1/of/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual((reply.status, reply.headers["allow"]), (405, "GET, POST"))
        reply = self.ask(b"PUT /parts/first HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual((reply.status, reply.headers["allow"]), (405, "GET"))

    def test_peer(self):
        self.assertEqual(self.get("/peer").body, b"127.0.0.1")
        self.assertEqual(self.get("/peer", source="127.0.0.9").body, b"127.0.0.9")

    def test_headers(self):
        reply = self.get("/own")
        self.assertEqual((reply.status, reply.headers["etag"]), (304, '"7"'))
        self.assertEqual(reply.headers["content-security-policy"], "default-src 'self'")
        self.assertEqual(reply.headers["cache-control"], "max-age=60")
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        for path in ("/livez", "/nothing"):
            policy = self.get(path).headers["content-security-policy"]
            self.assertEqual(policy, "default-src 'none'; frame-ancestors 'none'")


class Streams(HttpTest):
    args = ("-d", "1000", "-i", "1000", "-t", "20")

    def open(self, query, server=None, **where):
        sock = (server or self.server).connect(**where)
        self.addCleanup(sock.close)
        sock.sendall(f"GET /stream?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return sock

    def closed(self):
        return int(self.get("/stats?streams=1").body)

    def test_a_stream_comes_whole_and_ends(self):
        sock = self.open("lines=50&size=60000&backlog=120000")
        with sock.makefile("rb") as stream:
            head = read_reply(stream)
            self.assertEqual(head.headers["transfer-encoding"], "chunked")
            self.assertEqual(head.headers["connection"], "close")
            self.assertEqual(head.headers["cache-control"], "no-store")
            chunks = list(read_chunks(stream))
            self.assertEqual(chunks[0], b"head\n")
            self.assertEqual([len(chunk) for chunk in chunks[1:]], [60000] * 50)
            self.assertTrue(is_ended(stream))
        self.assertEqual(self.closed(), 0)

    def test_http_1_0_is_ended_by_closing(self):
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(b"GET /stream?lines=3&size=4&backlog=999 HTTP/1.0\r\n\r\n")
            head, body = stream.read().split(b"\r\n\r\n")
            self.assertEqual(body, b"head\n" + b"xxx\n" * 3)
            self.assertNotIn(b"chunked", head)

    def test_streams_outlive_every_deadline(self):
        sock = self.open("lines=-1&size=5&backlog=9999")
        end = time.monotonic() + 4
        with sock.makefile("rb") as stream:
            read_reply(stream)
            for chunk in read_chunks(stream):
                self.assertIn(chunk, (b"head\n", b"xxxx\n"))
                if time.monotonic() > end:
                    break
        self.assertEqual(self.closed(), 0)

    def test_a_silent_stream_stays(self):
        server = Server("-d", "500", "-i", "500", "-t", "4000")
        sock = self.open("lines=-1&size=5&backlog=9999", server)
        with sock.makefile("rb") as stream:
            read_reply(stream)
            chunks = read_chunks(stream)
            self.assertEqual([next(chunks), next(chunks)], [b"head\n", b"xxxx\n"])
        self.assertEqual(server.end()[0], 0)

    def test_a_reader_that_does_not_read_is_dropped(self):
        for query in (
            "lines=-1&size=60000&backlog=200000",
            "lines=99999&size=60000&backlog=200000",
        ):
            before = self.closed()
            sock = self.open(query)
            self.wait_for(lambda before=before: self.closed() == before + 1, 20)
            with sock.makefile("rb") as stream, self.assertRaises((EOFError, ConnectionResetError)):
                read_reply(stream)
                list(read_chunks(stream))

    def test_a_write_beyond_the_backlog_drops(self):
        sock = self.open("lines=2&size=5000&backlog=4000")
        self.wait_for(lambda: self.closed() == 1)
        with sock.makefile("rb") as stream, self.assertRaises((EOFError, ConnectionResetError)):
            read_reply(stream)
            list(read_chunks(stream))
        self.open("lines=2&size=5000&backlog=0")
        self.wait_for(lambda: self.closed() == 2)

    def test_peers_that_vanish_are_noticed(self):
        socks = [
            self.open("lines=0&size=5&backlog=0" if i < 0 else "lines=-1&size=50&backlog=9999")
            for i in range(40)
        ]
        for i, sock in enumerate(socks):
            sock.recv(1)
            if i % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        self.wait_for(lambda: self.closed() == 40)
        self.wait_for(lambda: self.get("/stats").body == b"1 0")

    def test_what_a_peer_sends_meanwhile_is_thrown_away(self):
        server = Server("-t", "20", ASAN_OPTIONS="quarantine_size_mb=1")
        sock = self.open("lines=-1&size=5&backlog=99999999", server, timeout=1)
        before = server.memory_kib()
        for _ in range(2000):
            sock.sendall(GOOD * 100)
        self.assertLess(server.memory_kib() - before, 16 * 1024)
        with sock.makefile("rb") as stream:
            read_reply(stream)
            chunks = read_chunks(stream)
            for _ in range(100):
                self.assertIn(next(chunks), (b"head\n", b"xxxx\n"))
        self.assertEqual(server.end()[0], 0)

    def test_behind_a_good_one(self):
        with self.server.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(
                GOOD + b"GET /stream?lines=1&size=3&backlog=999 HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            self.assertEqual(read_reply(stream).body, b"hello")
            self.assertEqual(read_reply(stream).status, 200)
            self.assertEqual(list(read_chunks(stream)), [b"head\n", b"xx\n"])

    def test_stopping_cuts_them_off(self):
        for signo in (signal.SIGTERM, signal.SIGUSR1):
            server = Server("-t", "20")
            socks = [self.open("lines=-1&size=50&backlog=9999", server) for _ in range(9)]
            for sock in socks:
                sock.recv(1)
            with server.connect() as sock:
                self.assertEqual(talk(sock, GOOD).body, b"hello")
            self.assertEqual(server.end(signo), (0, ""))
            with (
                socks[0].makefile("rb") as stream,
                self.assertRaises((EOFError, ConnectionResetError)),
            ):
                while stream.readline() != b"\r\n":
                    pass
                list(read_chunks(stream))


if __name__ == "__main__":
    unittest.main()
