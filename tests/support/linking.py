"""How well the correlator links, held against who was really behind each record (targets.md, R10).

A pair is two mentions of a subject in two different records. It is *linked* when both have the same
subject, and *right* when the same person was behind both; whoever withholds a number is a person of
his own. precision = right among linked; recall = linked among linkable.

A mention is *linkable* by the values that may link it: identifiers whose assurance is CARRIED,
SCANNED or CONFIRMED, in an inbound record that still counts (not training, not retracted, of a
corrected record what the correction says), not withheld, and not a phone shared by a household or a
switchboard. A pair is linkable when one person's such values lead from one mention to the other.

A pair counts in the class of either record.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field

from tests.support.generator import STORED, World
from tests.support.people import Person

LINKING = ("CARRIED", "SCANNED", "CONFIRMED")
CLASSES = {
    "household": "households",
    "switchboard": "switchboards",
    "withheld": "withheld",
    "renumbered": "renumbered",
    "mistyped": "mistyped",
}
ALL, PLAIN = "all", "plain"
PRECISION_MIN, PRECISION_MIN_CLASS, RECALL_MIN = 0.999, 0.99, 0.98


@dataclass
class Behind:
    """The truth of one record: its class, who was behind it, by which values that shows."""

    kind: str
    person: str
    values: set = field(default_factory=set)


@dataclass
class Score:
    linked: int = 0
    right: int = 0
    linkable: int = 0
    found: int = 0

    @property
    def precision(self) -> float | None:
        return self.right / self.linked if self.linked else None

    @property
    def recall(self) -> float | None:
        return self.found / self.linkable if self.linkable else None

    def meets(self, precision_min: float) -> bool:
        """Nothing linked is nothing wrong, nothing linkable is nothing missed."""
        return (self.precision is None or self.precision >= precision_min) and (
            self.recall is None or self.recall >= RECALL_MIN
        )

    def as_dict(self) -> dict:
        return {"precision": self.precision, "recall": self.recall} | self.__dict__


# -- the truth


def truth(world: World, ids: dict[int, str], calls: dict[tuple[str, str], str]) -> dict:
    """Record id -> Behind, of the records that still count. ids: as answered, of Planned.number;
    calls: record ids of (site, linkedid)."""
    people = {person.name: person for person in world.people}
    found: dict[str, Behind] = {}
    first: dict[str, str] = {}  # record of an external id
    for planned in world.planned:
        if planned.fate != STORED or planned.body.get("training"):
            continue
        body, person = planned.body, people[planned.persons[0]] if planned.persons else None
        name = ids[planned.number].replace("-", "")
        target = _target(body)
        if target is not None:
            _change(found, target, body, person)
            continue
        name = first.setdefault(body["externalId"], name) if "externalId" in body else name
        who = f"withheld {name}" if person is None else person.name
        kind = CLASSES.get(planned.kind, PLAIN)
        found[name] = Behind(kind, who, _values(body, person))
    for site, listed in world.calls.items():
        for call in listed:
            name = calls[site, call.linkedid]
            person = people[call.person] if call.person else None
            values = _of_person(person, ["PHONE"]) if person else set()
            kind = PLAIN if person else CLASSES["withheld"]
            found[name] = Behind(kind, person.name if person else f"withheld {name}", values)
    return found


def _target(body: dict) -> str | None:
    told = body.get("supplement") or body.get("correction")
    return told["targetId"].replace("-", "") if told else None


def _change(found: dict[str, Behind], target: str, body: dict, person: Person | None) -> None:
    """A supplement adds to what its target says; a correction takes its place."""
    if target not in found:
        return
    if "supplement" in body:
        found[target].values |= _values(body, person)
    elif "retraction" in body["correction"]:
        del found[target]
    else:
        found[target].values = _values(body, person)


def _values(body: dict, person: Person | None) -> set:
    if person is None or body["direction"] != "INBOUND":
        return set()
    subjects = [one for one in body.get("persons", []) if one["role"] == "SUBJECT"]
    held = [one for subject in subjects for one in subject["identifiers"]]
    return _of_person(person, [one["kind"] for one in held if one["assurance"] in LINKING])


def _of_person(person: Person, kinds: list[str]) -> set:
    is_shared = person.kind in ("household", "guest")
    known = {"PHONE": None if is_shared else person.phones[0], "MEMBER": person.member}
    return {(kind, known[kind]) for kind in kinds if known.get(kind)}


# -- the scores


def score(behind: dict[str, Behind], dump: list[str]) -> dict[str, Score]:
    """Of all pairs and of each class. dump: the canonical one."""
    subjects: dict[str, tuple] = {}
    for line in map(json.loads, dump):
        if line["t"] == "owner" and line["subject"] is not None and line["record"] in behind:
            subjects[line["record"]] = tuple(line["subject"])
    scores = {name: Score() for name in (ALL, PLAIN, *CLASSES.values())}
    groups = defaultdict(list)
    for record, subject in subjects.items():
        groups[subject].append(record)
    for group in groups.values():
        for a, b in itertools.combinations(group, 2):
            is_right = behind[a].person == behind[b].person
            for each in _classes(scores, behind[a], behind[b]):
                each.linked += 1
                each.right += is_right
    for group in _linkable(behind):
        for a, b in itertools.combinations(group, 2):
            is_found = a in subjects and subjects[a] == subjects.get(b)
            for each in _classes(scores, behind[a], behind[b]):
                each.linkable += 1
                each.found += is_found
    return scores


def _classes(scores: dict[str, Score], a: Behind, b: Behind) -> list[Score]:
    return [scores[name] for name in {ALL, a.kind, b.kind}]


def _linkable(behind: dict[str, Behind]) -> list[list[str]]:
    """Records that one person's values lead through."""
    records_of = defaultdict(list)
    for record, truth_of in behind.items():
        for value in truth_of.values:
            records_of[truth_of.person, value].append(record)
    groups, seen = [], set()
    for start, truth_of in behind.items():
        if start in seen or not truth_of.values:
            continue
        reached, todo = {start}, [start]
        while todo:
            record = behind[todo.pop()]
            for value in record.values:
                for other in records_of.pop((record.person, value), ()):
                    if other not in reached:
                        reached.add(other)
                        todo.append(other)
        seen |= reached
        groups.append(sorted(reached))
    return groups


def is_met(scores: dict[str, Score]) -> bool:
    return all(
        one.meets(PRECISION_MIN if name == ALL else PRECISION_MIN_CLASS)
        for name, one in scores.items()
    )
