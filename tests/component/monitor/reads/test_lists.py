"""Lists page by page, against the model's records and against their own filters."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.component.monitor.reads.asking import LISTS, every


@pytest.mark.parametrize("name", LISTS)
def test_pages_hold_every_line_once(chain, name):
    client = chain.client("privacy" if name == "audit" else "headquarters")
    if name == "audit":  # reading adds no row to it
        client = chain.client("admin")
    whole, seen, cursor = [], [], ""
    while True:
        answer = client.get(f"/v1/{name}?limit=200{cursor}").json()
        whole += answer["items"]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    cursor = ""
    while True:
        answer = client.get(f"/v1/{name}?limit=7{cursor}").json()
        assert len(answer["items"]) <= 7
        seen += answer["items"]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == whole
    lines = [json.dumps(line, sort_keys=True) for line in whole]
    assert len(set(lines)) == len(lines)


def test_a_cursor_is_good_for_its_own_question(chain):
    client = chain.client("headquarters")
    cursor = client.get("/v1/incidents?limit=1").json()["next"]
    assert client.get(f"/v1/incidents?limit=5&cursor={cursor}").status == 200
    for path in (
        f"incidents?site=s001&cursor={cursor}",
        f"alerts?cursor={cursor}",
        "incidents?cursor=x",
        f"incidents?cursor={cursor[:-2]}",
        f"incidents?cursor=A{cursor[1:]}",
        "incidents?cursor=",
        f"incidents?cursor={cursor}AAAA",
        "incidents?cursor=" + "A" * 1000,
    ):
        answer = client.get(f"/v1/{path}")
        assert (answer.status, answer.code) == (400, "bad_cursor"), (path, answer.body)
    other = chain.client("supervisor").get(f"/v1/incidents?cursor={cursor}")
    assert other.status == 400
    assert chain.client("headquarters", "bravo").get(f"/v1/incidents?cursor={cursor}").status == 400


def test_incidents_are_those_of_the_model(chain, records):
    listed = every(chain.client("headquarters"), "/v1/incidents")
    wanted = {r.id: r for r in records.values() if r.kind == "incident"}
    assert {line["recordId"].replace("-", "") for line in listed} == wanted.keys()
    for line in listed:
        record = wanted[line["recordId"].replace("-", "")]
        assert set(line["categories"]) == record.categories
        assert set(line["matters"]) == record.matters
        assert line["concernedSite"] == (record.concerned_site or record.site)
        start = datetime.fromtimestamp(record.start // 10**6, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        assert line["startAt"].startswith(start)


def test_filters_agree_with_the_lines(chain):
    client = chain.client("headquarters")
    listed = every(client, "/v1/incidents")
    for query, holds in (
        ("site=s001", lambda x: "s001" in (x["site"], x["concernedSite"])),
        ("category=mhlw9:2022:abuse", lambda x: "mhlw9:2022:abuse" in x["categories"]),
        ("standing=innocent", lambda x: x["standing"] == "innocent"),
        ("verdict=confirmed", lambda x: x.get("verdict") == "confirmed"),
        (
            "judged=no",
            lambda x: (
                x.get("verdict", "suspected") == "suspected" and x["standing"] in ("open", "judged")
            ),
        ),
        ("judged=yes", lambda x: x.get("verdict", "suspected") != "suspected"),
        ("q=%E8%BF%94%E5%93%81", lambda x: "返品" in x["matters"]),
    ):
        wanted = [line for line in listed if holds(line)]
        assert every(client, f"/v1/incidents?{query}") == wanted, query
        assert wanted, query


def test_acknowledged_alerts_are_apart(chain):
    client = chain.client("headquarters")
    listed = every(client, "/v1/alerts?state=open")
    told = next(alert for alert in listed if not alert["acknowledged"])
    body = {"kind": "ack", "name": told["rule"], "records": told["records"], "reason": "seen"}
    number = client.post("/v1/decisions", body).json()["decisionNo"]
    chain.wait_decided(number)
    listed = every(client, "/v1/alerts?state=open")
    for answer, is_seen in (("yes", True), ("no", False)):
        found = every(client, f"/v1/alerts?state=open&acknowledged={answer}")
        assert found == [alert for alert in listed if alert["acknowledged"] is is_seen]
    assert told["alert"] in {alert["alert"] for alert in listed if alert["acknowledged"]}
    now = client.get("/v1/now").json()
    unseen = [alert for alert in listed if not alert["acknowledged"]]
    assert now["toSee"] == min(200, len(unseen))
    assert [a["alert"] for a in now["alerts"]] == [a["alert"] for a in unseen[:10]]
    assert chain.client("admin").get("/v1/now").json()["toSee"] == 0


def test_what_waits_for_a_verdict_is_counted(chain):
    listed = every(chain.client("headquarters"), "/v1/incidents?standing=open")
    since = datetime.now(UTC) - timedelta(days=30)
    newest = [x for x in listed if datetime.fromisoformat(x["startAt"]) >= since]
    assert chain.client("headquarters").get("/v1/now").json()["toJudge"] == len(newest)
    assert chain.client("admin").get("/v1/now").json()["toJudge"] == 0
