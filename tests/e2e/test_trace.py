"""A traceparent given with a request is a header of each of its messages, also after a kill."""

from __future__ import annotations

import json

from tests.support.process import wait_until
from tests.support.stack import Stack
from tests.support.topic import read_all

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
WAITING = "kasumori_agent_spool_undelivered"


def test_a_traceparent_goes_all_the_way(stack: Stack, report):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    kafka = stack.servers.kafka
    lines = "".join(json.dumps(report(matter=f"注文-{i}")) + "\n" for i in range(3))
    kafka.kill9()
    try:
        client = agent.client()
        for body, kind, trace in (
            (json.dumps(report()), "application/json", TRACE),
            (lines, "application/x-ndjson", TRACE),
            (json.dumps(report()), "application/json", TRACE.upper()),
            (json.dumps(report()), "application/json", None),
        ):
            headers = {} if trace is None else {"traceparent": trace}
            answer = client.send("POST", "/v1/records", body, kind, headers)
            assert answer.status in (200, 201), answer.text
        assert agent.metric(WAITING) == 6
        agent.kill9()
        agent.start()
        agent.wait_ready()
    finally:
        kafka.start()
    wait_until(lambda: agent.metric(WAITING) == 0, "sent")
    messages = sorted(
        read_all(kafka.bootstrap, stack.topic_records),
        key=lambda m: int(m.header("ks-sequence") or b"0"),
    )
    assert [m.header("traceparent") for m in messages] == [TRACE.encode()] * 4 + [None] * 2
    stack.wait_stored(6)
    assert stack.value("select count(*) from kasumori.bad_record") == 0
