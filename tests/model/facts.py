"""What was told: one history of facts, deduplicated, with the defaults of docs/correlation.md.

Nothing here is derived; a fact told twice is one fact, and the order of telling is lost on purpose.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY

HANDLE, MEMBER, ACCOUNT, PHONE, MAIL, VEHICLE, SNS, NAME = range(1, 9)
TYPED, CONFIRMED, SCANNED, CARRIED = 1, 2, 3, 4
FACE_TO_FACE, PHONE_CALL, VISIT = 1, 2, 3
INBOUND, OUTBOUND, INTERNAL = 1, 2, 3
CONNECTED, ABANDONED, BUSY = 1, 2, 3
SUBJECT = 1

SEVERITY = {
    "mhlw9:2022:time": 2,
    "mhlw9:2022:repeat": 2,
    "mhlw9:2022:abuse": 3,
    "mhlw9:2022:violence": 5,
    "mhlw9:2022:threat": 4,
    "mhlw9:2022:authority": 3,
    "mhlw9:2022:offsite": 4,
    "mhlw9:2022:sns": 3,
    "mhlw9:2022:sexual": 4,
}

RULES = {
    "confinement_talk": 60 * MINUTE,
    "repetition_window": 30 * DAY,
    "matter_window": 30 * DAY,
    "cross_site_window": 90 * DAY,
    "cross_site_sites": 2,
    "escalation_window": 180 * DAY,
    "escalation_severity": 4,
    "severity": SEVERITY,
}

LINKING = {
    "kinds": [HANDLE, MEMBER, ACCOUNT, PHONE, MAIL, VEHICLE, SNS],
    "expiry": {},
    "n": 32,
    "gap": 10 * MINUTE,
    "gap_attempt": 5 * MINUTE,
    "shared": [],
    "caps": [],
    "cap": 3,
    "overlap": MINUTE,
    "pairs": 3,
}


class Linking:
    """The linking policy: which kinds link, how long, how many."""

    def __init__(self, fact):
        told = {**LINKING, **fact}
        self.kinds = frozenset(told["kinds"])
        self.expiries = {int(kind): span for kind, span in told["expiry"].items()}
        self.n = told["n"]
        self.gap = told["gap"]
        self.gap_attempt = told["gap_attempt"]
        self.shared = {tuple(token) for token in told["shared"]}
        self.caps = [tuple(cap) for cap in told["caps"]]
        self.others = told["cap"]
        self.overlap = told["overlap"]
        self.pairs = told["pairs"]

    def expiry(self, kind):
        default = 2 * YEAR if kind in (PHONE, VEHICLE) else 5 * YEAR
        return self.expiries.get(kind, default)

    def cap(self, kind, other):
        """How many classes of kind `other` may stand next to a node of `kind`: the first that fits."""
        for own, next_to, cap in self.caps:
            if (own, next_to) == (kind, other):
                return cap
        if kind == HANDLE:
            return self.n - 1
        if other in (HANDLE, MEMBER):
            return 1
        if kind in (PHONE, MAIL, VEHICLE, SNS) and other == ACCOUNT:
            return 1
        if (kind, other) == (MEMBER, PHONE):
            return 4
        return self.others


@dataclass
class Facts:
    records: dict = field(default_factory=dict)  # id -> fact
    decisions: dict = field(default_factory=dict)  # number -> fact
    policies: dict = field(default_factory=dict)  # version -> fact
    linking: Linking = field(default_factory=lambda: Linking({}))
    as_of: int | None = None  # the greatest tick

    def rules_at(self, time, places):
        """What holds at a time for what happened at places, (site, channel): of the version of
        greatest (effective_from <= time, version), else the built-in; of several readings the one
        that accuses fewer, value by value.
        """
        held = [
            (policy.get("effective_from", 0), version, policy)
            for version, policy in self.policies.items()
            if policy.get("effective_from", 0) <= time
        ]
        policy = max(held, key=lambda policy: policy[:2])[2] if held else {}
        return lenient([rules_of_place(policy, *place) for place in sorted(places)])


def rules_of_place(policy, site, channel):
    """The rules of a policy, the first override that fits in their place where it says something."""
    rules = {**RULES, **policy.get("rules", {})}
    for override in policy.get("overrides", []):
        sites, channels = override.get("sites", []), override.get("channels", [])
        if (not sites or site in sites) and (not channels or channel in channels):
            return {**rules, **override.get("rules", {})}
    return rules


def lenient(readings):
    """Of each value the one that accuses fewer."""
    found = {}
    for key in RULES:
        values = [reading[key] for reading in readings]
        if key == "severity":
            codes = set(values[0]).intersection(*values)
            found[key] = {code: min(table[code] for table in values) for code in codes}
        else:
            found[key] = min(values) if key.endswith("_window") else max(values)
    return found


def read(told):
    """Facts of a history (an iterable of dicts). Two different facts of one name are refused."""
    facts = Facts()
    linking = None
    for fact in told:
        what = fact["fact"]
        if what == "record":
            keep(facts.records, fact["id"], fact)
        elif what == "decision":
            keep(facts.decisions, fact["no"], fact)
        elif what == "policy":
            keep(facts.policies, fact["version"], fact)
        elif what == "linking":
            if linking not in (None, fact):
                raise ValueError("a history holds one linking policy at most")
            linking = fact
            facts.linking = Linking(fact)
        elif what == "tick":
            facts.as_of = max(fact["as_of"], facts.as_of or fact["as_of"])
        else:
            raise ValueError("a fact is of an unknown kind")
    return facts


def keep(table, name, fact):
    if table.setdefault(name, fact) != fact:
        raise ValueError("two different facts bear one name")


def parse(text):
    """The history of a text in JSON Lines."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def line(value):
    """One line of the dump: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def components(items, pairs):
    """item -> frozenset of the items it is connected with, itself among them."""
    near = {item: set() for item in items}
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    found = {}
    for item in items:
        if item in found:
            continue
        reached, todo = {item}, [item]
        while todo:
            for other in near[todo.pop()] - reached:
                reached.add(other)
                todo.append(other)
        whole = frozenset(reached)
        for member in whole:
            found[member] = whole
    return found
