"""Small worlds of hand-made facts, one tenant each."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.component.history.store import Store, storable

KIND_NAMES = {1: "handle", 2: "member", 4: "phone"}
_numbers = itertools.count(1)


class World:
    """Facts as they are stored, and the command on them."""

    def __init__(self, tenant, facts, kasumori, database):
        self.tenant, self.facts = tenant, facts
        self._kasumori, self._database = kasumori, database

    def id(self, index):
        return self.facts[index]["id"]

    def run(self, *args):
        return self._kasumori(*args, "--tenant", self.tenant, "--database", self._database)

    def dump(self):
        done = self.run("dump", "--canonical")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def query(self, sql):
        with psycopg.connect(self._database) as connection:
            return connection.execute(sql, (self.tenant,)).fetchall()


def moment(us):
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).isoformat()


def class_name(token, at, digits=32):
    kind, key, mac = token
    return f"{KIND_NAMES[kind]}:{key}:{mac[:digits]}@{moment(at)}"


@pytest.fixture(scope="module")
def worlds(kasumori, database):
    def make(facts, tenant=None):
        tenant = tenant or f"w{next(_numbers)}"
        facts = storable(facts)
        with psycopg.connect(database) as connection:
            store = Store(connection)
            store.add(tenant, facts)
            store.flush()
        return World(tenant, facts, kasumori, database)

    return make
