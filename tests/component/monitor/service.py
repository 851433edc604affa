"""A monitor process and clients of it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import binaries
from tests.support.process import Process, wait_until


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """Of a problem document."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return self.json().get("code")


class Monitor(Process):
    def __init__(self, folder: Path, database: str, **settings: object):
        self.port = free_port()
        http_settings = {"address": "127.0.0.1", "port": self.port} | settings.pop("http", {})
        config = folder / "monitor.yaml"
        config.write_text(yaml.safe_dump({"database": database, "http": http_settings} | settings))
        super().__init__(
            "monitor",
            [binaries() / "kasumori-monitor", "--config", config],
            folder / "monitor.log",
            {"ASAN_OPTIONS": "detect_leaks=1"},
        )

    def is_ready(self) -> bool:
        if not self.is_alive():
            raise RuntimeError(self.log_tail())
        try:
            return Client(self).get("/readyz").status == 200
        except OSError:
            return False

    def __enter__(self) -> Monitor:
        self.start()
        wait_until(self.is_ready, "monitor ready")
        return self

    def __exit__(self, *_: object) -> None:
        status = self.stop()
        assert status == 0, self.log_text()


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    reads: Callable[[int], bool] = lambda status: True,
) -> Answer:
    """One request on a connection of its own; reads: of which status the body is wanted."""
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read() if reads(response.status) else b"")
    finally:
        connection.close()


class Client:
    """Who asks: somebody with a cookie, a machine with a key, or nobody."""

    def __init__(self, monitor: Monitor, cookie: str | None = None, key: str | None = None):
        self.monitor = monitor
        self.headers = {}
        if cookie is not None:
            self.headers["Cookie"] = f"other=1; __Host-kasumori={cookie}"
        if key is not None:
            self.headers["Authorization"] = f"Bearer {key}"

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.monitor.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        return exchange(self._connect(), method, path, body, headers)

    def head_of(self, method: str, path: str, body: bytes | None, **headers: str) -> Answer:
        """An answer's status; its body, which may have no end, only when it is a problem."""
        return exchange(
            self._connect(),
            method,
            path,
            body,
            self.headers | headers,
            lambda status: status >= 400,
        )

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, self.headers | headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """body: JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        standing = {"Content-Type": "application/json", "X-Kasumori": "1"}
        return self.ask("POST", path, data, standing | self.headers | headers)
