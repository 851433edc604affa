"""An agent alone, with a bundle made by hand, and a stand-in for headquarters' look-up.

What is tested against them needs no database: the staff form and the caller look-up at a site.
"""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.support.client import Answer, Client
from tests.support.paths import binaries, free_port
from tests.support.process import Process, wait_until

KINDS = "handle member account phone mail vehicle sns name worker phone_impersonal".split()
WORKER, PIN = "w12", "271828"
SPOTS = [{"name": "レジ1", "floor": "1階"}, {"name": "サービスカウンター"}, {"name": "駐車場"}]
JSON = {"Content-Type": "application/json", "X-Kasumori": "1"}
FORM_ID = "0192f0c0-0000-7000-8000-{:012d}"


def token_key() -> str:
    return secrets.token_hex(32)


class StaffAgent(Process):
    def __init__(self, folder: Path, brokers: str, topic: str = "kasumori.records.v1", **changes):
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.workers = folder / "workers"
        self.bundle = folder / "bundle.yaml"
        self._secret(self.bundle, yaml.safe_dump(self._bundle(brokers, topic)))
        self.settings = {
            "bundle": str(self.bundle),
            "spool": {"dir": str(folder / "spool"), "segment_size": "4MiB"},
            "http": {"address": "127.0.0.1", "port": self.port},
            "form": {"enabled": True, "spots": SPOTS, "workers_file": str(self.workers)},
        }
        self.settings.update(changes)
        self.settings["http"].setdefault("port", self.port)
        config = folder / "agent.yaml"
        config.write_text(yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True))
        self.set_pin(WORKER, PIN)
        argv = [binaries() / "kasumori-agent", "--config", config]
        super().__init__("agent", argv, folder / "agent.log")

    @staticmethod
    def _secret(path: Path, text: str) -> None:
        path.touch(mode=0o600)
        path.write_text(text)

    def _bundle(self, brokers: str, topic: str) -> dict:
        made = subprocess.run(
            ["openssl", "genpkey", "-algorithm", "X25519", "-outform", "DER"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        public = subprocess.run(
            ["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
            input=made, check=True, capture_output=True,
        ).stdout[-32:]  # fmt: skip
        return {
            "tenant": "acme",
            "site": "s001",
            "agent": "s001-a",
            "mac_key_id": 1,
            "mac_key": token_key(),
            "vault_public_key": public.hex(),
            "token_keys": [{"kind": k, "key_id": 1, "key": token_key()} for k in KINDS]
            + [{"kind": "phone", "key_id": 2, "key": token_key()}],
            "kafka": {
                "brokers": brokers,
                "topic_records": topic,
                "topic_health": "kasumori.health.v1",
            },
        }

    def cli(self, *args: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(binaries() / "kasumori"), *map(str, args)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        )  # fmt: skip

    def set_pin(self, worker: str, pin: str) -> subprocess.CompletedProcess[str]:
        pin_file = self.folder / "pin"
        self._secret(pin_file, pin + "\n")
        done = self.cli(
            "worker", "add", "--file", self.workers, "--worker", worker, "--pin-file", pin_file
        )
        pin_file.unlink()
        return done

    def up(self) -> StaffAgent:
        self.start()
        wait_until(self._is_up, "the agent answers", 20, every_s=0.02)
        return self

    def _is_up(self) -> bool:
        assert self.is_alive(), self.log_tail()
        client = Client(self.port, wait_s=2)
        try:
            return client.get("/livez").status == 200
        except OSError:
            return False
        finally:
            client.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metric(self, name: str) -> float:
        client = Client(self.port)
        try:
            lines = client.get("/metrics").text.splitlines()
        finally:
            client.close()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


class Page:
    """What the form's page would do, cookie and all."""

    def __init__(self, agent: StaffAgent):
        self.client, self.cookie = Client(agent.port), ""

    def post(self, path: str, value: object, **headers: str) -> Answer:
        every = {**JSON, **({"Cookie": self.cookie} if self.cookie else {}), **headers}
        body = value if isinstance(value, (str, bytes)) else json.dumps(value, ensure_ascii=False)
        return self.client.send(
            "POST", path, body, headers={k: v for k, v in every.items() if v is not None}
        )

    def sign_in(self, code: str = WORKER, pin: str = PIN) -> Answer:
        answer = self.post("/form/v1/session", {"code": code, "pin": pin})
        if answer.status == 200:
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    def close(self) -> None:
        self.client.close()


def lookup(**changes: object) -> dict:
    """What POST /v1/lookup answers about a number with a history."""
    known = {
        "state": "known",
        "certainty": "same_number",
        "sharedNumber": False,
        "contacts": 4,
        "lastContacts": [
            {
                "at": f"2026-11-{day:02d}T05:00:00.000000Z",
                "site": site,
                "channel": "phone",
                "matters": matters,
                "judged": False,
            }
            for day, site, matters in (
                (21, "c001", ["返品 A-1021"]),
                (19, "s002", ["返品 A-1021"]),
                (12, "s001", []),
                (3, "c001", ["配送 B-77"]),
            )
        ],
        "openMatters": [{"matter": "返品 A-1021", "since": "2026-11-12T05:00:00.000000Z"}],
        "answers": [
            {
                "matter": "返品 A-1021",
                "at": "2026-11-19T05:00:00.000000Z",
                "final": True,
                "site": "s002",
            }
        ],
        "restrictions": [],
    }
    return {**known, **changes}


UNKNOWN = lookup(
    state="unknown", contacts=0, lastContacts=[], openMatters=[], answers=[]
)  # fmt: skip


class FakeCenter:
    """POST /v1/lookup and GET /readyz over HTTP or, with a certificate, HTTPS."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", is_tls: bool = False):
        self.asked: list[dict] = []
        self.keys: list[str | None] = []
        self.answer: Callable[[], tuple[int, bytes]] = lambda: (200, json.dumps(lookup()).encode())
        self.delay_s = 0.0
        self.idle_s: float | None = None  # then a kept connection is closed
        self.is_ready = True
        self.connections = 0
        center = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                self.timeout = center.idle_s
                super().setup()
                center.connections += 1

            def log_message(self, *_: object) -> None:
                pass

            def _send(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self._send(200 if center.is_ready else 503, b"{}")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                center.asked.append({"path": self.path, **json.loads(body)})
                center.keys.append(self.headers["Authorization"])
                time.sleep(center.delay_s)
                try:
                    self._send(*center.answer())
                except OSError:
                    pass  # who asked has given up

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass  # connections that agents break off

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.ca: Path | None = None
        if is_tls:
            self.ca = folder / f"center-{self.port}.pem"
            key = folder / f"center-{self.port}.key"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", self.ca, "-days", "2",
                 "-subj", "/CN=center", "-addext", f"subjectAltName=IP:{host}"],
                check=True, capture_output=True,
            )  # fmt: skip
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if is_tls else ''}://127.0.0.1:{self.port}"
        self.key_file = folder / "machine.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text("machine-key-of-s001\n")
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def settings(self, **changes: object) -> dict:
        settings = {"url": self.url, "key_file": str(self.key_file)}
        if self.ca is not None:
            settings["ca_file"] = str(self.ca)
        return {**settings, **changes}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
