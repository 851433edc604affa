"""P9a: what an agent holds in memory when its spool holds hours of records and Kafka is away."""

from __future__ import annotations

from pathlib import Path

from tests.bench.accept import reports
from tests.support.stack import Servers, Stack

WAITING = "kasumori_agent_spool_undelivered"


def run(folder: Path, count: int, say) -> dict:
    with Servers(folder / "servers") as servers, Stack(servers, folder / "stack") as stack:
        say(f"P9: spooling {count} records without Kafka")
        agent = stack.add_agent("s001", spool={"dir": str(folder / "spool")})
        servers.kafka.kill9()
        client = agent.client()
        lines = reports(1000)
        for _ in range(count // len(lines)):
            answer = client.post_lines("/v1/records", lines)
            if answer.status != 200 or answer.json()["accepted"] != len(lines):
                raise RuntimeError(f"agent: {answer.status} {answer.text[:300]}")
        client.close()
        waiting = agent.metric(WAITING)
        if waiting < count // len(lines) * len(lines):
            raise RuntimeError(f"only {waiting:.0f} of {count} wait")
        now_mib, peak_mib = (agent.status_kib(name) / 1024 for name in ("VmRSS", "VmHWM"))
        bytes_mib = agent.metric("kasumori_agent_spool_bytes") / 1024 / 1024
        servers.kafka.start()  # so that the agent ends as it would
    return {
        "value": round(now_mib, 1),
        "conditions": {
            "spooled": int(waiting),
            "spool_mib": round(bytes_mib, 1),
            "peak_mib": round(peak_mib, 1),
        },
    }
