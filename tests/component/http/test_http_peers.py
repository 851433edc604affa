"""Slow, silent and vanishing peers; caps.

usage: test_http_peers.py ECHO_SERVER [unittest arguments]
"""

import signal
import socket
import struct
import threading
import time
import unittest

from server import BODY_BYTES_MAX, GOOD, HttpTest, Server, is_ended, read_reply, talk


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


if __name__ == "__main__":
    unittest.main()
