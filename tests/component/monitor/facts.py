"""Rows as ingest and correlator would have left them, one thing at a time."""

from __future__ import annotations

import itertools
import os
import time
import uuid
from datetime import UTC, datetime

import psycopg

PHONE = 4
WORKER = 9
_numbers = itertools.count(1)


def uuid7() -> uuid.UUID:
    head = int(time.time() * 1000).to_bytes(6, "big")
    tail = bytearray(os.urandom(10))
    tail[0] = tail[0] & 0x0F | 0x70
    tail[2] = tail[2] & 0x3F | 0x80
    return uuid.UUID(bytes=head + bytes(tail))


class Facts:
    def __init__(self, database: str, tenant: str):
        self.database, self.tenant = database, tenant
        self.at = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)

    def run(self, sql: str, *values: object) -> None:
        with psycopg.connect(self.database) as db:
            db.execute(sql, values)

    def value(self, sql: str, *values: object) -> object:
        with psycopg.connect(self.database) as db:
            return db.execute(sql, values).fetchone()[0]

    def record(
        self,
        site: str = "s001",
        is_effective: bool = True,
        is_new: bool = False,
        worker: uuid.UUID | None = None,
        ordinal: int | None = None,
    ) -> str:
        """An incident, in an occurrence of its own; ordinal: has a bare subject of that number."""
        record, occurrence = uuid7(), uuid.uuid4()
        self.run(
            "insert into kasumori.record (tenant, record_id, kind, site, concerned_site, "
            "agent, source, "
            "revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, "
            "channel, "
            "direction, is_training, body_hash, bare_persons, bare_roles) values (%s, %s, 2, "
            "%s, %s, 'a', "
            "'form', 0, %s, %s, %s, %s, 1, 1, 1, false, %s, %s, %s)",
            self.tenant, record, site, site, self.at, self.at, self.at,
            datetime.now(UTC) if is_new else self.at, os.urandom(16),
            None if ordinal is None else [ordinal], None if ordinal is None else [1],
        )  # fmt: skip
        if worker is not None:
            self.run(
                "insert into kasumori.sighting (tenant, record_id, person, item, key_id, kind, "
                "mac, role, "
                "assurance, direction, site, occurred_start) values (%s, %s, -1, 0, 1, %s, %s, "
                "0, 0, 1, %s, %s)",
                self.tenant, record, WORKER, worker, site, self.at,
            )  # fmt: skip
        if is_effective:
            self.run(
                "insert into kasumori.occurrence (tenant, occurrence, first_at, last_at, standing) "
                "values (%s, %s, %s, %s, 'open')",
                self.tenant, occurrence, self.at, self.at,
            )  # fmt: skip
            self.run(
                "insert into kasumori.occurrence_record (tenant, record_id, occurrence, "
                "effective_id, site, "
                "channel, start_at, end_at, is_anchor, gap_us) values (%s, %s, %s, %s, %s, 1, "
                "%s, %s, false, 0)",
                self.tenant, record, occurrence, record, site, self.at, self.at,
            )  # fmt: skip
        return str(record)

    def cls(self, subject: int | None = None) -> dict[str, object]:
        """A class of one phone token with one run, as the API names it."""
        number, mac = next(_numbers), uuid.uuid4()
        self.run(
            "insert into kasumori.token_class (tenant, kind, key_id, mac, class) values (%s, "
            "%s, 1, %s, %s)",
            self.tenant, PHONE, mac, number,
        )  # fmt: skip
        self.run(
            "insert into kasumori.class_run (tenant, class, first_at, last_at, kind, subject) "
            "values (%s, %s, %s, %s, %s, %s)",
            self.tenant, number, self.at, self.at, PHONE, subject,
        )  # fmt: skip
        return {"kind": "phone", "keyId": 1, "mac": mac.hex, "at": self.at.isoformat()}

    def edge(self, a: dict[str, object], b: dict[str, object]) -> None:
        self.run(
            "insert into kasumori.edge (tenant, class_a, at_a, class_b, at_b, decision_no, "
            "kind_a, kind_b, "
            "assurance_a, assurance_b, policy_version) select %s, least(a.class, b.class), %s, "
            "greatest(a.class, b.class), %s, 1, 4, 4, 1, 1, 0 from kasumori.token_class a, "
            "kasumori.token_class b "
            "where a.mac = %s::uuid and b.mac = %s::uuid",
            self.tenant, self.at, self.at, a["mac"], b["mac"],
        )  # fmt: skip

    def correlated(self) -> None:
        self.run(
            "insert into kasumori.correlated (tenant, form, decision_no, policy_version, "
            "records, duration_us, at) "
            "values (%s, 1, 0, 0, 0, 0, now() - interval '1 minute') on conflict do nothing",
            self.tenant,
        )  # fmt: skip

    def decision(self, number: int) -> tuple:
        with psycopg.connect(self.database) as db:
            return db.execute(
                "select kind, made_by, second_by, reason, body from kasumori.decision "
                "where tenant = %s and decision_no = %s",
                (self.tenant, number),
            ).fetchone()

    def audit(self, action: str) -> list[tuple]:
        with psycopg.connect(self.database) as db:
            return db.execute(
                "select actor, role, purpose, object from kasumori.audit "
                "where tenant = %s and action = %s order by audit_no",
                (self.tenant, action),
            ).fetchall()

    def decisions(self) -> int:
        return self.value("select count(*) from kasumori.decision where tenant = %s", self.tenant)
