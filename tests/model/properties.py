"""The long campaign over generated histories: the C core prints what the model prints, and the same
whatever the order and however often the facts are told (I1, I2).

    python -m tests.model.properties --count 100000 [--seed S]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time

from tests.model.changes import disordered
from tests.model.compare import BATCH, account
from tests.model.facts import line
from tests.model.histories import history, text
from tests.model.implementations import (
    PROGRAM,
    ProgramFailed,
    c_program,
    run_c_many,
    run_model,
)

WORKERS = 2
TOLD_EVERY_S = 30
SEEDS = 1 << 31


def mixed(facts):
    """Another order, some facts told twice; a function of the history."""
    return disordered(facts, random.Random(line(facts)))


def failure(seeds):
    """What fails on the histories of these seeds, the first of them; None where nothing does."""
    histories = [history(seed) for seed in seeds]
    try:
        dumps = run_c_many(histories)
        again = run_c_many([mixed(facts) for facts in histories])
    except ProgramFailed as error:
        return f"seeds {seeds[0]} to {seeds[-1]}: {error}"
    for seed, facts, said, said_again in zip(seeds, histories, dumps, again, strict=True):
        if said != run_model(facts):
            return account(seed, facts)
        if said != said_again:
            return f"seed {seed}: another order gives another dump:\n{text(facts)}"
    return None


def batches(first, count):
    return [range(at, min(at + BATCH, first + count)) for at in range(first, first + count, BATCH)]


def campaign(first, count):
    """(histories that held, an account of the first failure or None)"""
    held, told = 0, time.monotonic()
    with multiprocessing.Pool(WORKERS) as pool:
        for number, found in enumerate(pool.imap(failure, batches(first, count))):
            if found is not None:
                return held, found
            held = min((number + 1) * BATCH, count)
            if time.monotonic() - told > TOLD_EVERY_S:
                told = time.monotonic()
                print(f"properties: {held} of {count}", flush=True)
    return held, None


def main():
    arguments = argparse.ArgumentParser(prog="make properties", description=__doc__)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, help="of the first history")
    given = arguments.parse_args()
    if given.count < 1:
        sys.exit("properties: want at least one history")
    if c_program() is None:
        sys.exit(f"properties: {PROGRAM} is not built; KASUMORI_BUILD names the build folder")
    os.nice(5)
    seed = random.SystemRandom().randrange(1, SEEDS) if given.seed is None else given.seed
    print(f"properties: seed {seed}, {given.count} histories", flush=True)
    started = time.monotonic()
    held, found = campaign(seed, given.count)
    if found is not None:
        print(found)
        print(f"properties: FAILED after {held} histories from seed {seed}")
        sys.exit(1)
    print(
        f"properties: seed {seed}, {held} histories in {time.monotonic() - started:.0f} s:"
        " core = model, any order gives the same dump, 0 failed"
    )


if __name__ == "__main__":
    main()
