"""kasumori keygen and kasumori agent: keys, bundles and the registry."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.support.keys import Keys

SITES = (
    "site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into\n"
    "s001,A,store,,,,,2020-04-01,,\n"
    "s002,B,store,,,,,2020-04-01,2021-04-01,\n"
)


@pytest.fixture(scope="module")
def keys(kasumori, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "made"
    done = kasumori("keygen", "--keys", folder, "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module", autouse=True)
def sites(kasumori, database, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("sites") / "sites.csv"
    path.write_text(SITES)
    done = kasumori("site", "import", path, "--tenant", "acme", "--database", database)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def add(kasumori, database, keys, tmp_path):
    def run(agent: str, *more: str, site: str = "s001", out: Path | None = None):
        out = out or tmp_path / f"{agent}.yaml"
        done = kasumori(
            "agent", "add", "--tenant", "acme", "--site", site, "--agent", agent,
            "--keys", keys, "--brokers", "k1:9092", "--out", out, "--database", database, *more,
        )  # fmt: skip
        return done, out

    return run


def registered(database: str, agent: str) -> list[tuple]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "select tenant, site, mac_key_id, valid_from < now(), valid_to > now() "
            "from kasumori.agent where agent = %s",
            (agent,),
        ).fetchall()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---- keys ----


def test_key_files(keys):
    names = sorted(path.name for path in keys.iterdir())
    assert names == [
        "acme.token-masters",
        "acme.vault.public",
        "acme.vault.secret",
        "mac-master.key",
    ]
    assert mode(keys) == 0o700
    for path in keys.iterdir():
        assert mode(path) == 0o600
        text = path.read_text()
        if path.name.endswith("masters"):
            assert text.startswith("1 ")
            text = text.removeprefix("1 ")
        assert len(bytes.fromhex(text.removesuffix("\n"))) == 32
        assert text.endswith("\n")


def test_keys_are_never_overwritten(kasumori, keys):
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    done = kasumori("keygen", "--keys", keys, "--tenant", "acme")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there already" in done.stderr
    second = kasumori("keygen", "--keys", keys, "--tenant", "other")
    assert second.returncode == 0
    after = {path.name: path.read_bytes() for path in keys.iterdir()}
    assert {name: after[name] for name in before} == before
    for name in set(after) - set(before):
        assert name.startswith("other.")
        (keys / name).unlink()


def test_rotation_adds_and_keeps(kasumori, tmp_path):
    folder = tmp_path / "keys"
    kasumori("keygen", "--keys", folder, "--tenant", "acme")
    path = folder / "acme.token-masters"
    for wanted in (2, 3, 4):
        before = path.read_text()
        done = kasumori("keygen", "--keys", folder, "--tenant", "acme", "--rotate-tokens")
        assert done.returncode == 0, done.stderr
        assert path.read_text().startswith(before)
        assert path.read_text().splitlines()[-1].startswith(f"{wanted} ")
        assert mode(path) == 0o600
    done = kasumori("keygen", "--keys", folder, "--tenant", "acme", "--rotate-tokens")
    assert done.returncode == 1
    assert "4 token keys are live already" in done.stderr


def test_a_key_file_others_can_read_is_refused(add, keys):
    path = keys / "mac-master.key"
    path.chmod(0o640)
    done, out = add("peeked")
    path.chmod(0o600)
    assert done.returncode == 1
    assert "can be read by others" in done.stderr
    assert not out.exists()


# ---- bundles ----


def test_a_bundle_holds_what_an_independent_hand_derives(add, keys, database):
    done, out = add("s001-a")
    assert done.returncode == 0, done.stderr
    assert mode(out) == 0o600
    bundle = yaml.safe_load(out.read_text())
    hand = Keys.load(keys, "acme")
    assert (bundle["tenant"], bundle["site"], bundle["agent"]) == ("acme", "s001", "s001-a")
    assert bundle["mac_key_id"] == 1
    assert bundle["mac_key"] == hand.mac_key("s001-a").hex()
    assert bundle["vault_public_key"] == (keys / "acme.vault.public").read_text().strip()
    assert bundle["kafka"] == {
        "brokers": "k1:9092",
        "topic_records": "kasumori.records.v1",
        "topic_health": "kasumori.health.v1",
    }
    kinds = [entry["kind"] for entry in bundle["token_keys"]]
    assert (
        kinds == "handle member account phone mail vehicle sns name worker phone_impersonal".split()
    )
    phone = next(entry for entry in bundle["token_keys"] if entry["kind"] == "phone")
    assert phone["key"] == hand.token_key("phone", phone["key_id"]).hex()
    assert registered(database, "s001-a") == [("acme", "s001", 1, True, True)]


def test_kinds_restrict_and_options_reach_the_bundle(add):
    done, out = add(
        "s001-b", "--kinds", "phone,mail", "--security-protocol", "sasl_ssl",
        "--sasl-username", 'a"b', "--sasl-password-file", "/etc/p", "--topic-records", "r",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    bundle = yaml.safe_load(out.read_text())
    assert [entry["kind"] for entry in bundle["token_keys"]] == ["phone", "mail"]
    assert bundle["kafka"]["sasl_username"] == 'a"b'
    assert bundle["kafka"]["security_protocol"] == "sasl_ssl"
    assert bundle["kafka"]["topic_records"] == "r"


@pytest.mark.parametrize(
    ("arguments", "site", "complaint"),
    [
        ((), "s999", "acme has no site s999"),
        ((), "s002", "acme has no site s002"),  # closed
        (("--kinds", "phone,fax"), "s001", "no identifier kind fax"),
    ],
)
def test_what_is_refused_leaves_nothing(add, database, arguments, site, complaint):
    done, out = add("refused", *arguments, site=site)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert not out.exists()
    assert registered(database, "refused") == []


def test_a_name_is_never_used_again(add, kasumori, database, tmp_path):
    assert add("once")[0].returncode == 0
    done, out = add("once", out=tmp_path / "second.yaml")
    assert done.returncode == 1
    assert "there is an agent once already" in done.stderr
    assert not out.exists()
    revoke = ("agent", "revoke", "--tenant", "acme", "--agent", "once", "--database", database)
    assert kasumori(*revoke).returncode == 0
    assert add("once", out=tmp_path / "third.yaml")[0].returncode == 1


def test_an_existing_file_is_left_alone(add, tmp_path, database):
    path = tmp_path / "there.yaml"
    path.write_text("mine")
    done, _ = add("existing", out=path)
    assert done.returncode == 1
    assert path.read_text() == "mine"
    assert registered(database, "existing") == []


def test_a_bundle_that_cannot_be_written_registers_nobody(add, database):
    done, _ = add("homeless", out=Path("/nowhere/bundle.yaml"))
    assert done.returncode == 1
    assert registered(database, "homeless") == []


def test_revoking_is_once_and_listed(add, kasumori, database):
    assert add("leaving")[0].returncode == 0
    revoke = ("agent", "revoke", "--tenant", "acme", "--agent", "leaving", "--database", database)
    done = kasumori(*revoke)
    assert done.returncode == 0, done.stderr
    assert registered(database, "leaving") == [("acme", "s001", 1, True, False)]
    assert kasumori(*revoke).returncode == 1
    other = kasumori(
        "agent", "revoke", "--tenant", "two", "--agent", "s001-a", "--database", database
    )
    assert other.returncode == 1
    listed = kasumori("agent", "list", "--tenant", "acme", "--database", database).stdout
    assert "\tleaving\t" not in listed
    listed = kasumori("agent", "list", "--all", "--database", database).stdout
    assert "\tleaving\t" in listed


def test_a_new_bundle_after_rotation(add, kasumori, keys, database, tmp_path):
    done, out = add("renewed")
    assert done.returncode == 0
    first = yaml.safe_load(out.read_text())
    assert kasumori("keygen", "--keys", keys, "--tenant", "acme", "--rotate-tokens").returncode == 0
    again = tmp_path / "again.yaml"
    command = (
        "agent", "bundle", "--tenant", "acme", "--agent", "renewed", "--keys", keys,
        "--brokers", "k1:9092", "--out", again, "--database", database,
    )  # fmt: skip
    done = kasumori(*command)
    assert done.returncode == 0, done.stderr
    second = yaml.safe_load(again.read_text())
    assert second["mac_key"] == first["mac_key"]
    assert second["site"] == "s001"
    assert len(second["token_keys"]) == 2 * len(first["token_keys"])
    assert all(entry in second["token_keys"] for entry in first["token_keys"])
    assert kasumori(*command).returncode == 1  # the file is there


def test_no_secret_is_in_the_arguments_or_the_output(add, keys):
    done, _ = add("quiet")
    secrets = [path.read_text().split()[-1] for path in keys.iterdir()]
    assert not any(secret in done.stdout + done.stderr for secret in secrets)
    assert os.path.exists(keys / "mac-master.key")
