"""P8: the page of figures over years of records, asked as a browser asks: nine requests over six
connections. Before that each answer is held against a recount of the facts.

    make bench ARGS="--only P8"                      # 2 million records
    make bench ARGS="--only P8 --stored 20000000"    # 20 million: 30 GB of disk, most of an hour to load
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import psycopg

from tests.bench.backlog import postgres_cpu_s
from tests.bench.headquarters import sign_in, start_monitor
from tests.bench.history_rows import CODES, SITES, TRADES, size_of
from tests.support.client import Client
from tests.support.figures import MEASURES, Figures, difference, is_narrow
from tests.support.stack import Stack

BROWSER_CONNECTIONS, PAGES = 6, 20


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

    def page(self, filters: dict[str, str], pool: ThreadPoolExecutor) -> tuple[float, dict]:
        """Milliseconds until all is there, and of each request among the others."""
        started = time.perf_counter()
        free = list(self.clients)

        def one(measure: str) -> float:
            client = free.pop()
            try:
                return self.ask(measure, filters, client)[0]
            finally:
                free.append(client)

        each = dict(zip(MEASURES, pool.map(one, MEASURES), strict=True))
        return (time.perf_counter() - started) * 1000, each

    def close(self) -> None:
        for client in self.clients:
            client.close()


def _filters(records: int, rng: random.Random) -> dict[str, dict[str, str]]:
    """What people look at: as the page opens, a year, all there is; of one site, trade, category."""
    size = size_of(records)
    last = size.first + timedelta(days=size.days - 1)
    quarter = {"from": str(last - timedelta(days=89)), "to": str(last)}
    year = {"from": str(last - timedelta(days=364)), "to": str(last)}
    all_ = {"from": str(size.first), "to": str(last)}
    site = {"site": f"s{rng.randrange(SITES):04d}"}
    trade = {"trade": rng.choice(TRADES)}
    category = {"category": f"mhlw9:2022:{rng.choice(CODES)}"}
    return {
        "90 days": quarter,
        "90 days, trade, category": quarter | trade | category,
        "a year": year,
        "a year, site": year | site,
        "a year, site, category": year | site | category,
        "a year, trade": year | trade,
        "two years": all_,
        "two years, site": all_ | site,
        "two years, trade": all_ | trade,
        "two years, category": all_ | category,
    }


def _check(reader: Reader, stack: Stack, records: int, say) -> int:
    """How many answers were compared; RuntimeError when one differs from the facts."""
    started = time.monotonic()
    with psycopg.connect(stack.conninfo) as db:
        figures = Figures(db, stack.tenant)
    say(f"P8: the facts are counted anew after {time.monotonic() - started:.0f} s")
    compared = 0
    for filters in _filters(records, random.Random(5)).values():
        for measure in MEASURES:
            answer = reader.ask(measure, filters)[1]
            if answer is None:
                raise RuntimeError(f"{measure} {filters}: no answer")
            wanted = figures.answer(measure, filters)
            found = difference(answer, wanted, is_narrow(measure, filters))
            if found is not None:
                raise RuntimeError(f"{measure} {filters}: {found}")
            compared += 1
    return compared


def _summary(values: list[float]) -> dict[str, float]:
    return {"p50": round(percentile(values, 0.5), 1), "p95": round(percentile(values, 0.95), 1)}


def run(stack: Stack, records: int, say) -> dict:
    monitor = start_monitor(stack)
    reader = Reader(monitor.port, sign_in(stack))
    rng = random.Random(3)
    compared = _check(reader, stack, records, say)
    count = PAGES * len(_filters(records, rng))
    say(f"P8: {compared} answers equal a recount of the facts; asking for {count} pages")
    pages, alone, among = defaultdict(list), defaultdict(list), defaultdict(list)
    cpu_s: dict[str, float] = defaultdict(float)

    def cpu() -> float:
        return postgres_cpu_s(stack.servers.postgres.pid) + monitor.cpu_s()

    with ThreadPoolExecutor(BROWSER_CONNECTIONS) as pool:
        for turn in range(PAGES + 1):
            for name, filters in _filters(records, rng).items():
                before_s = cpu()
                took, each = reader.page(filters, pool)
                spent_s = cpu() - before_s
                single = {m: reader.ask(m, filters)[0] for m in MEASURES} if turn % 4 == 0 else {}
                if turn == 0:  # connections prepare their statements
                    continue
                pages[name].append(took)
                cpu_s[name] += spent_s
                for measure in MEASURES:
                    among[measure].append(each[measure])
                for measure, ms in single.items():
                    alone[measure].append(ms)
    rss_mib = monitor.status_kib("VmHWM") / 1024
    reader.close()
    monitor.stop()
    every = [ms for list_ in pages.values() for ms in list_]
    if reader.failed:
        say(f"P8: not answered: {sorted(reader.failed)}")
    return {
        "value": round(percentile(every, 0.95), 1),
        "limit": None,
        "ratio": None,
        "runs": len(every),
        "conditions": {
            "records": records,
            "answers_compared": compared,
            "unanswered": sorted(reader.failed),
            "page_p50_ms": round(percentile(every, 0.5), 1),
            "pages_ms": {name: _summary(values) for name, values in pages.items()},
            "pages_cpu_ms": {name: round(1000 * s / PAGES, 1) for name, s in cpu_s.items()},
            "requests_alone_ms": {name: _summary(values) for name, values in alone.items()},
            "requests_of_a_page_ms": {name: _summary(values) for name, values in among.items()},
            "monitor_peak_mib": round(rss_mib, 1),
        },
    }
