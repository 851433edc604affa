"""Scenes of records: what happens at sites, each at the edge of some definition."""

from __future__ import annotations

from itertools import pairwise

from tests.model.builder import identifier, person
from tests.model.facts import (
    ABANDONED,
    ACCOUNT,
    BUSY,
    CONFIRMED,
    CONNECTED,
    DAY,
    FACE_TO_FACE,
    HOUR,
    INBOUND,
    INTERNAL,
    MAIL,
    MEMBER,
    MINUTE,
    OUTBOUND,
    PHONE,
    PHONE_CALL,
    SCANNED,
    TYPED,
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
    if dice.likely(0.5):
        dice.history.incident(who, start=start + talk, site=site, ref=ref)


def hub(dice):
    """A node with as many neighbours of one kind as its cap allows, or one more.

    The cap may be the one of a pin: N - 1.
    """
    kind = dice.one(PHONE, MEMBER, MAIL, ACCOUNT)
    other = dice.one(MEMBER, ACCOUNT, PHONE, MAIL)
    center = dice.known(kind) if dice.likely(0.7) else dice.fresh(kind)
    cap = {MEMBER: 1, ACCOUNT: 1 if kind in (PHONE, MAIL) else 3}.get(other, 3)
    if (kind, other) == (MEMBER, PHONE):
        cap = 4
    start = dice.time()
    if dice.n <= 6 and dice.likely(0.4):
        cap = dice.n - 1
        named = {"token": [kind, *center["tokens"][0]], "at": start}
        dice.history.decide("pin_shared", **{"class": named}, value=False)
    for i in range(cap + dice.one(0, 1)):
        next_to = dice.fresh(other, assurance=dice.one(SCANNED, CONFIRMED))
        report = dice.history.incident if dice.likely(0.3) else dice.history.contact
        report(next_to, center, start=start + i * dice.one(HOUR, DAY), site=dice.site())


def runs(dice):
    """Sightings at the expiry exactly or beside it; one in the middle may bridge two runs."""
    who, start = dice.known(PHONE), dice.time()
    first = dice.edge(dice.expiry())
    dice.history.contact(who, start=start)
    dice.history.incident(who, dice.known(MEMBER), start=start + first)
    if dice.likely(0.6):
        middle = dice.history.contact(who, start=start + first // 2)
        if dice.likely(0.4):
            dice.history.retract(middle)
    if dice.likely(0.5):
        dice.history.contact(who, dice.known(MAIL), start=start + first + dice.edge(dice.expiry()))


def rotation(dice):
    """A key rotated: old token, both, new token."""
    kind, name = dice.one(PHONE, MEMBER), f"p{dice.rng.randrange(3)}"
    start = dice.time()
    for i, keys in enumerate(((1,), (1, 2), (2,), dice.one((2, 3), (3,)))):
        if dice.likely(0.8):
            held = identifier(kind, name, keys=keys)
            dice.history.incident(held, start=start + i * 9 * DAY, matter=dice.matter())


def bad_tokens(dice):
    """Tokens that cannot be aliases: two under one key, one under its own, chains in conflict."""
    kind = dice.one(PHONE, MEMBER)
    start, used = dice.time(), dice.known(kind)["tokens"][0]

    def new(key):
        return [key, dice.fresh(kind)["tokens"][0][1]]

    b, c, d = new(2), new(3), new(1)
    case = dice.rng.randrange(4)
    if case == 0:
        held = [[used, b], [used, new(2)]]
    elif case == 1:
        held = [[used, new(1)], [used, b]]
    elif case == 2:
        held = [[used, b], [b, c], [c, d]]
    else:
        held = [[used, b], [b, c]]
    for i, tokens in enumerate(held):
        sent = {"kind": kind, "assurance": dice.one(4, 4, 1), "tokens": tokens}
        role = dice.one(1, 1, 1, 2)
        more = [dice.known()] if dice.likely(0.4) else []
        dice.history.incident(
            start=start + i * DAY, persons=[person(sent, *more, ordinal=1, role=role)]
        )


def two_persons(dice):
    """One record, two people, both known elsewhere."""
    start, site = dice.time(), dice.site()
    a, b = dice.known(MEMBER), dice.known(PHONE)
    body = {"persons": [person(a), person(b, ordinal=2)], "site": site}
    dice.history.incident(start=start, span=MINUTE, **body)
    dice.history.contact(a, start=start - 11 * MINUTE, span=MINUTE, site=site)
    dice.history.incident(b, start=start + dice.edge(11 * MINUTE), site=site)


def household(dice):
    """Two member cards on one landline, perhaps a third person without a card."""
    line, start = dice.known(PHONE), dice.time()
    for i in range(dice.one(1, 2, 2)):
        card = dice.known(MEMBER) if dice.likely(0.5) else dice.fresh(MEMBER)
        dice.history.incident(card, line, start=start + i * DAY)
    if dice.likely(0.5):
        dice.history.contact(line, start=start + 3 * DAY, talk=HOUR, span=HOUR)


def members_and_accounts(dice):
    account = dice.known(ACCOUNT)
    start = dice.time()
    for i in range(dice.one(1, 2, 3)):
        dice.history.contact(dice.known(MEMBER), account, start=start + i * HOUR, channel=4)
    dice.history.incident(account, dice.known(MAIL), start=start + 5 * HOUR, channel=4)


def switchboard(dice):
    """Calls of one number that overlap by a minute or just not, two or three times."""
    line, start, site = dice.known(PHONE), dice.time(), dice.site()
    overlap = dice.edge(MINUTE)
    odd = dice.one("", "", "", "same", "same", "none", "busy")  # of the last call
    count = dice.one(3, 4, 4)
    for i in range(count):
        who = [line, dice.fresh(MEMBER)] if dice.likely(0.2) else [line]
        ref, outcome = f"call{i}", CONNECTED
        if i == count - 1:
            ref = {"same": f"call{i - 1}", "none": ""}.get(odd, ref)
            outcome = BUSY if odd == "busy" else CONNECTED
        at = start + i * (3 * MINUTE - overlap)
        body = {"ref": ref, "outcome": outcome, "site": site}
        dice.history.contact(*who, start=at, span=3 * MINUTE, **body)
    if dice.likely(0.4):
        dice.history.incident(line, start=start + 4 * MINUTE, site=site)


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
    """Reports one after the other at the gap exactly or beside it, with a call among them or none."""
    who, start, site = dice.known(dice.one(PHONE, MEMBER)), dice.time(), dice.site()
    for _ in range(dice.one(2, 3, 4)):
        span = dice.one(0, MINUTE)
        ref = dice.one("", "", "", "c1", "c2")
        kind = dice.rng.random()
        if kind < 0.25:
            dice.history.contact(who, start=start, span=span, site=site, ref=ref)
        elif kind < 0.4:
            dice.history.contact(who, start=start, span=span, site=site, outcome=BUSY)
        else:
            body = {"ref": ref, "categories": dice.categories()}
            dice.history.incident(who, start=start, span=span, site=site, **body)
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


def many_phones(dice):
    """A card with the four phones it may have, or five."""
    card, start = dice.fresh(MEMBER), dice.time()
    for i in range(dice.one(4, 5)):
        dice.history.contact(card, dice.fresh(PHONE), start=start + i * HOUR)


def typed(dice):
    """A clerk typed somebody's number: once only, or beside a card that was read."""
    theirs = dice.known(dice.one(PHONE, MEMBER), assurance=TYPED, keys=dice.one((1,), (1, 2)))
    own = [dice.known(MEMBER)] if dice.likely(0.4) else []
    start = dice.time() + dice.one(0, *dice.edges(dice.expiry()))
    dice.history.incident(*own, theirs, start=start, channel=FACE_TO_FACE)


def overgrown(dice):
    """A chain of N nodes, or of one more; one of its links may be retracted or suppressed."""
    n = dice.n if dice.n <= 8 else 4
    start, links = dice.time(), []
    nodes = [dice.fresh((MEMBER, PHONE)[i % 2]) for i in range(n + dice.one(0, 1))]
    for i, (a, b) in enumerate(pairwise(nodes)):
        links.append(dice.history.contact(a, b, start=start + i * HOUR))
    dice.history.incident(nodes[0], start=start + DAY)
    if dice.likely(0.4):
        dice.history.retract(dice.rng.choice(links))


def many_identifiers(dice):
    """More identifiers than the eight that link."""
    held = [dice.fresh(dice.one(PHONE, MAIL, ACCOUNT)) for _ in range(dice.one(7, 8))]
    dice.history.incident(*held, dice.known(PHONE), dice.known(MEMBER), start=dice.time())


def outbound_answer(dice):
    """A complaint, a final answer by an outbound call, more calls, the last perhaps abusive."""
    who, start, matter = dice.known(PHONE), dice.time(), dice.one("m1", "m2")
    if dice.likely(0.4):
        who = dice.fresh(PHONE)
    dice.history.incident(who, start=start, matter=matter)
    given = dice.one(matter, "")
    reply = {"matter": given, "recorded_at": start + dice.edge(DAY), "final": dice.likely(0.85)}
    dice.history.contact(
        who,
        start=start + DAY,
        direction=dice.one(OUTBOUND, OUTBOUND, INTERNAL, INBOUND),
        channel=dice.one(PHONE_CALL, PHONE_CALL, VISIT),
        matter=matter,
        answers=[reply],
    )
    ref = dice.one("", "m9")
    for i in range(3):
        at = start + DAY + dice.one(1, 1, 0, HOUR) + i * dice.edge(15 * DAY)
        abusive = i == 2 and dice.likely(0.6)
        report = dice.history.incident if abusive else dice.history.contact
        report(who, start=at, matter=matter, ref=ref if i == 2 else "")
    if ref:  # the firm calls back in the same matter, at once
        dice.history.contact(who, start=at + MINUTE, direction=OUTBOUND, matter=matter, ref=ref)


SCENES = [
    (ordinary, 10),
    (incidents_end_to_end, 6),
    (long_talk, 4),
    (hub, 5),
    (runs, 4),
    (rotation, 3),
    (bad_tokens, 2),
    (two_persons, 3),
    (household, 4),
    (members_and_accounts, 2),
    (switchboard, 3),
    (withheld, 4),
    (busy_retries, 3),
    (shared_refs, 3),
    (close_chain, 4),
    (anchors_meet, 4),
    (beside_an_anchor, 3),
    (many_phones, 2),
    (typed, 3),
    (overgrown, 3),
    (many_identifiers, 1),
    (outbound_answer, 6),
]
