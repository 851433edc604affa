"""D2 to D7 and D9: classes, runs, evidence, shared nodes, subjects, owners and names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from tests.model.effective import Effective, meaning
from tests.model.facts import (
    CARRIED,
    CONFIRMED,
    HANDLE,
    SCANNED,
    SUBJECT,
    TYPED,
    Facts,
    components,
)

LINKING_CLASSES_MAX = 8
VOUCHED = (CARRIED, SCANNED, CONFIRMED)


@dataclass
class Mention:
    record: object
    person: object
    handles: list = field(default_factory=list)  # tokens, by decision number
    classes: list = field(default_factory=list)  # linking ones, in the order of D3
    nodes: list = field(default_factory=list)  # of a live mention, one for each class
    owner: tuple | None = None
    subject: tuple | None = None  # a name

    @property
    def key(self):
        return (self.record.id, self.person.ordinal)


@dataclass
class Edge:
    records: set = field(default_factory=set)
    decisions: set = field(default_factory=set)
    suppressed: bool = False


class Identity:
    """Who is who. A class is written as its least token, a node as (class, first start of the run)."""

    def __init__(self, facts: Facts, holding: dict, effective: Effective):
        self.facts, self.holding, self.records = facts, holding, effective.records
        self.linking = facts.linking
        self.mentions = [
            Mention(record, person)
            for _, record in sorted(self.records.items())
            for _, person in sorted(record.persons.items())
            if person.role == SUBJECT
        ]
        self.live = [mention for mention in self.mentions if mention.record.is_live]
        self.make_classes()
        self.attach_handles()
        self.make_runs()
        self.make_evidence()
        self.make_shared()
        self.make_subjects()
        self.make_owners()
        self.make_proposals()

    # D2

    def make_classes(self):
        aliases = defaultdict(set)
        for record in self.records.values():
            for person in record.persons.values():
                for identifier in person.identifiers:
                    for token in identifier.tokens:
                        aliases[token] |= set(identifier.tokens) - {token}
        self.bad = set()
        for token, others in aliases.items():
            keys = [key for _, key, _ in others]
            if len(keys) != len(set(keys)) or token[1] in keys:
                self.bad.add(token)
        remaining = [
            (token, other)
            for token, others in aliases.items()
            for other in others
            if token not in self.bad and other not in self.bad
        ]
        self.members = {}  # class -> its tokens
        self.conflicts = []
        for whole in set(components(aliases, remaining).values()):
            keys = [key for _, key, _ in whole]
            if len(keys) == len(set(keys)):
                self.members[min(whole)] = whole
            else:
                self.conflicts.append(whole)
                for token in whole:
                    self.members[token] = frozenset([token])
        self.class_of = {token: c for c, whole in self.members.items() for token in whole}

    def named_class(self, named):
        """The class a decision names: the one that holds the token now."""
        token = tuple(named["token"])
        return self.class_of.get(token, token)

    # D3

    def attach_handles(self):
        self.attached = set()  # decisions that found their mention
        for no, decision in self.holding.items():
            if decision["kind"] != "attach":
                continue
            key = (meaning(self.facts, decision.get("record")), decision.get("ordinal", 0))
            for mention in self.live:
                if mention.key == key:
                    self.attached.add(no)
                    mention.handles.append((HANDLE, 0, decision["handle"]))

    def class_of_identifier(self, identifier):
        """None where its tokens are of several classes (a void alias, a conflict)."""
        classes = {self.class_of[token] for token in identifier.tokens}
        return classes.pop() if len(classes) == 1 else None

    def linking_classes(self, mention):
        found = [self.class_of.get(token, token) for token in mention.handles]
        for identifier in mention.person.identifiers:
            if identifier.kind in self.linking.kinds and identifier.assurance in VOUCHED:
                found.append(self.class_of_identifier(identifier))
        unique = list(dict.fromkeys(c for c in found if c is not None))
        return unique[:LINKING_CLASSES_MAX]

    def make_runs(self):
        self.starts = defaultdict(set)  # class -> starts of linking sightings
        for mention in self.mentions:
            mention.classes = self.linking_classes(mention)
        for mention in self.live:
            for c in mention.classes:
                self.starts[c].add(mention.record.start)
        self.runs = {}  # class -> list of lists of starts
        for c, starts in self.starts.items():
            ordered = sorted(starts)
            runs = [[ordered[0]]]
            for before, after in pairwise(ordered):
                if after - before > self.linking.expiry(c[0]):
                    runs.append([])
                runs[-1].append(after)
            self.runs[c] = runs
        self.last = {(c, run[0]): run[-1] for c, runs in self.runs.items() for run in runs}
        self.sightings = defaultdict(list)  # node -> mentions
        for mention in self.live:
            mention.nodes = [self.node_at(c, mention.record.start) for c in mention.classes]
            for node in mention.nodes:
                self.sightings[node].append(mention)

    def node_at(self, c, start):
        """The node of the run that holds a sighting of c at start."""
        return next((c, run[0]) for run in self.runs[c] if start in run)

    def resolve(self, c, time):
        expiry = self.linking.expiry(c[0])
        before = [start for start in self.starts.get(c, ()) if start <= time]
        after = [start for start in self.starts.get(c, ()) if start > time]
        if before and time - max(before) <= expiry:
            return self.node_at(c, max(before))
        if after and min(after) - time <= expiry:
            return self.node_at(c, min(after))
        return None

    def resolve_named(self, named):
        return self.resolve(self.named_class(named), named.get("at", 0))

    # D4

    def make_evidence(self):
        self.edges = defaultdict(Edge)  # (a, b) with a < b
        for mention in self.live:
            for a, b in combinations(sorted(mention.nodes), 2):
                self.edges[a, b].records.add(mention.record.id)
        self.machine = set(self.edges)
        self.linked = set()  # link decisions that found two nodes
        for no, decision in self.holding.items():
            if decision["kind"] == "link":
                ends = {self.resolve_named(decision["a"]), self.resolve_named(decision["b"])}
                if None not in ends and len(ends) == 2:
                    self.linked.add(no)
                    self.edges[tuple(sorted(ends))].decisions.add(no)

    # D5

    def make_shared(self):
        self.pins = {}  # node -> value; the newest wins
        self.pinned = set()  # decisions that found a node
        for no, decision in self.holding.items():
            if decision["kind"] == "pin_shared":
                node = self.resolve_named(decision["class"])
                if node is not None:
                    self.pinned.add(no)
                    self.pins[node] = decision.get("value", False)
        self.next_classes = defaultdict(lambda: defaultdict(set))  # node -> kind -> classes
        for a, b in self.machine:
            self.next_classes[a][b[0][0]].add(b[0])
            self.next_classes[b][a[0][0]].add(a[0])
        self.switchboards = {node for node in self.last if self.is_switchboard(node)}
        self.shared = {node for node in self.last if self.is_shared(node)}

    def is_shared(self, node):
        counts = {kind: len(classes) for kind, classes in self.next_classes[node].items()}
        if node in self.pins:
            return self.pins[node] or any(n > self.linking.n - 1 for n in counts.values())
        return (
            not self.members.get(node[0], {node[0]}).isdisjoint(self.linking.shared)
            or any(n > self.linking.cap(node[0][0], kind) for kind, n in counts.items())
            or node in self.switchboards
        )

    def is_switchboard(self, node):
        calls = {m.record.id: m.record for m in self.sightings[node]}.values()
        calls = [call for call in calls if call.is_anchor and call.ref]
        for site in {call.site for call in calls}:
            ordered = sorted((c for c in calls if c.site == site), key=lambda c: c.order)
            overlapping = [
                (a, b)
                for a, b in pairwise(ordered)
                if a.ref != b.ref
                and min(a.end, b.end) - max(a.start, b.start) >= self.linking.overlap
            ]
            if len(overlapping) >= self.linking.pairs:
                return True
        return False

    # D6 and D9

    def make_subjects(self):
        suppressed = set()
        for decision in self.holding.values():
            if decision["kind"] == "suppress":
                pair = (self.named_class(decision["a"]), self.named_class(decision["b"]))
                suppressed.add(frozenset(pair))
        for (a, b), edge in self.edges.items():
            edge.suppressed = frozenset([a[0], b[0]]) in suppressed
        links = [
            pair
            for pair, edge in self.edges.items()
            if not edge.suppressed and self.shared.isdisjoint(pair)
        ]
        unshared = [node for node in sorted(self.last) if node not in self.shared]
        self.subject_nodes = {}  # node -> nodes of its subject
        self.overgrown = set()
        for node, whole in components(unshared, links).items():
            if len(whole) > self.linking.n:
                self.overgrown.add(node)
                whole = frozenset([node])
            self.subject_nodes[node] = whole
        self.names = {node: self.name(whole) for node, whole in self.subject_nodes.items()}

    def name(self, nodes):
        """The least (record, ordinal, kind, key id, mac) of the subject's linking sightings."""
        return min(
            (*mention.key, *token)
            for node in nodes
            for mention in self.sightings[node]
            for token in self.carried(mention)
            if self.class_of.get(token, token) == node[0]
        )

    def carried(self, mention):
        yield from mention.handles
        for identifier in mention.person.identifiers:
            yield from identifier.tokens

    def subject(self, node):
        """The name of K(node); None where the node is shared or there is no node."""
        return self.names.get(node)

    # D7

    def make_owners(self):
        for mention in self.mentions:
            if not mention.classes:
                continue
            best = min(mention.classes, key=lambda c: c[0])  # the first of the least kind
            record = mention.record
            if record.kind == "contact" and record.is_outward:
                mention.subject = self.subject(self.resolve(best, record.start))
            elif record.is_live:
                mention.owner = self.node_at(best, record.start)
                mention.subject = self.subject(mention.owner)

    # D4, the proposals

    def make_proposals(self):
        self.typed = set()  # (record, ordinal, token, subject)
        for mention in self.live:
            for identifier in mention.person.identifiers:
                if identifier.assurance != TYPED or identifier.kind not in self.linking.kinds:
                    continue
                c = self.class_of_identifier(identifier)
                node = None if c is None else self.resolve(c, mention.record.start)
                if node is None or node in self.shared or node in mention.nodes:
                    continue
                self.typed.add((*mention.key, min(identifier.tokens), self.subject(node)))
