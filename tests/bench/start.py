"""P10: start to first accept; first commit after a killed predecessor of the same instance id."""

from __future__ import annotations

import http.client
import statistics
import time
from pathlib import Path

from tests.e2e.conftest import make_report
from tests.support.stack import Agent, Servers, Stack

RUNS = 7


def _first_accept_ms(agent: Agent) -> float:
    started = time.monotonic()
    agent.start()
    while True:
        client = agent.client(wait_s=5)
        try:
            if client.post_json("/v1/records", make_report()).status == 201:
                return (time.monotonic() - started) * 1000
        except (OSError, http.client.HTTPException):
            if time.monotonic() - started > 30:
                raise
        finally:
            client.close()
        time.sleep(0.001)


def _first_commit_s(stack: Stack) -> float:
    """The backlog is there already: from the successor's start to its first row."""
    aggregator = stack.aggregators["a1"]
    agent = stack.agents["s001-a"]
    aggregator.kill9()
    client = agent.client()
    for _ in range(20):
        client.post_json("/v1/records", make_report())
    client.close()
    with stack.connect() as db:
        sql = "select count(*) from kasumori.record"
        before = db.execute(sql).fetchone()[0]
        started = time.monotonic()
        aggregator.start()
        while db.execute(sql).fetchone()[0] == before:
            if time.monotonic() - started > 60:
                raise TimeoutError(f"no commit within 60 s\n{aggregator.log_tail()}")
            time.sleep(0.005)
        return time.monotonic() - started


def run(folder: Path, say) -> tuple[dict, dict]:
    with Servers(folder / "servers") as servers, Stack(servers, folder / "stack") as stack:
        agent = stack.add_agent("s001", start=False)
        say("P10: starting the agent, killing the aggregator")
        accepts = []
        for _ in range(RUNS):
            accepts.append(_first_accept_ms(agent))
            agent.stop()
        agent.start()
        agent.wait_ready()
        stack.add_aggregator()
        stack.wait_drained()
        commits = [_first_commit_s(stack) for _ in range(RUNS)]
    return (
        {
            "value": round(statistics.median(accepts), 1),
            "limit": None,
            "ratio": None,
            "runs": RUNS,
            "conditions": {"all_ms": [round(v, 1) for v in accepts]},
        },
        {
            "value": round(statistics.median(commits), 3),
            "limit": None,
            "ratio": None,
            "runs": RUNS,
            "conditions": {"all_s": [round(v, 3) for v in commits], "worst_s": max(commits)},
        },
    )
