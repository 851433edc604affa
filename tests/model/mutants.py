"""Deliberate one-line changes of the C core, each of which the tests must catch; and a few of the model.

    python -m tests.model.mutants [--only N] [--count N]

Each change of mutants.txt is made to a copy of its file and built beside the other objects. The
built program then works the examples, and prints histories until one dump is not the model's. A
change that neither notices survives, and the campaign fails: the histories need a scene, or the
change is equivalent.

mutants.txt goes in the order of docs/correlation.md. `=== ` names the file, `# ` says in the page's
words what breaks, `-` is a whole line of the file without its indentation and the only one like it,
`+` what stands there instead. `# equivalent: ` says why nothing can tell; that nothing does is
checked.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.model import implementations
from tests.model.compare import BATCH
from tests.model.histories import history
from tests.model.implementations import PROGRAM, ProgramFailed, run_c_many, run_model
from tests.support.paths import BUILD, ROOT

OUT = BUILD / "mutants"
CHANGES = ROOT / "tests/model/mutants.txt"
EQUIVALENT = "equivalent: "
CORRELATE = Path("services/common/correlate")
BESIDE = [Path("services/common") / name for name in ("base", "mac", "jsonio")]
PROGRAM_SOURCES = [
    Path("tests/model") / name for name in ("correlate_batches.c", "correlate_dump.c")
]
EXAMPLES = Path("tests/model/test_examples.py")
COMPILE = ["gcc", "-std=gnu17", "-O1", "-w", "-D_GNU_SOURCE", '-DKASUMORI_VERSION="mutant"']
LIBRARIES = ["-ljansson", "-lcrypto", "-lpthread"]
WORKERS = 2
PATIENCE_S = 30  # a changed loop may not end


class Stale(RuntimeError):
    """A change that no longer fits its file."""


class Change(NamedTuple):
    path: str
    old: str
    new: str
    breaks: str

    @property
    def is_equivalent(self):
        return self.breaks.startswith(EQUIVALENT)

    @property
    def is_of_model(self):
        return self.path.endswith(".py")


class Verdict(NamedTuple):
    example: str | None
    seed: int | None

    @property
    def is_caught(self):
        return self.example is not None or self.seed is not None

    def __str__(self):
        by = [f"example {self.example}"] if self.example else []
        by += [f"seed {self.seed}"] if self.seed is not None else []
        return ", ".join(by) or "nothing"


# Changing and building


def read_changes(changes=CHANGES):
    """number -> change, as they stand in mutants.txt."""
    path, told, found = "", {}, []
    for line in changes.read_text().split("\n"):
        if line.startswith("=== "):
            path = line.removeprefix("=== ")
        elif line:
            told[line[0]] = line[1:].strip()
        if line.startswith("+"):
            found.append(Change(path, told["-"], told["+"], told["#"]))
    return dict(enumerate(found, 1))


def changed(change):
    """The text of the change's file with its one line replaced."""
    lines = (ROOT / change.path).read_text().split("\n")
    found = [i for i, line in enumerate(lines) if line.strip() == change.old]
    if len(found) != 1:
        raise Stale(f"{change.path}: {len(found)} lines are {change.old!r}")
    (at,) = found
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = indent + change.new
    return "\n".join(lines)


def object_of(source, folder):
    return folder / "objects" / source.with_suffix(".o")


def compile_source(source, target, *includes):
    target.parent.mkdir(parents=True, exist_ok=True)
    where = [f"-I{folder}" for folder in (*includes, ROOT)]
    subprocess.run([*COMPILE, *where, "-c", source, "-o", target], check=True)


def sources():
    found = [
        s.relative_to(ROOT) for part in (*BESIDE, CORRELATE) for s in (ROOT / part).glob("*.c")
    ]
    return [*sorted(found), *PROGRAM_SOURCES]


def link(objects, folder):
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", *objects, "-o", folder / "bin" / PROGRAM, *LIBRARIES], check=True)


def build_unchanged():
    shutil.rmtree(unchanged(), ignore_errors=True)
    for source in sources():
        compile_source(ROOT / source, object_of(source, unchanged()))
    link([object_of(source, unchanged()) for source in sources()], unchanged())


def unchanged():
    return OUT / "unchanged"


def build(change, folder):
    """The program with one line changed; a header's change reaches all that may include it."""
    shutil.rmtree(folder, ignore_errors=True)
    copy = folder / change.path
    copy.parent.mkdir(parents=True)
    copy.write_text(changed(change))
    objects = []
    for source in sources():
        is_it = str(source) == change.path
        is_user = change.path.endswith(".h") and source.parent in (
            CORRELATE,
            PROGRAM_SOURCES[0].parent,
        )
        if is_it or is_user:
            compile_source(copy if is_it else ROOT / source, object_of(source, folder), folder)
            objects.append(object_of(source, folder))
        else:
            objects.append(object_of(source, unchanged()))
    link(objects, folder)


def use(folder):
    """From here on, this process's C program is the one in the folder."""
    os.environ["KASUMORI_BUILD"] = str(folder)


# What catches


class FirstFailure:
    """Keeps the examples that run on the C core; remembers the first that fails."""

    example = None

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.callspec.params["run"] == "c"]

    def pytest_runtest_logreport(self, report):
        if report.failed and self.example is None:
            self.example = re.search(r"test_(\d+)_", report.nodeid)[1]


def failing_example():
    """The number of the first example that the program fails, or None."""
    seen = FirstFailure()
    quiet = ["-x", "-p", "no:terminal", "-p", "no:cacheprovider", "-o", "addopts="]
    ended = pytest.main([*quiet, str(ROOT / EXAMPLES)], plugins=[seen])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"the examples did not run: {ended!r}")
    return seen.example


def dumps_or_none(histories):
    try:
        return run_c_many(histories)
    except (ProgramFailed, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None


def differing_seed(count):
    """The first seed on which program and model differ, or None."""
    for first in range(1, count + 1, BATCH):
        cases = batch(first)
        dumps = dumps_or_none([facts for facts, _ in cases])
        for i, (facts, told) in enumerate(cases):
            said = dumps[i] if dumps is not None else (dumps_or_none([facts]) or [None])[0]
            if said != told:
                return first + i
        if dumps is None:
            return first  # it fails on them together only
    return None


def batch(first):
    """(facts, the model's dump) of the histories from a seed on: worked out once for all changes."""
    path = OUT / "histories" / digest_of_both() / f"{first}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            whole = path.with_suffix(".part")
            whole.write_text(json.dumps(work_out(first)))
            whole.rename(path)
    return json.loads(path.read_text())


def work_out(first):
    """The batch, once the unchanged core has printed what the model prints."""
    mine = os.environ["KASUMORI_BUILD"]
    use(unchanged())
    histories = [history(seed) for seed in range(first, first + BATCH)]
    cases = [(facts, run_model(facts)) for facts in histories]
    for i, said in enumerate(run_c_many(histories)):
        if said != cases[i][1]:
            raise RuntimeError(f"the unchanged core is not the model on seed {first + i}")
    use(mine)
    return cases


def digest_of_both():
    """Of all that the dumps depend on."""
    files = [*(ROOT / CORRELATE).glob("*.[ch]"), *(ROOT / "tests/model").glob("*.py")]
    told = hashlib.sha256()
    for path in sorted(files):
        if path.name != Path(__file__).name:
            told.update(path.read_bytes())
    return told.hexdigest()[:16]


# The campaign


def judge(work):
    """(number, verdict) of a change."""
    number, change, count = work
    folder = OUT / f"{number:03d}"
    judge_it = judge_model if change.is_of_model else judge_core
    return number, judge_it(change, folder, count)


def judge_core(change, folder, count):
    build(change, folder)
    use(folder)
    implementations.PATIENCE_S = PATIENCE_S
    return Verdict(failing_example(), differing_seed(count))


def judge_model(change, folder, count):
    """Of a change of the model: the comparison itself must fail."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("model", "support"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "tests" / part, folder / "tests" / part, ignore=skip)
    (folder / change.path).write_text(changed(change))
    use(unchanged())
    compare = [sys.executable, "-m", "tests.model.compare", "--count", str(count)]
    ran = subprocess.run(compare, cwd=folder, capture_output=True, text=True, check=False)
    found = re.match(r"seed (\d+), ", ran.stdout)
    if (ran.returncode == 0) == (found is not None):
        raise RuntimeError(f"the comparison did not run: {ran.stdout}{ran.stderr}")
    return Verdict(None, int(found[1]) if found else None)


def table(changes, verdicts):
    """The rows of docs/mutants.md."""
    rows = ["| n | file | old line → new line | breaks | caught by |", "|---|---|---|---|---|"]
    for number, change in changes.items():
        if number in verdicts:
            name = Path(change.path).name
            lines = [
                "`` {} ``".format(line.replace("|", "\\|")) for line in (change.old, change.new)
            ]
            cells = [str(number), name, " → ".join(lines), change.breaks, str(verdicts[number])]
            rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def check_all_fit(changes):
    stale = []
    for number, change in changes.items():
        try:
            changed(change)
        except Stale as why:
            stale.append(f"{number}: {why}")
    if stale:
        sys.exit(
            "mutants: the source has changed under these; mend mutants.txt\n" + "\n".join(stale)
        )


def run(changes, count):
    """number -> verdict, told as they come."""
    works = [(number, change, count) for number, change in changes.items()]
    verdicts = {}
    with multiprocessing.Pool(WORKERS, maxtasksperchild=20) as pool:
        for number, verdict in pool.imap(judge, works):
            verdicts[number] = verdict
            print(f"{number:3d} {changes[number].breaks}: {verdict}", flush=True)
    return verdicts


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--only", type=int, help="one change, by its number")
    arguments.add_argument("--count", type=int, default=6000, help="histories at most")
    given = arguments.parse_args()
    os.nice(10)
    changes = read_changes()
    check_all_fit(changes)
    if given.only is not None:
        changes = {given.only: changes[given.only]}
    build_unchanged()
    use(unchanged())
    if failing_example() is not None:
        sys.exit("mutants: the unchanged core fails an example")
    verdicts = run(changes, given.count)
    if given.only is None:
        (OUT / "table.md").write_text(table(changes, verdicts))
    wrong = [n for n, told in verdicts.items() if told.is_caught == changes[n].is_equivalent]
    for number in wrong:
        fault = "is not equivalent" if changes[number].is_equivalent else "survives"
        print(f"mutants: {number} {fault}: {changes[number].breaks}")
    print(f"mutants: {len(verdicts) - len(wrong)} of {len(verdicts)} as they should be")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
