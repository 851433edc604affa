"""A person named without an identifier, whom a supplement identifies later: the record's role stays."""

from __future__ import annotations

import json

from tests.support.process import wait_until
from tests.support.stack import Stack


def test_a_supplement_identifies_whom_a_record_only_names(stack: Stack, report):
    agent = stack.add_agent("s001")
    stack.add_aggregator(correlate_every="200ms")

    def send(body: dict) -> str:
        answer = agent.client().post_json("/v1/records", body)
        assert answer.status == 201, answer.text
        return answer.json()["recordId"]

    named = send(
        report(persons=[{"role": "SUBJECT", "ordinal": 1}, {"role": "WITNESS", "ordinal": 2}])
    )
    stack.wait_stored(1)
    assert stack.query("select bare_persons, bare_roles from kasumori.record") == [([1, 2], [1, 3])]

    def supplement(ordinal: int, role: str, number: str) -> dict:
        phone = {"kind": "PHONE", "assurance": "CARRIED", "value": number}
        body = report(persons=[{"role": role, "ordinal": ordinal, "identifiers": [phone]}])
        del body["incident"]
        return {**body, "supplement": {"targetId": named}}

    send(supplement(1, "WITNESS", "090-1111-2222"))  # the subject of the record
    send(supplement(2, "SUBJECT", "090-3333-4444"))  # its witness
    stack.wait_stored(3)

    def owners() -> list[dict]:
        done = stack.db_cli("dump", "--canonical", "--tenant", stack.tenant)
        return [v for v in map(json.loads, done.stdout.splitlines()) if v["t"] == "owner"]

    (owner,) = owners()
    assert (owner["ordinal"], owner["record"]) == (1, named.replace("-", ""))
    assert owner["node"] is not None
    wait_until(
        lambda: stack.value("select count(*) from kasumori.part") == 1,
        "the incident has a part",
        60,
    )
    assert stack.value("select count(*) from kasumori.class_run") == 1
    wait_until(
        lambda: (
            stack.db_cli("rebuild", "--verify", "--tenant", stack.tenant, is_ok=False).returncode
            == 0
        ),
        "derived rows equal the facts",
        60,
    )
    with stack.connect() as db:  # as stored before such persons were kept: rows stay well
        db.execute("update kasumori.record set bare_persons = null, bare_roles = null")
        db.execute("update kasumori.correlated set form = 0")
    wait_until(
        lambda: stack.value("select count(*) from kasumori.class_run") == 1 and owners() != [owner],
        "the role is the supplement's where the record's was not kept",
        60,
    )
