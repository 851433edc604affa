"""kasumori migrate: twice, at once, half-way, and against databases it must refuse."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.paths import ROOT, binaries
from tests.support.postgres import Postgres

FILES = sorted((ROOT / "deploy" / "postgres" / "migrations").glob("*.sql"))


@pytest.fixture
def empty(pg: Postgres) -> Iterator[str]:
    conninfo = pg.createdb("empty")
    yield conninfo
    pg.dropdb("empty")


def recorded(conninfo: str) -> list[tuple[int, str, str]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(
            "select version, name, checksum from kasumori_meta.migration order by version"
        ).fetchall()


def expected() -> list[tuple[int, str, str]]:
    return [
        (int(file.name[:4]), file.name, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in FILES
    ]


def dump(conninfo: str) -> str:
    done = subprocess.run(
        ["pg_dump", "--schema-only", conninfo], capture_output=True, text=True, check=True
    )
    # Newer ones guard against injection with a random word.
    return "\n".join(line for line in done.stdout.splitlines() if "restrict" not in line)


def test_twice_is_once(empty, kasumori):
    first = kasumori("migrate", "--database", empty)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("applied ") == len(FILES)
    assert recorded(empty) == expected()
    before = dump(empty)
    second = kasumori("migrate", "--database", empty)
    assert second.returncode == 0, second.stderr
    assert "applied" not in second.stdout
    assert " 0 partitions made" in second.stdout
    assert dump(empty) == before


def test_four_at_once(empty):
    command = [binaries() / "kasumori", "migrate", "--database", empty]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * 4, outputs
    applied = [
        line for out, _ in outputs for line in out.splitlines() if line.startswith("applied")
    ]
    assert len(applied) == len(FILES)  # each by one of them
    assert recorded(empty) == expected()


def test_the_environment_names_the_database(empty, kasumori):
    words = dict(word.split("=") for word in empty.split())
    env = {
        "PGHOST": words["host"],
        "PGPORT": words["port"],
        "PGDATABASE": words["dbname"],
        "PGUSER": words["user"],
    }
    assert kasumori("migrate", env=env).returncode == 0
    assert recorded(empty) == expected()


def test_a_changed_migration_is_refused(empty, kasumori):
    assert kasumori("migrate", "--database", empty).returncode == 0
    with psycopg.connect(empty) as connection:
        connection.execute("update kasumori_meta.migration set checksum = 'x' where version = 3")
    done = kasumori("migrate", "--database", empty)
    assert done.returncode == 1
    assert "0003_facts.sql was another file when it was applied" in done.stderr


def test_a_newer_database_is_refused(empty, kasumori):
    assert kasumori("migrate", "--database", empty).returncode == 0
    with psycopg.connect(empty) as connection:
        connection.execute(
            "insert into kasumori_meta.migration (version, name, checksum) values (9999, 'f', 'x')"
        )
    for command in (["migrate"], ["doctor"], ["agent", "list"]):
        done = kasumori(*command, "--database", empty)
        assert done.returncode == 1
        assert f"is version 9999, this program knows up to {expected()[-1][0]}" in done.stderr


def test_a_missing_schema_is_one_sentence(empty, kasumori):
    done = kasumori("doctor", "--database", empty)
    assert done.returncode == 1
    assert done.stderr == (
        "kasumori: the database has no Kasumori schema yet: run kasumori migrate\n"
    )


def test_what_fails_half_way_leaves_nothing_of_it(empty, kasumori):
    # The schema of 0002 stands in the way, so 0001 applies and 0002 cannot.
    with psycopg.connect(empty) as connection:
        connection.execute(
            """
            create function trap() returns event_trigger language plpgsql as $$
            begin
                if to_regclass('kasumori.agent') is not null then
                    raise exception 'not now';
                end if;
            end $$;
            create event trigger trap on ddl_command_end when tag in ('CREATE TRIGGER')
                execute function trap();
            """
        )
    done = kasumori("migrate", "--database", empty)
    assert done.returncode == 1
    assert "migration 0002_sites_and_agents.sql: database: not now" in done.stderr
    assert recorded(empty) == expected()[:1]
    with psycopg.connect(empty) as connection:
        left = connection.execute("select to_regclass('kasumori.site')").fetchone()
        assert left == (None,)
        connection.execute("drop event trigger trap")
    assert kasumori("migrate", "--database", empty).returncode == 0
    assert recorded(empty) == expected()


def test_a_creator_of_roles_is_enough(pg, kasumori):
    """No superuser: one who may create roles and owns the database."""
    pg.sql("create role operator login createrole", "postgres")
    pg.sql("create database by_operator owner operator", "postgres")
    conninfo = pg.conninfo("by_operator", user="operator")
    done = kasumori("migrate", "--database", conninfo)
    assert done.returncode == 0, done.stderr
    assert kasumori("doctor", "--database", conninfo).returncode == 0
    pg.dropdb("by_operator")
    pg.sql("drop role operator", "postgres")
