# ruff: noqa: E501 (made-up rows read best as rows)
"""A server that answers in the shapes of openapi.yaml from made-up data, for what a real installation
does not show on demand: every page full, empty, refused and away. Decisions move as the aggregator moves
them: accepted, pending, in effect. What is asked or answered otherwise than described is a fault.

python -m tests.e2e.web.fixture     serves on a free port until Ctrl-C, to look at the pages
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema

from tests.e2e.web.made_up import JST, SUBJECT, Shapes, rfc, uid
from tests.e2e.web.made_up_figures import stats
from tests.support.contract import Contract
from tests.support.paths import binaries

__all__ = ["SUBJECT", "Fixture", "World", "uid"]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
contract = functools.cache(Contract)


class World(Shapes):
    """What the server knows. Tests change it between requests."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.role = "headquarters"
        self.is_signed_in = True
        self.is_empty = False
        self.is_away = False
        self.refused: dict[str, tuple[int, str]] = {}  # path prefix → status, code
        self.derived_no = 41
        self.decisions: list[dict] = []
        self.proposals: list[dict] = []
        self.tokeniser: str | None = None
        self.party_records: set[str] = {uid(4)}
        self.events: list[tuple[int, str, dict]] = []
        self.requests: list[tuple[str, str, dict]] = []
        self.lock = threading.Condition()
        self.shared = False
        self.suppressed_by: int | None = None
        self.acknowledged = False
        self.more_sites = 0
        self.site_suffix = ""
        self.page_size = 20
        self.faults: list[str] = []

    # -- events

    def tell(self, name: str, data: dict) -> None:
        with self.lock:
            self.events.append((len(self.events) + 1, name, data))
            self.lock.notify_all()

    def derive(self) -> None:
        """What the aggregator does with decisions."""
        with self.lock:
            for one in self.decisions:
                one["pending"] = False
            self.derived_no = 41 + len(self.decisions)
        self.tell("decision", {"decisionNo": self.derived_no})

    # -- answers

    def get(self, path: str, query: dict[str, str]) -> object:
        page = self._get(path, query)
        if self.is_empty and isinstance(page, dict):
            if "items" in page:
                return {"items": []}
            for name in (
                "rows",
                "alerts",
                "categories",
                "trend",
                "sites",
                "findings",
                "links",
                "classes",
                "answers",
            ):
                if name in page and path.split("/")[1] in ("now", "stats", "subjects"):
                    page[name] = []
            if "occurrences" in page and path.startswith("/subjects"):
                page["occurrences"] = {"items": []}
        return page

    def _get(self, path: str, query: dict[str, str]) -> object:
        head, _, rest = path[1:].partition("/")
        answers = {
            "session": self.session_page,
            "sites": self.sites_page,
            "categories": self.categories_page,
            "now": self.now_page,
            "incidents": lambda: self.incidents_page(query),
            "incidents/": lambda: self.record_page(rest, query.get("purpose")),
            "occurrences/": lambda: self.occurrence_page(rest),
            "subjects/": self.subject,
            "alerts": lambda: {"items": [self.alert(i) for i in range(9)]},
            "alerts/": lambda: self.alert_page(rest),
            "notices": self.notices_page,
            "review": lambda: {
                "items": [one for one in self.review() if query.get("kind") in (None, one["kind"])]
            },
            "proposed-decisions": lambda: {"items": self.proposals},
            "bad-records": self.bad_page,
            "audit": self.audit_page,
            "stats/": lambda: stats(self.now.astimezone(JST).date(), rest),
            "timeline/": lambda: self.timeline_page(rest),
        }
        answer = answers.get(f"{head}/" if rest else head)
        return None if answer is None else answer()

    def decide(self, decision: dict) -> dict:
        if decision["kind"] in ("restrict", "confirm_person"):
            decision["until"] = rfc(datetime.fromisoformat(decision["until"]))
            proposal = {
                "id": uid(800 + len(self.proposals)),
                "decision": decision,
                "madeBy": "hq-02",
                "madeAt": rfc(datetime.now(UTC)),
                "state": "open",
                "expiresAt": self.ago(days=-14),
                "mayApprove": True,
            }
            self.proposals.append(proposal)
            return {"proposal": proposal["id"]}
        number = 42 + len(self.decisions)
        self.decisions.append(
            {
                "decisionNo": number, "kind": decision["kind"], "madeAt": rfc(datetime.now(UTC)), "madeBy": "hq-01", "reason": decision["reason"],
                "inForce": True, "pending": True, "records": decision.get("records", []),
            }
            | {name: decision[name] for name in ("value", "elements") if name in decision}
        )  # fmt: skip
        if decision["kind"] == "suppress":
            self.suppressed_by = number
        elif decision["kind"] == "revoke" and decision["revokes"] == self.suppressed_by:
            self.suppressed_by = None
        elif decision["kind"] == "pin_shared":
            self.shared = decision["value"] == "yes"
        elif decision["kind"] == "ack":
            self.acknowledged = True
        return {"decisionNo": number}


def problem(status: int, code: str) -> dict:
    titles = {
        "unauthenticated": ("サインインが必要です", "Please sign in"),
        "forbidden": ("この操作は許可されていません", "You may not do this"),
        "not_found": ("見つかりません", "Not found"),
        "party": ("この報告の当事者は判定できません", "A party to the report cannot judge it"),
        "unavailable": ("データベースに接続できません", "The database is away"),
        "wrong": ("アカウントまたはパスワードが違います", "Wrong account or password"),
    }
    ja, en = titles.get(code, (code, code))
    return {
        "type": "about:blank",
        "status": status,
        "code": code,
        "title": ja,
        "titles": {"ja": ja, "en": en},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World
    files: Path

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: object, kind: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        if status >= 400:
            kind = "application/problem+json"
        if self.path.startswith("/v1/"):
            self.hold_to_contract(status, kind, data)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        with contextlib.suppress(OSError):  # a page that is left reads no further
            self.wfile.write(data)

    def hold_to_contract(self, status: int, kind: str, data: bytes) -> None:
        answer = SimpleNamespace(status=status, headers={"content-type": kind}, body=data)
        path = urlsplit(self.path).path
        try:
            contract().check(self.command, path, answer)
        except (AssertionError, jsonschema.ValidationError) as error:
            self.world.faults.append(f"{self.command} {path}: {str(error)[:500]}")

    def refuse(self, status: int, code: str) -> None:
        self.reply(status, problem(status, code))

    def is_refused(self, path: str) -> bool:
        world = self.world
        if world.is_away:
            self.refuse(503, "unavailable")
            return True
        if not world.is_signed_in and path != "/session":
            self.refuse(401, "unauthenticated")
            return True
        for prefix, (status, code) in world.refused.items():
            if path.startswith(prefix):
                self.refuse(status, code)
                return True
        return False

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not parts.path.startswith("/v1/"):
            self.serve_file(parts.path)
            return
        path = unquote(parts.path[3:])
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.world.requests.append(("GET", path, query))
        wrong = contract().wrong_parameter("GET", parts.path, query)
        if wrong is not None:
            self.world.faults.append(f"GET {path}: parameter {wrong} is not as described")
        if path == "/session" and not self.world.is_signed_in:
            self.refuse(401, "unauthenticated")
        elif self.is_refused(path):
            pass
        elif path == "/events":
            self.serve_events()
        elif path.startswith("/exports/"):
            self.reply(200, "﻿recordId\r\n".encode(), "text/csv; charset=utf-8")
        else:
            page = self.world.get(path, query)
            self.refuse(404, "not_found") if page is None else self.reply(200, page)

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path[3:])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        world = self.world
        world.requests.append(("POST", path, body))
        if path == "/session":
            if body["password"] != "correct horse":
                self.refuse(401, "wrong")
                return
            world.is_signed_in = True
            self.reply(200, world.get("/session", {}))
        elif path == "/session/end":
            world.is_signed_in = False
            self.reply(204, b"")
        elif self.is_refused(path):
            pass
        elif path == "/decisions":
            if set(body.get("records", [])) & world.party_records and body["kind"] == "verdict":
                self.refuse(403, "party")
            else:
                self.reply(202, world.decide(body))
        elif path == "/decisions/bulk":
            decided, refused = [], []
            for index, one in enumerate(body["decisions"]):
                if set(one.get("records", [])) & world.party_records:
                    refused.append({"index": index, "problem": problem(403, "party")})
                else:
                    decided.append({"index": index} | world.decide(one))
            self.reply(200, {"done": len(decided), "decided": decided, "refused": refused})
        elif path.endswith("/approve"):
            proposal = next(one for one in world.proposals if one["id"] in path)
            world.proposals.remove(proposal)
            world.decisions.append(
                {
                    "decisionNo": 42 + len(world.decisions),
                    "kind": proposal["decision"]["kind"],
                    "madeAt": rfc(datetime.now(UTC)),
                    "madeBy": "hq-02",
                    "secondBy": "hq-01",
                    "reason": body["reason"],
                    "inForce": True,
                    "pending": True,
                    "records": [],
                }
            )
            self.reply(202, {"decisionNo": 41 + len(world.decisions)})
        else:
            self.refuse(404, "not_found")

    def serve_file(self, path: str) -> None:
        file = self.files / ("index.html" if path == "/" else path[1:])
        if ".." in path or not file.is_file():
            self.refuse(404, "not_found")
            return
        self.reply(200, file.read_bytes(), TYPES[file.suffix])

    def serve_events(self) -> None:
        after = self.headers.get("Last-Event-ID")
        world, seen = self.world, int(after or len(self.world.events))
        world.requests.append(("EVENTS", "/events", {"after": after}))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(b": hello\n\n")
            self.wfile.flush()
            while not world.is_away:
                with world.lock:
                    world.lock.wait_for(
                        lambda seen=seen: len(world.events) > seen or world.is_away, 1
                    )
                    fresh = world.events[seen:]
                for number, name, data in fresh:
                    self.wfile.write(
                        f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
                    )
                    seen = number
                self.wfile.write(b":\n\n")
                self.wfile.flush()
        except OSError:
            pass
        self.close_connection = True


class Fixture:
    """One server; each test gets a world of its own in it."""

    def __init__(self, files: Path | None = None):
        self.world = World()
        files = files or binaries().parent / "board"
        self.handler = type("Bound", (Handler,), {"world": self.world, "files": files})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def renew(self) -> World:
        """The old one's streams end."""
        self.end_streams()
        self.world = self.handler.world = World()
        return self.world

    def end_streams(self) -> None:
        self.world.is_away = True
        with self.world.lock:
            self.world.lock.notify_all()

    def __enter__(self) -> Fixture:
        serve = functools.partial(self.server.serve_forever, poll_interval=0.05)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end_streams()
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    with Fixture() as fixture:
        print(fixture.url, flush=True)
        while True:
            time.sleep(3600)
