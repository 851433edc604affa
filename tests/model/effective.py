"""D1 and 1.1: which decisions hold, what the name of a record means, what each record says."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.model.facts import (
    ABANDONED,
    BUSY,
    CONNECTED,
    FACE_TO_FACE,
    INBOUND,
    INTERNAL,
    OUTBOUND,
    VISIT,
    Facts,
)

ORIGINALS = ("contact", "incident")


@dataclass
class Identifier:
    kind: int
    assurance: int
    tokens: list  # (kind, key id, mac), in the order of the message


@dataclass
class Person:
    role: int
    ordinal: int
    identifiers: list


@dataclass
class Record:
    """An effective contact or incident, its supplements folded in."""

    id: str
    kind: str
    site: str
    concerned_site: str
    start: int
    end: int
    channel: int
    direction: int
    ref: str
    outcome: int
    talk: int
    hold: int
    matters: set
    categories: set
    answers: list
    persons: dict  # ordinal -> Person
    winner: str
    supplements: list = field(default_factory=list)

    @property
    def is_incident(self):
        return self.kind == "incident"

    @property
    def is_anchor(self):
        return self.kind == "contact" and self.outcome == CONNECTED

    @property
    def is_attempt(self):
        return self.kind == "contact" and self.outcome in (BUSY, ABANDONED)

    @property
    def is_outward(self):
        return self.direction in (OUTBOUND, INTERNAL) and not self.is_in_person

    @property
    def is_in_person(self):
        return self.channel in (FACE_TO_FACE, VISIT)

    @property
    def is_live(self):
        return (
            self.is_in_person
            or self.direction == INBOUND
            or (self.is_incident and self.direction == 0)
        )

    @property
    def order(self):
        return (self.start, self.id)


@dataclass
class Effective:
    records: dict  # id -> Record
    inert: set  # ids of records
    waiting: set


def in_force(facts: Facts):
    """Decisions that hold, newest down: a decision holds unless a newer revoke that holds names it."""
    holding = {}
    for no in sorted(facts.decisions, reverse=True):
        revoked = any(
            newer["kind"] == "revoke" and newer.get("no_revoked") == no
            for newer in holding.values()
        )
        if not revoked:
            holding[no] = facts.decisions[no]
    return dict(sorted(holding.items()))


def meaning(facts: Facts, record_id):
    """The contact or incident that a name of a record means, or None where there is none yet."""
    for kind in ("correction", "supplement"):
        named = facts.records.get(record_id)
        if named is not None and named["kind"] == kind:
            record_id = named.get("target")
    named = facts.records.get(record_id)
    return record_id if named is not None and named["kind"] in ORIGINALS else None


def named_records(facts: Facts, decision):
    """The known records a decision names."""
    names = decision.get("records", [])
    return {known for known in (meaning(facts, name) for name in names) if known is not None}


def may_replace(correction, target):
    replaces = correction.get("replaces")
    if target["kind"] == "correction" or correction.get("site") != target.get("site"):
        return False
    if correction.get("revision", 0) < target.get("revision", 0):
        return False
    if replaces == "retraction":
        return True
    if target["kind"] == "supplement":
        return replaces == "supplement"
    return replaces in ORIGINALS


def effective(facts: Facts, holding):
    corrections = {}
    inert, waiting = set(), set()
    for record in facts.records.values():
        if record["kind"] != "correction":
            continue
        target = facts.records.get(record.get("target"))
        if target is None:
            waiting.add(record["id"])
        elif may_replace(record, target):
            corrections.setdefault(target["id"], []).append(record)
        else:
            inert.add(record["id"])

    def winner(original):
        """The record that speaks for the original, or None where nothing is left of it."""
        rivals = corrections.get(original["id"], [])
        best = max(rivals, key=lambda r: (r.get("revision", 0), r["id"]), default=original)
        gone = best.get("replaces") == "retraction" and best["kind"] == "correction"
        return None if gone or best.get("training") else best

    records = {}
    for original in facts.records.values():
        if original["kind"] in ORIGINALS:
            best = winner(original)
            if best is not None:
                records[original["id"]] = build(original, best)

    for original in sorted(facts.records.values(), key=lambda r: r["id"]):
        if original["kind"] != "supplement":
            continue
        target = facts.records.get(original.get("target"))
        if target is None:
            waiting.add(original["id"])
        elif target["kind"] not in ORIGINALS or target.get("site") != original.get("site"):
            inert.add(original["id"])
        else:
            best = winner(original)
            if best is not None and target["id"] in records:
                fold(records[target["id"]], original, best)

    for decision in holding.values():
        if decision["kind"] == "matter":
            for record_id in named_records(facts, decision) & records.keys():
                add_matter(records[record_id], decision.get("name", ""))
    return Effective(records, inert, waiting)


def build(original, best):
    start = best.get("start", 0)
    record = Record(
        id=original["id"],
        kind=best["replaces"] if best["kind"] == "correction" else best["kind"],
        site=original.get("site", ""),
        concerned_site=best.get("concerned_site", ""),
        start=start,
        end=best.get("end", start),
        channel=best.get("channel", 0),
        direction=best.get("direction", 0),
        ref=best.get("ref", ""),
        outcome=best.get("outcome", 0),
        talk=best.get("talk", 0),
        hold=best.get("hold", 0),
        matters=set(),
        categories=set(),
        answers=[],
        persons={},
        winner=best["id"],
    )
    append(record, best)
    return record


def fold(record, original, best):
    record.supplements.append(original["id"])
    append(record, best)


def append(record, body):
    add_matter(record, body.get("matter", ""))
    record.categories.update(body.get("categories", []))
    record.answers.extend(body.get("answers", []))
    for person in body.get("persons", []):
        ordinal = person.get("ordinal", 0)
        known = record.persons.setdefault(ordinal, Person(person.get("role", 0), ordinal, []))
        for identifier in person.get("identifiers", []):
            kind = identifier["kind"]
            tokens = [(kind, key, mac) for key, mac in identifier.get("tokens", [])]
            known.identifiers.append(Identifier(kind, identifier.get("assurance", 0), tokens))


def add_matter(record, matter):
    if matter:
        record.matters.add(matter)
