"""A chain's history as it comes about: five sites' agents, Kafka, the aggregator, decisions by the
operator's command, and a monitor that reads it. A second tenant has nothing but a session."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import yaml

from tests.component.monitor.service import Client, Monitor
from tests.support.contract import OPENAPI
from tests.support.feeder import Feeder, feed_all
from tests.support.generator import World
from tests.support.ledger import Answers
from tests.support.paths import binaries
from tests.support.stack import Stack

LOGIN = "monitor_chain_login"
ACCOUNTS = {
    "site": ("site", ["s001"]),
    "supervisor": ("supervisor", ["s001"]),
    "headquarters": ("headquarters", []),
    "privacy": ("privacy", []),
    "admin": ("admin", []),
}


@dataclass
class Chain:
    stack: Stack
    monitor: Monitor
    decisions: dict[str, int] = field(default_factory=dict)
    judged: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return self.stack.conninfo

    def db(self) -> psycopg.Connection:
        return self.stack.connect()

    def rows(self, sql: str, *args: object) -> list[tuple]:
        return self.stack.query(sql, *args)

    def client(self, account: str, tenant: str = "acme") -> Client:
        token = secrets.token_hex(32)
        with self.db() as db:
            db.execute(
                "insert into kasumori.session (tenant, token_hash, account, expires_at) "
                "values (%s, %s, %s, now() + interval '1 day')",
                (tenant, hashlib.sha256(token.encode()).digest(), account),
            )
        return Client(self.monitor, cookie=token)

    def machine(self, scopes: str, site: str | None = None, tenant: str = "acme") -> Client:
        """scopes: with commas between."""
        key = "ks_" + secrets.token_hex(32)
        with self.db() as db:
            db.execute(
                "insert into kasumori.machine_key "
                "(tenant, name, key_hash, scope, site, created_by, expires_at) "
                "values (%s, %s, %s, %s, %s, 'test', now() + interval '1 day')",
                (tenant, f"key-{secrets.token_hex(4)}", hashlib.sha256(key.encode()).digest(),
                 scopes.split(","), site),
            )  # fmt: skip
        return Client(self.monitor, key=key)

    def decide(self, verb: str, *args: str) -> int:
        done = self.stack.db_cli(
            "decide", verb, "--tenant", "acme", "--by", "sato", "--reason", "a test", *args
        )
        return int(done.stdout)

    def wait_correlated(self) -> None:
        until = time.monotonic() + 60
        while self.stack.value(
            "select count(*) from kasumori.ingest_log i left join kasumori.correlated_stream c "
            "using (tenant, stream_no) where i.kafka_offset >= coalesce(c.next_offset, 0)"
        ):
            assert time.monotonic() < until, "the correlator does not come to the end"
            time.sleep(0.05)

    def wait_decided(self, number: int) -> None:
        until = time.monotonic() + 60
        while self.stack.value("select decision_no from kasumori.correlated") < number:
            assert time.monotonic() < until, "the correlator does not come to the decision"
            time.sleep(0.05)


def described_routes() -> set[tuple[str, str]]:
    document = yaml.safe_load(OPENAPI.read_text())
    return {
        (method.upper(), "/".join("*" if p.startswith("{") else p for p in path.split("/")))
        for path, operations in document["paths"].items()
        for method in operations
    }


def program_routes() -> list[list[str]]:
    done = subprocess.run(
        [binaries() / "kasumori-monitor", "--routes"], capture_output=True, text=True, check=True
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def feed(stack: Stack, count: int, seed: int) -> World:
    world = World(seed, time.time_ns() // 1000, count, stack.sites)
    answers = Answers(stack.tenant)

    def post(agent) -> None:
        feeder = Feeder(agent, answers, seed)
        feeder.post_all([p for p in world.planned if p.site == agent.site])
        feeder.close()

    feed_all({a.name: (lambda a=a: post(a)) for a in stack.agents.values()})
    stack.wait_drained()
    return world


def report_without_identifiers(stack: Stack) -> None:
    """Who was there is told, by nothing that could be looked for."""
    at = datetime.now(UTC) - timedelta(hours=2)
    body = {
        "site": "s001",
        "occurredStartUs": at.isoformat(),
        "channel": "FACE_TO_FACE",
        "worker": "w1",
        "persons": [{"role": "SUBJECT", "ordinal": 0}, {"role": "WITNESS", "ordinal": 1}],
        "incident": {},
    }
    answer = stack.agents["s001-a"].client().post_json("/v1/records", body)
    assert answer.status == 201, answer.text
    stack.wait_drained()


def add_people(db: psycopg.Connection) -> None:
    for tenant in ("acme", "bravo"):
        for account, (role, sites) in ACCOUNTS.items():
            db.execute(
                "insert into kasumori.account (tenant, account, name, role, sites) "
                "values (%s, %s, %s, %s, %s)",
                (tenant, account, account.title(), role, sites),
            )


def judge(chain: Chain) -> None:
    """Verdicts of every kind, a matter, an acknowledgement, and a revocation."""
    records = [
        str(row[0])
        for row in chain.rows(
            "select o.record_id from kasumori.occurrence_record o join kasumori.record r "
            "on r.record_id = o.effective_id where r.kind = 2 and o.site = 's001' "
            "order by o.record_id limit 6"
        )
    ]
    values = ("complaint", "suspected", "confirmed", "rejected")
    for value, record in zip(values, records, strict=False):
        number = chain.decide("verdict", "--record", record, "--value", value)
        chain.decisions[value] = number
    chain.decisions["matter"] = chain.decide("matter", "--record", records[4], "--name", "返品")
    number = chain.decide("verdict", "--record", records[5], "--value", "confirmed")
    chain.decisions["revoked"] = number
    chain.decisions["revoke"] = chain.decide("revoke", "--no", str(number))
    chain.wait_decided(chain.decisions["revoke"])
    chain.judged = dict(zip((*values, "matter", "revoked"), records, strict=True))
