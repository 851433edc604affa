"""P7: caller look-up over HTTP with its audit row, 32 connections kept alive, random known tokens,
beside pgbench's select by primary key among as many rows with as many connections, same cluster.

On a machine that others use the throughputs share what those leave, and pgbench's 32 backends get more
of it than a monitor and its two: hence the ratio of CPU beside that of throughput. All CPU counts, that
of sealing the audit rows too."""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import time
from pathlib import Path

from tests.bench.backlog import postgres_cpu_s
from tests.bench.headquarters import known_tokens, machine_key, pgbench, start_monitor
from tests.support.stack import Stack

RUNS, CONNECTIONS, BODIES = 3, 32, 50_000
SELECT_S, SEAL_S = 6, 60


def _bodies(path: Path, records: int) -> Path:
    with open(path, "w") as out:
        for number, mac in enumerate(known_tokens(records, BODIES)):
            body = {
                "tokens": [{"kind": "phone", "keyId": 1, "mac": mac}],
                "purpose": "call",
                "callId": f"call-{number}",
                "site": "s0001",
            }
            out.write(json.dumps(body, separators=(",", ":")) + "\n")
    return path


def _children_cpu_s() -> float:
    """Of the loads that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _load(stack: Stack, port: int, key: str, bodies: Path, connections: int, count: int) -> dict:
    done = subprocess.run(
        [stack.program("kasumori-bench-http-load"), "--port", str(port), "--path", "/v1/lookup",
         "--connections", str(connections), "--count", str(count), "--body", str(bodies), "--lines",
         "--key", key],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"look-ups failed: {done.stdout[:300]} {done.stderr[:300]}")
    return json.loads(done.stdout)


def _select(stack: Stack) -> dict:
    """Requests per second, percentiles and CPU in microseconds of `pgbench -S`, its own included."""
    server = stack.servers.postgres.pid
    cpu_s = postgres_cpu_s(server) + _children_cpu_s()
    for old in stack.folder.glob("select.*"):
        old.unlink()
    said = pgbench(
        stack, "-n", "-S", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(SELECT_S),
        "-l", "--log-prefix=select", "--sampling-rate=0.2",
    )  # fmt: skip
    took = sorted(
        int(line.split()[2])
        for log in stack.folder.glob("select.*")
        for line in log.read_text().splitlines()
    )
    cpu_s = postgres_cpu_s(server) + _children_cpu_s() - cpu_s
    count = int(re.search(r"transactions actually processed: (\d+)", said).group(1))
    return {
        "rps": float(re.search(r"tps = ([0-9.]+)", said).group(1)),
        "p50_us": took[len(took) // 2],
        "p99_us": took[len(took) * 99 // 100],
        "cpu_us": cpu_s / count * 1e6,
    }


def _audited(stack: Stack) -> int:
    return int(stack.value("select count(*) from kasumori.audit where action = 'lookup'"))


def _batch_size(stack: Stack, count: int) -> float:
    """Of the newest: those of one transaction have one time."""
    return float(
        stack.value(
            "select count(*)::float8 / count(distinct at) from (select at from kasumori.audit "
            f"where action = 'lookup' order by audit_no desc limit {count}) as newest"
        )
    )


def _wait_sealed(stack: Stack) -> None:
    until = time.monotonic() + SEAL_S
    while stack.value("select count(*) from kasumori.audit where chain_no is null"):
        if time.monotonic() > until:
            raise RuntimeError("the audit rows are not sealed")
        time.sleep(0.2)


def run(stack: Stack, folder: Path, records: int, say, count: int = 20_000) -> dict:
    monitor = start_monitor(stack)
    key, bodies = machine_key(stack, "lookup"), _bodies(folder / "bodies", records)
    stack.servers.postgres.createdb("pgbench")
    pgbench(stack, "-i", "-s", "10", "-q")
    one = _load(stack, monitor.port, key, bodies, 1, 2_000)
    _load(stack, monitor.port, key, bodies, CONNECTIONS, 5_000)  # warm
    before, asked = _audited(stack), 0
    many, select, server_s, own_s, load_s = [], [], 0.0, 0.0, 0.0
    for _ in range(RUNS):
        say(f"P7: {count} look-ups over {CONNECTIONS} connections, then pgbench")
        _wait_sealed(stack)
        at = postgres_cpu_s(stack.servers.postgres.pid), monitor.cpu_s(), _children_cpu_s()
        many.append(_load(stack, monitor.port, key, bodies, CONNECTIONS, count))
        load_s += _children_cpu_s() - at[2]
        _wait_sealed(stack)
        server_s += postgres_cpu_s(stack.servers.postgres.pid) - at[0]
        own_s += monitor.cpu_s() - at[1]
        asked += count
        select.append(_select(stack))
    if _audited(stack) - before != asked:
        raise RuntimeError(f"{asked} look-ups, {_audited(stack) - before} audit rows")
    batch = _batch_size(stack, RUNS * count)
    rss_mib = monitor.status_kib("VmHWM") / 1024
    monitor.stop()
    stack.servers.postgres.dropdb("pgbench")

    def median(runs: list[dict], name: str) -> float:
        return statistics.median(run[name] for run in runs)

    rate, limit = median(many, "rps"), median(select, "rps")
    cpu_us = (server_s + own_s + load_s) / asked * 1e6
    return {
        "value": round(rate),
        "limit": round(limit),
        "ratio": round(rate / limit, 3),
        "runs": RUNS,
        "conditions": {
            "tokens": records // 2,
            "p99_us": round(median(many, "p99_us")),
            "p50_us": round(median(many, "p50_us")),
            "select_p99_us": round(median(select, "p99_us")),
            "select_p50_us": round(median(select, "p50_us")),
            "p99_ratio": round(median(many, "p99_us") / median(select, "p99_us"), 2),
            "one_connection_p50_us": one["p50_us"],
            "server_cpu_us": round(server_s / asked * 1e6),
            "monitor_cpu_us": round(own_s / asked * 1e6),
            "load_cpu_us": round(load_s / asked * 1e6),
            "select_cpu_us": round(median(select, "cpu_us")),
            "cpu_ratio": round(median(select, "cpu_us") / cpu_us, 3),
            "batch": round(batch, 1),
            "monitor_peak_mib": round(rss_mib, 1),
            "all": [round(run["rps"]) for run in many],
            "all_limits": [round(run["rps"]) for run in select],
        },
    }
