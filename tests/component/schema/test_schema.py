"""What must hold of the schema as a whole."""

from __future__ import annotations

import psycopg
import pytest

TABLES = """
    select relation.oid, relation.relname, relation.relkind, relation.relispartition
    from pg_class as relation
    where relnamespace in ('kasumori'::regnamespace, 'kasumori_meta'::regnamespace)
      and relkind in ('r', 'p', 'v', 'm')
"""


def rows(connection: psycopg.Connection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def test_every_table_and_column_has_a_comment(sql):
    bare = rows(
        sql,
        f"""
        select relname, attname from ({TABLES}) as t
        join pg_attribute on attrelid = t.oid and attnum > 0 and not attisdropped
        where col_description(t.oid, attnum) is null
        union all
        select relname, '' from ({TABLES}) as t where obj_description(t.oid, 'pg_class') is null
        """,
    )
    assert bare == []


def test_every_function_has_a_comment_and_a_pinned_path(sql):
    functions = rows(
        sql,
        """
        select proname, obj_description(pg_proc.oid, 'pg_proc'), prosecdef,
               coalesce(array_to_string(proconfig, ','), '')
        from pg_proc where pronamespace = 'kasumori'::regnamespace
          and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
        """,
    )
    assert len(functions) >= 5
    for name, comment, is_definer, config in functions:
        assert comment, name
        assert not is_definer or "search_path=pg_catalog" in config, name


def test_functions_are_closed_to_the_public(sql):
    open_ones = rows(
        sql,
        """
        select proname from pg_proc where pronamespace = 'kasumori'::regnamespace
          and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
          and has_function_privilege('public', oid, 'execute')
        """,
    )
    assert open_ones == []


def test_everything_belongs_to_the_owner(sql):
    others = rows(
        sql,
        f"""
        select relname, pg_get_userbyid(relowner) from pg_class
        where oid in (select oid from ({TABLES}) as t) and relowner <> 'kasumori_owner'::regrole
        union all
        select proname, pg_get_userbyid(proowner) from pg_proc
        where pronamespace = 'kasumori'::regnamespace and proowner <> 'kasumori_owner'::regrole
          and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
        """,
    )
    assert others == []


def test_constraints_are_named_by_us(sql):
    """Generated names end in _pkey, _check, _key1 and the like; partitions copy their parent's."""
    generated = rows(
        sql,
        f"""
        select conname from pg_constraint
        where conrelid in (select oid from ({TABLES}) as t where not relispartition)
          and conname ~ '_(pkey|check|excl|fkey)[0-9]*$'
        """,
    )
    assert generated == []


def test_tenant_is_first_in_every_key_of_a_tenant_table(sql):
    exempt = {"bad_record", "ingest_log"}  # keyed by their place in the log
    late = rows(
        sql,
        f"""
        select t.relname from ({TABLES}) as t
        join pg_index on indrelid = t.oid and indisprimary
        join pg_attribute as tenant on tenant.attrelid = t.oid and tenant.attname = 'tenant'
        where indkey[0] <> tenant.attnum
        """,
    )
    assert {name for (name,) in late} == exempt


def test_row_level_security_is_forced_on_every_table_with_a_tenant(sql):
    """Partitions too: a policy of the parent does not hold for who reads a partition directly."""
    found = rows(
        sql,
        f"""
        select t.relname, c.relrowsecurity, c.relforcerowsecurity,
               (select count(*) from pg_policy where polrelid = t.oid), t.relispartition
        from ({TABLES}) as t join pg_class as c on c.oid = t.oid
        join pg_attribute on attrelid = t.oid and attname = 'tenant'
        where t.relkind in ('r', 'p')
        """,
    )
    assert len([name for name, *_, is_partition in found if is_partition]) >= 4 * 17
    for name, is_enabled, is_forced, policies, _ in found:
        assert (is_enabled, is_forced, policies) == (True, True, 2), name


def test_views_run_as_their_reader(sql):
    """A view that runs as its owner would show every tenant."""
    views = rows(
        sql,
        "select relname, coalesce(reloptions, '{}') from pg_class where relkind in ('v', 'm') "
        "and relnamespace in ('kasumori'::regnamespace, 'analytics'::regnamespace)",
    )
    assert len(views) >= 8
    assert [name for name, options in views if "security_invoker=true" not in options] == []


def test_every_view_of_analytics_is_described(sql):
    bare = rows(
        sql,
        "select c.relname, a.attname from pg_class c "
        "join pg_attribute a on attrelid = c.oid and attnum >= 0 and not attisdropped "
        "where c.relnamespace = 'analytics'::regnamespace and c.relkind = 'v' "
        "and (col_description(c.oid, attnum) is null or obj_description(c.oid) is null)",
    )
    assert bare == []


def test_service_roles_cannot_log_in_or_pass(sql):
    roles = rows(
        sql,
        "select rolname, rolcanlogin, rolsuper, rolbypassrls from pg_roles "
        "where rolname like 'kasumori\\_%'",
    )
    assert len(roles) == 4
    assert all(not any(rest) for _, *rest in roles)


def test_the_registry_counts_its_changes(sql):
    before = rows(sql, "select version from kasumori.registry_version")[0][0]
    sql.execute(
        "insert into kasumori.agent (tenant, agent, site, mac_key_id, valid_from) "
        "values ('t', 'a', 's', 1, now())"
    )
    sql.execute("update kasumori.agent set note = 'x' where agent = 'a'")
    assert rows(sql, "select version from kasumori.registry_version") == [(before + 2,)]


def test_decisions_are_numbered_by_the_database(sql):
    for tenant, claimed in (("one", 77), ("one", 77), ("two", 1)):
        sql.execute(
            "insert into kasumori.decision (tenant, decision_no, kind, made_by, reason, body) "
            "values (%s, %s, 'ack', 'me', 'seen', '{}')",
            (tenant, claimed),
        )
    numbers = rows(
        sql, "select tenant, decision_no from kasumori.decision order by tenant, decision_no"
    )
    assert numbers == [("one", 1), ("one", 2), ("two", 1)]


def test_a_ban_needs_two_persons(sql):
    statement = (
        "insert into kasumori.decision (tenant, decision_no, kind, made_by, second_by, reason, body)"
        " values ('t', 1, 'restrict', 'a', %s, 'r', '{}')"
    )
    for second in (None, "a"):
        with pytest.raises(psycopg.errors.CheckViolation), sql.transaction():
            sql.execute(statement, (second,))
    sql.execute(statement, ("b",))


def test_audit_rows_are_sealed_once_and_never_changed(sql):
    sql.execute(
        "insert into kasumori.audit (tenant, actor, role, action) values ('t', 'a', 'r', 'x')"
    )
    changes = (
        "update kasumori.audit set actor = 'b'",
        "update kasumori.audit set chain_no = 1, chain_hash = decode(repeat('00', 32), 'hex'), "
        "sealed_at = now(), purpose = 'other'",
        "delete from kasumori.audit",
        "truncate kasumori.audit",
    )
    seal = (
        "update kasumori.audit set chain_no = 1, chain_hash = decode(repeat('00', 32), 'hex'), "
        "sealed_at = now()"
    )
    for change in changes:
        with pytest.raises(psycopg.errors.RaiseException), sql.transaction():
            sql.execute(change)
    sql.execute(seal)
    for change in (*changes, seal):
        with pytest.raises(psycopg.errors.RaiseException), sql.transaction():
            sql.execute(change)
