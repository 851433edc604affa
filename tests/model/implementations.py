"""The two that must agree: the model in this process, and the C core as a program."""

from __future__ import annotations

import json
import subprocess

from tests.model import model
from tests.model.histories import text
from tests.support.paths import binaries

PROGRAM = "kasumori-correlate-dump"
PATIENCE_S = 600


def c_program():
    """The C core's program, or None while it is not built."""
    path = binaries() / PROGRAM
    return path if path.exists() else None


class ProgramFailed(RuntimeError):
    """The program ended badly; its words and how many dumps it had printed."""


def run_c_many(histories):
    """The dumps of many histories by one process: both sides separated by an empty line."""
    told = "\n\n".join(text(history) for history in histories) + "\n"
    ran = subprocess.run(
        [c_program()],
        input=told.encode(),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    dumps = split_dumps(ran.stdout.decode())
    if ran.returncode != 0:
        said = ran.stderr.decode(errors="replace")[-2000:]
        raise ProgramFailed(f"{PROGRAM} ended with {ran.returncode}: {said}")
    if len(dumps) == len(histories) + 1 and not dumps[-1]:
        dumps.pop()  # an empty line after the last one, too
    if len(dumps) != len(histories):
        raise ProgramFailed(f"{PROGRAM} printed {len(dumps)} dumps for {len(histories)} histories")
    return dumps


def split_dumps(printed):
    dumps = [[]]
    for line in printed.removesuffix("\n").split("\n") if printed else []:
        if line:
            dumps[-1].append(line)
        else:
            dumps.append([])
    return dumps


def run_c(history):
    return run_c_many([history])[0]


def run_model(history):
    return model.dump(history)


class Dump:
    """A dump to ask questions of."""

    def __init__(self, lines):
        self.lines = lines
        self.values = [json.loads(line) for line in lines]

    def all(self, what, **match):
        """The lines of one sort whose fields are as given."""
        return [
            value
            for value in self.values
            if value["t"] == what and all(value.get(k) == v for k, v in match.items())
        ]

    def one(self, what, **match):
        (found,) = self.all(what, **match)
        return found

    def rules(self):
        """The rules that found something, sorted."""
        return sorted(value["rule"] for value in self.all("finding"))

    def notices(self):
        return sorted(value["rule"] for value in self.all("notice"))

    def node(self, token):
        """The only node of a class that is named by its least token."""
        (found,) = [v for v in self.all("node") if v["node"]["class"] == token]
        return found

    def subject(self, token):
        return self.node(token)["subject"]

    def occurrence_of(self, record):
        (found,) = [v for v in self.all("occurrence") if record["id"] in v["records"]]
        return found

    def part(self, record, subject):
        """What the occurrence of a record tells about a subject."""
        parts = self.occurrence_of(record)["parts"]
        (found,) = [part for part in parts if part["subject"] == subject]
        return found
