"""P5: how fast an agent drains its spool after an outage, beside librdkafka producing as many bytes from
memory to the same broker."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

from tests.e2e.conftest import make_report
from tests.support.process import wait_until
from tests.support.stack import Servers, Stack
from tests.support.topic import read_all

WAITING = "kasumori_agent_spool_undelivered"
DELIVERED = "kasumori_agent_delivered_total"  # moves with each acknowledgement


def _drain(stack: Stack, count: int) -> float:
    """Records per second, from the first acknowledgement to the last."""
    agent = stack.agents["s001-a"]
    stack.servers.kafka.kill9()
    client = agent.client()
    lines = [make_report(matter=f"注文-{i}") for i in range(1000)]
    for _ in range(count // 1000):
        answer = client.post_lines("/v1/records", lines)
        if answer.status != 200 or answer.json()["accepted"] != 1000:
            raise RuntimeError(f"agent: {answer.status} {answer.text[:300]}")
    waiting = agent.metric(WAITING)
    if waiting < count:
        raise RuntimeError(f"only {waiting:.0f} of {count} wait")
    before = agent.metric(DELIVERED)
    stack.servers.kafka.start()
    wait_until(lambda: agent.metric(DELIVERED) > before, "the first acknowledgement", 60, 0.002)
    started, first = time.monotonic(), agent.metric(DELIVERED)
    wait_until(lambda: agent.metric(DELIVERED) >= before + count, "drained", 300, 0.005)
    seconds = time.monotonic() - started
    client.close()
    return (before + count - first) / seconds


def _bare(stack: Stack, count: int, size: int) -> float:
    done = subprocess.run(
        [stack.program("kasumori-bench-produce"), "--brokers", stack.servers.kafka.bootstrap,
         "--topic", stack.topic_records, "--messages", str(count), "--bytes", str(size),
         "--sites", "1"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return float(json.loads(done.stdout)["messages_per_s"])


def run(folder: Path, say, count: int = 100_000, runs: int = 3) -> dict:
    with Servers(folder / "servers") as servers, Stack(servers, folder / "stack") as stack:
        say(f"P5: spooling {count} records without Kafka, then draining, {runs} times")
        agent = stack.add_agent("s001", spool={"dir": str(folder / "spool")})
        agent.client().post_json("/v1/records", make_report(matter="注文-0"))
        wait_until(lambda: agent.metric(WAITING) == 0, "sent")
        size = len(read_all(servers.kafka.bootstrap, stack.topic_records)[0].value or b"")
        rates, bare = [], []
        for _ in range(runs):
            rates.append(_drain(stack, count))
            bare.append(_bare(stack, count, size))
        peak_mib = agent.status_kib("VmHWM") / 1024
    rate, limit = statistics.median(rates), statistics.median(bare)
    return {
        "value": round(rate),
        "limit": round(limit),
        "ratio": round(rate / limit, 3),
        "runs": runs,
        "conditions": {
            "records": count,
            "value_bytes": size,
            "all": [round(v) for v in rates],
            "all_limits": [round(v) for v in bare],
            "agent_peak_mib": round(peak_mib, 1),
        },
    }
