"""The last line: row-level security on every table and partition, and what the monitor's login may."""

from __future__ import annotations

import psycopg
import pytest

from tests.component.monitor.conftest import LOGIN


@pytest.fixture
def login(world, pg):
    name = world.database.split("dbname=")[1].split()[0]
    with psycopg.connect(pg.conninfo(name, user=LOGIN)) as db:
        yield db
        db.rollback()


def test_every_table_with_a_tenant_is_protected(world):
    with psycopg.connect(world.database) as db:
        rows = db.execute(
            "select c.relname, c.relrowsecurity, c.relforcerowsecurity, "
            "(select count(*) from pg_policy p where p.polrelid = c.oid) "
            "from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant' "
            "where c.relnamespace = 'kasumori'::regnamespace and c.relkind in ('r', 'p') "
            "and not a.attisdropped"
        ).fetchall()
    assert len(rows) > 40
    assert any("_20" in name for name, *_ in rows)  # partitions are among them
    for name, is_on, is_forced, policies in rows:
        assert (is_on, is_forced) == (True, True) and policies >= 2, name


def test_the_login_is_no_owner(world):
    with psycopg.connect(world.database) as db:
        row = db.execute(
            "select rolsuper, rolbypassrls, pg_has_role(rolname, 'kasumori_owner', 'member'), "
            "pg_has_role(rolname, 'kasumori_privacy', 'member') from pg_roles where rolname = %s",
            (LOGIN,),
        ).fetchone()
    assert row == (False, False, False, False)


def test_without_a_tenant_nothing_is_seen(login):
    for table in ("site", "account", "decision", "audit", "record", "proposed_decision"):
        columns = "count(tenant)"
        assert login.execute(f"select {columns} from kasumori.{table}").fetchone() == (0,), table


def test_one_tenant_is_seen_at_a_time(login):
    login.execute("select set_config('kasumori.tenant', 'acme', true)")
    assert login.execute("select distinct tenant from kasumori.site").fetchall() == [("acme",)]
    assert login.execute("select distinct tenant from kasumori.account").fetchall() == [("acme",)]


@pytest.mark.parametrize(
    "sql",
    [
        "select password_hash from kasumori.account",
        "select failed_count from kasumori.account",
        "select * from kasumori.session",
        "select * from kasumori.machine_key",
        "insert into kasumori.session select",
        "update kasumori.account set role = 'admin'",
        "insert into kasumori.account (tenant, account, name, role) values ('acme', 'x', 'x', 'admin')",
        "update kasumori.audit set actor = 'x'",
        "delete from kasumori.audit",
        "update kasumori.decision set reason = 'x'",
        "delete from kasumori.decision",
        "select text from kasumori.record_text",
        "select * from kasumori.sealed_identity",
        "update kasumori.proposed_decision set made_by = 'x'",
        "delete from kasumori.proposed_decision",
        "insert into kasumori.proposed_decision (tenant, state) values ('acme', 'approved')",
        "set role kasumori_owner",
        "set role kasumori_privacy",
    ],
)
def test_what_the_login_may_not(login, sql):
    login.execute("select set_config('kasumori.tenant', 'acme', true)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        login.execute(sql)


def test_rows_of_another_tenant_cannot_be_written(login):
    login.execute("select set_config('kasumori.tenant', 'acme', true)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        login.execute(
            "insert into kasumori.audit (tenant, actor, role, action) values ('bravo', 'a', 'r', 'x')"
        )
