"""Configuration errors name file, line and key; what is missing is one plain sentence, never a crash."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.paths import binaries, free_port
from tests.support.process import wait_until
from tests.support.stack import Servers, Stack

PROGRAMS = ["kasumori-agent", "kasumori-aggregator"]


def run(program: str, *args: str | Path, wait_s: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binaries() / program, *map(str, args)], capture_output=True, text=True, timeout=wait_s
    )


def _is_one_sentence(done: subprocess.CompletedProcess[str]) -> bool:
    lines = (done.stderr + done.stdout).strip().splitlines()
    return done.returncode > 0 and len(lines) == 1


@pytest.fixture(scope="module")
def base(servers: Servers, work: Path) -> Iterator[Stack]:
    """Everything configured, nothing started."""
    made = Stack(servers, work / "test_config").create()
    made.add_agent("s001", start=False)
    made.add_aggregator(start=False)
    yield made
    servers.postgres.dropdb(made.database)


@pytest.fixture
def configs(base: Stack, tmp_path: Path) -> dict[str, Path]:
    """Copies that a test may spoil."""
    found = {}
    for name, path in (
        ("kasumori-agent", base.agents["s001-a"].config),
        ("kasumori-aggregator", base.aggregators["a1"].config),
    ):
        found[name] = tmp_path / path.name
        shutil.copy(path, found[name])
    return found


@pytest.mark.parametrize("program", [*PROGRAMS, "kasumori"])
def test_version(program: str):
    done = run(program, "--version")
    assert done.returncode == 0
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", done.stdout), done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_check(configs: dict[str, Path], program: str):
    done = run(program, "--config", configs[program], "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("unknown key", lambda text: text + "colour: red\n"),
        ("key twice", lambda text: text + "log_level: info\nlog_level: info\n"),
        ("bad value", lambda text: text + "log_level: loud\n"),
        ("not YAML", lambda text: text + "log_level: [\n"),
        ("wrong shape", lambda text: re.sub(r"http:\n(  .*\n)+", "http: 5\n", text)),
        ("bad port", lambda text: re.sub(r"port: \d+", "port: 70000", text)),
    ],
)
def test_a_config_error_names_file_line_and_key(
    configs: dict[str, Path], program: str, what: str, change
):
    path = configs[program]
    path.write_text(change(path.read_text()))
    for extra in (["--check"], []):
        done = run(program, "--config", path, *extra)
        assert _is_one_sentence(done), done
        assert str(path) in done.stderr, done.stderr
    lines = path.read_text().splitlines()
    key = {"unknown key": "colour", "wrong shape": "http", "bad port": "port"}.get(
        what, "log_level"
    )
    if what != "not YAML":
        assert key in done.stderr, done.stderr
    if what in ("unknown key", "key twice"):
        assert f"{path}:{len(lines)}:1: {key}: " in done.stderr, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_config_that_is_not_there(program: str):
    done = run(program, "--config", "/nonexistent/x.yaml")
    assert _is_one_sentence(done) and "/nonexistent/x.yaml" in done.stderr, done


def test_no_config_given():
    for program in PROGRAMS:
        assert run(program).returncode > 0
        assert run(program, "--nonsense").returncode > 0


def test_a_secret_file_others_can_read_is_refused(base: Stack, configs: dict[str, Path]):
    for path, program in _secrets(base):
        path.chmod(0o640)
        done = run(program, "--config", configs[program])
        path.chmod(0o600)
        assert _is_one_sentence(done) and str(path) in done.stderr, done


def _secrets(base: Stack) -> list[tuple[Path, str]]:
    return [
        (base.folder / "s001-a.bundle.yaml", "kasumori-agent"),
        (base.keys_dir / "mac-master.key", "kasumori-aggregator"),
    ]


def test_a_missing_key_file(base: Stack, configs: dict[str, Path]):
    for path, program in _secrets(base):
        away = path.rename(path.with_suffix(".away"))
        done = run(program, "--config", configs[program])
        away.rename(path)
        assert _is_one_sentence(done) and str(path) in done.stderr, done


def test_two_agents_on_one_spool(stack: Stack):
    agent = stack.add_agent("s001")
    other = stack.folder / "other.yaml"
    settings = yaml.safe_load(agent.config.read_text())
    settings["http"] = {"address": "127.0.0.1", "port": free_port()}
    other.write_text(yaml.safe_dump(settings))
    done = run("kasumori-agent", "--config", other)
    assert done.returncode > 0 and str(agent.spool) in done.stderr, done
    assert agent.status() == 200


def test_a_port_that_is_taken(stack: Stack):
    agent = stack.add_agent("s001")
    second = stack.add_agent("s002", start=False, http=agent.settings["http"])
    done = run("kasumori-agent", "--config", second.config)
    assert done.returncode > 0 and str(agent.port) in done.stderr, done
    assert agent.status() == 200


def test_a_database_without_the_schema_is_one_sentence_until_it_is_there(
    servers: Servers, work: Path
):
    stack = Stack(servers, work / "no_schema").create()
    with stack.connect() as db:
        db.execute("drop schema analytics, kasumori, kasumori_meta cascade")
    aggregator = stack.add_aggregator(start=False)
    try:
        aggregator.start()
        wait_until(lambda: "kasumori migrate" in aggregator.log_text(), "the sentence")
        assert aggregator.status() != 200
        stack.db_cli("migrate")
        if not aggregator.is_alive():
            assert aggregator.returncode > 0
            aggregator.start()
        aggregator.wait_ready()
    finally:
        aggregator.kill9()
        servers.postgres.dropdb(stack.database)


def test_the_operators_command_without_its_database():
    done = run("kasumori", "migrate", "--database", "host=127.0.0.1 port=1 dbname=none")
    assert done.returncode > 0
    assert "could not" in done.stderr and done.stderr.count("\n") <= 2, done.stderr
