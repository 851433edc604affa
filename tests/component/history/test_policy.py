"""kasumori policy and tick: what is loaded is what counts, from its time on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from tests.component.history.conftest import moment
from tests.component.history.store import KINDS
from tests.model.builder import T0, History, identifier
from tests.model.facts import DAY, PHONE, RULES, Linking
from tests.support.facts import policy_fact
from tests.support.paths import ROOT


@pytest.fixture
def world(worlds):
    history = History()
    for day in range(3):
        history.incident(identifier(PHONE, "a"), start=T0 + 10 * day * DAY)
    return worlds(history.facts)


def load(world, path, *args, since=T0):
    return world.run("policy", "load", path, "--from", moment(since), "--by", "sato", *args)


def test_a_policy_holds_from_its_time_on(world, tmp_path):
    assert '"rule":"repetition"' in world.dump()
    path = tmp_path / "policy.yaml"
    path.write_text("rules:\n  repetition_window: 19d\n")
    done = load(world, path, since=T0 + 20 * DAY + 1)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert '"rule":"repetition"' in world.dump()
    assert load(world, path, since=T0 + 20 * DAY).stdout == "2\n"
    assert '"rule":"repetition"' not in world.dump()
    (row,) = world.query(
        "select loaded_by, source, is_linking from kasumori.policy_version "
        "where tenant = %s and version = 2"
    )
    assert row == ("sato", path.read_text(), False)


def test_the_newest_linking_policy_holds(world, tmp_path):
    path = tmp_path / "linking.yaml"
    path.write_text("kinds: [mail]\n")
    assert load(world, path, "--linking").stdout == "1\n"
    assert '"t":"node"' not in world.dump()
    path.write_text("{}\n")
    assert load(world, path, "--linking").stdout == "2\n"
    assert '"t":"node"' in world.dump()


def adopt(world, version, *args):
    return world.run("rebuild", "--adopt-linking", str(version), "--by", "sato", *args)


def test_where_rows_stand_a_linking_policy_waits_for_its_adoption(world, sql, tmp_path):
    path = tmp_path / "linking.yaml"
    path.write_text("kinds: [phone]\n")
    assert load(world, path, "--linking").stderr == ""
    sql.execute(
        "insert into kasumori.correlated (tenant, form, decision_no, policy_version, records, "
        "duration_us) values (%s, 1, 0, 1, 3, 0)",
        (world.tenant,),
    )
    sql.commit()
    before = world.dump()
    path.write_text("kinds: [mail]\n")
    done = load(world, path, "--linking")
    assert done.stdout == "2\n"
    assert done.stderr.endswith("this one holds after kasumori rebuild --adopt-linking 2\n")
    assert world.dump() == before
    done = adopt(world, 2)
    assert done.stdout == (
        "linking policy version 2 holds; the correlator builds all rows anew\n"
    ), done.stderr
    assert '"t":"node"' not in world.dump()
    assert "pending: linking policy version 2" in world.run("rebuild", "--verify").stdout
    assert adopt(world, 0).returncode == 0
    assert world.dump() == before
    rows = world.query(
        "select version, adopted_by from kasumori.linking_adopted where tenant = %s "
        "order by adoption_no"
    )
    assert rows == [(1, "sato"), (2, "sato"), (0, "sato")]
    audit = "select count(*) from kasumori.audit where tenant = %s and action = 'policy.adopt'"
    assert world.query(audit) == [(3,)]


def test_what_cannot_be_adopted_is_refused(world, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("{}\n")
    assert load(world, path).stdout == "1\n"
    for version, why in (
        (1, "version 1 is no linking policy of the tenant"),
        (9, "version 9 is no linking policy of the tenant"),
        (0, "linking policy version 0 holds already"),
        ("x", "--adopt-linking: want a number from 0"),
    ):
        done = adopt(world, version)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"kasumori: {why}"), done.stderr
    both = adopt(world, 1, "--verify")
    assert both.stderr == "kasumori: want either --verify or --adopt-linking\n"
    nobody = world.run("rebuild", "--adopt-linking", "1")
    assert nobody.stderr == "kasumori: --adopt-linking: want --by NAME, who adopts it\n"
    assert world.query("select count(*) from kasumori.linking_adopted where tenant = %s") == [(0,)]


def test_a_wrong_policy_is_refused_with_its_place(world, kasumori, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("severity:\n  mhlw9:2022:abuse: 9\n")
    why = f"kasumori: {path}:2:21: severity: 9 is not between 1 and 5\n"
    assert kasumori("policy", "check", path).stderr == why
    done = load(world, path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", why)
    assert world.query("select count(*) from kasumori.policy_version where tenant = %s") == [(0,)]
    path.write_text("kinds: [phone]\n")
    assert kasumori("policy", "check", path).returncode == 1
    assert kasumori("policy", "check", path, "--linking").stdout == f"{path} is well\n"


def test_a_stored_policy_that_cannot_be_read_stops_with_its_number(world, sql, database):
    sql.execute(
        "insert into kasumori.policy_version (tenant, version, is_linking, effective_from, "
        "loaded_by, source) values (%s, 7, false, now(), 'x', 'rules: [')",
        (world.tenant,),
    )
    sql.commit()
    done = world.run("dump", "--canonical")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("kasumori: policy version 7:1:")


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("verdict", '{"value": "guilty"}', "decision 1: unknown verdict"),
        ("pin_shared", '{"value": 3}', "decision 1: value is no boolean"),
        ("attach", '{"handle": "00"}', "decision 1: want a handle of 16 bytes"),
        ("verdict", '{"value": "complaint", "records": ["x"]}',
         "a decision after number 0 holds a value of a wrong type"),
    ],
)  # fmt: skip
def test_a_stored_decision_that_cannot_be_read_stops(world, sql, kind, body, why):
    sql.execute(
        "insert into kasumori.decision (tenant, kind, made_by, reason, body) "
        "values (%s, %s, 'x', 'x', %s)",
        (world.tenant, kind, body),
    )
    sql.commit()
    done = world.run("dump", "--canonical")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"kasumori: {why}\n")


def test_a_decision_that_says_nothing_is_inert(world, sql):
    sql.execute(
        "insert into kasumori.decision (tenant, kind, made_by, reason, body) "
        "select %s, kind, 'x', 'x', '{}' from unnest(array['link', 'suppress', 'attach', "
        "'same_occurrence', 'matter', 'not_listable', 'ack', 'revoke']) as kind",
        (world.tenant,),
    )
    sql.commit()
    inert = [line for line in world.dump().splitlines() if line.startswith('{"decision":')]
    assert inert == [f'{{"decision":{no},"t":"inert"}}' for no in range(1, 9)]


def test_a_tick_is_now(world):
    before = datetime.now(UTC)
    done = world.run("tick")
    assert done.returncode == 0, done.stderr
    told = datetime.fromisoformat(done.stdout.strip())
    assert before <= told <= datetime.now(UTC)
    assert world.query("select as_of from kasumori.tick where tenant = %s") == [(told,)]


def test_an_override_holds_at_its_sites_and_channels(world, tmp_path):
    assert '"rule":"repetition"' in world.dump()
    path = tmp_path / "policy.yaml"
    for sites, channels, is_judged in (
        ("[s9, s1]", "[phone]", True),
        ("[s9]", "[phone]", False),
        ("[s9, s1]", "[chat]", False),
    ):
        path.write_text(
            f"overrides: [{{sites: {sites}, channels: {channels}, rules: {{repetition_window: 19d}}}}]"
        )
        assert load(world, path).returncode == 0
        assert ('"rule":"repetition"' not in world.dump()) == is_judged


def test_the_example_of_an_override_is_well(kasumori, tmp_path):
    told = (ROOT / "deploy/config/policy.yaml").read_text()
    example = told[told.index("# overrides:") :].replace("\n# ", "\n").removeprefix("# ")
    path = tmp_path / "policy.yaml"
    path.write_text(example)
    assert kasumori("policy", "check", path).stdout == f"{path} is well\n"
    first, second = policy_fact(1, 0, yaml.safe_load(example))["overrides"]
    assert (first["sites"], first["channels"]) == (["s001", "s002"], [2])
    assert (second["channels"], second["rules"]) == ([1, 3], {"confinement_talk": 1_800_000_000})
    path.write_text(f"{example}  - channels: [visit]\n    rules: {{matter_window: 1d}}\n")
    line = example.count("\n") + 1
    why = "overrides: never holds: those before it hold wherever it would"
    assert kasumori("policy", "check", path).stderr == f"kasumori: {path}:{line}:5: {why}\n"


@pytest.mark.parametrize(("name", "args"), [("policy", ()), ("linking", ("--linking",))])
def test_the_examples_are_the_built_in_policies(world, kasumori, name, args):
    path = ROOT / f"deploy/config/{name}.yaml"
    assert kasumori("policy", "check", path, *args).returncode == 0
    before = world.dump()
    assert load(world, path, *args, since=0).stdout == "1\n"
    assert world.dump() == before


def test_the_examples_say_what_the_model_knows():
    rules = yaml.safe_load((ROOT / "deploy/config/policy.yaml").read_text())
    assert policy_fact(0, 0, rules)["rules"] == RULES
    told = yaml.safe_load((ROOT / "deploy/config/linking.yaml").read_text())
    linking = Linking({})
    for kind, name in enumerate(KINDS[1:], 1):
        assert told["expiry"][name] == f"{linking.expiry(kind) // DAY}d"
        assert (name in told["kinds"]) == (kind in linking.kinds)
    plain = {key: value for key, value in told.items() if key not in ("expiry", "kinds")}
    assert plain == {
        "subject_nodes": linking.n, "gap": "10m", "gap_attempt": "5m", "overlap": "60s",
        "pairs": linking.pairs, "cap": linking.others, "caps": [], "shared": [],
    }  # fmt: skip
