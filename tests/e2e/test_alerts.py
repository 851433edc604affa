"""What the correlator tells, read from its topics by a client of its own: a repeated caller, a late
report, a verdict and its revocation, a ban and its end; through the kill of the process that tells."""

from __future__ import annotations

import json

from tests.support.pb import Alert, WatchEntry, alert_pb2
from tests.support.process import wait_until
from tests.support.stack import Stack
from tests.support.topic import read_all

OPENED, EXTENDED, WITHDRAWN, REOPENED = (
    alert_pb2.AlertChange.Value(f"ALERT_CHANGE_{name}")
    for name in ("OPENED", "EXTENDED", "WITHDRAWN", "REOPENED")
)


def read_alerts(stack: Stack) -> list[Alert]:
    """In the order of the topic, repetitions left out as a consumer does."""
    told = {}
    for message in read_all(stack.servers.kafka.bootstrap, stack.topic_alerts):
        alert = Alert.FromString(message.value)
        assert message.key == alert.alert_id
        told.setdefault((alert.alert_id, alert.change_no), alert)
    return list(told.values())


def wait_changes(stack: Stack, *changes: int) -> list[Alert]:
    wait_until(
        lambda: [alert.change for alert in read_alerts(stack)] == list(changes),
        f"changes {changes}",
        60,
    )
    return read_alerts(stack)


def wait_watch(stack: Stack, count: int) -> list[WatchEntry]:
    def read() -> list[WatchEntry]:
        messages = read_all(stack.servers.kafka.bootstrap, stack.topic_watch)
        told = {m.value: WatchEntry.FromString(m.value) for m in messages}
        return list(told.values())

    wait_until(lambda: len(read()) == count, f"{count} watch entries", 60)
    return read()


def decide(stack: Stack, kind: str, **body: object) -> None:
    with stack.connect() as connection:
        connection.execute(
            "insert into kasumori.decision (tenant, kind, made_by, second_by, reason, body) "
            "values (%s, %s, 'one', 'two', 'r', %s)",
            (stack.tenant, kind, json.dumps(body)),
        )


def test_what_is_found_is_told_and_taken_back(stack: Stack, report):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator(correlate_every="200ms")

    def send(day: int) -> str:
        start = f"2026-04-{day:02}T10:00:00+09:00"
        body = report(occurredStartUs=start, occurredEndUs=start)
        answer = agent.client().post_json("/v1/records", body)
        assert answer.status == 201, answer.text
        return answer.json()["recordId"]

    ids = [send(day) for day in (3, 10, 17)]
    opened = wait_changes(stack, OPENED)[0]
    assert opened.rule == alert_pb2.RULE_REPETITION
    assert (opened.tenant, opened.change_no, list(opened.sites)) == (stack.tenant, 1, ["s001"])
    assert sorted(map(bytes.hex, opened.record_ids)) == sorted(i.replace("-", "") for i in ids)

    send(1)  # uploaded last, happened first
    extended = wait_changes(stack, OPENED, EXTENDED)[-1]
    assert (extended.alert_id, len(extended.record_ids)) == (opened.alert_id, 4)

    aggregator.kill9()
    decide(stack, "verdict", value="complaint", records=ids[:2])
    stack.add_aggregator("a2", correlate_every="200ms")
    withdrawn = wait_changes(stack, OPENED, EXTENDED, WITHDRAWN)[-1]
    assert withdrawn.reason == "innocent"
    decide(stack, "revoke", no_revoked=1)
    wait_changes(stack, OPENED, EXTENDED, WITHDRAWN, REOPENED)

    mac, at_us = stack.query(
        "select replace(mac::text, '-', ''), (extract(epoch from occurred_start) * 1000000)::bigint "
        "from kasumori.sighting where kind = 4 order by occurred_start limit 1"
    )[0]
    named = {"token": [4, 1, mac], "at": at_us}
    with stack.connect() as connection:
        connection.execute("insert into kasumori.tick values (%s, '2026-05-01')", (stack.tenant,))
    decide(stack, "restrict", classes=[named], scope=["s001"], until=4_000_000_000_000_000)
    entry = wait_watch(stack, 1)[0]
    assert (entry.tokens[0].mac.hex(), list(entry.sites)) == (mac, ["s001"])
    decide(stack, "revoke", no_revoked=3)
    last = max(wait_watch(stack, 2), key=lambda e: e.change_no)
    assert last.withdrawn and last.entry_id == entry.entry_id

    done = stack.db_cli("rebuild", "--verify", "--tenant", stack.tenant)
    assert "all derived rows" in done.stdout
    with stack.connect() as connection:
        connection.execute("delete from kasumori.part where tenant = %s", (stack.tenant,))
    done = stack.db_cli("rebuild", "--verify", "--tenant", stack.tenant, is_ok=False)
    assert done.returncode == 1
    assert "part missing" in done.stdout
