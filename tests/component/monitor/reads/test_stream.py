"""What goes on: events as they come about, and exports as files."""

from __future__ import annotations

import csv
import hashlib
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.component.monitor.reads.asking import every
from tests.support.process import wait_until


class Events:
    """One stream, read event by event."""

    def __init__(self, client, last_id: str | None = None):
        self.connection = http.client.HTTPConnection("127.0.0.1", client.monitor.port, timeout=30)
        headers = dict(client.headers) | ({"Last-Event-ID": last_id} if last_id else {})
        self.connection.request("GET", "/v1/events", headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        assert self.response.getheader("content-type") == "text/event-stream"

    def next(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line == "" and "event" in found:
                return found
            key, colon, value = line.partition(": ")
            if colon:
                found[key] = value

    def until(self, kind: str, holds=lambda data: True) -> dict:
        while True:
            event = self.next()
            data = json.loads(event["data"])
            if event["event"] == kind and holds(data):
                return {"id": event.get("id")} | data

    def close(self) -> None:
        self.connection.close()


class Follower:
    """A board: reads in a thread of its own and comes back where it was when its stream ends."""

    def __init__(self, client, last_id: str | None = None):
        self.client, self.last_id = client, last_id
        self.heard: list[dict[str, str]] = []
        self.is_closed = False
        self.stream = Events(client, last_id)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        found: dict[str, str] = {}
        for line in self.stream.response:
            key, colon, value = line.decode().rstrip("\n").partition(": ")
            if colon:
                found[key] = value
            elif line == b"\n" and "event" in found:
                self.last_id = found.get("id", self.last_id)
                self.heard.append(found)
                found = {}

    def _run(self) -> None:
        while not self.is_closed:
            try:
                self._read()
                self.stream = Events(self.client, self.last_id)
            except (OSError, http.client.HTTPException, AssertionError):
                time.sleep(0.1)  # away, which is what some tests are about

    def kinds(self) -> list[str]:
        return [event["event"] for event in self.heard]

    def records(self) -> list[str]:
        return [
            json.loads(event["data"])["recordId"]
            for event in list(self.heard)
            if event["event"] == "record"
        ]

    def wait(self, what: str, holds: Callable[[], bool], wait_s: float = 60) -> None:
        wait_until(holds, f"heard {what}", wait_s)

    def close(self) -> None:
        self.is_closed = True
        self.stream.response.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()


def _agent_of(chain, site: str):
    return next(a for a in chain.stack.agents.values() if a.site == site)


def report(chain, site: str) -> str:
    answer = _agent_of(chain, site).client().post_json(
        "/v1/records",
        {
            "site": site, "occurredStartUs": int(time.time() * 1e6), "channel": "FACE_TO_FACE",
            "incident": {"categories": [{"scheme": "mhlw9", "version": "2022", "code": "abuse"}]},
        },
    )  # fmt: skip
    assert answer.status == 201, answer.text
    return answer.json()["recordId"]


def report_many(chain, site: str, count: int) -> list[str]:
    """Contacts, which no list of incidents shows."""
    line = {
        "site": site, "occurredStartUs": int(time.time() * 1e6), "channel": "FACE_TO_FACE",
        "contact": {},
    }  # fmt: skip
    lines = [line] * count
    answer = _agent_of(chain, site).client().post_lines("/v1/records", lines)
    assert answer.json()["accepted"] == count, answer.text
    return [result["recordId"] for result in answer.json()["results"]]


def test_a_report_comes_by_itself(chain):
    listener = Events(chain.client("headquarters"))
    listener.until("behind")
    record = report(chain, "s001")
    event = listener.until("record", lambda data: data["recordId"] == record)
    assert (event["kind"], event["site"]) == ("incident", "s001")
    assert event["categories"] == ["mhlw9:2022:abuse"]
    listener.close()


def test_a_site_hears_its_own_and_the_other_tenant_nothing(chain):
    own, foreign = Events(chain.client("site")), Events(chain.client("headquarters", "bravo"))
    own.until("behind")
    foreign.until("behind")
    other, mine = report(chain, "s002"), report(chain, "s001")
    heard = own.until("record")
    assert heard["recordId"] == mine != other
    foreign.response.fp.raw._sock.settimeout(2)
    try:
        while True:
            assert foreign.next()["event"] not in ("record", "alert")
    except TimeoutError:
        pass
    own.close()
    foreign.close()


def test_a_stream_goes_on_where_it_ended(chain):
    client = chain.client("headquarters")
    keeper, listener = Events(client), Events(client)
    listener.until("behind")
    first = report(chain, "s001")
    last_id = listener.until("record", lambda data: data["recordId"] == first)["id"]
    listener.close()
    second = report(chain, "s003")
    keeper.until("record", lambda data: data["recordId"] == second)
    again = Events(client, last_id)
    assert again.until("record")["recordId"] == second
    again.close()
    strange = Events(client, "0000000000000001-7")
    assert {strange.next()["event"], strange.next()["event"]} == {"behind", "reset"}
    strange.close()
    keeper.close()


def test_a_decision_is_told_when_it_is_in(chain):
    listener = Events(chain.client("headquarters"))
    listener.until("behind")
    number = chain.decide("matter", "--record", chain.judged["matter"], "--name", "配送")
    assert listener.until("decision")["decisionNo"] == number
    listener.close()


def test_a_session_end_ends_its_stream(chain):
    client = chain.client("privacy")
    token = client.headers["Cookie"].split("__Host-kasumori=")[1]
    with chain.db() as db:
        db.execute(
            "update kasumori.session set expires_at = now() + interval '2 seconds' "
            "where token_hash = %s",
            (hashlib.sha256(token.encode()).digest(),),
        )
    listener = Events(client)
    deadline = time.monotonic() + 15
    while listener.response.readline() != b"":
        assert time.monotonic() < deadline
    listener.close()


# -- exports


def lines(answer) -> list[dict]:
    return [json.loads(line) for line in answer.body.decode().splitlines()]


def test_ndjson_holds_what_the_list_holds(chain):
    client = chain.client("headquarters")
    for query in ("", "&site=s001", "&verdict=confirmed", "&judged=no"):
        answer = client.get(f"/v1/exports/incidents.ndjson?purpose=report{query}")
        assert answer.status == 200 and "attachment" in answer.headers["content-disposition"]
        head, *rows, end = lines(answer)
        assert head["export"]["user"] == "headquarters"
        assert rows == every(client, f"/v1/incidents{query.replace('&', '?', 1)}")[::-1]
        assert end["end"]["rows"] == len(rows)
        before = answer.body[: answer.body.rindex(b'{"end"')]
        assert end["end"]["sha256"] == hashlib.sha256(before).hexdigest()


def test_csv_opens_in_a_spreadsheet(chain):
    chain.wait_decided(
        chain.decide("matter", "--record", chain.judged["matter"], "--name", '=1+1,"x"')
    )
    client = chain.client("supervisor")
    answer = client.get("/v1/exports/incidents.csv?purpose=report")
    assert answer.body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
    assert rows[0][0] == "# export" and rows[0][1] == "supervisor"
    columns, body, end = rows[1], rows[2:-1], rows[-1]
    assert [len(row) for row in body] == [len(columns)] * len(body)
    assert end[0] == "# end" and int(end[2]) == len(body) > 0
    before = answer.body[: answer.body.rindex(b'"# end"')]
    assert end[4] == hashlib.sha256(before).hexdigest()
    cells = {cell for row in body for cell in row}
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert any(
        row[columns.index("matters")].startswith("'=1+1") or "=1+1" in row[9] for row in body
    )
    assert all("s001" in (row[1], row[2]) for row in body)


def test_an_export_is_audited_and_needs_a_purpose(chain):
    client = chain.machine("export")
    assert client.get("/v1/exports/incidents.csv").status == 400
    assert client.get("/v1/exports/incidents.ndjson?purpose=nightly").status == 200
    assert chain.rows(
        "select action, purpose, object from kasumori.audit order by audit_no desc limit 1"
    ) == [("export.ndjson", "nightly", "incidents")]
    assert chain.machine("read").get("/v1/exports/incidents.csv?purpose=x").status == 403


def test_updated_since_gives_what_changed(chain):
    client = chain.client("headquarters")
    since = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    time.sleep(1.1)
    path = f"/v1/exports/incidents.ndjson?purpose=x&updated_since={since}"
    assert [line for line in lines(client.get(path)) if "recordId" in line] == []
    judged = chain.judged["complaint"]
    chain.wait_decided(chain.decide("verdict", "--record", judged, "--value", "rejected"))
    new = report(chain, "s002")
    wait_until(
        lambda: chain.rows("select from kasumori.occurrence_record where record_id = %s", new),
        "the new report counts",
    )
    changed = {line["recordId"] for line in lines(client.get(path)) if "recordId" in line}
    assert changed == {judged, new}


# -- bad readers, bad times: last, as they leave much behind


def _raw_stream(client, receive_bytes: int) -> socket.socket:
    """A stream nobody reads, on a connection that holds little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(30)
    sock.connect(("127.0.0.1", client.monitor.port))
    fields = "".join(f"{name}: {value}\r\n" for name, value in client.headers.items())
    sock.sendall(f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode())
    assert sock.recv(12) == b"HTTP/1.1 200"
    return sock


def _read_to_end(sock: socket.socket) -> bytes:
    found = b""
    try:
        while piece := sock.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def test_a_slow_reader_is_dropped_and_nobody_else(chain):
    client = chain.client("headquarters")
    quick, slow = Follower(client), _raw_stream(client, 4096)
    quick.wait("something", lambda: "behind" in quick.kinds())
    sent: list[str] = []
    for _ in range(4):
        sent += report_many(chain, "s002", 1000)
    quick.wait("all", lambda: set(sent) <= set(quick.records()), 120)
    mine = set(sent)  # the test before may have left one to be told
    assert sorted(one for one in quick.records() if one in mine) == sorted(sent)
    assert "reset" not in quick.kinds()
    seen = _read_to_end(slow).count(b"event: record")
    assert 0 < seen < len(sent)  # whose stream ends by its time alone has been given all
    slow.close()
    quick.close()


def test_a_stream_shows_that_it_lives(chain):
    listener = Events(chain.client("headquarters"))
    until = time.monotonic() + 45
    while listener.response.readline() != b":\n":
        assert time.monotonic() < until
    listener.close()


def _numbered_until(board: Follower, record: str) -> list[dict[str, str]]:
    """What a board that comes back would be told again, up to a record."""
    events = [event for event in board.heard if "id" in event]
    return events[: next(i + 1 for i, event in enumerate(events) if record in event["data"])]


def test_who_comes_back_hears_exactly_what_it_missed(chain):
    client = chain.client("headquarters")
    keeper, leaver = Follower(client), Events(client)
    leaver.until("behind")
    first = report(chain, "s001")
    last_id = leaver.until("record", lambda data: data["recordId"] == first)["id"]
    leaver.close()
    missed = report_many(chain, "s001", 40) + report_many(chain, "s003", 10)
    keeper.wait("all", lambda: set(missed) <= set(keeper.records()))
    back = Follower(client, last_id)
    last = report(chain, "s002")
    for one in (keeper, back):
        one.wait("the last", lambda one=one: last in one.records())
    told, again = _numbered_until(keeper, last), _numbered_until(back, last)
    at = next(i for i, event in enumerate(told) if event["id"] == last_id)
    assert again == told[at + 1 :]
    assert set(missed) <= set(back.records())
    keeper.close()
    back.close()


def test_a_stream_says_that_the_database_is_away_and_goes_on(chain, pg):
    listener = Follower(chain.client("headquarters"))
    listener.wait("something", lambda: "behind" in listener.kinds())
    pg.stop()
    try:
        listener.wait("that it is away", lambda: "away" in listener.kinds())
    finally:
        pg.start()
    listener.wait("that it is back", lambda: "back" in listener.kinds())
    record = report(chain, "s001")
    listener.wait("what came then", lambda: record in listener.records())
    assert listener.kinds().index("away") < listener.kinds().index("back")
    assert "reset" not in listener.kinds()
    listener.close()
