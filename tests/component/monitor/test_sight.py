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
