"""Bad input over HTTP: one clear message with its place, the rest goes on, nothing accepted is lost."""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.e2e.conftest import make_report
from tests.support.client import Client
from tests.support.stack import Agent, Stack
from tests.support.topic import read_all

NUMBER = "090-7777-1234"


def person(**changes: object) -> list[dict]:
    identifier = {"kind": "PHONE", "assurance": "CARRIED", "value": NUMBER, **changes}
    return [{"role": "SUBJECT", "ordinal": 0, "identifiers": [identifier]}]


def incident(**changes: object) -> dict:
    return {**make_report()["incident"], **changes}


# What is wrong, the body, and what the message must name.
BAD = {
    "unknown field": (make_report(colour="red"), ["colour", "unknown field"]),
    "unknown field inside": (make_report(incident=incident(mood="bad")), ["incident.mood"]),
    "raw tokens": (make_report(persons=person(tokens=[])), ["persons[0].identifiers[0].tokens"]),
    "set by the agent": (make_report(clockState=1), ["clockState"]),
    "wrong type: number": (make_report(matter=5), ["matter", "string"]),
    "wrong type: string": (make_report(training="yes"), ["training", "true or false"]),
    "wrong type: object": (make_report(persons={}), ["persons", "array"]),
    "wrong type: inside": (
        make_report(incident=incident(loss={"staffMinutes": "many"})),
        ["incident.loss.staffMinutes"],
    ),
    "negative count": (
        make_report(incident=incident(loss={"staffMinutes": -1})),
        ["incident.loss.staffMinutes"],
    ),
    "site missing": (make_report(site=None), ["site"]),
    "site of another": (make_report(site="s002"), ["site", "s001"]),
    "tenant of another": (make_report(tenant="other"), ["tenant"]),
    "time missing": (make_report(occurredStartUs=None, occurredEndUs=None), ["occurredStartUs"]),
    "time without zone": (
        make_report(occurredStartUs="2026-04-01T10:00:00"),
        ["occurredStartUs"],
    ),
    "absurd date": (make_report(occurredStartUs="2026-02-30T10:00:00+09:00"), ["occurredStartUs"]),
    "year 1234": (
        make_report(occurredStartUs="1234-01-01T00:00:00Z", occurredEndUs=None),
        ["occurredStartUs", "occurred_start_us"],
    ),
    "far future": (
        make_report(occurredStartUs="2099-01-01T00:00:00Z", occurredEndUs="2099-01-01T00:00:01Z"),
        ["occurredStartUs", "occurred_start_us"],
    ),
    "end before start": (
        make_report(occurredEndUs="2026-04-01T09:00:00+09:00"),
        ["occurredEndUs", "occurred_end_us"],
    ),
    "longer than a day": (
        make_report(occurredEndUs="2026-04-03T09:00:00+09:00"),
        ["occurredEndUs", "occurred_end_us"],
    ),
    "over-long text": (make_report(incident=incident(note="あ" * 3000)), ["note"]),
    "over-long string": (make_report(matter="x" * 300), ["matter"]),
    "over-long identifier": (
        make_report(persons=person(value="1" * 300)),
        ["persons[0].identifiers[0].value"],
    ),
    "unknown enum name": (make_report(channel="TELEPATHY"), ["channel"]),
    "unknown kind name": (
        make_report(persons=person(kind="PASSPORT")),
        ["persons[0].identifiers[0].kind"],
    ),
    "five persons": (make_report(persons=person() * 5), ["persons"]),
    "same ordinal twice": (make_report(persons=person() * 2), ["persons[1]", "ordinal"]),
    "two bodies": (make_report(contact={"outcome": "CONNECTED"}), ["contact"]),
    "no body": (make_report(incident=None), []),
    "bad id": (make_report(recordId="not-an-id"), ["recordId"]),
    "bad target": (
        make_report(incident=None, supplement={"targetId": "AAAA", "incident": {}}),
        ["target"],
    ),
}

BAD_TEXT = {
    "not JSON": (b"{", []),
    "nothing": (b"", []),
    "an array": (b"[]", ["object"]),
    "two values": (b"{} {}", ["column"]),
    "key twice": (b'{"site":"s001","site":"s001"}', []),
    "invalid UTF-8": (b'{"site":"s001","matter":"\xff\xfe"}', []),
    "NUL in a string": (b'{"site":"s001","matter":"a\\u0000b"}', []),
    "lone surrogate": (b'{"site":"s001","matter":"\\ud800"}', []),
    "too deep": (b'{"a":' * 40 + b"1" + b"}" * 40, []),
}


@pytest.fixture
def agent(shared: Stack) -> Agent:
    return shared.agents["s001-a"]


def _check_problem(answer, words: list[str]) -> None:
    assert answer.status == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == 400 and problem["title"]
    detail = problem["detail"]
    assert detail and "\n" not in detail
    # The JSON's name of a place or the wire's; at least one of what is named.
    assert not words or any(word in detail for word in words), detail
    assert NUMBER not in answer.text and "お前" not in answer.text


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_refused_with_its_place(agent: Agent, what: str):
    body, words = BAD[what]
    answer = agent.client().post_json("/v1/records", body)
    _check_problem(answer, words[:1] + words[2:] if len(words) > 2 else words)


@pytest.mark.parametrize("what", BAD_TEXT)
def test_a_bad_text_is_refused(agent: Agent, what: str):
    body, words = BAD_TEXT[what]
    _check_problem(agent.client().post_json("/v1/records", body), words)


def test_bad_lines_of_a_batch_do_not_stop_the_good_ones(shared: Stack, agent: Agent):
    before = shared.stored()
    good = make_report()
    lines = [good, make_report(colour="red"), good, "{nonsense", good, make_report(site=None)]
    answer = agent.client().post_lines("/v1/records", lines)
    assert answer.status == 200, answer.text
    found = answer.json()
    assert (found["accepted"], found["rejected"]) == (3, 3)
    assert [result["line"] for result in found["results"]] == [1, 2, 3, 4, 5, 6]
    for result in found["results"]:
        if result["line"] % 2 == 1:
            assert "recordId" in result
        else:
            assert result["error"].startswith(f"line {result['line']}: ")
    assert "colour" in found["results"][1]["error"]
    shared.wait_stored(before + 3)


def test_more_lines_than_a_batch_may_have(agent: Agent):
    answer = agent.client().post_lines("/v1/records", [make_report()] * 1001)
    assert answer.status in (400, 413), answer.text
    assert "1000" in answer.text


def test_unknown_enum_numbers_are_kept(shared: Stack, agent: Agent):
    answer = agent.client().post_json("/v1/records", make_report(channel=77))
    assert answer.status == 201, answer.text
    shared.wait_drained()
    sql = "select channel from kasumori.record where record_id = %s"
    assert shared.value(sql, answer.json()["recordId"]) == 77


def test_a_value_of_more_than_64_kib_is_refused(agent: Agent):
    words = [{"value": "あ" * 2600} for _ in range(9)]
    answer = agent.client().post_json("/v1/records", make_report(incident=incident(words=words)))
    assert answer.status in (400, 413), answer.text
    assert answer.json()["detail"]


def test_bodies_methods_types_and_paths_that_are_not_ours(agent: Agent):
    client = agent.client()
    assert client.send("POST", "/v1/records", b"x" * (5 << 20), "application/json").status == 413
    assert client.get("/v1/records").status == 405
    assert client.get("/v2/records").status == 404
    assert client.send("POST", "/v1/records", b"{}", "text/html").status == 415
    assert client.send("POST", "/v1/call-records?source=nope", b"", "text/csv").status in (400, 404)
    assert client.send("POST", "/v1/call-records", b"", "text/csv").status == 400
    assert client.get("/livez").status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        b"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}",
        b"POST /v1/records HTTP/1.1\r\nHost : a\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /livez%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_requests_that_could_be_read_two_ways_are_refused(agent: Agent, head: bytes):
    with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as link:
        link.sendall(head)
        link.shutdown(socket.SHUT_WR)
        answer = b""
        while part := link.recv(4096):
            answer += part
    assert not answer or answer.split(b" ")[1][:1] == b"4", answer[:200]
    assert agent.status("/livez") == 200


def test_a_slow_client_does_not_hold_the_others(agent: Agent):
    with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as slow:
        slow.sendall(b"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        started = time.monotonic()
        assert Client(agent.port).post_json("/v1/records", make_report()).status == 201
        assert time.monotonic() - started < 5


CALL = (
    '"","0312345678","600","c","""A"" <0312345678>","P/1","P/2","Dial","x","2026-04-01 11:00:00",'
    '"2026-04-01 11:00:05","2026-04-01 11:01:05",65,60,"ANSWERED","DOCUMENTATION","{0}","","","{0}",1\n'
)


@pytest.mark.parametrize(
    ("what", "row"),
    [
        ("broken quote", '"","0312345678,"600"x,"c\n'),
        ("other column count", '"","0312345678","600"\n'),
        (
            "no such date",
            CALL.format("1775008801.9").replace("2026-04-01 11:00:00", "2026-13-01 11:00:00"),
        ),
        ("no number", CALL.format("1775008801.8").replace(",65,60,", ",abc,60,")),
    ],
)
def test_bad_rows_of_a_call_record_file_do_not_stop_the_good_ones(
    shared: Stack, agent: Agent, what: str, row: str
):
    before = shared.stored()
    first = 1775008900 + 10 * sum(what.encode())
    text = CALL.format(f"{first}.1") + row + CALL.format(f"{first + 1}.2")
    answer = agent.client().send("POST", "/v1/call-records?source=pbx1", text, "text/csv")
    assert answer.status == 200, answer.text
    assert "line 2" in answer.text or '"line":2' in answer.text, answer.text
    assert "0312345678" not in answer.text
    if what != "broken quote":  # which may swallow what follows it, and must say so
        shared.wait_stored(before + 2)
    shared.wait_drained()


def test_nothing_bad_reached_the_topic(shared: Stack, agent: Agent):
    shared.wait_drained()
    messages = read_all(shared.servers.kafka.bootstrap, shared.topic_records)
    assert len(messages) == shared.stored()
    assert shared.value("select count(*) from kasumori.bad_record") == 0
    assert json.dumps(NUMBER) not in agent.log_text()
