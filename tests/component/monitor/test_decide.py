"""Decisions over HTTP: every kind, every refusal, bulk, requests sent twice, two persons."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.component.monitor.facts import Facts, uuid7

ALL = {"act": True, "beyond": True, "harm": True}
UNTIL = "2099-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def facts(world) -> Facts:
    made = Facts(world.database, "acme")
    made.correlated()
    return made


@pytest.fixture
def hq(world):
    return world.client("acme", "headquarters")


@pytest.fixture
def supervisor(world):
    return world.client("acme", "supervisor")


def verdict(record: str, value: str = "confirmed", elements: object = ALL, **more: object) -> dict:
    made = {"kind": "verdict", "reason": "heard both", "records": [record], "value": value}
    return made | ({} if elements is None else {"elements": elements}) | more


def taken(facts: Facts, answer) -> tuple:
    assert answer.status == 202, answer.body
    return facts.decision(answer.json()["decisionNo"])


def refused(facts: Facts, client, body: object, status: int, code: str, place: str | None = None):
    before = facts.decisions()
    answer = client.post("/v1/decisions", body)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.json().get("place") == place, answer.body
    assert facts.decisions() == before


def test_a_verdict(facts, supervisor):
    record = facts.record()
    kind, made_by, second_by, reason, body = taken(
        facts, supervisor.post("/v1/decisions", verdict(record))
    )
    assert (kind, made_by, second_by, reason) == ("verdict", "supervisor", None, "heard both")
    assert body == {"records": [record.replace("-", "")], "value": "confirmed", "elements": ALL}
    actor, role, purpose, thing = facts.audit("decide.verdict")[-1]
    assert (actor, role, purpose) == ("supervisor", "supervisor", "heard both")
    assert thing.startswith("decision ")


def test_every_other_kind(facts, hq):
    a, b, record, other = facts.cls(1), facts.cls(2), facts.record(ordinal=0), facts.record()
    facts.edge(a, b)
    for made in (
        {"kind": "link", "classes": [a, facts.cls(3)]},
        {"kind": "suppress", "classes": [a, b]},
        {"kind": "pin_shared", "classes": [a], "value": "yes"},
        {"kind": "attach", "records": [record], "ordinal": 0},
        {"kind": "same_occurrence", "records": [record, other]},
        {"kind": "matter", "records": [record], "name": "返品"},
        {"kind": "not_listable", "classes": [a]},
        {"kind": "ack", "records": [record], "name": "repetition"},
    ):
        kind, *_, body = taken(facts, hq.post("/v1/decisions", made | {"reason": "so"}))
        assert kind == made["kind"] and body
    number = hq.post("/v1/decisions", verdict(record)).json()["decisionNo"]
    undo = {"kind": "revoke", "revokes": number, "reason": "too soon"}
    assert taken(facts, hq.post("/v1/decisions", undo))[0] == "revoke"
    refused(facts, hq, undo, 422, "inert", "revokes")


def test_attaching_to_a_subject_gives_it_one_handle(facts, hq):
    known, first, second = facts.record(ordinal=0), facts.record(ordinal=0), facts.record(ordinal=1)
    phone = facts.cls(77)
    name = f"{known}.0.phone.1.{phone['mac']}"
    before = facts.decisions()
    made = {
        "kind": "attach",
        "records": [first],
        "ordinal": 0,
        "handle": name,
        "reason": "his voice",
    }
    body = taken(facts, hq.post("/v1/decisions", made))[4]
    assert facts.decisions() == before + 2  # the subject's own mention first
    handle = uuid.UUID(body["handle"])
    facts.run(
        "insert into kasumori.token_class (tenant, kind, key_id, mac, class) values ('acme', "
        "1, 0, %s, 9001)",
        handle,
    )
    facts.run(
        "insert into kasumori.class_run (tenant, class, first_at, last_at, kind, subject) "
        "values ('acme', 9001, %s, %s, 1, 77)",
        facts.at,
        facts.at,
    )
    made |= {"records": [second], "ordinal": 1}
    again = taken(facts, hq.post("/v1/decisions", made))[4]
    assert again["handle"] == body["handle"]
    assert facts.decisions() == before + 3
    for wrong, status, code in (
        ("nonsense", 400, "bad_member"),
        (f"{known}.0.phone.1.{'0' * 32}", 404, "not_found"),
    ):
        refused(facts, hq, made | {"handle": wrong}, status, code, "handle")


def test_what_means_nothing(facts, hq):
    a, b, record = facts.cls(), facts.cls(), facts.record()
    late, nobody = a | {"at": "2026-11-05T00:00:00Z"}, a | {"mac": "0" * 32}
    reason = {"reason": "so"}
    for body, status, code, place in (
        (verdict(str(uuid7())), 404, "not_found", "records[0]"),
        (verdict(facts.record(is_effective=False)), 422, "inert", "records"),
        (verdict(facts.record(is_effective=False, is_new=True)), 409, "pending", "records[0]"),
        ({"kind": "link", "classes": [a, a], **reason}, 422, "inert", "classes"),
        ({"kind": "link", "classes": [late, b], **reason}, 422, "inert", "classes"),
        ({"kind": "suppress", "classes": [a, b], **reason}, 422, "inert", "classes"),
        ({"kind": "pin_shared", "classes": [late], "value": "no", **reason}, 422, "inert", "classes"),
        ({"kind": "not_listable", "classes": [nobody], **reason}, 404, "not_found", "classes[0]"),
        ({"kind": "attach", "records": [record], "ordinal": 5, **reason}, 422, "inert", "ordinal"),
        ({"kind": "revoke", "revokes": 99999, **reason}, 404, "not_found", "revokes"),
        (
            {"kind": "restrict", "classes": [a], "until": UNTIL, "scope": ["s001", "s999"], **reason},
            404, "not_found", "scope[1]",
        ),
    ):  # fmt: skip
        refused(facts, hq, body, status, code, place)


def test_the_three_elements(facts, hq):
    record = facts.record()
    for elements in (
        None,
        {},
        {"act": True},
        ALL | {"harm": "yes"},
        ALL | {"more": True},
        [],
        None,
    ):
        refused(facts, hq, verdict(record, elements=elements), 400, "bad_member", "elements")
    for missing in ALL:
        refused(
            facts,
            hq,
            verdict(record, elements=ALL | {missing: False}),
            400,
            "bad_member",
            "elements",
        )
        taken(facts, hq.post("/v1/decisions", verdict(record, "complaint", ALL | {missing: False})))
    for reason in ("", " ", "a\nb", "x" * 2049, 7, None):
        refused(facts, hq, verdict(record) | {"reason": reason}, 400, "bad_member", "reason")


def odd_decisions():
    record, mac = str(uuid.UUID(int=1)), "0" * 32
    cls = {"kind": "phone", "keyId": 1, "mac": mac, "at": "2026-11-01T03:00:00Z"}
    base = {"reason": "so"}
    yield {}, "kind"
    yield {"kind": "nothing"}, "kind"
    yield {"kind": 7}, "kind"
    yield {"kind": "verdict"} | base, "records"
    yield verdict(record, "guilty"), "value"
    yield verdict(record) | {"records": []}, "records"
    yield verdict(record) | {"records": [record] * 2}, "records[1]"
    yield verdict(record) | {"records": ["x"]}, "records[0]"
    yield verdict(record) | {"records": [1]}, "records[0]"
    yield verdict(record) | {"records": [str(uuid7()) for _ in range(65)]}, "records"
    yield verdict(record) | {"records": record}, "records"
    yield verdict(record) | {"until": UNTIL}, "until"
    yield verdict(record) | {"surprise": 1}, None
    yield {"kind": "link", "classes": [cls]} | base, "classes"
    yield {"kind": "link", "classes": [cls] * 3} | base, "classes"
    yield {"kind": "pin_shared", "classes": [cls] * 2, "value": "yes"} | base, "classes"
    yield {"kind": "pin_shared", "classes": [cls], "value": True} | base, "value"
    for change in ({"kind": "worker"}, {"keyId": -1}, {"keyId": "1"}, {"mac": "0"}, {"mac": "g" * 32},
                   {"at": "yesterday"}, {"more": 1}):  # fmt: skip
        yield {"kind": "not_listable", "classes": [cls | change]} | base, "classes[0]"
    yield {"kind": "not_listable", "classes": ["phone"]} | base, "classes[0]"
    yield {"kind": "attach", "records": [record]} | base, "ordinal"
    yield {"kind": "attach", "records": [record], "ordinal": -1} | base, "ordinal"
    yield {"kind": "attach", "records": [record], "ordinal": 1e99} | base, "ordinal"
    yield {"kind": "attach", "records": [record, str(uuid7())], "ordinal": 1} | base, "records"
    yield {"kind": "same_occurrence", "records": [record]} | base, "records"
    yield {"kind": "matter", "records": [record], "name": " "} | base, "name"
    yield {"kind": "matter", "records": [record], "name": "x" * 257} | base, "name"
    yield {"kind": "ack", "records": [record], "name": "rule"} | base, "name"
    yield {"kind": "restrict", "classes": [cls]} | base, "until"
    yield {"kind": "restrict", "classes": [cls], "until": "2020-01-01T00:00:00Z"} | base, "until"
    yield {"kind": "restrict", "classes": [cls], "until": UNTIL, "scope": []} | base, "scope"
    yield {"kind": "restrict", "classes": [cls], "until": UNTIL, "scope": [""]} | base, "scope[0]"
    yield (
        {"kind": "confirm_person", "classes": [cls], "until": UNTIL, "scope": ["s001"]} | base,
        "scope",
    )
    yield {"kind": "revoke", "revokes": 0} | base, "revokes"
    yield {"kind": "revoke", "revokes": "1"} | base, "revokes"


@pytest.mark.parametrize(("body", "place"), list(odd_decisions()))
def test_odd_decisions(facts, hq, body, place):
    refused(facts, hq, body, 400, "bad_member", place)


def test_who_may_decide_what(facts, world, supervisor, hq):
    a, own, foreign = facts.cls(), facts.record("s001"), facts.record("s002")
    privacy = world.client("acme", "privacy")
    not_listable = {"kind": "not_listable", "classes": [a], "reason": "a minor"}
    refused(facts, supervisor, verdict(foreign), 404, "not_found", "records[0]")
    refused(facts, supervisor, not_listable, 403, "forbidden", "kind")
    refused(facts, privacy, verdict(own), 403, "forbidden", "kind")
    listed_no = privacy.post("/v1/decisions", not_listable).json()["decisionNo"]
    verdict_no = hq.post("/v1/decisions", verdict(own)).json()["decisionNo"]
    own_no = supervisor.post("/v1/decisions", verdict(own)).json()["decisionNo"]
    for client, number in (
        (supervisor, verdict_no),
        (supervisor, listed_no),
        (privacy, verdict_no),
    ):
        refused(
            facts,
            client,
            {"kind": "revoke", "revokes": number, "reason": "x"},
            403,
            "forbidden",
            "revokes",
        )
    for client, number in ((supervisor, own_no), (privacy, listed_no), (hq, verdict_no)):
        assert (
            client.post(
                "/v1/decisions", {"kind": "revoke", "revokes": number, "reason": "x"}
            ).status
            == 202
        )


def test_other_tenants_do_not_exist(facts, world):
    other = world.client("bravo", "headquarters")
    refused(facts, other, verdict(facts.record()), 404, "not_found", "records[0]")
    a = facts.cls()
    refused(
        facts,
        other,
        {"kind": "not_listable", "classes": [a], "reason": "x"},
        404,
        "not_found",
        "classes[0]",
    )
    refused(
        facts, other, {"kind": "revoke", "revokes": 1, "reason": "x"}, 404, "not_found", "revokes"
    )


def test_nobody_judges_their_own_matter(facts, world, hq):
    worker = uuid.uuid4()
    with psycopg.connect(world.database) as db:
        db.execute(
            "update kasumori.account set workers = %s where tenant = 'acme' and account = "
            "'headquarters'",
            ([uuid.uuid4(), worker],),
        )
    record = facts.record(worker=worker)
    refused(facts, hq, verdict(record), 403, "party", "records[0]")
    matter = {"kind": "matter", "records": [record], "name": "返品", "reason": "so"}
    assert hq.post("/v1/decisions", matter).status == 202
    assert world.client("acme", "supervisor").post("/v1/decisions", verdict(record)).status == 202
    with psycopg.connect(world.database) as db:
        db.execute("update kasumori.account set workers = '{}' where tenant = 'acme'")


def test_bulk_counts_are_honest(facts, hq):
    good, before = [facts.record() for _ in range(3)], facts.decisions()
    items = [
        verdict(good[0], "rejected"),
        verdict(str(uuid7())),
        verdict(good[1], "rejected"),
        verdict(good[1], "confirmed", None),
        {"kind": "restrict", "classes": [facts.cls()], "until": UNTIL, "reason": "x"},
        verdict(good[2], "rejected"),
        7,
    ]
    answer = hq.post("/v1/decisions/bulk", {"decisions": items})
    assert answer.status == 200
    told = answer.json()
    assert told["done"] == 3
    assert [one["index"] for one in told["decided"]] == [0, 2, 5]
    for one, record in zip(told["decided"], good, strict=True):
        assert facts.decision(one["decisionNo"])[-1]["records"] == [record.replace("-", "")]
    assert [(r["index"], r["problem"]["code"]) for r in told["refused"]] == [
        (1, "not_found"), (3, "bad_member"), (4, "bad_member"), (6, "bad_member"),
    ]  # fmt: skip
    assert facts.decisions() == before + 3
    for body in (
        {},
        {"decisions": []},
        {"decisions": {}},
        {"decisions": [7] * 101},
        {"decisions": [7], "x": 1},
    ):
        assert hq.post("/v1/decisions/bulk", body).code == "bad_member"


def test_a_request_sent_twice_is_done_once(facts, hq, world):
    record, other = facts.record(), facts.record()
    key = {"Idempotency-Key": "a-key"}
    before = facts.decisions()
    first = hq.post("/v1/decisions", verdict(record), **key)
    again = hq.post("/v1/decisions", verdict(record), **key)
    assert (first.status, first.body) == (again.status, again.body) == (202, first.body)
    assert hq.post("/v1/decisions", verdict(other), **key).code == "key_reused"
    assert (
        hq.post("/v1/decisions/bulk", {"decisions": [verdict(record)]}, **key).code == "key_reused"
    )
    assert facts.decisions() == before + 1
    assert (
        world.client("acme", "supervisor").post("/v1/decisions", verdict(record), **key).status
        == 202
    )
    facts.run("update kasumori.idempotency set made_at = now() - interval '25 hours'")
    assert hq.post("/v1/decisions", verdict(other), **key).status == 202
    for bad in ("x" * 129, "a b", ""):
        assert hq.post("/v1/decisions", verdict(other), **{"Idempotency-Key": bad}).status == 400
    refused_first = hq.post("/v1/decisions", verdict(str(uuid7())), **{"Idempotency-Key": "b"})
    assert refused_first.status == 404
    assert hq.post("/v1/decisions", verdict(record), **{"Idempotency-Key": "b"}).status == 202


def test_many_at_once_with_one_key(facts, hq):
    record, before = facts.record(), facts.decisions()
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda _: hq.post("/v1/decisions", verdict(record), **{"Idempotency-Key": "storm"}),
                range(8),
            )
        )
    assert {(a.status, a.body) for a in answers} == {(202, answers[0].body)}
    assert facts.decisions() == before + 1


def test_a_stale_page_does_not_decide(facts, hq):
    record = facts.record()
    number = hq.post("/v1/decisions", verdict(record, "suspected")).json()["decisionNo"]
    for tag in ('"0"', '"0-abc"', f'"{number}9-abc"', '"*"', "x"):
        answer = hq.post("/v1/decisions", verdict(record), **{"If-Match": tag})
        assert (answer.status, answer.code) == (412, "stale"), tag
    assert (
        hq.post("/v1/decisions", verdict(record), **{"If-Match": f'"{number}-abc"'}).status == 202
    )
    assert (
        hq.post("/v1/decisions", verdict(record), **{"If-Match": f'"{number}-abc"'}).status == 412
    )


# ---- two persons ----


@pytest.fixture(scope="module")
def second(world):
    with psycopg.connect(world.database) as db:
        db.execute(
            "insert into kasumori.account (tenant, account, name, role) "
            "values ('acme', 'second', 'Second', 'headquarters')"
        )
    return world.client("acme", "second")


def propose(facts: Facts, client, kind: str = "restrict") -> str:
    body = {"kind": kind, "classes": [facts.cls()], "until": UNTIL, "reason": "三回の暴言"}
    if kind == "restrict":
        body["scope"] = ["s001"]
    answer = client.post("/v1/decisions", body)
    assert answer.status == 202, answer.body
    return answer.json()["proposal"]


def listed(client, state: str, proposal: str) -> dict | None:
    items = client.get(f"/v1/proposed-decisions?state={state}").json()["items"]
    return next((item for item in items if item["id"] == proposal), None)


@pytest.mark.parametrize("kind", ["restrict", "confirm_person"])
def test_two_persons(facts, hq, second, kind):
    before = facts.decisions()
    proposal = propose(facts, hq, kind)
    assert facts.decisions() == before
    assert facts.audit(f"propose.{kind}")[-1][3] == f"proposal {proposal}"
    assert listed(hq, "open", proposal)["mayApprove"] is False
    shown = listed(second, "open", proposal)
    assert shown["mayApprove"] is True and shown["decision"]["kind"] == kind
    path = f"/v1/proposed-decisions/{proposal}/approve"
    assert hq.post(path, {"reason": "me too"}).code == "same_person"
    answer = second.post(path, {"reason": "seen the record"})
    stored = facts.decision(answer.json()["decisionNo"])
    assert stored[:4] == (kind, "headquarters", "second", "三回の暴言")
    assert stored[4]["until"] == 4070908800000000
    assert facts.audit(f"approve.{kind}")[-1] == (
        "second",
        "headquarters",
        "seen the record",
        f"proposal {proposal}",
    )
    assert second.post(path, {"reason": "again"}).code == "closed"
    assert listed(second, "approved", proposal)["decisionNo"] == answer.json()["decisionNo"]
    assert facts.decisions() == before + 1


def test_withdrawn_and_lapsed(facts, hq, second, world):
    withdrawn, lapsed = propose(facts, hq), propose(facts, hq)
    assert hq.post(f"/v1/proposed-decisions/{withdrawn}/withdraw", {"reason": "no"}).status == 204
    facts.run(
        "update kasumori.proposed_decision set expires_at = now() where proposal = %s::uuid", lapsed
    )
    for proposal, state in ((withdrawn, "withdrawn"), (lapsed, "expired")):
        assert listed(hq, state, proposal)["state"] == state
        assert (
            second.post(f"/v1/proposed-decisions/{proposal}/approve", {"reason": "x"}).code
            == "closed"
        )
    open_one = propose(facts, hq)
    path = f"/v1/proposed-decisions/{open_one}/approve"
    assert world.client("bravo", "headquarters").post(path, {"reason": "x"}).code == "not_found"
    for bad in ({}, {"reason": ""}, {"reason": 1}, {"reason": "x", "more": 1}):
        assert second.post(path, bad).code == "bad_member"
    assert second.post("/v1/proposed-decisions/x/approve", {"reason": "x"}).code == "not_found"
    assert hq.get("/v1/proposed-decisions?state=what").code == "bad_parameter"


def test_two_approvals_at_once_make_one_decision(facts, hq, second):
    proposal, before = propose(facts, hq), facts.decisions()
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda _: second.post(
                    f"/v1/proposed-decisions/{proposal}/approve", {"reason": "x"}
                ),
                range(4),
            )
        )
    assert sorted(a.status for a in answers) == [202, 409, 409, 409]
    assert facts.decisions() == before + 1


def test_what_is_written_is_json(facts, hq):
    reason = 'quotes " and \\ and 日本語 and \u00ff'
    made = {"kind": "matter", "records": [facts.record()], "name": reason, "reason": reason}
    stored = taken(facts, hq.post("/v1/decisions", json.dumps(made).encode()))
    assert stored[3] == reason and stored[4]["name"] == reason


def test_what_is_open_is_shown_however_much_is_closed(world, facts):
    facts.run(
        "insert into kasumori.proposed_decision "
        "(tenant, kind, reason, request, body, made_by, made_at) "
        "values ('acme', 'restrict', 'x', '{}', '{}', 'the-first', now() - interval '1 hour')"
    )
    facts.run(
        "insert into kasumori.proposed_decision "
        "(tenant, kind, reason, request, body, made_by, state, closed_at, closed_by) "
        "select 'acme', 'restrict', 'x', '{}', '{}', 'x', 'withdrawn', now(), 'x' "
        "from generate_series(1, 501)"
    )
    client = world.client("acme", "headquarters")
    shown = client.get("/v1/proposed-decisions?state=open").json()["items"]
    assert "the-first" in {proposal["madeBy"] for proposal in shown}
    assert client.get("/v1/proposed-decisions?state=").code == "bad_parameter"
