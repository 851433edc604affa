"""Who judges is no party: an account bound to a worker's code, by the operator's command."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
import pytest

from tests.component.monitor.facts import Facts
from tests.support.keys import Keys

CODE = "wk-0042"
NORMAL = "WK0042"
PARTY = (403, "party")


class Operator:
    def __init__(self, kasumori, world, folder: Path):
        self.run, self.database, self.folder = kasumori, world.database, folder
        self.rotations = 0
        self("keygen", is_on_database=False)

    def __call__(self, *args: object, is_on_database: bool = True, code: int = 0) -> str:
        keys = ("--keys", self.folder) if args[0] == "keygen" or "bind" in args else ()
        where = ("--database", self.database) if is_on_database else ()
        done = self.run(*args, "--tenant", "acme", *keys, *where)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    def bind(self, account: str, worker: str = CODE, *args: str, code: int = 0) -> str:
        return self("account", "bind", "--account", account, "--worker", worker, *args, code=code)

    def listed(self, account: str) -> str:
        lines = self("account", "list").splitlines()
        place = lines[0].split("\t").index("workers")
        return next(f[place] for f in (x.split("\t") for x in lines) if f[1] == account)

    def token(self, key_id: int | None = None, normal: str = NORMAL) -> uuid.UUID:
        return uuid.UUID(bytes=Keys.load(self.folder, "acme").token("worker", normal, key_id))


@pytest.fixture
def operator(kasumori, world, tmp_path):
    made = Operator(kasumori, world, tmp_path / "keys")
    yield made
    for account in ("supervisor", "headquarters"):
        made("account", "unbind", "--account", account)


@pytest.fixture(scope="module")
def facts(world) -> Facts:
    made = Facts(world.database, "acme")
    made.correlated()
    return made


def judge(world, account: str, record: str) -> tuple[int, str | None]:
    elements = {"act": True, "beyond": False, "harm": True}
    body = {"kind": "verdict", "records": [record], "value": "complaint", "elements": elements,
            "reason": "a test"}  # fmt: skip
    answer = world.client("acme", account).post("/v1/decisions", body)
    return answer.status, answer.code


def sighted(facts: Facts, key_id: int, mac: uuid.UUID, site: str = "s001") -> str:
    record = facts.record(site=site, worker=mac)
    facts.run("update kasumori.sighting set key_id = %s where record_id = %s", key_id, record)
    return record


def test_the_reporter_is_refused_and_nobody_else(facts, world, operator):
    mine = sighted(facts, 1, operator.token())
    assert judge(world, "supervisor", mine) == (202, None)  # nothing is bound yet
    assert operator.listed("supervisor") == "NONE BOUND"
    told = operator.bind("supervisor", CODE, "--site", "s001")
    assert CODE not in told and NORMAL not in told
    assert operator.listed("supervisor") == "1"
    other = sighted(facts, 1, operator.token(normal="WK0043"))
    assert judge(world, "supervisor", sighted(facts, 1, operator.token())) == PARTY
    assert judge(world, "supervisor", mine) == PARTY
    assert judge(world, "supervisor", other) == (202, None)
    assert judge(world, "headquarters", mine) == (202, None)
    operator("account", "unbind", "--account", "supervisor")
    assert judge(world, "supervisor", mine) == (202, None)


def test_the_same_code_at_another_site_is_somebody_else(facts, world, operator):
    here, there = (sighted(facts, 1, operator.token(), site) for site in ("s001", "s002"))
    operator.bind("headquarters", CODE, "--site", "s001")
    assert judge(world, "headquarters", here) == PARTY
    assert judge(world, "headquarters", there) == (202, None)
    operator.bind("headquarters", CODE)
    assert operator.listed("headquarters") == "2"
    assert judge(world, "headquarters", there) == PARTY


def test_keys_rotate(facts, world, operator):
    operator.bind("headquarters")
    operator.bind("headquarters", "other-code")
    old = operator.token(1)
    told = operator("keygen", "--rotate-tokens", is_on_database=False)
    assert "account bind" in told
    new = operator.token(2)
    assert old != new
    assert judge(world, "headquarters", sighted(facts, 2, new)) == (202, None)
    operator.bind("headquarters", "WK0042")  # as it is normalised
    assert operator.listed("headquarters") == "2, 1 lack the newest key"
    assert judge(world, "headquarters", sighted(facts, 2, new)) == PARTY
    assert judge(world, "headquarters", sighted(facts, 1, old)) == PARTY
    operator.bind("headquarters", "other-code")
    operator.bind("headquarters", "other-code")  # again changes nothing
    assert operator.listed("headquarters") == "2"


def test_what_is_shown_and_stored(facts, world, operator):
    operator.bind("headquarters")
    with psycopg.connect(world.database) as db:
        rows = db.execute("select t::text from kasumori.account_worker t").fetchall()
        rows += db.execute(
            "select a::text from kasumori.audit a where object = 'account headquarters'"
        ).fetchall()
        made = db.execute(
            "select count(*) from kasumori.audit where action = 'account.bind' "
            "and object = 'account headquarters'"
        ).fetchone()[0]
    assert rows and made > 0
    assert not any(CODE in row or NORMAL in row for (row,) in rows)
    assert CODE not in operator("account", "list")
    operator("account", "unbind", "--account", "supervisor", "--has-none")
    assert operator.listed("supervisor") == "has none"
    assert operator.listed("admin") == "-"


def test_what_cannot_be_bound(operator, tmp_path):
    assert "--worker" in operator.bind("headquarters", "山田", code=1)
    assert "no such" in operator.bind("nobody", code=1)
    assert "no such" in operator.bind("headquarters", CODE, "--site", "s999", code=1)
    assert operator.listed("headquarters") == "NONE BOUND"


def test_a_new_judge_is_warned_of(operator, world):
    made = operator(
        "account", "add", "--account", "judge2", "--role", "headquarters", "--without-password"
    )
    assert "account bind" in made
    made = operator(
        "account", "add", "--account", "keeper2", "--role", "privacy", "--without-password"
    )
    assert made == ""
