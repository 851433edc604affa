"""The invariants of section 4 as properties of the model, on seeded histories."""

from __future__ import annotations

import copy
import json
import os
import random

from tests.model import changes
from tests.model.builder import History, digest
from tests.model.facts import TYPED, components, line
from tests.model.model import dump
from tests.model.shrink import for_histories

FIRST = int(os.environ.get("KASUMORI_SEED", "1"))
COUNT = 200


def on_histories(check):
    for_histories(range(FIRST, FIRST + COUNT), check)


def values(facts):
    return [json.loads(told) for told in dump(facts)]


def dice(facts):
    """A random source that is a function of the history, so that shrinking sees the same draws."""
    return random.Random(line(facts))


def after(facts):
    """An empty history whose decisions are numbered after those of the facts."""
    history = History()
    history.numbers = max((fact["no"] for fact in facts if fact["fact"] == "decision"), default=0)
    # A number that some revoke names already would give that revoke a meaning.
    named = [fact.get("no_revoked", 0) for fact in facts if fact["fact"] == "decision"]
    history.numbers = max([history.numbers, *named])
    return history


def same(left, right):
    only = [f"- {told}" for told in left if told not in right]
    only += [f"+ {told}" for told in right if told not in left]
    assert left == right, "\n".join(only)


def test_i1_order_and_batches_change_nothing():
    def check(facts):
        same(dump(facts), dump(changes.disordered(facts, dice(facts))))

    on_histories(check)


def test_i2_telling_again_changes_nothing():
    def check(facts):
        same(dump(facts), dump(facts + copy.deepcopy(facts)))

    on_histories(check)


def test_i4_a_retracted_record_leaves_nothing():
    def check(facts):
        rng, history = dice(facts), after(facts)
        like = rng.choice([fact for fact in facts if fact.get("kind") in ("contact", "incident")])
        added = {**copy.deepcopy(like), "id": digest("added"), "training": False}
        history.facts.append(added)
        told = history.supplement(added, matter="m1", persons=like["persons"])
        assert dump(facts) != dump(facts + [added, told])
        history.retract(added)
        same(dump(facts), dump(facts + history.facts))

    def of_some(facts):
        if any(fact.get("kind") in ("contact", "incident") for fact in facts):
            check(facts)

    on_histories(of_some)


def test_i4_a_correction_taken_back_leaves_its_id_only():
    def check(facts):
        originals = [fact for fact in facts if fact.get("kind") in ("contact", "incident")]
        found = {v["record"]: v["by"] for v in values(facts) if v["t"] == "effective"}
        standing = [fact for fact in originals if found.get(fact["id"]) == fact["id"]]
        if not standing:
            return
        original, history = standing[0], after(facts)
        history.retract(original, revision=100)
        assert not any(v.get("by") == original["id"] for v in values(facts + history.facts))
        back = history.correction(original, revision=101)
        again = [told.replace(back["id"], original["id"]) for told in dump(facts + history.facts)]
        same(dump(facts), sorted(again, key=lambda told: told.encode()))

    on_histories(check)


def test_i4_a_revoked_decision_leaves_nothing():
    def check(facts):
        rng, history = dice(facts), after(facts)
        decisions = [fact for fact in facts if fact["fact"] == "decision"]
        edges = [value for value in values(facts) if value["t"] == "edge"]
        added = []
        if edges:
            edge = rng.choice(edges)
            ends = [{"token": edge[end]["class"], "at": edge[end]["first"]} for end in ("a", "b")]
            added.append(history.decide("suppress", a=ends[0], b=ends[1]))
            added.append(history.decide("link", a=ends[0], b=ends[1]))
            added.append(history.decide("pin_shared", **{"class": ends[0]}, value=True))
            assert dump(facts) != dump(facts + history.facts)
        for decision in rng.sample(decisions, min(3, len(decisions))):
            body = {key: v for key, v in decision.items() if key not in ("fact", "no", "kind")}
            if decision["kind"] != "revoke":
                added.append(history.decide(decision["kind"], **copy.deepcopy(body)))
        for number in added:
            history.revoke(number)
        same(dump(facts), dump(facts + history.facts))

    on_histories(check)


def test_i4_a_revoked_revocation_leaves_nothing():
    def check(facts):
        history = after(facts)
        for fact in facts:
            if fact["fact"] == "decision":
                history.revoke(history.revoke(fact["no"]))
        same(dump(facts), dump(facts + history.facts))

    on_histories(check)


def node(value):
    return line(value)


def test_i6_i7_subjects_are_what_the_edges_say():
    def check(facts):
        found = values(facts)
        nodes = {node(v["node"]): v for v in found if v["t"] == "node"}
        edges = [v for v in found if v["t"] == "edge"]
        links = []
        for edge in edges:
            assert edge["records"] or edge["decisions"]
            if edge["records"]:
                assert edge["a"]["class"] != edge["b"]["class"]
            ends = (node(edge["a"]), node(edge["b"]))
            if not edge["suppressed"] and not any(nodes[end]["shared"] for end in ends):
                links.append(ends)
        n = next((fact["n"] for fact in facts if fact["fact"] == "linking"), 32)
        unshared = [key for key, v in nodes.items() if not v["shared"]]
        subjects = {}
        for key, whole in components(unshared, links).items():
            assert nodes[key]["overgrown"] == (len(whole) > n)
            if len(whole) > n:
                whole = frozenset([key])
            subjects.setdefault(line(nodes[key]["subject"]), set()).add(whole)
        assert all(len(wholes) == 1 for wholes in subjects.values())
        assert len(set().union(*subjects.values(), set())) == len(subjects)
        assert "null" not in subjects
        assert all(v["subject"] is None for v in nodes.values() if v["shared"])

    on_histories(check)


def test_i8_innocence_counts_toward_nothing():
    def check(facts):
        found = values(facts)
        states = {v["name"]: v["state"] for v in found if v["t"] == "occurrence"}
        findings = [v for v in found if v["t"] == "finding"]
        for finding in findings:
            assert all(states[part] == "open" for part in finding["parts"])
        erased = values(changes.innocence_erased(facts, found))
        same([line(v) for v in findings], [line(v) for v in erased if v["t"] == "finding"])

    on_histories(check)


def test_occurrences_partition_the_effective_records():
    def check(facts):
        found = values(facts)
        effective = sorted(v["record"] for v in found if v["t"] == "effective")
        occurrences = [v for v in found if v["t"] == "occurrence"]
        same(effective, sorted(record for v in occurrences for record in v["records"]))
        for occurrence in occurrences:
            assert occurrence["name"] == min(occurrence["records"])
            for part in occurrence["parts"]:
                assert set(part["records"]) <= set(occurrence["records"])

    on_histories(check)


def test_episodes_are_disjoint_and_ids_unique():
    def check(facts):
        findings = [v for v in values(facts) if v["t"] == "finding"]
        assert len({v["id"] for v in findings}) == len(findings)
        seen = set()
        for finding in findings:
            for part in finding["parts"]:
                key = (finding["rule"], line(finding["subject"]), finding["matter"], part)
                assert key not in seen
                seen.add(key)

    on_histories(check)


def test_typed_never_owns():
    def check(facts):
        weaker = copy.deepcopy(facts)
        for _, held in changes.identifiers(weaker):
            held["assurance"] = 0 if held["assurance"] == TYPED else held["assurance"]
        without = [told for told in dump(facts) if '"kind":"typed"' not in told]
        same(without, dump(weaker))
        typed = [fact for fact in copy.deepcopy(facts) if fact.get("kind") != "attach"]
        for _, held in changes.identifiers(typed):
            held["assurance"] = TYPED
        for value in values(typed):
            assert value["t"] not in ("node", "edge", "finding", "watch", "proposal")
            assert value.get("node") is None

    on_histories(check)


def test_a_rotated_key_changes_nothing_else():
    def check(facts):
        found = values(facts)
        if any(v["t"] == "alarm" for v in found):
            return
        turned = values(changes.rotated(facts, found, dice(facts)))
        before, now = changes.shape(found), changes.shape(turned)
        same(sorted(before.elements()), sorted(now.elements()))

    on_histories(check)


def test_moving_all_times_changes_nothing_else():
    def check(facts):
        by = 12_345_678_901_234
        moved = values(changes.shifted(facts, changes.TIMES, by))
        back = [line(changes.shifted(value, changes.DUMP_TIMES, -by)) for value in moved]
        same(dump(facts), sorted(back, key=lambda told: told.encode()))

    on_histories(check)


def test_a_stranger_changes_nothing_else():
    def check(facts):
        more, marks = changes.with_stranger(facts)
        before, now = dump(facts), dump(more)
        same(before, [told for told in now if not any(mark in told for mark in marks)])
        assert len(now) > len(before)

    on_histories(check)
