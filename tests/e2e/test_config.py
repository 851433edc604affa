"""Configuration errors name file, line and key; what is missing is one plain sentence, never a crash."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.paths import binaries, free_port
from tests.support.stack import Stack

PROGRAMS = ["kasumori-agent", "kasumori-aggregator"]


def run(program: str, *args: str | Path, wait_s: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binaries() / program, *map(str, args)], capture_output=True, text=True, timeout=wait_s
    )


def _is_one_sentence(done: subprocess.CompletedProcess[str]) -> bool:
    lines = (done.stderr + done.stdout).strip().splitlines()
    return done.returncode > 0 and len(lines) == 1


@pytest.fixture
def configs(stack: Stack) -> dict[str, Path]:
    return {
        "kasumori-agent": stack.add_agent("s001", start=False).config,
        "kasumori-aggregator": stack.add_aggregator(start=False).config,
    }


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
        assert f"line {len(lines)}" in done.stderr, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_config_that_is_not_there(program: str):
    done = run(program, "--config", "/nonexistent/x.yaml")
    assert _is_one_sentence(done) and "/nonexistent/x.yaml" in done.stderr, done


def test_no_config_given():
    for program in PROGRAMS:
        assert run(program).returncode > 0
        assert run(program, "--nonsense").returncode > 0


def test_a_secret_file_others_can_read_is_refused(stack: Stack, configs: dict[str, Path]):
    for path, program in (
        (stack.folder / "s001-a.bundle.yaml", "kasumori-agent"),
        (stack.keys_dir / "mac-master.key", "kasumori-aggregator"),
    ):
        path.chmod(0o640)
        done = run(program, "--config", configs[program])
        assert _is_one_sentence(done) and str(path) in done.stderr, done
        path.chmod(0o600)


def test_a_missing_key_file(stack: Stack, configs: dict[str, Path]):
    key = stack.keys_dir / "mac-master.key"
    key.unlink()
    done = run("kasumori-aggregator", "--config", configs["kasumori-aggregator"])
    assert _is_one_sentence(done) and str(key) in done.stderr, done
    bundle = stack.folder / "s001-a.bundle.yaml"
    bundle.unlink()
    done = run("kasumori-agent", "--config", configs["kasumori-agent"])
    assert _is_one_sentence(done) and str(bundle) in done.stderr, done


def test_two_agents_on_one_spool(stack: Stack, configs: dict[str, Path]):
    agent = stack.agents["s001-a"]
    agent.start()
    agent.wait_ready()
    other = stack.folder / "other.yaml"
    settings = yaml.safe_load(configs["kasumori-agent"].read_text())
    settings["http"] = {"address": "127.0.0.1", "port": free_port()}
    other.write_text(yaml.safe_dump(settings))
    done = run("kasumori-agent", "--config", other)
    assert done.returncode > 0 and str(agent.spool) in done.stderr, done
    assert agent.status() == 200


def test_a_port_that_is_taken(stack: Stack, configs: dict[str, Path]):
    agent = stack.agents["s001-a"]
    agent.start()
    agent.wait_ready()
    second = stack.add_agent("s002", start=False, http=agent.settings["http"])
    done = run("kasumori-agent", "--config", second.config)
    assert done.returncode > 0 and str(agent.port) in done.stderr, done
    assert agent.status() == 200


def test_a_database_without_the_schema(stack: Stack, configs: dict[str, Path]):
    stack.servers.postgres.createdb("empty")
    path = configs["kasumori-aggregator"]
    settings = yaml.safe_load(path.read_text())
    settings["database"] = stack.servers.postgres.conninfo("empty")
    path.write_text(yaml.safe_dump(settings))
    try:
        done = run("kasumori-aggregator", "--config", path)
        assert done.returncode > 0, done
        assert "kasumori migrate" in done.stderr, done.stderr
    finally:
        stack.servers.postgres.dropdb("empty")


def test_the_operators_command_without_its_database():
    done = run("kasumori", "migrate", "--database", "host=127.0.0.1 port=1 dbname=none")
    assert done.returncode > 0
    assert "could not" in done.stderr and done.stderr.count("\n") <= 2, done.stderr
