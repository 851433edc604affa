"""Histories written by hand or by dice: short words for the facts of README.md."""

from __future__ import annotations

import hashlib

from tests.model.facts import CARRIED, CONNECTED, INBOUND, PHONE_CALL, SUBJECT

T0 = 20_000 * 86_400_000_000  # a midnight in 2024: where histories begin


def digest(*words):
    return hashlib.sha256("/".join(map(str, words)).encode()).digest()[:16].hex()


def token(kind, name, key=1):
    return [kind, key, digest("token", kind, key, name)]


def identifier(kind, name, assurance=CARRIED, keys=(1,)):
    """One value as it was sent: a token for each live key."""
    return {
        "kind": kind,
        "assurance": assurance,
        "tokens": [token(kind, name, key)[1:] for key in keys],
    }


def person(*identifiers, ordinal=1, role=SUBJECT):
    return {"role": role, "ordinal": ordinal, "identifiers": list(identifiers)}


def persons(*identifiers):
    """One subject with these identifiers; nobody where there are none."""
    return [person(*identifiers)] if identifiers else []


def named(kind, name, at, key=1):
    """How a decision names a class."""
    return {"token": token(kind, name, key), "at": at}


class History:
    """A list of facts that grows; decisions are numbered as they come."""

    def __init__(self, new_id=None):
        self.facts = []
        self.numbers = 0
        self.new_id = new_id or self.count_id

    def count_id(self):
        return digest("record", len(self.facts))

    def record(self, kind, start=T0, span=0, record_id=None, **more):
        fact = {
            "fact": "record",
            "id": record_id or self.new_id(),
            "kind": kind,
            "site": "s1",
            "start": start,
            "end": start + span,
            "channel": PHONE_CALL,
            "direction": INBOUND,
            **more,
        }
        self.facts.append(fact)
        return fact

    def contact(self, *who, start=T0, span=0, **more):
        """A connected inbound call of a subject with these identifiers."""
        more = {"outcome": CONNECTED, "persons": persons(*who), **more}
        return self.record("contact", start, span, **more)

    def incident(self, *who, start=T0, span=0, **more):
        return self.record("incident", start, span, **{"persons": persons(*who), **more})

    def supplement(self, target, **more):
        fact = {
            "fact": "record",
            "id": more.pop("record_id", None) or self.new_id(),
            "kind": "supplement",
            "site": target["site"],
            "target": target["id"],
            **more,
        }
        self.facts.append(fact)
        return fact

    def correction(self, target, replaces=None, named=None, **changes):
        """The target's body with changes, under the next revision unless one is given.

        `named` is the id to name instead of the target's.
        """
        body = {k: v for k, v in target.items() if k not in ("target", "replaces")}
        fact = {
            **body,
            "revision": target.get("revision", 0) + 1,
            "replaces": replaces or target.get("replaces", target["kind"]),
            **changes,
            "id": changes.get("id") or self.new_id(),
            "kind": "correction",
            "target": named or target["id"],
        }
        self.facts.append(fact)
        return fact

    def retract(self, target, **changes):
        return self.correction(target, "retraction", **changes)

    def decide(self, kind, **body):
        self.numbers += 1
        self.facts.append({"fact": "decision", "no": self.numbers, "kind": kind, **body})
        return self.numbers

    def verdict(self, value, *records):
        return self.decide("verdict", records=[r["id"] for r in records], value=value)

    def revoke(self, number):
        return self.decide("revoke", no_revoked=number)

    def policy(self, version, effective_from, overrides=(), **rules):
        fact = {
            "fact": "policy",
            "version": version,
            "effective_from": effective_from,
            "rules": rules,
        }
        if overrides:
            fact["overrides"] = list(overrides)
        self.facts.append(fact)

    def linking(self, **policy):
        self.facts.append({"fact": "linking", **policy})

    def tick(self, as_of):
        self.facts.append({"fact": "tick", "as_of": as_of})
