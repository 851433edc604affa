"""Scenes of calls and reports: what happens when, each at the edge of some definition."""

from __future__ import annotations

from tests.model.builder import person
from tests.model.facts import (
    ABANDONED,
    BUSY,
    CONNECTED,
    DAY,
    FACE_TO_FACE,
    HOUR,
    INBOUND,
    INTERNAL,
    MEMBER,
    MINUTE,
    OUTBOUND,
    PHONE,
    PHONE_CALL,
    VISIT,
)

SECOND = 1_000_000


def ordinary(dice):
    """A record like any other."""
    body = {
        "start": dice.time(),
        "span": dice.span(),
        "site": dice.site(),
        "channel": dice.one(PHONE_CALL, PHONE_CALL, PHONE_CALL, FACE_TO_FACE, VISIT, 4),
        "direction": dice.rng.choices((INBOUND, OUTBOUND, INTERNAL, 0), (12, 2, 1, 2))[0],
        "matter": dice.matter(),
        "ref": dice.ref(),
        "persons": dice.people(),
        "categories": dice.categories() if dice.likely(0.5) else [],
        "training": dice.likely(0.04),
        "revision": dice.one(0, 0, 0, 2),
    }
    if dice.likely(0.25):
        body["answers"] = [answer(dice, body["start"])]
    if dice.likely(0.5):
        talk = min(dice.span(), body["span"])
        outcome = dice.rng.choices((CONNECTED, ABANDONED, BUSY, 4, 0), (6, 1, 1, 1, 1))[0]
        dice.history.contact(**body, outcome=outcome, talk=talk, hold=body["span"] - talk)
    else:
        concerned = dice.one("", "", "s1", "s2")
        dice.history.incident(**body, concerned_site=concerned)


def answer(dice, at):
    return {
        "matter": dice.matter(),
        "recorded_at": dice.edge(at),
        "final": dice.likely(0.8),
    }


def incidents_end_to_end(dice):
    """Incidents at the edges of the windows, severities that rise or not."""
    who = dice.known(dice.one(PHONE, MEMBER))
    window = dice.one(30, 30, 90, 180) * DAY
    if dice.likely(0.5):  # three within the window, or just not
        first = dice.time()
        starts = [first, first + window // 2, first + dice.edge(window)]
    else:
        first = dice.time()
        starts = [first, first + dice.edge(window), first + 2 * window]
    order = (
        ["time", "abuse", "threat"]
        if dice.likely(0.6)
        else dice.one(["time", "repeat", "abuse"], ["abuse", "time", "abuse"])
    )
    for start, code in zip(starts, order, strict=True):
        categories = [] if dice.likely(0.1) else [f"mhlw9:2022:{code}"]
        dice.history.incident(
            who,
            start=start,
            site=dice.site(),
            concerned_site=dice.one("", "", "s2"),
            matter=dice.matter(),
            categories=categories,
        )


def long_talk(dice):
    """Talk at 60 min exactly or a microsecond beside; in one leg or two; with a report or without."""
    who, start, site = dice.known(PHONE), dice.time(), dice.site()
    talk = dice.edge(HOUR)
    hold = dice.one(0, 0, 10 * MINUTE)
    ref = dice.one("", "r4")
    if dice.likely(0.6):
        body = {"talk": talk - hold, "hold": hold}
        dice.history.contact(who, start=start, span=talk + MINUTE, site=site, ref=ref, **body)
    else:  # two overlapping legs
        dice.history.contact(who, start=start, span=40 * MINUTE, talk=40 * MINUTE, site=site)
        second = dice.one(20, 30) * MINUTE
        dice.history.contact(
            who,
            start=start + second,
            span=talk - second,
            talk=talk - second,
            site=site,
        )
        if dice.likely(0.4):  # a stricter rule from the second leg on, or just after it
            since = dice.edge(start + second)
            dice.history.policy(dice.version(), since, confinement_talk=30 * MINUTE)
    if dice.likely(0.5):
        dice.history.incident(who, start=start + talk, site=site, ref=ref)


def two_persons(dice):
    """One record, two people, both known elsewhere; or one who is named twice."""
    start, site = dice.time(), dice.site()
    a, b = dice.known(MEMBER), dice.known(PHONE)
    first, second = dice.ordinals()
    told = [person(a, ordinal=first), person(dice.one(a, b, b), ordinal=second)]
    dice.history.incident(start=start, span=MINUTE, persons=told, site=site)
    dice.history.contact(a, start=start - 11 * MINUTE, span=MINUTE, site=site)
    grave = {"categories": ["mhlw9:2022:threat"]}
    dice.history.incident(dice.one(a, b), start=start + dice.edge(11 * MINUTE), site=site, **grave)


def withheld(dice):
    """Nobody is named: on a line of its own, or beside one or two who are."""
    start, site, ref = dice.time(), dice.site(), dice.one("", "w1", "w1")
    dice.history.contact(start=start, span=5 * MINUTE, site=site, ref=ref)
    dice.history.incident(start=start + MINUTE, site=site, ref=ref, direction=dice.one(0, 1, 2))
    for _ in range(dice.one(0, 1, 1, 2)):
        direction = dice.one(INBOUND, INBOUND, OUTBOUND)
        who = dice.known(dice.one(PHONE, MEMBER))
        report = dice.history.incident if dice.likely(0.4) else dice.history.contact
        report(who, start=start, site=site, ref=ref, direction=direction)


def busy_retries(dice):
    """Attempts five minutes apart or just more, before a call that is answered."""
    who, start, site = dice.known(PHONE), dice.time(), dice.site()
    for _ in range(dice.one(2, 3)):
        outcome = dice.one(BUSY, ABANDONED, 4)
        dice.history.contact(who, start=start, span=SECOND, outcome=outcome, site=site)
        start += SECOND + dice.edge(dice.one(5, 10) * MINUTE)
    if dice.likely(0.6):
        dice.history.contact(who, start=start, span=MINUTE, talk=MINUTE, site=site)


def shared_refs(dice):
    """One ref that a PBX gave twice: a day apart exactly, or a microsecond more."""
    start, site = dice.time(), dice.site()
    for _ in range(dice.one(2, 3)):
        who = [dice.known()] if dice.likely(0.7) else []
        report = dice.history.incident if dice.likely(0.5) else dice.history.contact
        report(*who, start=start, span=MINUTE, site=site, ref="again")
        start += dice.one(dice.edge(DAY), HOUR)


def close_chain(dice):
    """Reports one after the other at the gap exactly or beside it, with a call among them or none.

    Now and then one comes from another site, or by another channel.
    """
    who, start, site = dice.known(dice.one(PHONE, MEMBER)), dice.time(), dice.site()
    for _ in range(dice.one(2, 3, 4)):
        span = dice.one(0, MINUTE)
        ref = dice.one("", "", "", "c1", "c2")
        kind = dice.rng.random()
        body = {
            "start": start,
            "span": span,
            "site": dice.site() if dice.likely(0.1) else site,
            "channel": FACE_TO_FACE if dice.likely(0.1) else PHONE_CALL,
        }
        if kind < 0.25:
            dice.history.contact(who, ref=ref, **body)
        elif kind < 0.4:
            dice.history.contact(who, outcome=BUSY, **body)
        else:
            dice.history.incident(who, ref=ref, categories=dice.categories(), **body)
        start += span + dice.edge(dice.one(10, 10, 5) * MINUTE)


def anchors_meet(dice):
    """Calls that touch, overlap or just miss each other, and a report equally near to two of them."""
    who, start, site = dice.known(PHONE), dice.time(), dice.site()
    first = 5 * MINUTE
    gap = dice.one(0, 1, -MINUTE, 4 * MINUTE)
    refs = dice.one(("", ""), ("a1", "a1"), ("a1", "a2"), ("a1", ""))
    dice.history.contact(who, start=start, span=first, talk=first, site=site, ref=refs[0])
    second = start + first + gap
    dice.history.contact(who, start=second, span=first, talk=MINUTE, site=site, ref=refs[1])
    between = start + first + gap // 2
    dice.history.incident(who, start=between, site=site, ref=dice.one("", "a1", "a2"))


def beside_an_anchor(dice):
    """A report that has its call already, of somebody who makes others near it."""
    start, site = dice.time(), dice.site()
    caller, other = dice.known(PHONE), dice.known(MEMBER)
    ref = dice.one("b1", "b1", "")
    dice.history.contact(caller, start=start, span=MINUTE, site=site, ref="b1")
    dice.history.incident(other, start=start + MINUTE, site=site, ref=ref)
    dice.history.incident(other, start=start + 8 * MINUTE, site=site)
    if dice.likely(0.5):
        dice.history.contact(other, start=start + 12 * MINUTE, site=site, talk=HOUR)


def outbound_answer(dice):
    """A complaint, a final answer by an outbound call, more calls, the last perhaps abusive."""
    who, start, matter = dice.known(PHONE), dice.time(), dice.one("m1", "m2")
    if dice.likely(0.4):
        who = dice.fresh(PHONE)
    dice.history.incident(who, start=start, matter=matter)
    given = dice.one(matter, "")
    reply = {"matter": given, "recorded_at": start + dice.edge(DAY), "final": dice.likely(0.85)}
    answered = dice.history.contact(
        who,
        start=start + DAY,
        direction=dice.one(OUTBOUND, OUTBOUND, INTERNAL, INBOUND),
        channel=dice.one(PHONE_CALL, PHONE_CALL, VISIT),
        matter=matter,
        answers=[reply],
    )
    if not given and dice.likely(0.5):  # on another matter, too
        dice.history.decide("matter", records=[answered["id"]], name=dice.one("m0", "m3"))
    ref = dice.one("", "m9")
    for i in range(3):
        at = start + DAY + dice.one(1, 1, 0, HOUR) + i * dice.edge(15 * DAY)
        abusive = i == 2 and dice.likely(0.6)
        report = dice.history.incident if abusive else dice.history.contact
        report(who, start=at, matter=matter, ref=ref if i == 2 else "")
    if dice.likely(0.2):  # the last in two legs
        dice.history.contact(who, start=at, matter=matter, ref=ref)
    if ref:  # the firm calls back in the same matter, at once
        dice.history.contact(who, start=at + MINUTE, direction=OUTBOUND, matter=matter, ref=ref)


SCENES = [
    (ordinary, 10),
    (incidents_end_to_end, 6),
    (long_talk, 4),
    (two_persons, 3),
    (withheld, 4),
    (busy_retries, 3),
    (shared_refs, 3),
    (close_chain, 4),
    (anchors_meet, 4),
    (beside_an_anchor, 3),
    (outbound_answer, 6),
]
