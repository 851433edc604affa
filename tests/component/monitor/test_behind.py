"""How far derived rows are behind, for a small tenant beside a large one."""

from __future__ import annotations

import hashlib
import json

import psycopg
import pytest

STREAM, LENGTH, OWN = 9_001, 200_000, 50


def shard_of(tenant: str) -> int:
    return hashlib.sha256(tenant.encode()).digest()[0] % 64


@pytest.fixture
def log(world):
    """A stream whose first rows are acme's and all others bravo's; both stand in derived rows."""
    with psycopg.connect(world.database, autocommit=True) as db:
        db.execute(
            "insert into kasumori.kafka_offset (stream_no, cluster_id, topic, partition, next_offset) "
            "overriding system value values (%s, 'test', 'test', 0, %s)",
            (STREAM, LENGTH),
        )
        db.execute(
            "insert into kasumori.ingest_log (stream_no, kafka_offset, tenant, record_id) "
            "select %s, n, case when n < %s then 'acme' else 'bravo' end, gen_random_uuid() "
            "from generate_series(0, %s - 1) as n",
            (STREAM, OWN, LENGTH),
        )
        for tenant, upto in (("acme", OWN), ("bravo", LENGTH)):
            db.execute(
                "insert into kasumori.correlated (tenant, form, decision_no, policy_version, records, "
                "duration_us) values (%s, 3, 0, 0, 0, 0)",
                (tenant,),
            )
            db.execute(
                "insert into kasumori.correlated_stream (tenant, stream_no, next_offset) "
                "values (%s, %s, %s)",
                (tenant, STREAM, upto),
            )
            db.execute(
                "insert into kasumori.correlator_cursor (shard, stream_no, next_offset) "
                "values (%s, %s, %s)",
                (shard_of(tenant), STREAM, LENGTH),
            )
        db.execute("analyze kasumori.ingest_log")
        yield db
        for table in ("kafka_offset", "ingest_log", "correlated_stream", "correlator_cursor"):
            db.execute(f"delete from kasumori.{table} where stream_no = %s", (STREAM,))
        db.execute("delete from kasumori.correlated")


def behind(world, tenant: str) -> int:
    return world.client(tenant, "headquarters").get("/v1/now").json()["behind"]


def append(db, tenant: str, offset: int) -> None:
    db.execute(
        "insert into kasumori.ingest_log (stream_no, kafka_offset, tenant, record_id) "
        "values (%s, %s, %s, gen_random_uuid())",
        (STREAM, offset, tenant),
    )
    db.execute(
        "update kasumori.kafka_offset set next_offset = %s where stream_no = %s",
        (offset + 1, STREAM),
    )


def test_only_what_is_ones_own_and_not_yet_derived_is_behind(world, log):
    assert (behind(world, "acme"), behind(world, "bravo")) == (0, 0)
    append(log, "bravo", LENGTH)
    append(log, "acme", LENGTH + 1)
    append(log, "acme", LENGTH + 2)
    assert (behind(world, "acme"), behind(world, "bravo")) == (2, 1)


def test_what_a_marked_tenant_has_read_but_not_derived_is_behind(world, log):
    log.execute("update kasumori.correlated set form = 0 where tenant = 'bravo'")
    log.execute(
        "update kasumori.correlated_stream set next_offset = %s where tenant = 'bravo'",
        (LENGTH - 7,),
    )
    assert behind(world, "bravo") == 7


def test_what_others_stored_is_not_read(world, log):
    plan = log.execute(
        "explain (analyze, buffers, format json) select kasumori.records_behind('acme', 100000)"
    ).fetchone()[0]
    found = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    pages = log.execute(
        "select pg_relation_size('kasumori.ingest_log') / current_setting('block_size')::int"
    ).fetchone()[0]
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < pages / 10
