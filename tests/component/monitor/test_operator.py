"""What the operator's command does for the monitor: accounts, machine keys, the audit chain."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from tests.component.monitor.service import Client
from tests.support.process import wait_until


@pytest.fixture
def cli(kasumori, world):
    def run(*args: object, code: int = 0):
        done = kasumori(*args, "--database", world.database)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stdout + done.stderr

    return run


def secret(folder: Path, text: str) -> Path:
    path = folder / "password"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def sign_in(world, account: str, password: str) -> int:
    body = {"tenant": "acme", "account": account, "password": password}
    return Client(world.monitor).post("/v1/session", body).status


def test_an_account_from_first_to_last(cli, world, tmp_path):
    who = ("--tenant", "acme", "--account", "hanako")
    first, second = "first password", "second password"
    cli("account", "add", *who, "--role", "supervisor", "--sites", "s001,s002",
        "--name", "花子", "--password-file", secret(tmp_path, first))  # fmt: skip
    assert sign_in(world, "hanako", first) == 200
    assert "hanako\tsupervisor\ts001,s002\topen" in cli("account", "list", "--tenant", "acme")
    session = world.client("acme", "hanako")
    assert session.get("/v1/session").json()["name"] == "花子"
    cli("account", "password", *who, "--password-file", secret(tmp_path, second))
    assert session.get("/v1/session").status == 401
    assert (sign_in(world, "hanako", first), sign_in(world, "hanako", second)) == (401, 200)
    cli("account", "disable", *who)
    assert sign_in(world, "hanako", second) == 401
    assert "hanako" not in cli("account", "list", "--tenant", "acme")
    assert "hanako\tsupervisor\ts001,s002\tshut" in cli("account", "list", "--all")
    cli("account", "enable", *who)
    assert sign_in(world, "hanako", second) == 200
    with psycopg.connect(world.database) as db:
        actions = db.execute(
            "select action from kasumori.audit where object = 'account hanako' "
            "and action like 'account.%' order by audit_no"
        ).fetchall()
    assert [a for (a,) in actions] == [
        "account.add", "account.password", "account.disable", "account.enable",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("--role", "boss"), "--role: want"),
        (("--role", "site"), "--sites: this role needs"),
        (("--role", "admin", "--sites", "s001"), "--sites: this role sees all"),
        (("--role", "site", "--sites", "s999"), "one of the sites is none"),
    ],
)
def test_accounts_that_cannot_be(cli, tmp_path, args, want):
    path = secret(tmp_path, "a good password")
    told = cli("account", "add", "--tenant", "acme", "--account", "x", *args,
               "--password-file", path, code=1)  # fmt: skip
    assert want in told


def test_passwords_that_cannot_be(cli, tmp_path):
    args = ("account", "add", "--tenant", "acme", "--account", "x", "--role", "admin")
    assert "at least 12" in cli(*args, "--password-file", secret(tmp_path, "short"), code=1)
    loose = secret(tmp_path, "a good password")
    loose.chmod(0o640)
    assert "others" in cli(*args, "--password-file", loose, code=1)
    assert "terminal" in cli(*args, code=1)
    assert "taken" in cli("account", "add", "--tenant", "acme", "--account", "admin", "--role",
                          "admin", "--without-password", code=1)  # fmt: skip
    assert "no such account" in cli(
        "account", "disable", "--tenant", "acme", "--account", "x", code=1
    )


def test_machine_keys(cli, world, tmp_path):
    who = ("--tenant", "acme", "--name", "till")
    key = cli("machine-key", "add", *who, "--scope", "lookup,read", "--days", "30").strip()
    assert key.startswith("ks_") and len(key) == 67
    client = Client(world.monitor, key=key)
    assert client.get("/v1/session").code == "forbidden"  # known, and not for machines
    assert "acme\ttill\tlookup,read\t-\t" in cli("machine-key", "list")
    assert "taken" in cli("machine-key", "add", *who, "--scope", "read", "--days", "1", code=1)
    cli("machine-key", "revoke", *who)
    assert client.get("/v1/session").code == "unauthenticated"
    out = tmp_path / "key"
    cli("machine-key", "add", "--tenant", "acme", "--name", "pbx", "--scope", "lookup", "--site",
        "s001", "--days", "1", "--out", out)  # fmt: skip
    assert out.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(world.database) as db:
        rows = str(db.execute("select k::text from kasumori.machine_key k").fetchall())
        assert out.read_text().strip() not in rows and key not in rows
        db.execute("update kasumori.machine_key set expires_at = now() where name = 'pbx'")
    assert Client(world.monitor, key=out.read_text().strip()).get("/v1/session").status == 401
    for wrong in (("--scope", "all", "--days", "1"), ("--scope", "read", "--days", "0")):
        cli("machine-key", "add", "--tenant", "acme", "--name", "y", *wrong, code=1)
    assert "no such key" in cli("machine-key", "revoke", *who, code=1)


# ---- the chain ----


@pytest.fixture
def chain(world):
    """A tenant with ten sealed rows; what a test does to them is undone."""
    tenant = f"chain{time.monotonic_ns()}"
    with psycopg.connect(world.database) as db:
        db.execute(
            "insert into kasumori.site (tenant, site, valid_from, name, kind) "
            "values (%s, 's', '2020-01-01', 's', 'store')",
            (tenant,),
        )
        for i in range(10):
            db.execute(
                "insert into kasumori.audit (tenant, actor, role, action, purpose, object, detail) "
                "values (%s, 'a', 'r', 'x', '理由 %s', 'o', '{\"b\": 1, \"a\": \"é\"}')",
                (tenant, i),
            )

    def unsealed() -> int:
        with psycopg.connect(world.database) as db:
            return db.execute(
                "select count(*) from kasumori.audit where tenant = %s and chain_no is null",
                (tenant,),
            ).fetchone()[0]

    wait_until(lambda: unsealed() == 0, "audit rows sealed", 10)
    return tenant


def tamper(world, sql: str, *values: object) -> None:
    """As somebody who owns the database would."""
    with psycopg.connect(world.database) as db:
        db.execute("alter table kasumori.audit disable trigger all")
        db.execute(sql, values)
        db.execute("alter table kasumori.audit enable trigger all")


def test_a_whole_chain_verifies(cli, chain):
    told = cli("audit", "verify", "--tenant", chain)
    assert told.startswith(f"{chain}\t10 rows sealed\t0 faults\t")


@pytest.mark.parametrize("column", ["actor", "role", "action", "purpose", "object"])
def test_an_edited_row_shows(cli, world, chain, column):
    tamper(world, f"update kasumori.audit set {column} = {column} || 'x' "
           "where tenant = %s and chain_no = 4", chain)  # fmt: skip
    told = cli("audit", "verify", "--tenant", chain, code=1)
    assert f"{chain}\trow 4\tthe row is not as it was sealed" in told
    assert "\t1 faults\t" in told


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "sealed_at = sealed_at - interval '1 s'",
        "detail = '{}'",
        "chain_hash = sha256('x')",
        # A forger who computes the row's hash anew is caught at the next row.
        "actor = 'z', chain_hash = kasumori.audit_hash((select b.chain_hash from kasumori.audit b "
        "where b.tenant = audit.tenant and b.chain_no = 3), (select c from kasumori.audit c "
        "where c.tenant = audit.tenant and c.chain_no = 4), 4, sealed_at)",
    ],
)
def test_other_edits_show(cli, world, chain, change):
    tamper(world, f"update kasumori.audit set {change} where tenant = %s and chain_no = 4", chain)
    told = cli("audit", "verify", "--tenant", chain, code=1)
    assert "the row is not as it was sealed" in told


def test_a_deleted_row_shows(cli, world, chain):
    tamper(world, "delete from kasumori.audit where tenant = %s and chain_no = 6", chain)
    told = cli("audit", "verify", "--tenant", chain, code=1)
    assert f"{chain}\trow 6\trows are missing" in told


def test_a_deleted_row_shows_when_the_rest_is_renumbered(cli, world, chain):
    tamper(world, "delete from kasumori.audit where tenant = %s and chain_no = 6", chain)
    tamper(
        world,
        "update kasumori.audit set chain_no = -chain_no where tenant = %s and chain_no > 6",
        chain,
    )
    tamper(
        world,
        "update kasumori.audit set chain_no = -chain_no - 1 where tenant = %s and chain_no < 0",
        chain,
    )
    told = cli("audit", "verify", "--tenant", chain, code=1)
    assert f"{chain}\trow 6\tthe row is not as it was sealed" in told


def test_reordered_rows_show(cli, world, chain):
    for a, b in ((4, 0), (5, 4), (0, 5)):
        tamper(
            world,
            "update kasumori.audit set chain_no = %s where tenant = %s and chain_no = %s",
            b,
            chain,
            a,
        )
    told = cli("audit", "verify", "--tenant", chain, code=1)
    assert f"{chain}\trow 4\tthe row is not as it was sealed" in told


def test_an_inserted_row_shows(cli, world, chain):
    tamper(
        world,
        "insert into kasumori.audit (tenant, actor, role, action, chain_no, chain_hash, sealed_at) "
        "values (%s, 'a', 'r', 'x', 11, sha256('x'), now())",
        chain,
    )
    assert "row 11\tthe row is not" in cli("audit", "verify", "--tenant", chain, code=1)


def test_rows_taken_from_the_end_show_beside_the_heads(cli, world, chain, tmp_path):
    head = cli("audit", "verify", "--tenant", chain).strip().split("\t")[-1]
    heads = tmp_path / "heads"
    heads.write_text(
        f"2026-11-24T00:00:00.000000Z other 3 {'0' * 64}\n2026-11-24T00:00:00.000000Z {chain} "
        f"10 {head}\n"
    )
    cli("audit", "verify", "--tenant", chain, "--heads", heads)
    tamper(world, "delete from kasumori.audit where tenant = %s and chain_no > 8", chain)
    cli("audit", "verify", "--tenant", chain)
    assert "the outside was told more" in cli(
        "audit", "verify", "--tenant", chain, "--heads", heads, code=1
    )


def test_a_chain_made_anew_shows_beside_the_heads(cli, chain, tmp_path):
    heads = tmp_path / "heads"
    heads.write_text(f"2026-11-24T00:00:00.000000Z {chain} 9 {'1' * 64}\n")
    told = cli("audit", "verify", "--tenant", chain, "--heads", heads, code=1)
    assert "row 9\tthe hash is not the one told to the outside" in told


def test_sealed_rows_cannot_be_changed(world, chain):
    for sql in (
        "update kasumori.audit set actor = 'x' where tenant = %s",
        "update kasumori.audit set chain_no = chain_no + 100 where tenant = %s",
        "delete from kasumori.audit where tenant = %s",
    ):
        with psycopg.connect(world.database) as db, pytest.raises(psycopg.errors.RaiseException):
            db.execute(sql, (chain,))


def test_the_monitor_tells_its_heads(world):
    text = world.heads.read_text()
    assert world.heads.stat().st_mode & 0o777 == 0o600
    at, tenant, number, digest = text.splitlines()[0].split()
    assert at.endswith("Z") and tenant and int(number) > 0 and len(digest) == 64
