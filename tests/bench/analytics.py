"""P8: the analytics page over years of records: each request alone, and all of a page at once over six
connections as a browser asks; what the answers total against a recount of the facts."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import psycopg

from tests.bench.headquarters import sign_in, start_monitor
from tests.bench.history_rows import SITES, TRADES, recount, size_of
from tests.support.client import Client
from tests.support.stack import Stack

MEASURES = ("trend", "types", "sites", "trades", "hours", "weekdays", "repeat", "staff_minutes",
            "verdict_time")  # fmt: skip
BROWSER_CONNECTIONS, PAGES = 6, 15


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


class Reader:
    """The browser of somebody at headquarters."""

    def __init__(self, port: int, cookie: str):
        self.headers = {"Cookie": cookie}
        self.failed: set[str] = set()
        self.clients = [Client(port) for _ in range(BROWSER_CONNECTIONS)]

    def ask(self, measure: str, filters: dict[str, str], client: Client | None = None) -> tuple:
        """Milliseconds and the answer."""
        started = time.perf_counter()
        path = f"/v1/stats/{measure}?{urlencode(filters)}"
        answer = (client or self.clients[0]).send("GET", path, headers=self.headers)
        took = (time.perf_counter() - started) * 1000
        if answer.status != 200:  # the statement's time-out, mostly
            self.failed.add(f"{measure} {answer.status}")
            return took, None
        return took, answer.json()

    def page(self, filters: dict[str, str], pool: ThreadPoolExecutor) -> float:
        started = time.perf_counter()
        free = list(self.clients)

        def one(measure: str) -> None:
            client = free.pop()
            try:
                self.ask(measure, filters, client)
            finally:
                free.append(client)

        list(pool.map(one, MEASURES))
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        for client in self.clients:
            client.close()


def _filters(records: int, rng: random.Random) -> dict[str, dict[str, str]]:
    """What people look at: as the page opens, all there is, a year, a year of one site or trade."""
    size = size_of(records)
    last = size.first + timedelta(days=size.days - 1)
    year = {"from": str(last - timedelta(days=364)), "to": str(last)}
    return {
        "90 days": {"from": str(last - timedelta(days=89)), "to": str(last)},
        "all": {"from": str(size.first), "to": str(last)},
        "12 months": year,
        "one site": year | {"site": f"s{rng.randrange(SITES):04d}"},
        "one trade": year | {"trade": rng.choice(TRADES)},
    }


def _total(reader: Reader, measure: str, filters: dict[str, str]) -> dict:
    answer = reader.ask(measure, filters)[1]
    if answer is None:
        raise RuntimeError(f"{measure} {filters}: no answer")
    return answer["total"]


def _check_totals(reader: Reader, stack: Stack, records: int) -> int:
    """How many totals were compared; RuntimeError when one differs from the facts."""
    size = size_of(records)
    last = size.first + timedelta(days=size.days - 1)
    with psycopg.connect(stack.conninfo) as db:
        db.execute("set timezone = 'UTC'")
        db.execute("set work_mem = '256MB'")
        facts = recount(db, stack.tenant)["day"]
    compared = 0
    low = last - timedelta(days=364)
    wanted = [({}, size.first), ({}, low), ({"site": "s0003"}, low), ({"site": "s0123"}, low)]
    for chosen, since in wanted:
        want = {
            name: sum(
                count
                for (day, site, category, what), count in facts.items()
                if what == name
                and category == ""
                and since <= day <= last
                and chosen.get("site", site) == site
            )
            for name in ("contacts", "incidents")
        }
        filters = {"from": str(since), "to": str(last)} | chosen
        for measure in ("trend", "sites", "trades", "types"):
            total = _total(reader, measure, filters)
            if {name: total[name] for name in want} != want:
                raise RuntimeError(f"{measure} {filters}: {total}, the facts say {want}")
            compared += 1
        if since == low and not chosen:
            continue  # whole months only
        for measure in ("hours", "weekdays"):
            total = _total(reader, measure, filters)
            if total["incidents"] != want["incidents"]:
                raise RuntimeError(f"{measure} {filters}: {total}, the facts say {want}")
            compared += 1
        for measure in ("staff_minutes",):
            total = _total(reader, measure, filters)
            if total["incidents"] != want["incidents"]:
                raise RuntimeError(f"{measure} {filters}: {total}, the facts say {want}")
            compared += 1
    return compared


def run(stack: Stack, records: int, say) -> dict:
    monitor = start_monitor(stack)
    reader = Reader(monitor.port, sign_in(stack))
    rng = random.Random(3)
    compared = _check_totals(reader, stack, records)
    say(f"P8: {compared} totals equal a recount of the facts; asking for {PAGES * 5} pages")
    alone: dict[str, list[float]] = {}
    pages: dict[str, list[float]] = {}
    with ThreadPoolExecutor(BROWSER_CONNECTIONS) as pool:
        for turn in range(PAGES + 1):
            for name, filters in _filters(records, rng).items():
                took = reader.page(filters, pool)
                each = [(m, reader.ask(m, filters)[0]) for m in MEASURES] if turn % 3 == 0 else []
                if turn == 0:  # connections prepare their statements
                    continue
                pages.setdefault(name, []).append(took)
                for measure, ms in each:
                    alone.setdefault(f"{measure}, {name}", []).append(ms)
    rss_mib = monitor.status_kib("VmHWM") / 1024
    reader.close()
    monitor.stop()
    every = [ms for list_ in pages.values() for ms in list_]
    requests = [ms for list_ in alone.values() for ms in list_]
    worst = sorted(alone, key=lambda name: -max(alone[name]))[:6]
    if reader.failed:
        say(f"P8: unanswered within the statement's time-out: {sorted(reader.failed)}")
    return {
        "value": round(percentile(every, 0.95), 1),
        "limit": None,
        "ratio": None,
        "runs": len(every),
        "conditions": {
            "records": records,
            "totals_compared": compared,
            "unanswered": sorted(reader.failed),
            "page_p50_ms": round(percentile(every, 0.5), 1),
            "page_p95_ms": {name: round(percentile(v, 0.95), 1) for name, v in pages.items()},
            "request_p95_ms": round(percentile(requests, 0.95), 1),
            "slowest_ms": {name: round(max(alone[name]), 1) for name in worst},
            "monitor_peak_mib": round(rss_mib, 1),
        },
    }
