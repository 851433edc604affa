"""A small HTTP client for one server on loopback or a Unix socket: keep-alive, no redirects."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    place: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Client:
    """Not thread-safe: one for each thread."""

    def __init__(self, port: int | None = None, unix: Path | None = None, wait_s: float = 30.0):
        self._port, self._unix, self._wait_s = port, unix, wait_s
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            if self._unix is not None:
                self._connection = _UnixConnection(self._unix, self._wait_s)
            else:
                self._connection = http.client.HTTPConnection(
                    "127.0.0.1", self._port, timeout=self._wait_s
                )
        return self._connection

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """OSError or HTTPException when no whole answer came; the server may have acted or not."""
        every = dict(headers or {})
        if content_type is not None:
            every["Content-Type"] = content_type
        data = body.encode() if isinstance(body, str) else body
        try:
            connection = self._open()
            connection.request(method, path, body=data, headers=every)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.will_close:
            self.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, content, f"{method} {path}")

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post_json(self, path: str, value: object) -> Answer:
        body = value if isinstance(value, (bytes, str)) else json.dumps(value, ensure_ascii=False)
        return self.send("POST", path, body, "application/json")

    def post_lines(self, path: str, values: list[object]) -> Answer:
        lines = [v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
        return self.send("POST", path, "\n".join(lines) + "\n", "application/x-ndjson")
