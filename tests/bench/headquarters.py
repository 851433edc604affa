"""A monitor over years of stored records, and who may ask it: what the lines about reading share."""

from __future__ import annotations

import hashlib
import random
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import yaml

from tests.bench import history_rows
from tests.support.stack import Monitor, Servers, Site, Stack

# What a real deployment sets (pitfalls §3).
POSTGRES = {"max_wal_size": "8GB", "checkpoint_timeout": "30min", "shared_buffers": "1GB"}
LOADED = (Site("s0000", "店", "store", "東京"),)  # the loader brings its own sites


def start_monitor(stack: Stack, **http: object) -> Monitor:
    monitor = stack.add_monitor(start=False)
    monitor.settings["http"] |= http
    monitor.config.write_text(yaml.safe_dump(monitor.settings, sort_keys=False))
    monitor.start()
    monitor.wait_ready()
    return monitor


def sign_in(stack: Stack, role: str = "headquarters") -> str:
    """The cookie of a new account's session, put into the database: the slow hash is not what is
    measured."""
    token, account = secrets.token_hex(32), f"{role}-{secrets.token_hex(4)}"
    with psycopg.connect(stack.conninfo) as db:
        db.execute(
            "insert into kasumori.account (tenant, account, name, role, sites, password_hash) "
            "values (%s, %s, %s, %s, '{}', %s)",
            (stack.tenant, account, account, role, "$argon2id$none"),
        )
        db.execute(
            "insert into kasumori.session (tenant, token_hash, account, expires_at) "
            "values (%s, %s, %s, now() + interval '1 day')",
            (stack.tenant, hashlib.sha256(token.encode()).digest(), account),
        )
    return f"__Host-kasumori={token}"


def machine_key(stack: Stack, scope: str) -> str:
    key = "ks_" + secrets.token_hex(32)
    with psycopg.connect(stack.conninfo) as db:
        db.execute(
            "insert into kasumori.machine_key "
            "(tenant, name, key_hash, scope, created_by, expires_at) "
            "values (%s, %s, %s, %s, 'bench', now() + interval '1 day')",
            (
                stack.tenant,
                f"key-{secrets.token_hex(4)}",
                hashlib.sha256(key.encode()).digest(),
                [scope],
            ),
        )
    return key


@contextmanager
def loaded(folder: Path, records: int, say) -> Iterator[Stack]:
    """A database with that many records and Kafka beside it, checked, without a process yet."""
    with (
        Servers(folder / "servers", postgres=POSTGRES) as servers,
        Stack(servers, folder / "stack", sites=LOADED) as stack,
    ):
        say(f"loading {records} records")
        seconds = history_rows.Loader(stack.conninfo, records).load()
        history_rows.check(stack.conninfo, stack.tenant)
        say(f"loaded in {seconds:.0f} s, and the roll-ups equal a recount")
        yield stack


def known_tokens(records: int, count: int, seed: int = 7) -> list[str]:
    """Macs of phone numbers that the loader has stored, drawn evenly."""
    tokens = history_rows.size_of(records).tokens
    rng = random.Random(seed)
    return [history_rows.mac_of(rng.randrange(tokens)) for _ in range(count)]


def pgbench(stack: Stack, *args: str) -> str:
    """On a database of its own in the same cluster."""
    postgres = stack.servers.postgres
    return subprocess.run(
        [str(postgres.bin / "pgbench"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres",
         *args, "pgbench"],
        capture_output=True, text=True, check=True, cwd=stack.folder,
    ).stdout  # fmt: skip
