"""A real monitor on a real database, with two tenants and an account of every role in each."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.component.monitor.service import Client, Monitor

TENANTS = ("acme", "bravo")
SITES = ("s001", "s002", "s003")
ROLES = ("site", "supervisor", "headquarters", "privacy", "admin")
PASSWORD = "correct horse battery staple"
LOGIN = "monitor_component_login"


@dataclass
class World:
    """What the fixtures made, by tenant."""

    database: str
    monitor: Monitor
    heads: Path
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def client(self, tenant: str, account: str, monitor: Monitor | None = None) -> Client:
        """Signed in by a session put into the database: the slow hash is tested by itself."""
        token = secrets.token_hex(32)
        digest = hashlib.sha256(token.encode()).digest()
        with psycopg.connect(self.database) as db:
            db.execute(
                "insert into kasumori.session (tenant, token_hash, account, expires_at) "
                "values (%s, %s, %s, now() + interval '1 day')",
                (tenant, digest, account),
            )
        return Client(monitor or self.monitor, cookie=token)

    def run(self, sql: str) -> None:
        with psycopg.connect(self.database) as db:
            db.execute(sql)

    def machine(self, tenant: str, scope: str, site: str | None = None) -> Client:
        key = "ks_" + secrets.token_hex(32)
        digest = hashlib.sha256(key.encode()).digest()
        with psycopg.connect(self.database) as db:
            db.execute(
                "insert into kasumori.machine_key "
                "(tenant, name, key_hash, scope, site, created_by, expires_at) "
                "values (%s, %s, %s, %s, %s, 'test', now() + interval '1 day')",
                (tenant, f"key-{secrets.token_hex(4)}", digest, [scope], site),
            )
        return Client(self.monitor, key=key)


def make_people(database: str, password_hash: str) -> None:
    with psycopg.connect(database) as db:
        for tenant in TENANTS:
            for site in SITES:
                db.execute(
                    "insert into kasumori.site (tenant, site, valid_from, name, kind) "
                    "values (%s, %s, '2020-01-01', %s, 'store')",
                    (tenant, site, f"{tenant} {site}"),
                )
            for role in ROLES:
                sites = ["s001"] if role in ("site", "supervisor") else []
                db.execute(
                    "insert into kasumori.account (tenant, account, name, role, sites, "
                    "password_hash) "
                    "values (%s, %s, %s, %s, %s, %s)",
                    (tenant, role, role.title(), role, sites, password_hash),
                )


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of PASSWORD, by libsodium's own reference: made once, with its interactive cost."""
    return (
        "$argon2id$v=19$m=65536,t=2,p=1$GbXNGK//phwEDbhFZI4xT"
        "g$051owVdRYBwLH+JInitfUt04Rmb7XyUNPdHB5uLMAvQ"
    )


@pytest.fixture(scope="module")
def world(database: str, pg, password_hash: str, tmp_path_factory) -> Iterator[World]:
    with psycopg.connect(database, autocommit=True) as db:
        if not db.execute("select 1 from pg_roles where rolname = %s", (LOGIN,)).fetchone():
            db.execute(f"create role {LOGIN} login in role kasumori_monitor")
    make_people(database, password_hash)
    name = database.split("dbname=")[1].split()[0]
    folder: Path = tmp_path_factory.mktemp("monitor")
    heads = folder / "heads"
    monitor = Monitor(folder, pg.conninfo(name, user=LOGIN), audit_heads_file=str(heads))
    with monitor:
        yield World(database, monitor, heads)
