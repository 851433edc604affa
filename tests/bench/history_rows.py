"""Millions of plausible records of one tenant, put straight into the fact and derived tables: what a
chain of 300 sites stores in two years. Every value is a function of the record's number and the seed,
so any two loads of a size are alike, in however many connections. Derived rows are made by SQL of their
own; for a small load `kasumori rebuild --verify` says whether they are what the facts say.

    KASUMORI_BUILD=… python3 -m tests.bench.history_rows --records 20000   # loads and verifies
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace

import psycopg

from tests.support.figures import recount_records
from tests.support.paths import ROOT
from tests.support.postgres import Postgres
from tests.support.stack import Stack

SITES, CENTERS, MONTHS = 300, 10, 24  # of the sites the first are call centers
TRADES = ("小売", "飲食", "家電", "携帯電話", "銀行", "宿泊")
REGIONS = ("東京", "神奈川", "埼玉", "千葉", "大阪", "愛知", "福岡", "北海道")
CODES = ("abuse", "repeat", "time", "threat", "authority", "sns", "offsite", "violence", "sexual")
# How many of a hundred records begin in each hour of a day in Japan.
HOURS = (0, 0, 0, 0, 0, 0, 1, 1, 3, 6, 10, 10, 8, 8, 8, 8, 8, 9, 8, 5, 4, 2, 1, 0)
JAPAN = timezone(timedelta(hours=9))
# Derived rows that the loader does not make as the rules would: a handful only.
NOT_DERIVED = ("finding",)


@dataclass(frozen=True)
class Size:
    records: int
    tokens: int
    first: date  # day in Japan
    days: int


def size_of(records: int, today: date | None = None) -> Size:
    """Two years up to yesterday, so that no phone number's run is cut (730 days)."""
    today = today or datetime.now(JAPAN).date()
    first = today.replace(day=1)
    for _ in range(MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return Size(records, max(records // 2, 1), first, (today - first).days)


def mac_of(token: int, seed: int = 1) -> str:
    """32 hexadecimal digits, as kasumori_load.mac makes them."""
    return md5(f"{seed}:phone:{token}".encode()).hexdigest()


def form_of_rows() -> int:
    """What the correlator calls the rows that it makes: stored rows of that form it builds on."""
    header = ROOT / "services/common/tables/tables.h"
    return int(re.search(r"TABLES_FORM = (\d+)", header.read_text())[1])


def _sections() -> dict[str, str]:
    found: dict[str, str] = {}
    for part in Path(__file__).with_suffix(".sql").read_text().split("\n-- == ")[1:]:
        name, _, statements = part.partition("\n")
        found[name] = statements
    return found


SECTIONS = _sections()


def _sites(size: Size, tenant: str) -> list[tuple]:
    since = size.first - timedelta(days=365)
    rows = []
    for number in range(SITES):
        kind = "call_center" if number < CENTERS else "store"
        name = f"{REGIONS[number % len(REGIONS)]}{number:03d}号店"
        trade = TRADES[number * 7 // 3 % len(TRADES)]
        rows.append(
            (tenant, f"s{number:04d}", since, name, kind, trade, REGIONS[number % len(REGIONS)])
        )
    return rows


class Loader:
    """Into a migrated database without records of the tenant. As the superuser, who owns all there."""

    def __init__(self, conninfo: str, records: int, tenant: str = "acme", seed: int = 1):
        self.conninfo, self.tenant, self.seed = conninfo, tenant, seed
        self.size = size_of(records)
        severity = {"time": 2, "repeat": 2, "abuse": 3, "violence": 5, "threat": 4, "authority": 3,
                    "offsite": 4, "sns": 3, "sexual": 4}  # fmt: skip
        hours = [hour for hour, share in enumerate(HOURS) for _ in range(share)]
        self.words = {
            "tenant": tenant, "seed": seed, "records": records, "tokens": self.size.tokens,
            "first": self.size.first, "days": self.size.days, "centers": CENTERS,
            "stores": SITES - CENTERS, "form": form_of_rows(),
            "codes": "array[" + ",".join(f"'{code}'" for code in CODES) + "]",
            "severities": "array[" + ",".join(str(severity[code]) for code in CODES) + "]",
            "hours": "array[" + ",".join(map(str, hours)) + "]",
        }  # fmt: skip

    def _run(self, *sections: str, **words: object) -> None:
        self._execute(*(SECTIONS[name].format(**{**self.words, **words}) for name in sections))

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as db:
            db.execute("set synchronous_commit = off")
            db.execute("set work_mem = '256MB'")
            db.execute("set maintenance_work_mem = '256MB'")
            db.execute("set timezone = 'UTC'")
            db.execute("set max_parallel_workers_per_gather = 0")
            for statement in statements:
                db.execute(statement)

    def _both(self, jobs: list[Callable[[], None]]) -> None:
        """On the two cores, in this order."""
        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(job) for job in jobs]:
                job.result()

    def _months(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.conninfo) as db:
            return db.execute(
                "select kasumori.uuid_v7_floor(month at time zone 'UTC')::text, "
                "kasumori.uuid_v7_floor((month + interval '1 month') at time zone 'UTC')::text "
                "from generate_series(date_trunc('month', %s::timestamp - interval '1 day'), "
                "%s::timestamp, interval '1 month') as month",
                (self.size.first, self.size.first + timedelta(days=self.size.days)),
            ).fetchall()

    def _take_indexes(self, *tables: str) -> list[str]:
        """Drops what is not a key and returns how to make it again: quicker than row by row."""
        with psycopg.connect(self.conninfo, autocommit=True) as db:
            found = db.execute(
                "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) "
                "from pg_index i where i.indrelid = any (%s::text[]::regclass[]) and not exists "
                "(select from pg_constraint c where c.conindid = i.indexrelid)",
                ([f"kasumori.{table}" for table in tables],),
            ).fetchall()
            for name, _ in found:
                db.execute(f"drop index {name}")
        return [made for _, made in found]

    def _vacuums(self, but: str) -> list[str]:
        with psycopg.connect(self.conninfo) as db:
            rows = db.execute(
                "select oid::regclass::text from pg_class where relnamespace = 'kasumori'::regnamespace "
                "and relkind = 'r' and not relispartition and oid::regclass::text <> all (%s)",
                (but.split(", "),),
            ).fetchall()
        return [f"vacuum (analyze) {name}" for (name,) in rows]

    def _register(self) -> None:
        with psycopg.connect(self.conninfo) as db, db.cursor() as cursor:
            cursor.execute("delete from kasumori.site where tenant = %s", (self.tenant,))
            cursor.executemany(
                "insert into kasumori.site (tenant, site, valid_from, name, kind, trade, region) "
                "values (%s, %s, %s, %s, %s, %s, %s)",
                _sites(self.size, self.tenant),
            )
            cursor.execute(
                "insert into kasumori.agent (tenant, agent, site, mac_key_id, valid_from) "
                "select tenant, site || '-a', site, 1, valid_from from kasumori.site "
                "where tenant = %s",
                (self.tenant,),
            )
            first, last = self.size.first, self.size.first + timedelta(days=self.size.days + 31)
            cursor.execute(
                "select kasumori.make_partitions((%s::timestamp - interval '1 day')::date, %s)",
                (first, last),
            )

    def load(self, say=lambda text: None) -> float:
        """Seconds taken."""
        started = time.monotonic()

        def told(what: str) -> None:
            say(f"{what} after {time.monotonic() - started:.1f} s")

        self._register()
        self._run("functions", "later")
        indexes = self._take_indexes(
            "token_class", "class_run", "occurrence_record", "occurrence", "part"
        )
        step = -(-self.size.records // 16)
        self._both(
            [
                partial(self._run, "plan", low=low, high=min(low + step - 1, self.size.records))
                for low in range(1, self.size.records + 1, step)
            ]
        )
        self._run("retract")
        told("planned")
        self._both(
            [
                partial(self._run, "persons", "edges"),
                partial(self._run, "ingested", "decided", "rolled_up"),
                *(partial(self._run, "facts", low=low, high=high) for low, high in self._months()),
            ]
        )
        told("facts stored")
        self._both([partial(self._run, "members"), partial(self._run, "occurrences", "parts")])
        self._both([partial(self._execute, made) for made in indexes])
        self._run("figures", "asked", "alerted")
        told("derived rows stored")
        self._execute("drop schema kasumori_load cascade")
        half = "kasumori.record, kasumori.record_text, kasumori.part, kasumori.occurrence"
        self._both(
            [
                partial(self._execute, f"vacuum (analyze) {half}"),
                partial(self._execute, "vacuum (analyze) kasumori.sighting", *self._vacuums(half)),
            ]
        )
        self._execute("checkpoint")
        told("analysed")
        return time.monotonic() - started


# ---- is it so? ----


def recount(db: psycopg.Connection, tenant: str) -> dict[str, Counter]:
    """What the roll-ups must say, counted from the facts alone: sums by (day, site, category) and
    (month, weekday, hour)."""
    names = ("contacts", "incidents", "talk_us", "abandoned")
    sums = (
        "count(*) filter (where body = 1), count(*) filter (where body = 2), "
        "coalesce(sum(talk_us) filter (where body = 1), 0)::bigint, "
        "count(*) filter (where body = 1 and outcome in (2, 3)) from recounted"
    )
    recount_records(db, tenant)
    found = {"day": Counter(), "month": Counter()}
    for day, site, categories, *values in db.execute(
        f"select day, concerned, categories, {sums} group by 1, 2, 3"
    ):
        for name, value in zip(names, values, strict=True):
            for category in ["", *categories] if value else []:
                found["day"][day, site, category, name] += value
    for day, hour, *values in db.execute(f"select day, hour, {sums} group by 1, 2"):
        for name, value in zip(names, values, strict=True):
            if value:
                found["month"][day.replace(day=1), day.isoweekday(), hour, name] += value
    return found


def stored(db: psycopg.Connection, tenant: str) -> dict[str, Counter]:
    """The roll-ups, in the shape of recount."""
    names = ("contacts", "incidents", "talk_us", "abandoned")
    found = {}
    for table, keys in (("day", "day, site, category"), ("month", "month, weekday, hour")):
        found[table] = Counter()
        for row in db.execute(
            f"select {keys}, {', '.join(names)} from kasumori.rollup_{table} where tenant = %s",
            (tenant,),
        ):
            for name, value in zip(names, row[3:], strict=True):
                if value:
                    found[table][(*row[:3], name)] = value
    return found


def check(conninfo: str, tenant: str) -> None:
    """RuntimeError when the roll-ups are not what the facts say."""
    with psycopg.connect(conninfo) as db:
        want, have = recount(db, tenant), stored(db, tenant)
    for table in want:
        if want[table] != have[table]:
            key = next(
                k for k in {**want[table], **have[table]} if want[table][k] != have[table][k]
            )
            raise RuntimeError(
                f"rollup_{table} {key}: {have[table][key]}, the facts say {want[table][key]}"
            )


def verify(stack: Stack) -> dict[str, int]:
    """What `kasumori rebuild --verify` says against the rows, by table."""
    done = stack.db_cli("rebuild", "--verify", "--tenant", stack.tenant, is_ok=False)
    found: Counter = Counter()
    for line in done.stdout.splitlines():
        if line.split()[0].rstrip(":") not in ("pending", "all"):
            found[line.split()[0]] += 1
    if done.returncode != 0 and not found:
        raise RuntimeError(f"rebuild --verify: {done.stdout}{done.stderr}")
    return dict(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--verify-most", type=int, default=50_000, help="above: sums alone")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ks-rows-"))
    try:
        with Postgres(
            folder / "postgres", {"max_wal_size": "8GB", "shared_buffers": "1GB"}
        ) as postgres:
            stack = Stack(SimpleNamespace(postgres=postgres), folder / "stack")
            postgres.createdb(stack.database)
            stack.db_cli("migrate")
            seconds = Loader(stack.conninfo, args.records).load(print)
            print(f"{args.records} records in {seconds:.1f} s")
            check(stack.conninfo, stack.tenant)
            print("the roll-ups are what the facts say")
            if args.records > args.verify_most:
                return 0
            found = verify(stack)
            print(f"rows that rebuild --verify would change: {found or 'none'}")
            return 0 if set(found) <= set(NOT_DERIVED) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
