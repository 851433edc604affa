"""Scenes of people and their identifiers, each at the edge of some definition."""

from __future__ import annotations

from itertools import pairwise

from tests.model.builder import identifier, person
from tests.model.facts import (
    ACCOUNT,
    BUSY,
    CONFIRMED,
    CONNECTED,
    DAY,
    FACE_TO_FACE,
    HOUR,
    MAIL,
    MEMBER,
    MINUTE,
    PHONE,
    SCANNED,
    TYPED,
    VEHICLE,
)


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
    kind = dice.one(PHONE, PHONE, VEHICLE, MEMBER)
    who, start = dice.known(kind), dice.time()
    first = dice.edge(dice.expiry(kind))
    dice.history.contact(who, start=start)
    dice.history.incident(who, dice.known(MEMBER), start=start + first)
    if dice.likely(0.6):
        middle = dice.history.contact(who, start=start + first // 2)
        if dice.likely(0.4):
            dice.history.retract(middle)
    if dice.likely(0.5):
        dice.history.contact(
            who, dice.known(MAIL), start=start + first + dice.edge(dice.expiry(kind))
        )


def rotation(dice):
    """A key rotated: old token, both, new token."""
    kind, name = dice.one(PHONE, MEMBER), f"p{dice.rng.randrange(3)}"
    start = dice.time()
    for i, keys in enumerate(((1,), (1, 2), (2,), dice.one((2, 3), (3,)))):
        if dice.likely(0.8):
            held = identifier(kind, name, keys=keys)
            typed_old = [identifier(kind, name, TYPED, (1,))] if dice.likely(0.3) else []
            body = {"start": start + i * 9 * DAY, "matter": dice.matter()}
            dice.history.incident(held, *typed_old, **body)


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
    """Calls of one number that overlap by a minute or just not, two or three times, or at two sites."""
    line, start, site = dice.known(PHONE), dice.time(), dice.site()
    overlap = dice.edge(MINUTE)
    odd = dice.one("", "", "", "same", "same", "none", "busy", "short", "away")  # of the last call
    count = 5 if odd == "away" else dice.one(3, 4, 4)
    for i in range(count):
        who = [line, dice.fresh(MEMBER)] if dice.likely(0.2) else [line]
        ref, outcome, span = f"call{i}", CONNECTED, 3 * MINUTE
        if i == count - 1:
            ref = {"same": f"call{i - 1}", "none": ""}.get(odd, ref)
            outcome = BUSY if odd == "busy" else CONNECTED
            span = dice.edge(MINUTE) if odd == "short" else span
        if i == 3 and odd == "away":
            site = "s1" if site == "s2" else "s2"
        at = start + i * (3 * MINUTE - overlap)
        body = {"ref": ref, "outcome": outcome, "site": site}
        dice.history.contact(*who, start=at, span=span, **body)
    if dice.likely(0.4):
        dice.history.incident(line, start=start + 4 * MINUTE, site=site)
    if dice.likely(0.3):
        named = {"token": [PHONE, *line["tokens"][0]], "at": start + dice.one(0, MINUTE)}
        dice.history.decide("pin_shared", **{"class": named}, value=dice.likely(0.4))


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


SCENES = [
    (hub, 5),
    (runs, 4),
    (rotation, 3),
    (bad_tokens, 2),
    (household, 4),
    (members_and_accounts, 2),
    (switchboard, 3),
    (many_phones, 2),
    (typed, 3),
    (overgrown, 3),
    (many_identifiers, 1),
]
