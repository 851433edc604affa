"""P2: P1's backlog into a database that already holds years of the tenant's records, beside the same
backlog into an empty one of the same cluster."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.bench import history_rows, whole
from tests.bench.backlog import POSTGRES, Backlog
from tests.support.stack import Servers, Stack

MONTHS_LEAST = 24  # of monthly partitions that hold records


def _run(servers: Servers, folder: Path, count: int, stored: int, say) -> tuple[whole.Whole, int]:
    """What the backlog cost, and in how many months records stood before."""
    with Stack(servers, folder, sites=[whole.SITE], partitions=8) as stack:
        months = 0
        if stored:
            seconds = history_rows.Loader(stack.conninfo, stored).load()
            months = stack.value("select count(distinct tableoid) from kasumori.record")
            say(f"P2: {stored} records in {months} months loaded in {seconds:.0f} s")
        cost = whole.measure(stack, whole.fill(stack, Backlog, count), count)
        say(f"P2: with {stored} stored {cost.rate:,.0f}/s, {cost.cpu_s:.1f} CPU-s")
        return cost, months


def run(folder: Path, count: int, stored: int, say) -> dict:
    """The empty one before and after, as machines drift."""
    with Servers(folder / "servers", postgres=POSTGRES) as servers:
        before, _ = _run(servers, folder / "empty0", count, 0, say)
        full, months = _run(servers, folder / "full", count, stored, say)
        after, _ = _run(servers, folder / "empty1", count, 0, say)
    if months < MONTHS_LEAST:
        raise RuntimeError(f"records stood in {months} months, not in {MONTHS_LEAST}")
    empty_rate = statistics.mean((before.rate, after.rate))
    return {
        "value": round(full.rate),
        "limit": round(empty_rate),
        "ratio": round(full.rate / empty_rate, 3),
        "conditions": {
            "records": count,
            "stored": stored,
            "months": months,
            "empty_all": [round(before.rate), round(after.rate)],
            "cpu_ratio": round((before.cpu_s + after.cpu_s) / 2 / full.cpu_s, 3),
            "aggregator_peak_mib": round(full.peak_mib, 1),
            "t2_statements": {k: round(v, 3) for k, v in full.t2_statements.items()},
        },
    }
