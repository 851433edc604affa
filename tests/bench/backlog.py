"""P1, its first form: T1 alone. A backlog of pre-made messages, from topic to committed facts, beside
binary COPY of the very same resulting rows."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.keys import Keys, body_headers
from tests.support.pb import Record
from tests.support.people import uuid7
from tests.support.process import wait_until
from tests.support.stack import Aggregator, Servers, Site, Stack
from tests.support.topic import Message, publish

SITES, TOKENS, BATCH = 500, 200_000, 2_000
TABLES = ("record", "record_text", "sealed_identity", "sighting", "external_key", "ingest_log")
# What a real deployment sets (pitfalls §3); both sides run on the same cluster.
POSTGRES = {"max_wal_size": "8GB", "checkpoint_timeout": "30min", "shared_buffers": "1GB"}


@dataclass
class Cost:
    seconds: float
    cpu_s: float  # of all processes but the broker
    records: int
    rows: int = 0

    @property
    def rate(self) -> float:
        return self.records / self.seconds


def postgres_cpu_s(pid: int) -> float:
    """Of the server and all its children, those that ended included."""

    def fields(path: Path) -> list[str]:
        return path.read_text().rsplit(")", 1)[1].split()

    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found = fields(path)
        except OSError:
            continue
        if path.parent.name == str(pid):
            ticks += sum(int(found[i]) for i in (11, 12, 13, 14))
        elif found[1] == str(pid):
            ticks += int(found[11]) + int(found[12])
    return ticks / 100


class Backlog:
    """Messages as 500 agents would have sent them."""

    again_every = 20  # one of so many records is sent twice

    def __init__(self, keys: Keys, count: int, seed: int = 1):
        self.keys, self.count = keys, count
        self.rng = random.Random(seed)
        self.macs = [self.rng.randbytes(16) for _ in range(TOKENS)]
        self._sealed = self.rng.randbytes(64)
        self._sequence = [0] * SITES
        self._now_us = time.time_ns() // 1000

    @property
    def sites(self) -> list[str]:
        return [f"b{i:03d}" for i in range(SITES)]

    def site_of(self, number: int) -> int:
        return self.rng.randrange(SITES)

    def bend(self, record: Record, number: int) -> None:
        """What other histories change."""

    def _record(self, number: int, site: int) -> bytes:
        rng, start_us = self.rng, self._now_us - 3_600_000_000 + number * 10_000
        record = Record(
            schema_major=1,
            record_id=uuid.UUID(uuid7(rng, start_us)).bytes,
            tenant=self.keys.tenant,
            site=f"b{site:03d}",
            source="cti",
            occurred_start_us=start_us - 60_000_000,
            occurred_end_us=start_us,
            recorded_at_us=start_us,
            clock_state=1,
            channel=2,
            direction=1,
            happening_ref=f"{number}.1",
        )
        worker = record.worker
        worker.kind, worker.assurance, worker.sealed = 9, 1, self._sealed
        worker.tokens.add(key_id=1, mac=self.macs[site])
        person = record.persons.add(role=1)
        caller = person.identifiers.add(kind=4, assurance=4, sealed=self._sealed)
        token = rng.randrange(TOKENS)
        caller.tokens.add(key_id=1, mac=self.macs[token])
        if token % 5 == 0:  # who gives a member number with it
            member = person.identifiers.add(kind=2, assurance=2, sealed=self._sealed)
            member.tokens.add(key_id=1, mac=self.macs[token])
        if number % 10 == 0:
            incident = record.incident
            incident.categories.add(scheme="mhlw9", version="2022", code="abuse", assigned_by=1)
            incident.words.add(value="お前じゃ話にならない、責任者を出せ")
        else:
            record.contact.outcome = 1
            record.contact.talk_us = 90_000_000
            record.contact.dialled = "0120-000-100"
        if number % 3 == 0:
            record.external_id = f"CRM-{number}"
        self.bend(record, number)
        return record.SerializeToString()

    def _message(self, site: int, value: bytes) -> Message:
        self._sequence[site] += 1
        agent = f"b{site:03d}-a"
        headers = body_headers(self.keys, value, agent, 1, self._sequence[site])
        return Message(f"{self.keys.tenant}/b{site:03d}".encode(), value, headers)

    def messages(self) -> Iterator[Message]:
        """count records, and some of them once more a little later."""
        again: list[tuple[int, bytes]] = []
        for number in range(self.count):
            site = self.site_of(number)
            value = self._record(number, site)
            yield self._message(site, value)
            if number % self.again_every == 0:
                again.append((site, value))
            if len(again) >= 50:
                yield from (self._message(*pair) for pair in again)
                again.clear()
        yield from (self._message(*pair) for pair in again)


def register(stack: Stack, sites: list[str]) -> None:
    with stack.connect() as db, db.cursor() as cursor, db.transaction():
        cursor.executemany(
            "insert into kasumori.agent (tenant, agent, site, mac_key_id, valid_from) "
            "values (%s, %s, %s, 1, '2020-01-01')",
            [(stack.tenant, f"{site}-a", site) for site in sites],
        )


def measure_t1(stack: Stack, messages: int, records: int) -> tuple[Cost, Aggregator]:
    """From the aggregator's start to the last message committed."""
    with stack.connect() as db:
        db.execute("checkpoint")
    pid = stack.servers.postgres.pid
    before_s = postgres_cpu_s(pid)
    started = time.monotonic()
    aggregator = stack.add_aggregator(start=False, correlate=False)
    aggregator.start()
    with stack.connect() as db:
        sql = "select coalesce(sum(next_offset), 0) from kasumori.kafka_offset where topic = %s"
        wait_until(
            lambda: db.execute(sql, (stack.topic_records,)).fetchone()[0] >= messages,
            f"{messages} messages committed",
            wait_s=600,
            every_s=0.02,
        )
    seconds = time.monotonic() - started
    cpu_s = postgres_cpu_s(pid) - before_s + aggregator.cpu_s()
    rows = sum(int(stack.value(f"select count(*) from kasumori.{name}")) for name in TABLES)
    stored = stack.stored()
    if stored != records:
        raise RuntimeError(f"stored {stored}, not {records}")
    return Cost(seconds, cpu_s, records, rows), aggregator


Batches = list[list[tuple[str, bytes]]]  # of each batch: table and its rows in binary COPY form


def read_batches(stack: Stack) -> Batches:
    """The resulting rows of all tables in binary COPY form, 2,000 records a batch, in the order of
    their ids, which is the order an index likes best."""
    keyed = {"ingest_log": "tenant, record_id", "external_key": "tenant, record_id"}
    batches = []
    with stack.connect() as db, db.cursor() as cursor:
        cursor.execute(
            "create temp table place as select tenant, record_id, "
            "(row_number() over (order by record_id) - 1) / %s as batch from kasumori.record",
            (BATCH,),
        )
        for name in keyed:  # these have no index on the record
            cursor.execute(f"create temp table copy_{name} as select * from kasumori.{name}")
            cursor.execute(f"create index on copy_{name} (tenant, record_id)")
        cursor.execute("create index on place (batch)")
        cursor.execute("analyze")
        count = cursor.execute("select max(batch) + 1 from place").fetchone()[0]
        for batch in range(count):
            parts = []
            for name in TABLES:
                source = f"copy_{name}" if name in keyed else f"kasumori.{name}"
                with cursor.copy(
                    f"copy (select t.* from place p join {source} t using (tenant, record_id) "
                    f"where p.batch = {batch} order by record_id) to stdout (format binary)"
                    if name not in keyed
                    else f"copy (select t.* from place p join {source} t "
                    "on t.tenant = p.tenant and t.record_id = p.record_id "
                    f"where p.batch = {batch} order by t.record_id) to stdout (format binary)"
                ) as copy:
                    parts.append((name, b"".join(bytes(block) for block in copy)))
            batches.append(parts)
    return batches


def measure_copy(stack: Stack, batches: Batches, records: int) -> Cost:
    """The limit: the same rows into the same tables with the same indexes, one connection, one
    transaction a batch, nothing else done."""
    pid = stack.servers.postgres.pid
    with psycopg.connect(stack.conninfo) as db, db.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")  # as T1 does
        db.commit()
        db.autocommit = True
        cursor.execute("checkpoint")
        db.autocommit = False
        before_s, own_s = postgres_cpu_s(pid), time.process_time()
        started = time.monotonic()
        for parts in batches:
            for name, data in parts:
                with cursor.copy(f"copy kasumori.{name} from stdin (format binary)") as copy:
                    copy.write(data)
            db.commit()
        seconds = time.monotonic() - started
        cpu_s = postgres_cpu_s(pid) - before_s + time.process_time() - own_s
        rows = 0
        for name in {name for parts in batches for name, _ in parts}:
            rows += cursor.execute(f"select count(*) from kasumori.{name}").fetchone()[0]
    return Cost(seconds, cpu_s, records, rows)


def run(folder: Path, count: int, say) -> dict:
    sites = [Site("b000", "店", "store", "東京")]
    with Servers(folder / "servers", postgres=POSTGRES) as servers:
        with Stack(servers, folder / "t1", sites=sites, partitions=8) as stack:
            backlog = Backlog(stack.keys, count)
            register(stack, backlog.sites)
            say(f"P1: producing a backlog of {count} records and 5 % duplicates")
            brokers = servers.kafka.bootstrap
            messages = publish(brokers, stack.topic_records, backlog.messages())
            cost, aggregator = measure_t1(stack, messages, count)
            rss_mib = aggregator.status_kib("VmHWM") / 1024
            aggregator.stop()
            say(f"P1: T1 {cost.rate:,.0f} records/s, {cost.cpu_s:.1f} CPU-s; now the limit")
            batches = read_batches(stack)
        with Stack(servers, folder / "copy", sites=sites) as stack:
            limit = measure_copy(stack, batches, count)
    if limit.rows != cost.rows:
        raise RuntimeError(f"the limit wrote {limit.rows} rows, T1 {cost.rows}")
    million = 1_000_000 / count
    return {
        "value": round(cost.rate),
        "limit": round(limit.rate),
        "ratio": round(cost.rate / limit.rate, 3),
        "conditions": {
            "messages": messages,
            "records": count,
            "rows": cost.rows,
            "rows_per_s": round(cost.rows / cost.seconds),
            "limit_rows_per_s": round(limit.rows / limit.seconds),
            "cpu_s_per_million": round(cost.cpu_s * million, 2),
            "limit_cpu_s_per_million": round(limit.cpu_s * million, 2),
            "aggregator_peak_mib": round(rss_mib, 1),
            "lanes": 2,
            "form": "T1 only: facts, no derived state",
        },
    }
