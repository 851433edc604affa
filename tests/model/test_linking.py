"""How the demo scores links: hand-made truths and dumps."""

from __future__ import annotations

import json

from tests.support.linking import ALL, Behind, is_met, score

PHONE, OTHER, MEMBER = ("PHONE", "1"), ("PHONE", "2"), ("MEMBER", "1")


def dump(**subjects):
    return [
        json.dumps({"t": "owner", "record": record, "ordinal": 0, "subject": subject and [subject]})
        for record, subject in subjects.items()
    ]


def test_one_person_found_whole():
    behind = {
        "a": Behind("plain", "p", {PHONE}),
        "b": Behind("plain", "p", {PHONE, MEMBER}),
        "c": Behind("plain", "p", {MEMBER}),  # by way of b
    }
    scores = score(behind, dump(a="s", b="s", c="s"))
    assert (scores[ALL].precision, scores[ALL].recall, scores[ALL].linkable) == (1, 1, 3)
    assert is_met(scores)


def test_a_person_missed():
    behind = {"a": Behind("plain", "p", {PHONE}), "b": Behind("plain", "p", {PHONE})}
    for told in (dump(a="s", b="t"), dump(a="s", b=None), dump(a="s"), dump()):
        scores = score(behind, told)
        assert (scores["plain"].linkable, scores["plain"].found) == (1, 0)
        assert not is_met(scores)


def test_what_nothing_shows_is_not_missed():
    behind = {
        "a": Behind("plain", "p", {PHONE}),
        "b": Behind("mistyped", "p", set()),
        "c": Behind("plain", "p", {OTHER}),  # nothing leads from a to c
        "d": Behind("plain", "q", {PHONE}),  # another person, the same number
    }
    scores = score(behind, dump(a="s", b=None, c="t", d="u"))
    assert all(each.linkable == 0 and each.recall is None for each in scores.values())
    assert is_met(scores)


def test_two_persons_joined():
    behind = {"a": Behind("renumbered", "p", {PHONE}), "b": Behind("withheld", "w b", set())}
    scores = score(behind, dump(a="s", b="s"))
    assert scores[ALL].precision == scores["renumbered"].precision == 0
    assert scores["withheld"].linked == 1
    assert scores["plain"].linked == 0
    assert not is_met(scores)
