"""D8: occurrences, what a record tells about, parts, verdicts, and the review tasks they ask for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from tests.model.effective import named_records
from tests.model.facts import DAY, Facts, components

INNOCENT = ("complaint", "rejected")


@dataclass
class Part:
    """What the records of one occurrence tell about one subject."""

    occurrence: str
    subject: tuple
    records: list
    start: int | None = None
    incident: bool = False
    sites: set = field(default_factory=set)
    matters: set = field(default_factory=set)
    severity: int | None = None
    talk: int = 0

    @property
    def inward(self):
        """Its records that are not outward: all that counts but answers."""
        return [record for record in self.records if not record.is_outward]

    @property
    def order(self):
        return (self.start, self.occurrence)

    @property
    def places(self):
        """Where it happened, and how, as policies see it: where the records were made."""
        return {(record.site, record.channel) for record in self.inward}


@dataclass
class Occurrence:
    name: str
    records: list  # by id
    state: str = "open"
    parts: list = field(default_factory=list)  # by subject


def gap(a, b):
    return max(0, max(a.start, b.start) - min(a.end, b.end))


def union_length(spans):
    total, reached = 0, None
    for start, end in sorted(spans):
        if reached is None or start > reached:
            reached = start
        if end > reached:
            total += end - reached
            reached = end
    return total


class Happenings:
    def __init__(self, facts: Facts, holding: dict, identity):
        self.facts, self.holding, self.identity = facts, holding, identity
        self.records = identity.records
        self.mentions_of = defaultdict(list)
        for mention in identity.mentions:
            self.mentions_of[mention.record.id].append(mention)
        self.reviews = []
        self.make_occurrences()
        self.make_tells()
        self.make_states()
        self.make_parts()

    # Components of (a), (b) and (c)

    def make_occurrences(self):
        same_ref = list(self.same_ref())
        pairs = same_ref + list(self.same_decided())
        for group in self.groups(components(self.records, same_ref)).values():
            pairs += self.close(group)
        wholes = set(components(self.records, pairs).values())
        self.occurrences = {
            min(whole): Occurrence(min(whole), [self.records[r] for r in sorted(whole)])
            for whole in wholes
        }
        self.occurrence_of = {r.id: o for o in self.occurrences.values() for r in o.records}

    def same_ref(self):
        by_ref = defaultdict(list)
        for record in self.records.values():
            if record.ref:
                by_ref[record.site, record.ref].append(record)
        for sharing in by_ref.values():
            for a, b in pairwise(sorted(sharing, key=lambda r: r.order)):
                if b.start - a.start <= DAY:
                    yield a.id, b.id

    def same_decided(self):
        for decision in self.holding.values():
            if decision["kind"] == "same_occurrence":
                named = named_records(self.facts, decision) & self.records.keys()
                yield from pairwise(sorted(named))

    def groups(self, same_ref):
        """(site, channel, subject or shared owner) -> the records that take part in closeness there."""
        groups = defaultdict(set)
        for mention in self.identity.live:
            record, owner = mention.record, mention.owner
            beside_anchor = any(self.records[r].is_anchor for r in same_ref[record.id])
            if owner is None or (beside_anchor and not record.is_anchor):
                continue
            who = self.identity.subject_nodes.get(owner, owner)
            groups[record.site, record.channel, who].add(record.id)
        return groups

    def close(self, group):
        """The pairs of close records of one group."""
        linking = self.facts.linking
        members = [self.records[record_id] for record_id in sorted(group)]
        anchors = [record for record in members if record.is_anchor]
        rest = []
        for a, b in combinations(anchors, 2):
            if may_be_close(a, b) and gap(a, b) == 0:
                yield a.id, b.id
        for record in members:
            if record.is_anchor:
                continue
            reach = self.reach(record, linking)
            candidates = [
                (gap(record, anchor), anchor.start, anchor.id)
                for anchor in anchors
                if may_be_close(record, anchor) and gap(record, anchor) <= reach
            ]
            if candidates:
                yield record.id, min(candidates)[2]
            else:
                rest.append(record)
        for a, b in combinations(rest, 2):
            reach = min(self.reach(a, linking), self.reach(b, linking))
            if may_be_close(a, b) and gap(a, b) <= reach:
                yield a.id, b.id

    @staticmethod
    def reach(record, linking):
        return linking.gap_attempt if record.is_attempt else linking.gap

    # What a record tells about

    def make_tells(self):
        own = {
            record_id: {m.subject for m in self.mentions_of[record_id] if m.subject is not None}
            for record_id in self.records
        }
        self.tells = dict(own)
        for occurrence in self.occurrences.values():
            told = {s for record in occurrence.records for s in own[record.id]}
            told_inward = {
                s for record in occurrence.records if not record.is_outward for s in own[record.id]
            }
            for record in occurrence.records:
                if own[record.id]:
                    continue
                if len(told) == 1 and told_inward == told:
                    self.tells[record.id] = told
                elif record.is_incident or len(told) > 1:
                    self.review("tells_nobody", occurrence.name, record.id, None)

    # Verdicts

    def make_states(self):
        named, newest = {}, {}  # number -> records it names; record -> number
        for no, decision in self.holding.items():
            if decision["kind"] == "verdict":
                named[no] = named_records(self.facts, decision)
                newest.update(dict.fromkeys(named[no], no))
        for record_id, no in newest.items():
            if record_id not in self.records:
                self.review("retracted", None, record_id, no)
        for occurrence in self.occurrences.values():
            whole = {record.id for record in occurrence.records}
            judging = {newest[record_id] for record_id in whole & newest.keys()}
            for no in judging:
                for record_id in whole - named[no]:
                    self.review("joined", occurrence.name, record_id, no)
            innocent = {self.holding[no]["value"] in INNOCENT for no in judging}
            if innocent == {True, False}:
                occurrence.state = "disputed"
            elif innocent == {True}:
                occurrence.state = "innocent"

    def review(self, kind, occurrence, record, decision):
        self.reviews.append((kind, occurrence, record, decision))

    # Parts

    def make_parts(self):
        for occurrence in self.occurrences.values():
            subjects = {s for record in occurrence.records for s in self.tells[record.id]}
            for subject in sorted(subjects):
                told = [r for r in occurrence.records if subject in self.tells[r.id]]
                part = Part(occurrence.name, subject, told)
                self.fill(part)
                occurrence.parts.append(part)

    def fill(self, part):
        inward = part.inward
        if not inward:
            return
        incidents = [record for record in inward if record.is_incident]
        anchors = [record for record in inward if record.is_anchor]
        part.start = min(record.start for record in inward)
        part.incident = bool(incidents)
        part.sites = {record.concerned_site or record.site for record in incidents}
        part.matters = {matter for record in inward for matter in record.matters}
        table = self.facts.rules_at(part.start, part.places)["severity"]
        known = [table[c] for record in inward for c in record.categories if c in table]
        part.severity = max(known, default=None)
        if anchors:
            spans = [(record.end - record.talk - record.hold, record.end) for record in anchors]
        else:
            spans = [(record.start, record.end) for record in incidents]
        part.talk = union_length(spans)


def may_be_close(a, b):
    return not (a.ref and b.ref and a.ref != b.ref)
