"""A real PostgreSQL and Kafka for the session, and databases migrated by the command under test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.kafka import Kafka
from tests.support.paths import BUILD, binaries
from tests.support.postgres import Postgres

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Of this process alone: ctest runs several at once."""
    build = Path(os.environ.get("KASUMORI_BUILD", BUILD / "dev")).resolve()
    made = build / f"component-{os.getpid()}"
    made.mkdir(parents=True)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def pg(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder / "postgres")
    with server:
        yield server
    server.destroy()  # it may be outside the folder


@pytest.fixture(scope="session")
def kafka(folder: Path) -> Iterator[Kafka]:
    with Kafka(folder / "kafka") as server:
        yield server


@pytest.fixture(scope="session")
def kasumori() -> Run:
    def run(*args: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(
            [binaries() / "kasumori", *map(str, args)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            env=os.environ | (env or {}),
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest, pg: Postgres, kasumori: Run) -> Iterator[str]:
    """The conninfo of a migrated database of this module's own."""
    name = request.module.__name__.rpartition(".")[2]
    conninfo = pg.createdb(name)
    done = kasumori("migrate", "--database", conninfo)
    assert done.returncode == 0, done.stderr
    yield conninfo
    pg.dropdb(name)


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection]:
    """As superuser; what is not committed is undone."""
    with psycopg.connect(database) as connection:
        yield connection
        connection.rollback()
