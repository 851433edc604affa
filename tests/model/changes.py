"""Changes of a history that must change nothing, or only what they say."""

from __future__ import annotations

import copy
import json
from collections import Counter

from tests.model.builder import T0, History, digest, identifier
from tests.model.effective import effective, in_force, meaning
from tests.model.facts import HANDLE, MEMBER, PHONE, read

TIMES = ("start", "end", "recorded_at", "at", "effective_from", "as_of", "until")
DUMP_TIMES = ("first", "last", "start")
NEW_KEY = 9


def disordered(facts, rng):
    """The facts in another order, some of them told again."""
    again = rng.sample(facts, rng.randint(0, len(facts)))
    mixed = facts + copy.deepcopy(again)
    rng.shuffle(mixed)
    return mixed


def shifted(value, names, by):
    """The value with all times moved; an end that is missing (0) stays missing."""
    if isinstance(value, dict):
        return {
            key: inner + by
            if key in names and inner is not None and (inner != 0 or key != "until")
            else shifted(inner, names, by)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [shifted(inner, names, by) for inner in value]
    return value


def with_stranger(facts):
    """Somebody at a site of their own whom nothing concerns, and their record ids and tokens."""
    history = History()
    number, card = identifier(PHONE, "stranger"), identifier(MEMBER, "stranger")
    records = [
        history.contact(number, card, start=T0 + 60_000_000, site="s8"),
        history.incident(number, start=T0 + 86_400_000_000, site="s8"),
    ]
    marks = [record["id"] for record in records]
    marks += [held["tokens"][0][1] for held in (number, card)]
    return facts + history.facts, marks


def rotated(facts, dump_values, rng):
    """The history with a new key: added to some identifiers, in place of the old token in others.

    An old token is replaced only where an identifier of an effective record bridges it to the new one.
    """
    least = {}
    for value in dump_values:
        if value["t"] == "class":
            least.update({tuple(token): value["tokens"][0] for token in value["tokens"]})
    standing = {value["by"] for value in dump_values if value["t"] == "effective"}
    facts = copy.deepcopy(facts)
    bridged = set()
    for told in ("add", "replace"):
        for fact, held in identifiers(facts):
            if not held["tokens"] or held["kind"] == HANDLE:
                continue
            tokens = [(held["kind"], *pair) for pair in held["tokens"]]
            if NEW_KEY in [key for _, key, _ in tokens]:
                continue
            new = [NEW_KEY, digest("rotated", least.get(tokens[0], list(tokens[0])))]
            if told == "add" and rng.random() < 0.4:
                held["tokens"].append(new)
                if fact["id"] in standing:
                    bridged.update(tokens)
            elif told == "replace" and len(tokens) == 1 and tokens[0] in bridged:
                held["tokens"] = [new]
    return facts


def identifiers(facts):
    for fact in facts:
        for person in fact.get("persons", []):
            for held in person["identifiers"]:
                yield fact, held


def shape(dump_values):
    """What a dump says without tokens: subjects are numbered by the first mention they own."""
    owners = [value for value in dump_values if value["t"] == "owner"]
    owners.sort(key=lambda value: (value["record"], value["ordinal"]))
    numbers = {}
    for value in owners:
        numbers.setdefault(json.dumps(value["subject"]), len(numbers))

    def number(value):
        return numbers.get(json.dumps(value.get("subject")), -1)

    found = []
    for value in dump_values:
        plain = {key: inner for key, inner in value.items() if key not in ("subject", "class")}
        if value["t"] in ("alarm", "class", "edge"):
            continue
        if value["t"] == "proposal":
            plain = {key: plain[key] for key in ("t", "kind", "record") if key in plain}
        if value["t"] in ("owner", "finding", "notice"):
            plain["subject"] = number(value)
        if value["t"] in ("owner", "node"):
            plain["node"] = value["node"] and value["node"]["first"]
        if value["t"] == "occurrence":
            parts = [{**part, "subject": number(part)} for part in value["parts"]]
            plain["parts"] = sorted(parts, key=json.dumps)
        found.append(json.dumps(plain, sort_keys=True))
    return Counter(found)


def innocence_erased(facts, dump_values):
    """Categories, matters and sites taken from records of innocent occurrences.

    An answer keeps what it answers: one that names no matter is first written out.
    """
    erased = {
        record
        for value in dump_values
        if value["t"] == "occurrence" and value["state"] == "innocent"
        for record in value["records"]
    }
    known = read(facts)
    records = effective(known, in_force(known)).records
    found = []
    for fact in facts:
        fact = copy.deepcopy(fact)
        if fact["fact"] == "record" and meaning(known, fact["id"]) in erased:
            matters = sorted(records[meaning(known, fact["id"])].matters)
            fact["answers"] = [
                {**answer, "matter": matter}
                for answer in fact.get("answers", [])
                for matter in ([answer["matter"]] if answer.get("matter") else matters)
            ]
            fact.update(categories=[], matter="", concerned_site="")
        elif fact.get("kind") == "matter":
            names = fact["records"]
            fact["records"] = [name for name in names if meaning(known, name) not in erased]
        found.append(fact)
    return found
