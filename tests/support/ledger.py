"""The ledger: what agents answered success for against what PostgreSQL holds, by anti-joins both ways.

lost      answers that are neither a record, nor a duplicate of a stored one, nor in bad_record
strange   stored records nobody was answered for
doubled   record ids or external ids stored more than once
All three must be 0, whatever was killed in between."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

_TABLE = """
create temp table answered (
    record_id uuid,
    tenant text not null,
    site text not null,
    source text not null,
    external_id text,
    is_answered boolean not null
)
"""

# Distinct promises and what became of each. A promise is kept by a record of that id, by the stored
# record of the same external id, or by a bad record of that id.
_FATES = """
select
    count(*) filter (where is_stored) as stored,
    count(*) filter (where not is_stored and is_known) as known,
    count(*) filter (where not is_stored and not is_known and is_bad) as bad,
    count(*) filter (where not is_stored and not is_known and not is_bad) as lost
from (
    select
        exists (select from kasumori.record r
                where r.tenant = a.tenant and r.record_id = a.record_id) as is_stored,
        exists (select from kasumori.external_key k
                join kasumori.record r on r.tenant = k.tenant and r.record_id = k.record_id
                where k.tenant = a.tenant and k.site = a.site and k.source = a.source
                  and k.external_hash = substring(sha256(convert_to(a.external_id, 'UTF8')) for 16)
               ) as is_known,
        exists (select from kasumori.bad_record b where b.record_id = a.record_id) as is_bad
    from (select distinct on (record_id) * from answered
          where record_id is not null and is_answered) a
) f
"""

_LOST_IDS = """
select a.record_id::text, a.site, a.external_id from answered a
where a.record_id is not null and a.is_answered
  and not exists (select from kasumori.record r
                  where r.tenant = a.tenant and r.record_id = a.record_id)
  and not exists (select from kasumori.external_key k
                  where k.tenant = a.tenant and k.site = a.site and k.source = a.source
                    and k.external_hash = substring(sha256(convert_to(a.external_id, 'UTF8')) for 16))
  and not exists (select from kasumori.bad_record b where b.record_id = a.record_id)
limit 5
"""

# Calls of a file have no id of ours: the linkedid is what was promised.
_LOST_CALLS = """
select count(*) from (select distinct tenant, site, source, external_id from answered
                      where record_id is null and is_answered) a
where not exists (select from kasumori.record r
                  where r.tenant = a.tenant and r.site = a.site and r.source = a.source
                    and r.external_id = a.external_id)
"""

# A record is nobody's when nobody tried to hand in its id or its external id; one that was tried and
# not answered may be there or not. A correction made of a
# redelivery has an id of its own and names the answered record, or shares its external id.
_STRANGE = """
select count(*) from kasumori.record r
where not exists (select from answered a where a.record_id = r.record_id)
  and not exists (select from answered a where a.tenant = r.tenant and a.site = r.site
                  and a.source = r.source and a.external_id = r.external_id)
  and not (r.kind = 4 and exists (select from answered a where a.record_id = r.target_id))
  and r.source <> all (%s)
"""

_DOUBLED = """
select (select count(*) from (select from kasumori.record group by record_id having count(*) > 1) d)
     + (select count(*) from (select from kasumori.record where external_id is not null
                              group by tenant, site, source, external_id, revision
                              having count(*) > 1) d)
     + (select count(*) from (select from kasumori.ingest_log
                              group by tenant, record_id having count(*) > 1) d)
     + (select count(*) from kasumori.record r where not exists
          (select from kasumori.ingest_log l
           where l.tenant = r.tenant and l.record_id = r.record_id))
     + (select count(*) from kasumori.ingest_log l where not exists
          (select from kasumori.record r
           where l.tenant = r.tenant and l.record_id = r.record_id))
"""

_IN_LOG = "select coalesce(sum(next_offset), 0) from kasumori.kafka_offset where topic = %s"


@dataclass
class Ledger:
    accepted: int  # answers of success, records and calls
    stored: int  # records in PostgreSQL
    duplicates: int  # messages in the topic that were recognised
    bad: int
    lost: int
    strange: int
    doubled: int
    bad_by_class: dict[str, int] = field(default_factory=dict)
    messages: int = 0  # in the topic: stored + duplicates + bad
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)  # of what was lost

    @property
    def is_whole(self) -> bool:
        return self.lost == 0 and self.strange == 0 and self.doubled == 0

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass
class Attempt:
    record_id: str | None  # None: a call of a file, or the agent has not answered with its id yet
    site: str
    source: str
    external_id: str | None
    is_answered: bool = False


class Answers:
    """What the driver handed in and what it was answered, kept as it happens. Thread-safe."""

    def __init__(self, tenant: str):
        self.tenant = tenant
        self._attempts: list[Attempt] = []
        self._lock = threading.Lock()

    def attempt(self, *attempts: Attempt) -> None:
        """Before the request; set is_answered (and the id) once success was answered."""
        with self._lock:
            self._attempts.extend(attempts)

    def __len__(self) -> int:
        """How many were answered."""
        with self._lock:
            return sum(attempt.is_answered for attempt in self._attempts)

    def merge(self, *others: Answers) -> None:
        for other in others:
            self.attempt(*other._attempts)

    def _rows(self) -> list[tuple]:
        with self._lock:
            return [
                (a.record_id, self.tenant, a.site, a.source, a.external_id, a.is_answered)
                for a in self._attempts
            ]

    def write(self, path: Path) -> None:
        lines = ("\t".join("" if v is None else str(v) for v in row) for row in self._rows())
        path.write_text("".join(line + "\n" for line in lines))

    def balance(
        self, db: psycopg.Connection, topic: str, strangers: tuple[str, ...] = ()
    ) -> Ledger:
        """strangers: sources of records that were put into the topic beside the agents."""
        rows = self._rows()
        with db.cursor() as cursor:
            cursor.execute("drop table if exists answered")
            cursor.execute(_TABLE)
            with cursor.copy("copy answered from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute("create index on answered (record_id)")
            cursor.execute("create index on answered (external_id)")
            cursor.execute("analyze answered")
            one = lambda sql, *args: cursor.execute(sql, args).fetchone()  # noqa: E731
            lost = one(_FATES)[3] + one(_LOST_CALLS)[0]
            examples = [" ".join(map(str, row)) for row in cursor.execute(_LOST_IDS)]
            by_class = dict(
                cursor.execute("select class, count(*) from kasumori.bad_record group by class")
            )
            stored = one("select count(*) from kasumori.record")[0]
            messages = int(one(_IN_LOG, topic)[0])
            bad = sum(by_class.values())
            return Ledger(
                accepted=sum(row[5] for row in rows),
                stored=stored,
                duplicates=messages - stored - bad,
                bad=bad,
                lost=lost,
                strange=one(_STRANGE, list(strangers))[0],
                doubled=one(_DOUBLED)[0],
                bad_by_class=by_class,
                messages=messages,
                examples=examples,
            )
