"""Who sees and judges what, where a route alone does not say it: regressions found by a review."""

from __future__ import annotations

import uuid

import pytest

from tests.component.monitor.facts import Facts, uuid7
from tests.component.monitor.test_decide import verdict


@pytest.fixture
def facts(world):
    made = Facts(world.database, "acme")
    made.correlated()
    return made


@pytest.fixture
def party(facts):
    """The worker token of headquarters' account, for as long as the test runs."""
    mac = uuid.uuid4()
    own = (
        "update kasumori.account set workers = %s::uuid[] "
        "where tenant = 'acme' and account = 'headquarters'"
    )
    facts.run(own, [mac])
    yield mac
    facts.run(own, [])


def add_alert(facts, records):
    alert = uuid.uuid4()
    facts.run(
        "insert into kasumori.alert (tenant, alert, rule, is_notice, finding, state, change_no) "
        "values ('acme', %s, 'repetition', false, %s, 'open', 1)",
        alert,
        uuid.uuid4(),
    )
    facts.run(
        "insert into kasumori.alert_change (tenant, alert, change_no, change, records) "
        "values ('acme', %s, 1, 'opened', %s::uuid[])",
        alert,
        records,
    )
    return str(alert)


def test_a_supervisor_sees_no_decision_on_another_sites_record(world, facts):
    record = facts.record(site="s002")
    assert world.client("acme", "headquarters").post("/v1/decisions", verdict(record)).status == 202
    supervisor = world.client("acme", "supervisor")
    for path in (f"/v1/decisions?record={record}", "/v1/decisions?limit=200"):
        items = supervisor.get(path).json()["items"]
        assert str(record) not in {named for item in items for named in item["records"]}


def test_a_party_takes_back_no_verdict(world, facts, party):
    record = facts.record(site="s001", worker=party)
    headquarters = world.client("acme", "headquarters")
    assert headquarters.post("/v1/decisions", verdict(record)).status == 403
    made = world.client("acme", "supervisor").post(
        "/v1/decisions", verdict(record, value="rejected")
    )
    assert made.status == 202
    revoke = {"kind": "revoke", "reason": "mine", "revokes": made.json()["decisionNo"]}
    refused = headquarters.post("/v1/decisions", revoke)
    assert (refused.status, refused.code) == (403, "party")


def test_a_party_brings_back_no_verdict(world, facts, party):
    """A verdict that was revoked comes back when that is revoked: the same decision, once removed."""
    record = facts.record(site="s001", worker=party)
    supervisor, headquarters = (world.client("acme", r) for r in ("supervisor", "headquarters"))
    number = supervisor.post("/v1/decisions", verdict(record, value="rejected")).json()[
        "decisionNo"
    ]
    undo = {"kind": "revoke", "reason": "too soon", "revokes": number}
    undo["revokes"] = supervisor.post("/v1/decisions", undo).json()["decisionNo"]
    refused = headquarters.post("/v1/decisions", undo)
    assert (refused.status, refused.code) == (403, "party")
    facts.run("update kasumori.account set workers = '{}' where account = 'headquarters'")
    again = headquarters.post("/v1/decisions", undo)
    assert again.status == 202
    facts.run(
        "update kasumori.account set workers = %s::uuid[] where account = 'headquarters'", [party]
    )
    undo["revokes"] = again.json()["decisionNo"]
    assert headquarters.post("/v1/decisions", undo).code == "party"


def move(facts, record, concerned):
    """A correction of it says that another site is concerned, and wins."""
    correction = uuid7()
    facts.run(
        "insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source,"
        " revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel,"
        " direction, is_training, body_hash, target_id, replaces) select tenant, %s, 4, site, %s,"
        " agent, source, 1, occurred_start, occurred_end, recorded_at, appended_at, clock_state,"
        " channel, direction, false, body_hash, record_id, 2 from kasumori.record"
        " where tenant = 'acme' and record_id = %s",
        correction, concerned, record,
    )  # fmt: skip
    facts.run(
        "update kasumori.occurrence_record set effective_id = %s where record_id = %s",
        correction, record,
    )  # fmt: skip


def test_who_sees_a_corrected_record_decides(world, facts):
    supervisor = world.client("acme", "supervisor")
    for before, after, status in (("s001", "s002", 404), ("s002", "s001", 200)):
        record = facts.record(site="s003")
        facts.run(
            "update kasumori.record set concerned_site = %s where record_id = %s", before, record
        )
        move(facts, record, after)
        assert supervisor.get(f"/v1/incidents/{record}").status == status
        decided = supervisor.post("/v1/decisions", verdict(record))
        assert decided.status == (202 if status == 200 else 404), decided.body


def test_alerts_on_the_board_are_not_an_administrators(world, facts):
    alert = add_alert(facts, [facts.record(site="s002")])
    assert world.client("acme", "admin").get("/v1/now").json()["alerts"] == []
    shown = world.client("acme", "headquarters").get("/v1/now").json()["alerts"]
    assert alert in {one["alert"] for one in shown}


def test_a_large_alert_leaves_the_board_standing(world, facts):
    records = [facts.record(site="s002"), *(uuid7() for _ in range(2600))]
    alert = add_alert(facts, [str(record) for record in records])
    answer = world.client("acme", "headquarters").get("/v1/now")
    assert answer.status == 200
    (shown,) = [one for one in answer.json()["alerts"] if one["alert"] == alert]
    assert len(shown["records"]) >= 2000
