"""I9: the C core's closed neighbourhoods against its full function, on generated histories told in
random batches (correlate_batches.c). The first failure is shrunk and shown.

python -m tests.model.incremental --seed S --count N
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
from dataclasses import dataclass

from tests.model.facts import ACCOUNT, HANDLE, MAIL, MEMBER, PHONE, SNS, VEHICLE
from tests.model.histories import history, text
from tests.model.implementations import (
    PATIENCE_S,
    PROGRAM,
    ProgramFailed,
    c_program,
    split_dumps,
)
from tests.model.shrink import shrink

BATCH = 250
OK = re.compile(r"ok (\d+) (\d+) (\d+) (\d+) (\d+)")


@dataclass
class Counts:
    near: int  # records that were read
    told: int  # records there were, over all batches
    hubs: int  # classes that were told and not followed
    shared: int  # of them those of shared nodes
    again: int  # how often more was wanted than was told

    @property
    def share(self):
        return self.near / max(self.told, 1)


def bend(facts, seed):
    """In a third of the histories fewer kinds link, in another nodes become shared by little: so
    classes are told."""
    dice = random.Random(f"bend/{seed}")
    kinds = dice.sample((MEMBER, ACCOUNT, PHONE, MAIL, VEHICLE, SNS), dice.randint(0, 3))
    held = sorted(
        (held["kind"], *token)
        for fact in facts
        for someone in fact.get("persons", [])
        for held in someone["identifiers"]
        for token in held["tokens"]
    )
    bends = (
        {},
        {"kinds": [HANDLE, *kinds]},
        {
            "cap": dice.randint(0, 2),
            "caps": [[PHONE, MEMBER, dice.randint(0, 2)], [PHONE, PHONE, 0]],
            "pairs": dice.randint(1, 3),
            "overlap": dice.choice((0, 1, 60_000_000)),
            "shared": [list(token) for token in dice.sample(held, min(len(held), 2))],
        },
    )
    linking = next((fact for fact in facts if fact["fact"] == "linking"), {"fact": "linking"})
    bent = {**linking, **bends[seed % 3]}
    return [fact for fact in facts if fact["fact"] != "linking"] + [bent]


def run_batches(histories, seed):
    """What the program says of each history, as lists of lines."""
    ran = subprocess.run(
        [c_program(), "--batches", str(seed)],
        input=("\n\n".join(text(facts) for facts in histories) + "\n").encode(),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    said = [lines for lines in split_dumps(ran.stdout.decode()) if lines]
    if ran.returncode != 0 or len(said) != len(histories):
        told = ran.stderr.decode(errors="replace")[-2000:]
        raise ProgramFailed(f"{PROGRAM} --batches ended with {ran.returncode}: {told}")
    return said


def complaint(facts, seed):
    """What differs when the history is told in batches, or None."""
    try:
        (said,) = run_batches([facts], seed)
    except ProgramFailed as error:
        return str(error)
    return None if OK.fullmatch(said[-1]) else "\n".join(said)


def account(seed, facts):
    small = shrink(facts, lambda fewer: complaint(fewer, seed) is not None)
    return "\n".join(
        [f"seed {seed}, shrunk to {len(small)} facts:", text(small), "", complaint(small, seed)]
    )


def check_histories(seed, count):
    """An account of the first failure or None, and what was counted."""
    sums = [0, 0, 0, 0, 0]
    for first in range(seed, seed + count, BATCH):
        seeds = range(first, min(first + BATCH, seed + count))
        histories = [bend(history(each), each) for each in seeds]
        for facts, said in zip(histories, run_batches(histories, first), strict=True):
            well = OK.fullmatch(said[-1])
            if well is None:
                return account(first, facts), None
            sums = [total + int(more) for total, more in zip(sums, well.groups(), strict=True)]
    return None, Counts(*sums)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=2000)
    given = arguments.parse_args()
    if c_program() is None:
        sys.exit(f"incremental: {PROGRAM} is not built; KASUMORI_BUILD names the build folder")
    found, counts = check_histories(given.seed, given.count)
    if found is not None:
        print(found)
        sys.exit(1)
    print(
        f"incremental: {given.count} histories from seed {given.seed} agree; "
        f"{counts.share:.0%} of the records were near; {counts.hubs} classes told, "
        f"{counts.shared} of shared nodes, {counts.again} times that was not enough"
    )


if __name__ == "__main__":
    main()
