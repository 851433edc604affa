"""Deliberate one-line changes of the monitor, each of which a component test must catch.

    python -m tests.component.monitor.mutants [--only N]

Each change of mutants.txt, which tests/model/mutants.py describes, is made to a copy of its file; the
program is linked with it before the unchanged library, into a build folder of its own, and the tests
that stand behind the file's name run against it until one fails. KASUMORI_BUILD names the build that
is unchanged.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple

from tests.model.mutants import Change, changed, check_all_fit, read_changes, table
from tests.support.paths import ROOT, binaries

HERE = Path(__file__).parent
BUILD = binaries().parent
OUT = BUILD / "mutants-monitor"
WORKERS = 2
PROGRAMS = ("kasumori", "kasumori-agent", "kasumori-aggregator", "kasumori-monitor")


class Embedded(NamedTuple):
    """SQL that is compiled in."""

    folder: str
    script: str
    source: str


EMBEDDED = (
    Embedded("services/monitor/sql", "services/monitor/embed_sql.cmake", "services/monitor/sql.c"),
    Embedded(
        "deploy/postgres/migrations",
        "services/cli/embed_migrations.cmake",
        "services/cli/migrations.c",
    ),
)


def read_all() -> tuple[dict[int, Change], dict[int, list[str]]]:
    """number -> change, and number -> the test files that have to notice."""
    changes, tests = {}, {}
    for number, change in read_changes(HERE / "mutants.txt").items():
        path, *files = change.path.split()
        changes[number] = change._replace(path=path)
        tests[number] = [str(HERE / f"{name}.py") for name in files]
    return changes, tests


def compile_command(source: Path) -> list[str]:
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if Path(entry["file"]) == source:
            return shlex.split(entry["command"])
    raise KeyError(source)


def compile_as(source: Path, standing: Path, target: Path) -> None:
    """source as the build compiles the file that it stands for."""
    command = compile_command(standing)
    command[command.index("-o") + 1] = str(target)
    command[command.index("-c") + 1] = str(source)
    subprocess.run([*command, "-w"], check=True, cwd=BUILD)


def changed_source(change: Change, folder: Path) -> tuple[Path, Path]:
    """The C file with the change in it, and the one it stands for."""
    text = changed(change)
    for embedded in EMBEDDED:
        if change.path.startswith(embedded.folder):
            copy, source = folder / "sql", folder / "embedded.c"
            shutil.copytree(ROOT / embedded.folder, copy)
            (copy / Path(change.path).relative_to(embedded.folder)).write_text(text)
            values = [f"-DFOLDER={copy}", f"-DOUT={source}"]
            subprocess.run(["cmake", *values, "-P", ROOT / embedded.script], check=True)
            return source, BUILD / embedded.source
    source = folder / Path(change.path).name
    source.write_text(text)
    return source, ROOT / change.path


def build(change: Change, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    source, standing = changed_source(change, folder)
    compile_as(source, standing, folder / "changed.o")
    program = "kasumori" if "migrations" in change.path else "kasumori-monitor"
    for name in PROGRAMS:
        if name != program:
            (folder / "bin" / name).symlink_to(BUILD / "bin" / name)
    commands = subprocess.run(
        ["ninja", "-C", BUILD, "-t", "commands", f"bin/{program}"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    link = commands.splitlines()[-1].replace(f"-o bin/{program}", f"-o {folder}/bin/{program}")
    link = re.sub(r"(\S+main\.c\.o)", rf"\1 {folder}/changed.o", link, count=1)
    subprocess.run(link, shell=True, check=True, cwd=BUILD)


def first_failure(folder: Path, tests: list[str]) -> str | None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", *tests],
        cwd=ROOT, env=os.environ | {"KASUMORI_BUILD": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) \S+::(\S+)", ran.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the tests did not run: {ran.stdout[-3000:]}{ran.stderr[-1000:]}")
    return found[1]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--only", type=int, help="one change, by its number")
    given = arguments.parse_args()
    os.nice(10)
    changes, tests = read_all()
    check_all_fit(changes)
    numbers = [given.only] if given.only is not None else list(changes)
    verdicts: dict[int, str | None] = {}

    def judge(number: int) -> tuple[int, str | None]:
        folder = OUT / f"{number:03d}"
        build(changes[number], folder)
        return number, first_failure(folder, tests[number])

    with ThreadPool(WORKERS) as pool:
        for number, caught_by in pool.imap(judge, numbers):
            verdicts[number] = caught_by
            print(f"{number:3d} {changes[number].breaks}: {caught_by or 'nothing'}", flush=True)
    (OUT / "table.md").write_text(table(changes, verdicts))
    survivors = [number for number, caught_by in verdicts.items() if caught_by is None]
    print(f"mutants: {len(verdicts) - len(survivors)} of {len(verdicts)} caught")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
