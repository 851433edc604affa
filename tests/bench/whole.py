"""P1 and P3: a backlog from the topic to committed facts and to derived rows that stand for all of them,
beside binary COPY of the very same resulting rows of all tables; and the same with unkind histories."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.backlog import (
    BATCH,
    POSTGRES,
    Backlog,
    Batches,
    Cost,
    measure_copy,
    postgres_cpu_s,
    read_batches,
    register,
)
from tests.bench.histories import HISTORIES
from tests.support.process import wait_until
from tests.support.stack import Aggregator, Servers, Site, Stack
from tests.support.topic import publish

DERIVED = (
    "token_class", "class_run", "shared_sighting", "edge", "occurrence", "occurrence_record",
    "part", "finding",
    "rollup_day", "rollup_month", "rollup_coarse", "rollup_incident", "rollup_repeat",
    "rollup_verdict", "first_verdict", "watch", "review_task", "alert", "alert_change", "alert_record",
    "outbox",
)  # fmt: skip
SITE = Site("b000", "店", "store", "東京")
WAIT_S = 3600

# All that T1 stored is in the tenant's derived rows: nothing of a stream's log is at or after the place
# up to which they stand.
IS_DERIVED = """
select coalesce(bool_and(coalesce(c.next_offset, 0) > last.kafka_offset), false)
from kasumori.kafka_offset as o
cross join lateral (select max(kafka_offset) as kafka_offset from kasumori.ingest_log as l
                    where l.stream_no = o.stream_no) as last
left join kasumori.correlated_stream as c on c.stream_no = o.stream_no and c.tenant = %s
where o.topic = %s and last.kafka_offset is not null
"""
BACKENDS = "select application_name, pid, state, query from pg_stat_activity where datname = %s"


@dataclass
class Whole(Cost):
    facts_s: float = 0  # until T1 was done; T2 runs beside it
    peak_mib: float = 0
    cpu_by: dict[str, float] = field(default_factory=dict)
    t2_by: dict[str, float] = field(default_factory=dict)  # what its time went to, shares of 1
    t2_statements: dict[str, float] = field(default_factory=dict)  # the longest, shares of 1


def _thread_cpu_s(pid: int) -> Counter[str]:
    """By the thread's name."""
    found: Counter[str] = Counter()
    for path in Path(f"/proc/{pid}/task").glob("*"):
        try:
            name, ticks = (path / "comm").read_text().strip(), (path / "stat").read_text()
        except OSError:
            continue
        fields = ticks.rsplit(")", 1)[1].split()
        found[name] += (int(fields[11]) + int(fields[12])) / 100
    return found


def _backend_cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


class Sampler(threading.Thread):
    """Looks what PostgreSQL does for whom: CPU by connection, and what T2's connection is at."""

    EVERY_S = 0.05

    def __init__(self, stack: Stack):
        super().__init__(daemon=True)
        self._stack, self._is_over = stack, threading.Event()
        self.cpu_s: dict[tuple[str, int], float] = {}
        self.t2: Counter[str] = Counter()
        self.statements: Counter[str] = Counter()  # of T2, while they run

    def run(self) -> None:
        with self._stack.connect() as db:
            while not self._is_over.wait(self.EVERY_S):
                for name, pid, state, query in db.execute(BACKENDS, (self._stack.database,)):
                    self.cpu_s[name or "", pid] = _backend_cpu_s(pid)
                    if (name or "").endswith(" correlator"):
                        self.t2[self._step(state or "", query or "")] += 1
                        if state == "active":
                            self.statements[" ".join(query.split())[:70]] += 1

    @staticmethod
    def _step(state: str, query: str) -> str:
        """Between statements T2 computes, or waits for facts."""
        if state != "active":
            return "core, waiting"
        return "read" if query.lstrip().lower().startswith(("select", "fetch", "with")) else "write"

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def _cpu_by(aggregator: Aggregator, sampler: Sampler, all_postgres_s: float) -> dict[str, float]:
    t1_s = sum(s for (name, _), s in sampler.cpu_s.items() if "aggregator a1" in name)
    t2_s = sum(s for (name, _), s in sampler.cpu_s.items() if name.endswith(" correlator"))
    threads = _thread_cpu_s(aggregator.pid)
    ours_t2_s = threads.pop("correlator", 0.0)
    return {
        "T1 ours": sum(threads.values()),
        "T1 PostgreSQL": t1_s,
        "T2 ours": ours_t2_s,
        "T2 PostgreSQL": t2_s,
        "PostgreSQL's own processes": max(0.0, all_postgres_s - t1_s - t2_s),
    }


def measure(stack: Stack, messages: int, records: int) -> Whole:
    """From the aggregator's start to derived rows that stand for every record."""
    stored = stack.stored()
    with stack.connect() as db:
        db.execute("checkpoint")
    pid = stack.servers.postgres.pid
    before_s = postgres_cpu_s(pid)
    aggregator = stack.add_aggregator(start=False, correlate_records_max=300_000)
    sampler = Sampler(stack)
    started = time.monotonic()
    aggregator.start()
    sampler.start()
    with stack.connect() as db:
        topic = stack.topic_records
        sql = "select coalesce(sum(next_offset), 0) from kasumori.kafka_offset where topic = %s"
        wait_until(lambda: db.execute(sql, (topic,)).fetchone()[0] >= messages, "T1", WAIT_S, 0.05)
        facts_s = time.monotonic() - started
        wait_until(
            lambda: db.execute(IS_DERIVED, (stack.tenant, topic)).fetchone()[0], "T2", WAIT_S, 0.05
        )
    seconds = time.monotonic() - started
    all_postgres_s = postgres_cpu_s(pid) - before_s
    sampler.stop()
    result = Whole(seconds, all_postgres_s + aggregator.cpu_s(), records, facts_s=facts_s)
    result.cpu_by = _cpu_by(aggregator, sampler, all_postgres_s)
    looks = max(1, sum(sampler.t2.values()))
    result.t2_by = {step: n / looks for step, n in sorted(sampler.t2.items())}
    result.t2_statements = {text: n / looks for text, n in sampler.statements.most_common(8)}
    result.peak_mib = aggregator.status_kib("VmHWM") / 1024
    aggregator.stop()
    stored = stack.stored() - stored
    if stored != records:
        raise RuntimeError(f"stored {stored}, not {records}")
    if stack.value("select form from kasumori.correlated where tenant = %s", stack.tenant) == 0:
        raise RuntimeError("the tenant was left alone")
    return result


def read_derived(stack: Stack, batches: Batches) -> None:
    """Adds the derived rows, in the order they stand in, spread evenly over the batches."""
    with stack.connect() as db, db.cursor() as cursor:
        for name in DERIVED:
            if (
                cursor.execute("select to_regclass(%s)", (f"kasumori.{name}",)).fetchone()[0]
                is None
            ):
                continue  # an older schema
            columns = ", ".join(
                row[0]
                for row in db.execute(
                    "select quote_ident(attname) from pg_attribute where attrelid = %s::regclass "
                    "and attnum > 0 and not attisdropped order by attnum",
                    (f"kasumori.{name}",),
                )
            )
            cursor.execute(
                f"create temp table all_{name} as select row_number() over (order by ctid) as n_, "
                f"* from kasumori.{name}"
            )
            cursor.execute(f"create index on all_{name} (n_)")
            count = cursor.execute(f"select count(*) from all_{name}").fetchone()[0]
            for i, parts in enumerate(batches):
                first, last = count * i // len(batches) + 1, count * (i + 1) // len(batches)
                if last < first:
                    continue
                with cursor.copy(
                    f"copy (select {columns} from all_{name} where n_ between {first} and {last} "
                    "order by n_) to stdout (format binary)"
                ) as copy:
                    parts.append((name, b"".join(bytes(block) for block in copy)))


def fill(stack: Stack, history: type[Backlog], count: int) -> int:
    backlog = history(stack.keys, count)
    register(stack, backlog.sites)
    return publish(stack.servers.kafka.bootstrap, stack.topic_records, backlog.messages())


def _count_rows(stack: Stack, batches: Batches) -> int:
    tables = {name for parts in batches for name, _ in parts}
    return sum(int(stack.value(f"select count(*) from kasumori.{name}")) for name in tables)


def run(folder: Path, count: int, say) -> tuple[dict, dict]:
    """P1 and P1c."""
    with Servers(folder / "servers", postgres=POSTGRES) as servers:
        with Stack(servers, folder / "whole", sites=[SITE], partitions=8) as stack:
            say(f"P1: producing a backlog of {count} records and 5 % duplicates")
            messages = fill(stack, Backlog, count)
            cost = measure(stack, messages, count)
            say(
                f"P1: facts after {cost.facts_s:.1f} s, derived after {cost.seconds:.1f} s, "
                f"{cost.cpu_s:.1f} CPU-s; now the limit"
            )
            batches = read_batches(stack)
            read_derived(stack, batches)
            cost.rows = _count_rows(stack, batches)
        with Stack(servers, folder / "copy", sites=[SITE]) as stack:
            limit = measure_copy(stack, batches, count)
    if limit.rows != cost.rows:
        raise RuntimeError(f"the limit wrote {limit.rows} rows, the aggregator {cost.rows}")
    million, micro = 1_000_000 / count, 1_000_000 / count
    conditions = {
        "messages": messages,
        "records": count,
        "rows": cost.rows,
        "batch": BATCH,
        "facts_s": round(cost.facts_s, 2),
        "derived_s": round(cost.seconds, 2),
        "rows_per_s": round(cost.rows / cost.seconds),
        "limit_rows_per_s": round(limit.rows / limit.seconds),
        "limit_cpu_s_per_million": round(limit.cpu_s * million, 2),
        "cpu_us_per_record": {k: round(v * micro, 2) for k, v in cost.cpu_by.items()},
        "t2_time": {k: round(v, 3) for k, v in cost.t2_by.items()},
        "t2_statements": {k: round(v, 3) for k, v in cost.t2_statements.items()},
        "aggregator_peak_mib": round(cost.peak_mib, 1),
    }
    for name, used in conditions["cpu_us_per_record"].items():
        say(f"P1:   {used:8.2f} CPU-µs a record  {name}")
    say("P1:   T2's time: " + ", ".join(f"{k} {v:.0%}" for k, v in cost.t2_by.items()))
    for text, share in cost.t2_statements.items():
        say(f"P1:   {share:8.1%} of it  {text}")
    return (
        {
            "value": round(cost.rate),
            "limit": round(limit.rate),
            "ratio": round(cost.rate / limit.rate, 3),
            "conditions": conditions,
        },
        {
            "value": round(cost.cpu_s * million, 1),
            "limit": 28,
            "ratio": round(cost.cpu_s * million / 28, 3),
            "conditions": {"records": count, "facts_and_derived": True},
        },
    )


def _history(servers: Servers, folder: Path, history: type[Backlog], count: int) -> Whole:
    with Stack(servers, folder, sites=[SITE], partitions=8) as stack:
        return measure(stack, fill(stack, history, count), count)


def run_unkind(folder: Path, count: int, say) -> dict:
    """P3. The worst ratio to P1's history is the value; a doubled history is compared by CPU."""
    found = {}
    with Servers(folder / "servers", postgres=POSTGRES) as servers:
        usual = [_history(servers, folder / f"usual{i}", Backlog, count) for i in (1, 2)]
        rate = statistics.mean(cost.rate for cost in usual)
        usual_cpu_s = statistics.mean(cost.cpu_s for cost in usual)
        say(f"P3: {count} records of P1's history: {rate:,.0f}/s")
        for number, (name, history) in enumerate(HISTORIES.items()):
            once = _history(servers, folder / f"h{number}", history, count)
            twice = _history(servers, folder / f"h{number}x2", history, 2 * count)
            found[name] = {
                "records_per_s": round(once.rate),
                "ratio": round(once.rate / rate, 3),
                "cpu_ratio": round(usual_cpu_s / once.cpu_s, 3),
                "doubled": round(twice.seconds / once.seconds, 2),
                "doubled_cpu": round(twice.cpu_s / once.cpu_s, 2),
                "peak_mib": round(twice.peak_mib, 1),
            }
            say(f"P3: {name}: {found[name]}")
    worst = min(found, key=lambda name: found[name]["ratio"])
    return {
        "value": found[worst]["records_per_s"],
        "limit": round(rate),
        "ratio": found[worst]["ratio"],
        "conditions": {
            "records": count,
            "histories": found,
            "usual_all": [round(cost.rate) for cost in usual],
        },
    }


def is_unkind_met(measured: dict) -> bool:
    return all(
        history["ratio"] >= (0.4 if name == "all late" else 0.5) and history["doubled_cpu"] <= 2.2
        for name, history in measured["conditions"]["histories"].items()
    )
