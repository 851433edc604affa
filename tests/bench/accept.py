"""P4: durable accept over HTTP at one client and at 32, beside a bare fdatasync of the same bytes in the
same folder and beside bare evhttp answering the same requests. The reports are of a site: its workers
write them, of callers of whom some come again; beside it, as a condition, what is left when every caller
is new, so that nothing the agent keeps of values helps."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import make_report
from tests.support.process import wait_until
from tests.support.stack import Servers, Stack
from tests.support.topic import read_all

RUNS = 3
ONE, MANY = 2_000, 60_000  # requests in a run
WORKERS, CALLERS = 30, 1_000


def reports(count: int, first: int = 0) -> list[dict]:
    """Of the site's workers in turn, each about another caller."""
    result = []
    for number in range(first, first + count):
        report = make_report(worker=f"s001-w{number % WORKERS:03d}")
        phone = f"090-{number // 10_000:04d}-{number % 10_000:04d}"
        report["persons"][0]["identifiers"][0]["value"] = phone
        result.append(report)
    return result


def _write(path: Path, bodies: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps(body, ensure_ascii=False) for body in bodies))
    return path


def _load(stack: Stack, port: int, connections: int, count: int, body: Path) -> dict:
    done = subprocess.run(
        [stack.program("kasumori-bench-http-load"), "--port", str(port), "--path", "/v1/records",
         "--connections", str(connections), "--count", str(count), "--body", str(body),
         "--lines", "--type", "application/json"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = json.loads(done.stdout)
    if found["not_2xx"]:
        raise RuntimeError(f"{found['not_2xx']} of {count} requests were refused")
    return found


def _fdatasync_us(folder: Path, size: int, count: int) -> list[float]:
    """Appends size bytes and makes them durable, again and again."""
    data = os.urandom(size)
    path = folder / "bare"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    took = []
    try:
        for _ in range(count):
            started = time.perf_counter_ns()
            os.write(fd, data)
            os.fdatasync(fd)
            took.append((time.perf_counter_ns() - started) / 1000)
    finally:
        os.close(fd)
        path.unlink()
    return took


@contextmanager
def _bare_evhttp(stack: Stack) -> Iterator[int]:
    server = subprocess.Popen(
        [stack.program("kasumori-bench-http-server")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline().split()[1])
    finally:
        server.kill()
        server.wait()


def run(folder: Path, say) -> tuple[dict, dict]:
    with Servers(folder / "servers") as servers, Stack(servers, folder / "stack") as stack:
        agent = stack.add_agent("s001", spool={"dir": str(folder / "spool")})
        body = _write(folder / "bodies", reports(CALLERS))
        new = _write(folder / "new", reports(MANY, CALLERS))
        _load(stack, agent.port, 1, 200, body)  # warm
        wait_until(lambda: agent.metric("kasumori_agent_spool_undelivered") == 0, "sent")
        size = len(read_all(servers.kafka.bootstrap, stack.topic_records)[0].value or b"")
        json_bytes = len(body.read_bytes()) // CALLERS
        say(f"P4: {json_bytes} bytes of JSON, {size} bytes stored, {RUNS} runs")
        one, many, sync_us, bare = [], [], [], []
        with _bare_evhttp(stack) as port:
            for _ in range(RUNS):
                one.append(_load(stack, agent.port, 1, ONE, body))
                sync_us.append(statistics.median(_fdatasync_us(agent.spool, size, ONE)))
                many.append(_load(stack, agent.port, 32, MANY, body))
                bare.append(_load(stack, port, 32, MANY, body))
        all_new = _load(stack, agent.port, 32, MANY, new)
        peak_mib = agent.status_kib("VmHWM") / 1024
    p50, sync = statistics.median(m["p50_us"] for m in one), statistics.median(sync_us)
    rate = statistics.median(m["rps"] for m in many)
    bare_rate = statistics.median(m["rps"] for m in bare)
    limit = min(5 * 1_000_000 / sync, 0.4 * bare_rate)
    sizes = {"body_bytes": json_bytes, "value_bytes": size}
    return (
        {
            "value": round(p50, 1),
            "limit": round(sync, 1),
            "ratio": round(p50 / sync, 2),
            "runs": RUNS,
            "conditions": {
                **sizes,
                "p99_us": round(statistics.median(m["p99_us"] for m in one), 1),
                "all_p50_us": [m["p50_us"] for m in one],
                "all_fdatasync_p50_us": [round(v, 1) for v in sync_us],
            },
        },
        {
            "value": round(rate),
            "limit": round(limit),
            "ratio": round(rate / limit, 3),
            "runs": RUNS,
            "conditions": {
                **sizes,
                "all": [m["rps"] for m in many],
                "bare_evhttp": round(bare_rate),
                "of_bare_evhttp": round(rate / bare_rate, 3),
                "fdatasyncs_per_s": round(1_000_000 / sync),
                "p99_us": round(statistics.median(m["p99_us"] for m in many), 1),
                "every_caller_new": all_new["rps"],
                "agent_peak_mib": round(peak_mib, 1),
            },
        },
    )
