"""Adversarial small histories of all kinds of facts, each from one seed.

    python -m tests.model.histories --seed S --count N --out DIR

A history is a handful of scenes over small pools of people, sites, refs and matters, so that scenes
run into each other; then decisions, policies and ticks about what stands there; then shuffled.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from tests.model import scenes_calls, scenes_decided, scenes_later, scenes_people
from tests.model.builder import T0, History, digest, identifier
from tests.model.facts import (
    ACCOUNT,
    CARRIED,
    CONFIRMED,
    DAY,
    HOUR,
    MAIL,
    MEMBER,
    MINUTE,
    NAME,
    PHONE,
    SCANNED,
    SEVERITY,
    SNS,
    TYPED,
    VEHICLE,
    YEAR,
)

SIZE_MIN, SIZE_MAX = 5, 60
TOLD = scenes_calls.SCENES + scenes_people.SCENES + scenes_later.SCENES
POOL = {MEMBER: 6, ACCOUNT: 3, PHONE: 5, MAIL: 2, VEHICLE: 2, SNS: 1, NAME: 1}
CATEGORIES = [*SEVERITY, "own:1:rude"]  # the last is in no table
TYPICAL_SPANS = (0, 1, 30_000_000, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, HOUR + 1, 2 * HOUR)


class Dice:
    """What scenes draw from: one random source, small pools, and the history under way."""

    def __init__(self, seed, target):
        self.rng = random.Random(seed)
        self.target = target  # facts
        self.history = History(self.new_id)
        self.small_expiry = self.rng.random() < 0.5
        self.n = 32
        self.origin = T0
        self.fresh_names = 0

    def new_id(self):
        return f"{self.rng.getrandbits(128):032x}"

    # Draws

    def one(self, *options):
        return self.rng.choice(options)

    def likely(self, chance):
        return self.rng.random() < chance

    def edge(self, value):
        """The value exactly, or one microsecond beside it."""
        return value + self.one(-1, 0, 0, 1)

    def edges(self, value):
        """The edge on both sides."""
        return self.edge(value), -self.edge(value)

    def version(self):
        """A version of the policy that is not there yet; numbers do not follow times."""
        known = {fact["version"] for fact in self.history.facts if fact["fact"] == "policy"}
        return self.rng.choice([number for number in range(1, 60) if number not in known])

    def site(self):
        return self.rng.choices(("s1", "s2", "s3"), (6, 2, 1))[0]

    def ref(self):
        return self.one("", "", "", "r1", "r2", "r3")

    def matter(self):
        return self.one("", "m1", "m1", "m2")

    def categories(self):
        return self.rng.sample(CATEGORIES, self.one(0, 1, 1, 2))

    def time(self):
        """A time near others: the same hours of few days, sometimes far away."""
        day = self.one(0, 0, 0, 1, 10, 29, 30, 31, 60, 400)
        return self.origin + day * DAY + self.rng.randrange(0, 3 * 60) * MINUTE

    def span(self):
        return self.rng.choice(TYPICAL_SPANS)

    def assurance(self):
        return self.one(CARRIED, CARRIED, SCANNED, CONFIRMED, TYPED)

    def fresh(self, kind, **more):
        """An identifier nobody else has."""
        self.fresh_names += 1
        return identifier(kind, f"fresh{self.fresh_names}", **more)

    def known(self, kind=None, **more):
        """An identifier of the pool, which other scenes use too."""
        if kind is None:
            kind = self.rng.choices(list(POOL), (4, 2, 6, 2, 1, 1, 1))[0]
        return identifier(kind, f"p{self.rng.randrange(POOL[kind])}", **more)

    def people(self):
        """The persons of an ordinary record."""
        count = self.rng.choices((0, 1, 2), (2, 12, 2))[0]
        found = []
        for ordinal in self.ordinals()[:count]:
            held = [
                self.known(
                    assurance=self.assurance(), keys=self.one((1,), (1,), (1, 2), (2, 1), (2,))
                )
                for _ in range(self.rng.choices((0, 1, 2, 3), (1, 9, 3, 1))[0])
            ]
            role = self.rng.choices((1, 2, 3, 0), (12, 1, 1, 1))[0]
            found.append({"role": role, "ordinal": ordinal, "identifiers": held})
        return found

    def ordinals(self):
        """Of two persons; a message need not list them in order."""
        return self.one((1, 2), (1, 2), (2, 1))

    # What stands in the history so far

    def records(self, *kinds):
        return [
            fact
            for fact in self.history.facts
            if fact["fact"] == "record" and (not kinds or fact["kind"] in kinds)
        ]

    def some_records(self, most=3):
        found = self.records("contact", "incident")
        return self.rng.sample(found, min(len(found), self.rng.randint(1, most)))

    def sightings(self):
        """(token, start) of what records carry."""
        return [
            ([held["kind"], *pair], fact["start"])
            for fact in self.records("contact", "incident", "correction")
            for someone in fact.get("persons", [])
            for held in someone["identifiers"]
            for pair in held["tokens"]
            if "start" in fact
        ]

    def name_class(self):
        """A class as a decision names it: mostly well, sometimes just off or unknown."""
        seen = self.sightings()
        handles = [
            ([1, 0, fact["handle"]], self.time())
            for fact in self.history.facts
            if fact.get("kind") == "attach"
        ]
        if handles and self.likely(0.1):
            seen = handles
        if not seen or self.likely(0.04):
            return {"token": [PHONE, 1, digest("nobody")], "at": self.time()}
        token, start = self.rng.choice(seen)
        off = 0 if self.likely(0.7) else self.one(-1, 1, DAY, -DAY, *self.edges(self.expiry()))
        return {"token": token, "at": start + off}

    def expiry(self, kind=PHONE):
        if self.small_expiry:
            return 10 * DAY
        return (2 if kind in (PHONE, VEHICLE) else 5) * YEAR


def history(seed):
    """The facts of one history, a function of the seed."""
    sizes = random.Random(f"size/{seed}")
    dice = Dice(f"history/{seed}", sizes.choice((8, 15, 25, 40, 58)))
    facts = dice.history.facts
    scenes_decided.linking_policy(dice)
    while len(facts) < dice.target * 2 // 3 or not dice.records("contact", "incident"):
        before = len(facts)
        play(dice, TOLD)
        if len(facts) > SIZE_MAX:
            del facts[before:]
            break
    while len(facts) < dice.target:
        before = len(facts)
        play(dice, scenes_decided.SCENES)
        if len(facts) > SIZE_MAX:
            del facts[before:]
            break
    while len(facts) < SIZE_MIN:
        scenes_calls.ordinary(dice)
    dice.rng.shuffle(facts)
    return facts


def play(dice, weighted):
    plays, weights = zip(*weighted, strict=True)
    dice.rng.choices(plays, weights)[0](dice)


def text(facts):
    return "\n".join(json.dumps(fact, separators=(",", ":"), ensure_ascii=False) for fact in facts)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=100)
    arguments.add_argument("--out", type=Path, required=True)
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for seed in range(given.seed, given.seed + given.count):
        path = given.out / f"{seed:08d}.jsonl"
        path.write_text(text(history(seed)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
