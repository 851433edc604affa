"""Who may do what, tried as login roles that were granted a service role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from tests.component.schema.test_partitions import uuid_v7

RECORD = uuid_v7(datetime(2026, 11, 1, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def logins(pg, database) -> Iterator[dict[str, str]]:
    """Conninfo of a login for each service."""
    services = ("aggregator", "monitor", "privacy")
    now = datetime.now(UTC)
    with psycopg.connect(database) as connection:
        for service in services:
            connection.execute(f"create role login_{service} login in role kasumori_{service}")
        connection.execute("select kasumori.make_partitions('2026-11-01', '2026-11-01')")
        for tenant in ("one", "two"):
            connection.execute(
                "insert into kasumori.record_text (tenant, record_id, place, text) "
                "values (%s, %s, 'p', 'words')",
                (tenant, RECORD),
            )
            connection.execute(
                "insert into kasumori.sealed_identity (tenant, record_id, person, item, kind, sealed)"
                " values (%s, %s, 0, 0, 4, 'box')",
                (tenant, RECORD),
            )
            connection.execute(
                "insert into kasumori.site (tenant, site, valid_from, name, kind) "
                "values (%s, 's', %s, 'n', 'store')",
                (tenant, now),
            )
            connection.execute(
                "insert into kasumori.bad_record (stream_no, kafka_offset, class, reason, "
                "appended_at, tenant, headers, value) "
                "values (1, %s, 'malformed', 'r', now(), %s, '', 'raw')",
                (len(tenant) + ord(tenant[0]), tenant),
            )
    dbname = database.split("dbname=")[1].split()[0]
    yield {service: pg.conninfo(dbname, user=f"login_{service}") for service in services}
    with psycopg.connect(database) as connection:
        for service in services:
            connection.execute(f"drop role login_{service}")


def connect(logins: dict[str, str], service: str, tenant: str | None = None):
    connection = psycopg.connect(logins[service])
    if tenant is not None:
        connection.execute("select set_config('kasumori.tenant', %s, false)", (tenant,))
        connection.commit()
    return connection


# service, statement
DENIED = [
    ("aggregator", "update kasumori.record set site = 'x'"),
    ("aggregator", "delete from kasumori.record"),
    ("aggregator", "truncate kasumori.record"),
    ("aggregator", "delete from kasumori.sighting"),
    ("aggregator", "update kasumori.external_key set site = 'x'"),
    ("aggregator", "delete from kasumori.ingest_log"),
    ("aggregator", "update kasumori.bad_record set reason = 'x'"),
    ("aggregator", "update kasumori.bad_record set value = null"),
    ("aggregator", "delete from kasumori.bad_record"),
    ("aggregator", "select text from kasumori.record_text"),
    ("aggregator", "select sealed from kasumori.sealed_identity"),
    ("aggregator", "insert into kasumori.decision (tenant) values ('one')"),
    ("aggregator", "insert into kasumori.site (tenant) values ('one')"),
    ("aggregator", "update kasumori.agent set valid_to = 'infinity'"),
    ("aggregator", "update kasumori.setting set value = 'x'"),
    ("aggregator", "select * from kasumori.audit"),
    ("aggregator", "drop table kasumori.tick"),
    ("aggregator", "create table kasumori.mine ()"),
    ("aggregator", "alter table kasumori.record disable row level security"),
    ("aggregator", "select kasumori.protect_tenant('kasumori.record')"),
    ("aggregator", "set role kasumori_owner"),
    ("monitor", "select * from kasumori.record_text"),
    ("monitor", "select kind from kasumori.sealed_identity"),
    ("monitor", "select value from kasumori.bad_record"),
    ("monitor", "select headers from kasumori.bad_record"),
    ("monitor", "select * from kasumori.external_key"),
    ("monitor", "insert into kasumori.record (tenant) values ('one')"),
    ("monitor", "insert into kasumori.tick values ('one', now())"),
    ("monitor", "update kasumori.decision set reason = 'x'"),
    ("monitor", "delete from kasumori.decision"),
    ("monitor", "update kasumori.decision_counter set last_no = 0"),
    ("monitor", "update kasumori.watch set until = 'infinity'"),
    ("monitor", "delete from kasumori.audit"),
    ("monitor", "update kasumori.audit set actor = 'x'"),
    ("monitor", "update kasumori.kafka_offset set next_offset = 0"),
    ("monitor", "select kasumori.make_partitions(current_date, current_date)"),
    ("monitor", "select * from kasumori.record_2026_11"),  # past the parent
    ("privacy", "insert into kasumori.decision (tenant) values ('one')"),
    ("privacy", "delete from kasumori.record_text"),
    ("privacy", "select * from kasumori.audit"),
    ("privacy", "select * from kasumori.record_text_2026_11"),
]


@pytest.mark.parametrize(("service", "statement"), DENIED)
def test_denied(logins, service, statement):
    with connect(logins, service, "one") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


ALLOWED = [
    ("aggregator", "select count(*) from kasumori.record"),
    ("aggregator", "insert into kasumori.tick values ('one', now())"),
    ("aggregator", "insert into kasumori.external_key values ('one', 's', 'x', "
                   "decode(repeat('00', 16), 'hex'), gen_random_uuid()) on conflict do nothing"),
    ("aggregator", "update kasumori.bad_record set state = 'replayed', state_at = now() where false"),
    ("aggregator", "insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset) "
                   "values ('c', 't', 0, 0) on conflict (cluster_id, topic, partition, incarnation) "
                   "do update set epoch = kafka_offset.epoch + 1 returning stream_no"),
    ("aggregator", "delete from kasumori.edge"),
    ("aggregator", "select kasumori.make_partitions(current_date, current_date)"),
    ("aggregator", "select version from kasumori_meta.migration"),
    ("monitor", "select * from kasumori.record"),
    ("monitor", "select class, reason from kasumori.bad_record"),
    ("monitor", "insert into kasumori.decision (tenant, decision_no, kind, made_by, reason, body) "
                "values ('one', 0, 'ack', 'me', 'seen', '{}') returning decision_no"),
    ("monitor", "insert into kasumori.audit (tenant, actor, role, action) "
                "values ('one', 'me', 'site', 'look')"),
    ("privacy", "select text from kasumori.record_text"),
    ("privacy", "select sealed from kasumori.sealed_identity"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "statement"), ALLOWED)
def test_allowed(logins, service, statement):
    with connect(logins, service, "one") as connection:
        connection.execute(statement)
        connection.rollback()


@pytest.mark.parametrize(
    ("service", "table"),
    [("monitor", "site"), ("privacy", "record_text"), ("privacy", "sealed_identity")],
)
def test_one_tenant_at_a_time(logins, service, table):
    query = f"select tenant from kasumori.{table}"
    with connect(logins, service) as connection:
        assert connection.execute(query).fetchall() == []  # nobody named: nothing seen
    for tenant in ("one", "two"):
        with connect(logins, service, tenant) as connection:
            assert connection.execute(query).fetchall() == [(tenant,)]


def test_bad_records_of_nobody_are_seen_by_no_monitor(logins, database):
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into kasumori.bad_record (stream_no, kafka_offset, class, reason, appended_at, "
            "headers) values (1, 0, 'forged', 'r', now(), '')"
        )
    with connect(logins, "monitor", "one") as connection:
        seen = connection.execute("select tenant, class from kasumori.bad_record").fetchall()
        assert seen == [("one", "malformed")]


def test_a_monitor_cannot_write_for_another_tenant(logins):
    for statement in (
        "insert into kasumori.decision (tenant, decision_no, kind, made_by, reason, body) "
        "values ('two', 0, 'ack', 'me', 'seen', '{}')",
        "insert into kasumori.audit (tenant, actor, role, action) values ('two', 'a', 'r', 'x')",
    ):
        with connect(logins, "monitor", "one") as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                connection.execute(statement)


def test_the_aggregator_sees_every_tenant(logins):
    with connect(logins, "aggregator") as connection:
        seen = connection.execute("select tenant from kasumori.site order by 1").fetchall()
        assert seen == [("one",), ("two",)]


def test_ingest_can_write_what_it_may_not_read(logins):
    """With its conflict clause, as T1 does."""
    with connect(logins, "aggregator") as connection:
        connection.execute(
            "insert into kasumori.record_text (tenant, record_id, place, text) "
            "values ('one', %s, 'p', 'again') on conflict do nothing",
            (RECORD,),
        )
        connection.execute(
            "insert into kasumori.sealed_identity (tenant, record_id, person, item, kind, sealed) "
            "values ('one', %s, 0, 0, 4, 'x') "
            "on conflict (tenant, record_id, person, item) do nothing",
            (RECORD,),
        )
        connection.rollback()


def test_every_table_is_closed_to_strangers(sql):
    sql.execute("create role stranger login")
    opened = sql.execute(
        "select relname from pg_class where relnamespace in "
        "('kasumori'::regnamespace, 'kasumori_meta'::regnamespace) and relkind in ('r', 'p', 'v') "
        "and (has_table_privilege('stranger', oid, 'select,insert,update,delete,truncate') "
        "or has_any_column_privilege('stranger', oid, 'select,insert,update'))"
    ).fetchall()
    assert opened == []
