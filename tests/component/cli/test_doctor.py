"""kasumori doctor finds each planted illness, and nothing in a healthy database."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.component.schema.test_partitions import uuid_v7

HEALTHY_TENANT = """
    insert into kasumori.site (tenant, site, valid_from, name, kind)
    values ('t', 's', now() - interval '1 year', 'n', 'store');
    insert into kasumori.agent (tenant, agent, site, mac_key_id, valid_from)
    values ('t', 'a', 's', 1, now() - interval '1 day');
    insert into kasumori.agent_seq (tenant, agent, epoch, received) values ('t', 'a', 1, '{[1,8)}');
"""


@pytest.fixture
def doctor(kasumori, database):
    def run() -> tuple[int, dict[str, str], str]:
        done = kasumori("doctor", "--database", database)
        lines = {}
        for line in done.stdout.splitlines():
            verdict, _, rest = line.partition(" ")
            name, _, text = rest.strip().partition(": ")
            lines[name] = verdict if verdict == "ok" else text
        return done.returncode, lines, done.stderr

    return run


@pytest.fixture(scope="module")
def fresh(database):
    with psycopg.connect(database) as connection:
        connection.execute(HEALTHY_TENANT)
    return database


def record_id() -> uuid.UUID:
    from datetime import UTC, datetime

    return uuid_v7(datetime.now(UTC))


def test_a_healthy_database(fresh, doctor):
    code, lines, stderr = doctor()
    assert (code, stderr) == (0, "")
    assert len(lines) >= 15
    assert set(lines.values()) == {"ok"}


# name of the check, illness, cure
ILLNESSES = [
    (
        "partitions",
        "alter table kasumori.sighting detach partition {sighting}",
        "alter table kasumori.sighting attach partition {sighting} for values from "
        "(kasumori.uuid_v7_floor(date_trunc('month', now()))) "
        "to (kasumori.uuid_v7_floor(date_trunc('month', now() + interval '1 month')))",
    ),
    (
        "row-level security",
        "alter table kasumori.part no force row level security",
        "alter table kasumori.part force row level security",
    ),
    ("roles", "alter role kasumori_monitor bypassrls", "alter role kasumori_monitor nobypassrls"),
    (
        "append-only facts",
        "grant delete on kasumori.decision to kasumori_monitor",
        "revoke delete on kasumori.decision from kasumori_monitor",
    ),
    (
        "free text",
        "grant select on kasumori.record_text to kasumori_monitor",
        "revoke select on kasumori.record_text from kasumori_monitor",
    ),
    (
        "texts",
        "insert into kasumori.record_text (tenant, record_id, place, text) "
        "values ('t', '{id}', 'p', 'x')",
        "delete from kasumori.record_text",
    ),
    (
        "external keys",
        "insert into kasumori.external_key values "
        "('t', 's', 'x', decode(repeat('00', 16), 'hex'), '{id}')",
        "delete from kasumori.external_key",
    ),
    (
        "log entries",
        "insert into kasumori.ingest_log values (1, 1, 't', '{id}')",
        "delete from kasumori.ingest_log",
    ),
    (
        "agents",
        "update kasumori.site set valid_to = now() - interval '1 day'",
        "update kasumori.site set valid_to = 'infinity'",
    ),
    (
        "sequences",
        "update kasumori.agent_seq set received = '{{[2,4),[5,8)}}'",
        "update kasumori.agent_seq set received = '{{[1,8)}}'",
    ),
    (
        "bad records",
        "insert into kasumori.bad_record (stream_no, kafka_offset, class, reason, appended_at, "
        "headers) values (1, 1, 'forged', 'r', now(), '')",
        "delete from kasumori.bad_record",
    ),
]


@pytest.mark.parametrize(("name", "illness", "cure"), ILLNESSES, ids=lambda text: text[:20])
def test_an_illness_is_found(fresh, doctor, name, illness, cure):
    with psycopg.connect(fresh, autocommit=True) as connection:
        month = connection.execute("select to_char(now(), 'YYYY_MM')").fetchone()[0]
        words = {"id": record_id(), "sighting": f"kasumori.sighting_{month}"}
        connection.execute(illness.format(**words))
        try:
            code, lines, stderr = doctor()
        finally:
            connection.execute(cure.format(**words))
    assert code == 1
    assert lines[name][:1] in set("123456789")
    assert [check for check, verdict in lines.items() if verdict != "ok"] == [name]
    assert stderr == "kasumori: 1 checks failed\n"
    assert doctor()[0] == 0


def test_holes_are_counted_one_by_one(fresh, doctor):
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("update kasumori.agent_seq set received = '{[2,4),[5,8)}'")
        _, lines, _ = doctor()
        connection.execute("update kasumori.agent_seq set received = '{[1,8)}'")
    assert lines["sequences"].startswith("2 ")
