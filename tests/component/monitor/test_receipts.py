"""How far a site's reports are: the three things headquarters can say, to that site's key alone."""

from __future__ import annotations

import os
import uuid

import pytest

from tests.component.monitor.facts import Facts, uuid7


@pytest.fixture(scope="module")
def facts(world) -> Facts:
    made = Facts(world.database, "acme")
    made.correlated()
    return made


@pytest.fixture(scope="module")
def agent(world):
    return world.machine("acme", "receipt", "s001")


def states(client, *records: str, site: str = "s001") -> dict[str, str]:
    answer = client.post("/v1/receipts", {"site": site, "records": list(records)})
    assert answer.status == 200, answer.body
    assert all(item.keys() == {"record", "state"} for item in answer.json()["items"])
    return {item["record"]: item["state"] for item in answer.json()["items"]}


def judge(facts: Facts, world, record: str, value: str) -> None:
    elements = {"act": True, "beyond": False, "harm": True}
    body = {
        "kind": "verdict", "records": [record], "value": value, "elements": elements,
        "reason": "a test",
    }  # fmt: skip
    answer = world.client("acme", "headquarters").post("/v1/decisions", body)
    assert answer.status == 202, answer.body
    number = answer.json()["decisionNo"]
    assert states(world.machine("acme", "receipt"), record) == {record: "received"}  # pending
    facts.run("update kasumori.correlated set decision_no = %s", number)


def correct(facts: Facts, record: str, revision: int, replaces: int = 0) -> None:
    """A correction of a site's report; replaces 0: it takes the report back."""
    facts.run(
        "insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source,"
        " revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel,"
        " direction, is_training, body_hash, target_id, replaces) values (%s, %s, 4, 's001', '',"
        " 'a', 'form', %s, %s, %s, %s, %s, 1, 1, 1, false, %s, %s, %s)",
        facts.tenant, uuid7(), revision, facts.at, facts.at, facts.at, facts.at, os.urandom(16),
        record, replaces,
    )  # fmt: skip


def test_received_judged_withdrawn(facts, agent, world):
    left, judged, doubted, withdrawn = (facts.record() for _ in range(4))
    judge(facts, world, judged, "complaint")
    judge(facts, world, doubted, "suspected")
    correct(facts, withdrawn, 1)
    assert states(agent, left, judged, doubted, withdrawn) == {
        left: "received",
        judged: "judged",
        doubted: "in_review",
        withdrawn: "withdrawn",
    }


def test_only_the_winning_correction_counts(facts, agent):
    """docs/correlation.md D1: what is below the original, or of another kind, is inert."""
    kept, gone, back = (facts.record() for _ in range(3))
    facts.run("update kasumori.record set revision = 2 where record_id = %s", kept)
    correct(facts, kept, 1)
    correct(facts, gone, 1)
    correct(facts, gone, 2, replaces=3)
    correct(facts, back, 1)
    correct(facts, back, 2, replaces=2)
    assert states(agent, kept, gone, back) == {
        kept: "received",
        gone: "withdrawn",
        back: "received",
    }


def test_a_judge_who_reads_the_words_begins_the_review(facts, agent, world):
    record = facts.record()
    read = f"/v1/incidents/{record}?words=yes&purpose=review"
    assert world.client("acme", "privacy").get(read).status == 200
    assert states(agent, record) == {record: "received"}
    assert world.client("acme", "supervisor").get(f"/v1/incidents/{record}").status == 200
    assert states(agent, record) == {record: "received"}
    assert world.client("acme", "supervisor").get(read).status == 200
    assert states(agent, record) == {record: "in_review"}


def test_what_is_no_report_of_the_site_is_left_out(facts, agent, world):
    here, there = facts.record(), facts.record(site="s002")
    foreign = Facts(world.database, "bravo").record()
    assert states(agent, here, there, foreign, str(uuid.uuid4())) == {here: "received"}
    assert states(agent, there) == {}
    every = world.machine("acme", "receipt")
    assert states(every, here, there, site="s002") == {there: "received"}
    assert states(every, foreign) == {}


def test_whose_key_and_what_it_asks(agent, world):
    one = str(uuid.uuid4())
    good = {"site": "s001", "records": [one]}
    for scope in ("lookup", "read", "export"):
        assert world.machine("acme", scope, "s001").post("/v1/receipts", good).status == 403
    bad = [
        ({"site": "s002", "records": [one]}, "site"),
        ({"records": [one]}, "site"),
        ({"site": "", "records": [one]}, "site"),
        ({"site": 1, "records": [one]}, "site"),
        ({"site": "s001"}, "records"),
        ({"site": "s001", "records": []}, "records"),
        ({"site": "s001", "records": one}, "records"),
        ({"site": "s001", "records": [one] * 33}, "records"),
        ({"site": "s001", "records": [1]}, "records"),
        ({"site": "s001", "records": ['"},"x"']}, "records"),
        ({"site": "s001", "records": [one + "0"]}, "records"),
    ]
    for body, place in bad:
        answer = agent.post("/v1/receipts", body)
        assert (answer.status, answer.code, answer.json()["place"]) == (400, "bad_member", place)
    assert agent.post("/v1/receipts", {**good, "more": 1}).code == "bad_member"
    assert agent.post("/v1/receipts", {"site": "s001", "records": [one] * 32}).json() == {
        "items": []
    }
