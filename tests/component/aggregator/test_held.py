"""T1 waits for T2: lanes that are held take nothing, stay in the group, and go on where they were."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from confluent_kafka.admin import AdminClient

from tests.support.process import wait_until
from tests.support.stack import Agent, Stack

SITES, LANES = ("s001", "s002", "s003"), 2
BEHIND_MAX = 100
EPOCHS = "select stream_no, epoch from kasumori.kafka_offset order by 1"
HANDED_BACK = "the group takes its partitions back"
SESSION_S = 10  # lane.c's SESSION_MS; who is silent for longer has left


@pytest.fixture
def stack(pg, kafka, tmp_path) -> Iterator[Stack]:
    servers = SimpleNamespace(kafka=kafka, postgres=pg)
    with Stack(servers, tmp_path / "stack", lanes=LANES) as stack:
        yield stack


def _post(agent: Agent, count: int) -> None:
    line = {
        "site": agent.site, "occurredStartUs": int(time.time() * 1e6), "channel": "PHONE",
        "contact": {},
    }  # fmt: skip
    client = agent.client()
    assert client.post_lines("/v1/records", [line] * count).json()["accepted"] == count
    client.close()


def _group(stack: Stack, name: str) -> tuple[str, int]:
    """State and members, as another client sees them."""
    admin = AdminClient({"bootstrap.servers": stack.servers.kafka.bootstrap})
    group = admin.describe_consumer_groups([name])[name].result(30)
    return group.state.name, len(group.members)


def test_held_lanes_stay_in_the_group_and_go_on(stack: Stack):
    agents = [stack.add_agent(site) for site in SITES]
    with stack.connect() as holder, holder.transaction():
        holder.execute("lock table kasumori.correlated in exclusive mode")  # T2 stands still
        aggregator = stack.add_aggregator(correlate_behind_max=BEHIND_MAX)
        held = lambda: aggregator.metric("kasumori_aggregator_lanes_held")  # noqa: E731
        for agent in agents:
            _post(agent, BEHIND_MAX)
        first = len(SITES) * BEHIND_MAX
        stack.wait_stored(first)
        wait_until(lambda: held() == LANES, "lanes held", 30)
        epochs = stack.query(EPOCHS)
        handed_back = aggregator.log.read_text().count(HANDED_BACK)
        for agent in agents:
            _post(agent, 2 * BEHIND_MAX)
        wait_until(
            lambda: aggregator.metric("kasumori_aggregator_lag") == 2 * first, "waiting seen", 60
        )
        time.sleep(1.5 * SESSION_S)
        assert stack.stored() == first
        assert held() == LANES
        assert _group(stack, aggregator.settings["group"]) == ("STABLE", LANES)
    stack.wait_stored(3 * first, 60)
    wait_until(lambda: held() == 0, "lanes released", 30)
    assert stack.query(EPOCHS) == epochs
    assert aggregator.log.read_text().count(HANDED_BACK) == handed_back
