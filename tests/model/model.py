"""The model of docs/correlation.md: everything anew from the facts, printed in the forms of README.md.

python -m tests.model.model < history.jsonl
"""

from __future__ import annotations

import sys

from tests.model.effective import effective, in_force
from tests.model.facts import line, parse, read
from tests.model.happenings import Happenings
from tests.model.identity import Identity
from tests.model.rules import Rules, Watch, is_inert


def dump(told):
    """The canonical dump of a history (an iterable of facts): its lines, sorted, without doubles."""
    facts = read(told)
    holding = in_force(facts)
    records = effective(facts, holding)
    identity = Identity(facts, holding, records)
    happenings = Happenings(facts, holding, identity)
    rules = Rules(facts, holding, identity, happenings)
    watch = Watch(facts, holding, identity)
    found = [
        *facts_as_they_stand(facts, holding, records, identity),
        *who_is_who(identity),
        *what_happened(happenings),
        *what_counts(rules, watch),
    ]
    return sorted({line(value) for value in found}, key=lambda text: text.encode())


def token_json(token):
    return list(token)


def node_json(node):
    return {"class": token_json(node[0]), "first": node[1]}


def name_json(name):
    return None if name is None else list(name)


def facts_as_they_stand(facts, holding, records, identity):
    for record_id in records.inert:
        yield {"t": "inert", "record": record_id}
    for record_id in records.waiting:
        yield {"t": "waiting", "record": record_id}
    for no, decision in holding.items():
        if is_inert(facts, identity, no, decision):
            yield {"t": "inert", "decision": no}
    for record in records.records.values():
        yield {
            "t": "effective",
            "record": record.id,
            "kind": record.kind,
            "by": record.winner,
            "supplements": sorted(record.supplements),
        }


def who_is_who(identity):
    for token in identity.bad:
        yield {"t": "alarm", "kind": "void_alias", "tokens": [token_json(token)]}
    for whole in identity.conflicts:
        yield {"t": "alarm", "kind": "class_conflict", "tokens": tokens_json(whole)}
    for whole in identity.members.values():
        if len(whole) > 1:
            yield {"t": "class", "tokens": tokens_json(whole)}
    for node, last in identity.last.items():
        yield {
            "t": "node",
            "node": node_json(node),
            "last": last,
            "shared": node in identity.shared,
            "overgrown": node in identity.overgrown,
            "subject": name_json(identity.subject(node)),
        }
    for (a, b), edge in identity.edges.items():
        yield {
            "t": "edge",
            "a": node_json(a),
            "b": node_json(b),
            "records": sorted(edge.records),
            "decisions": sorted(edge.decisions),
            "suppressed": edge.suppressed,
        }
    for mention in identity.mentions:
        yield {
            "t": "owner",
            "record": mention.record.id,
            "ordinal": mention.person.ordinal,
            "node": None if mention.owner is None else node_json(mention.owner),
            "subject": name_json(mention.subject),
        }
    for record_id, ordinal, token, subject in identity.typed:
        yield {
            "t": "proposal",
            "kind": "typed",
            "record": record_id,
            "ordinal": ordinal,
            "token": token_json(token),
            "subject": name_json(subject),
        }
    for node in identity.switchboards - identity.pins.keys():
        yield {"t": "proposal", "kind": "switchboard", "node": node_json(node)}


def tokens_json(tokens):
    return [token_json(token) for token in sorted(tokens)]


def what_happened(happenings):
    for occurrence in happenings.occurrences.values():
        yield {
            "t": "occurrence",
            "name": occurrence.name,
            "records": [record.id for record in occurrence.records],
            "state": occurrence.state,
            "parts": [part_json(part) for part in occurrence.parts],
        }
    for kind, occurrence, record_id, no in happenings.reviews:
        yield {
            "t": "review",
            "kind": kind,
            "occurrence": occurrence,
            "record": record_id,
            "decision": no,
        }


def part_json(part):
    return {
        "subject": name_json(part.subject),
        "start": part.start,
        "incident": part.incident,
        "sites": sorted(part.sites),
        "matters": sorted(part.matters),
        "severity": part.severity,
        "talk": part.talk,
        "records": [record.id for record in part.records],
    }


def what_counts(rules, watch):
    for rule, subject, matter, parts in rules.findings:
        yield {
            "t": "finding",
            "rule": rule,
            "subject": name_json(subject),
            "matter": matter,
            "parts": [part.occurrence for part in parts],
            "id": rules.finding_id(rule, subject, matter, parts),
        }
    for rule, record_id, subject, matter in rules.notices:
        yield {
            "t": "notice",
            "rule": rule,
            "record": record_id,
            "subject": name_json(subject),
            "matter": matter,
        }
    for no, c, scope in watch.entries:
        yield {"t": "watch", "decision": no, "class": token_json(c), "scope": list(scope)}
    for no, c, reason in watch.reviews:
        yield {
            "t": "review",
            "kind": "watch",
            "decision": no,
            "class": token_json(c),
            "reason": reason,
        }


def main():
    """Histories separated by an empty line in, dumps separated by an empty line out."""
    texts = sys.stdin.read().strip("\n").split("\n\n")
    for index, text in enumerate(texts):
        if index > 0:
            print()
        for found in dump(parse(text)):
            print(found)


if __name__ == "__main__":
    main()
