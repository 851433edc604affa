"""kasumori vault open: sealed boxes made by libsodium's own hand, opened with an audit row."""

from __future__ import annotations

import ctypes
import ctypes.util
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.component.schema.test_partitions import uuid_v7

RECORD = uuid_v7(datetime(2026, 11, 3, tzinfo=UTC))
VALUE = "+819012345678"


def seal(public_key: bytes, plain: bytes) -> bytes:
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
    box = ctypes.create_string_buffer(len(plain) + 48)
    assert sodium.crypto_box_seal(box, plain, ctypes.c_ulonglong(len(plain)), public_key) == 0
    return box.raw


@pytest.fixture(scope="module")
def keys(kasumori, database, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    assert kasumori("keygen", "--keys", folder, "--tenant", "acme").returncode == 0
    public_key = bytes.fromhex((folder / "acme.vault.public").read_text().strip())
    with psycopg.connect(database) as connection:
        connection.execute("select kasumori.make_partitions('2026-11-01', '2026-11-01')")
        for item, kind in ((0, 4), (1, 5)):
            connection.execute(
                "insert into kasumori.sealed_identity (tenant, record_id, person, item, kind, sealed)"
                " values ('acme', %s, 0, %s, 4, %s)",
                (RECORD, item, seal(public_key, kind.to_bytes(4, "big") + VALUE.encode())),
            )
    return folder


@pytest.fixture
def vault(kasumori, database, keys):
    def run(purpose: str = "a test", tenant: str = "acme", record: object = RECORD):
        return kasumori(
            "vault", "open", "--record", str(record), "--tenant", tenant, "--keys", keys,
            "--purpose", purpose, "--database", database,
        )  # fmt: skip

    return run


def audit(database: str) -> list[tuple]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "select tenant, actor, action, purpose, object from kasumori.audit order by audit_no"
        ).fetchall()


def test_a_look_is_written_down_first(vault, database):
    before = len(audit(database))
    done = vault("asked by the person")
    assert f"0\t0\t4\t{VALUE}\n" in done.stdout
    assert audit(database)[before:] == [
        ("acme", "postgres", "vault.open", "asked by the person", f"record {RECORD}")
    ]


def test_a_box_of_another_kind_is_corrupt(vault):
    done = vault()
    assert done.returncode == 1  # the second box says mail in a row that says phone
    assert "another kind" in done.stderr
    assert done.stdout.count(VALUE) == 1


@pytest.mark.parametrize("purpose", ["", "  "])
def test_without_a_purpose_nothing_is_read(vault, database, purpose):
    before = audit(database)
    done = vault(purpose)
    assert (done.returncode, done.stdout) == (1, "")
    assert audit(database) == before


def test_another_tenants_record_is_not_found(vault, kasumori, keys, database):
    assert kasumori("keygen", "--keys", keys, "--tenant", "other").returncode == 0
    done = vault(tenant="other")
    assert done.returncode == 1
    assert "no sealed identity" in done.stderr
    assert VALUE not in done.stdout


def test_the_wrong_secret_opens_nothing(kasumori, database, keys, tmp_path):
    other = tmp_path / "keys"
    assert kasumori("keygen", "--keys", other, "--tenant", "acme").returncode == 0
    done = kasumori(
        "vault", "open", "--record", str(RECORD), "--tenant", "acme", "--keys", other,
        "--purpose", "a test", "--database", database,
    )  # fmt: skip
    assert done.returncode == 1
    assert VALUE not in done.stdout
