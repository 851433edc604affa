"""Model against C core on generated histories; the first difference is shrunk and shown.

python -m tests.model.compare --seed S --count N
"""

from __future__ import annotations

import argparse
import difflib
import sys

from tests.model.histories import history, text
from tests.model.implementations import (
    PROGRAM,
    ProgramFailed,
    c_program,
    run_c,
    run_c_many,
    run_model,
)
from tests.model.shrink import shrink

BATCH = 250


def differs(facts):
    """Whether the two disagree on a history, or the program fails on it."""
    try:
        return run_c(facts) != run_model(facts)
    except ProgramFailed:
        return True


def account(seed, facts):
    """Both dumps' difference on the shrunk history, as text."""
    small = shrink(facts, differs)
    lines = [f"seed {seed}, shrunk to {len(small)} facts:", text(small), ""]
    try:
        said = run_c(small)
    except ProgramFailed as error:
        return "\n".join([*lines, str(error)])
    told = difflib.unified_diff(run_model(small), said, "model", "c", n=0, lineterm="")
    return "\n".join([*lines, *told])


def first_difference(seed, count):
    """An account of the first difference in `count` histories from `seed` on, or None."""
    for first in range(seed, seed + count, BATCH):
        seeds = range(first, min(first + BATCH, seed + count))
        histories = [history(each) for each in seeds]
        try:
            dumps = run_c_many(histories)
        except ProgramFailed:
            dumps = [None] * len(histories)  # look at each alone
        for each, facts, said in zip(seeds, histories, dumps, strict=True):
            if differs(facts) if said is None else said != run_model(facts):
                return account(each, facts)
        if None in dumps:
            return f"{PROGRAM} fails on seeds {first} to {seeds[-1]} together, on none alone"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=2000)
    given = arguments.parse_args()
    if c_program() is None:
        sys.exit(f"compare: {PROGRAM} is not built; KASUMORI_BUILD names the build folder")
    found = first_difference(given.seed, given.count)
    if found is not None:
        print(found)
        sys.exit(1)
    print(f"compare: {given.count} histories from seed {given.seed} agree")


if __name__ == "__main__":
    main()
