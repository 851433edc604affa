"""Scenes of decisions, policies and ticks, about the records that stand in a history."""

from __future__ import annotations

from tests.model.facts import DAY, FACE_TO_FACE, HOUR, MEMBER, MINUTE, PHONE, PHONE_CALL, VISIT
from tests.model.scenes_later import corrections


def linking_policy(dice):
    """Often a small N and short expiries, so that few facts reach the edges."""
    if dice.likely(0.3) and not dice.small_expiry:
        return
    dice.n = dice.one(3, 4, 5, 6, 32)
    expiry = {str(k): 10 * DAY for k in range(1, 9)} if dice.small_expiry else {}
    policy = {
        "kinds": [1, 2, 3, 4, 5, 6, 7] + dice.one([], [], [8]),
        "expiry": expiry,
        "n": dice.n,
        "gap": 10 * MINUTE,
        "gap_attempt": 5 * MINUTE,
        "overlap": MINUTE,
        "pairs": 3,
        "cap": 3,
        "caps": dice.one([], [], [], [[PHONE, MEMBER, 2]], [[PHONE, PHONE, 1]]),
        "shared": [],
    }
    if dice.likely(0.1):
        kind = dice.one(PHONE, MEMBER)
        policy["shared"] = [[kind, *dice.known(kind, keys=dice.one((1,), (2,)))["tokens"][0]]]
    dice.history.linking(**policy)


def names_of(dice, records):
    """Names of records; a supplement or a correction stands for its target, some are unknown."""
    names = [record["id"] for record in records]
    later = dice.records("supplement", "correction")
    if later and dice.likely(0.15):
        names.append(dice.rng.choice(later)["id"])
    if dice.likely(0.05):
        names.append(dice.new_id())
    if dice.likely(0.03):
        names = [dice.new_id()]
    return names


def verdicts(dice):
    """Verdicts on what belongs together or not; contradicting ones, too."""
    values = ("complaint", "suspected", "confirmed", "rejected")
    if dice.likely(0.3):  # two neighbours, judged apart, often of one occurrence
        by_time = sorted(dice.records("contact", "incident"), key=lambda r: (r["site"], r["start"]))
        first = dice.rng.randrange(len(by_time))
        for record in by_time[first : first + 2]:
            dice.history.verdict(dice.rng.choice(values), record)
        return
    for _ in range(dice.one(1, 1, 2)):
        names = names_of(dice, dice.some_records())
        dice.history.decide("verdict", records=names, value=dice.rng.choice(values))


def revocations(dice):
    """Revoked decisions, revoked revocations, numbers that mean nothing."""
    newest = dice.history.numbers
    number = dice.rng.randint(1, newest) if newest and dice.likely(0.9) else newest + dice.one(1, 5)
    revoked = dice.history.revoke(number)
    for _ in range(dice.one(0, 0, 1, 1, 2)):
        revoked = dice.history.revoke(revoked)


def links(dice):
    """Links, some to nothing, some cut and made again."""
    a, b = dice.name_class(), dice.name_class()
    dice.history.decide("link", a=a, b=b)
    if dice.likely(0.3):
        cut = dice.history.decide("suppress", a=b, b=a)
        if dice.likely(0.5):
            dice.history.revoke(cut)


def two_identifiers(dice):
    """(start, identifiers) of people that carry more than one."""
    return [
        (record["start"], someone["identifiers"])
        for record in dice.records("contact", "incident")
        for someone in record.get("persons", [])
        if len(someone["identifiers"]) > 1
    ]


def suppressions(dice):
    """A pair that stands in one record is cut; or a pair that never met."""
    pairs = two_identifiers(dice)
    if pairs and dice.likely(0.85):
        start, held = dice.rng.choice(pairs)
        ends = [
            {"token": [one["kind"], *one["tokens"][0]], "at": start}
            for one in dice.rng.sample(held, 2)
        ]
    else:
        ends = [dice.name_class(), dice.name_class()]
    dice.history.decide("suppress", a=ends[0], b=ends[1])


def pins(dice):
    named = dice.name_class()
    for _ in range(dice.one(1, 1, 1, 2)):
        dice.history.decide("pin_shared", **{"class": named}, value=dice.likely(0.5))


def attachments(dice):
    """One handle on one mention, on several, on N of them; sometimes on nobody."""
    handle = f"{dice.one(1, 2, 3):032x}"
    records = dice.some_records(dice.one(1, 1, 3, dice.n if dice.n < 8 else 4))
    for name in names_of(dice, records):
        body = {"record": name, "ordinal": dice.one(1, 1, 1, 2)}
        dice.history.decide("attach", **body, handle=handle)
        if dice.likely(0.15):
            dice.history.decide("attach", **body, handle=f"{4:032x}")


def same_occurrence(dice):
    dice.history.decide("same_occurrence", records=names_of(dice, dice.some_records(3)))


def matters(dice):
    names = names_of(dice, dice.some_records(3))
    dice.history.decide("matter", records=names, name=dice.one("m1", "m1", "m2", ""))


def policies(dice):
    """Versions that hold from the past or from the middle; equal times, numbers out of order."""
    if len([fact for fact in dice.history.facts if fact["fact"] == "policy"]) > 6:
        return
    for _ in range(dice.one(1, 1, 2)):
        starts = [record["start"] for record in dice.records("contact", "incident")]
        since = dice.one(0, dice.time(), dice.edge(dice.rng.choice(starts)))
        overrides = [override(dice) for _ in range(dice.one(0, 1, 1, 2, 3))]
        dice.history.policy(dice.version(), since, overrides, **some_rules(dice))


def some_rules(dice):
    rules = {}
    if dice.likely(0.4):
        rules["confinement_talk"] = dice.one(30, 61) * MINUTE
    if dice.likely(0.4):
        rules["repetition_window"] = dice.one(1, 29, 60) * DAY
    if dice.likely(0.3):
        rules["matter_window"] = dice.one(10, 60) * DAY
    if dice.likely(0.3):
        rules["cross_site_window"] = dice.one(30, 365) * DAY
        rules["cross_site_sites"] = dice.one(1, 2)
    if dice.likely(0.3):
        rules["escalation_window"] = dice.one(30, 400) * DAY
        rules["escalation_severity"] = dice.one(3, 5)
    if dice.likely(0.5):
        abuse, threat = dice.one(5, 5, 1), dice.one(1, 1, 5)
        rules["severity"] = {"mhlw9:2022:abuse": abuse, "mhlw9:2022:threat": threat}
    return rules


def override(dice):
    """What holds at some sites or for some channels only; others may fit the same."""
    found = {"rules": some_rules(dice) or {"confinement_talk": 45 * MINUTE}}
    if dice.likely(0.7):
        found["sites"] = dice.one(["s1"], ["s1"], ["s2"], ["s3", "s1"], ["s2", "s3"])
    if "sites" not in found or dice.likely(0.4):
        found["channels"] = dice.one([PHONE_CALL], [FACE_TO_FACE, VISIT], [4])
    return found


def across_places(dice):
    """Records of one occurrence by decision at several sites, on several channels, and policies
    that judge there differently."""
    who, start = dice.known(PHONE), dice.time()
    times = [start, start + dice.edge(15 * DAY), start + dice.edge(30 * DAY)]
    for at in times[: dice.one(1, 2, 3)]:
        told = [
            dice.history.incident(
                who,
                start=at + i * MINUTE,
                span=dice.one(0, 30 * MINUTE, HOUR),
                site=dice.site(),
                channel=dice.one(PHONE_CALL, PHONE_CALL, FACE_TO_FACE),
                categories=dice.categories(),
            )
            for i in range(dice.one(1, 2, 2))
        ]
        dice.history.decide("same_occurrence", records=[record["id"] for record in told])
    if dice.likely(0.7):
        policies(dice)


def watches(dice):
    """Bans and confirmations with all that can be wrong with them, then a tick."""
    starts = [record["start"] for record in dice.records("contact", "incident")]
    end = max(starts)
    for _ in range(dice.one(1, 2)):
        body = {
            "classes": [dice.name_class() for _ in range(dice.one(1, 1, 2))],
            "until": dice.one(end + DAY, end + 1000 * DAY, end + 1000 * DAY, end, 0),
            "made_by": dice.one("p1", "p1", "p1", "p2", ""),
            "second_by": dice.one("p2", "p2", "p2", "p1", ""),
        }
        if dice.likely(0.7):
            dice.history.decide("restrict", **body, scope=dice.one(["s1"], ["s2", "s1"], []))
        else:
            dice.history.decide("confirm_person", **body)
    if dice.likely(0.4):
        protected = dice.one(body["classes"][0], dice.name_class())
        dice.history.decide("not_listable", classes=[protected])
    if dice.likely(0.1):
        return  # no tick yet
    seen = dice.one(dice.rng.choice(starts), body["classes"][0]["at"])
    as_of = dice.one(end, end + DAY, body["until"] or end, seen + dice.edge(dice.expiry()))
    dice.history.tick(as_of)


def protections(dice):
    """A ban on one class of somebody whose other class may not be listed."""
    pairs = two_identifiers(dice)
    if not pairs:
        return watches(dice)
    start, held = dice.rng.choice(pairs)
    ends = [{"token": [one["kind"], *one["tokens"][0]], "at": start} for one in held[:2]]
    seen = max(record["start"] for record in dice.records("contact", "incident"))
    persons = {"made_by": "p1", "second_by": "p2"}
    dice.history.decide("restrict", classes=ends[:1], scope=["s1"], until=seen + DAY, **persons)
    if dice.likely(0.7):
        protected = dice.history.decide("not_listable", classes=ends[1:])
        if dice.likely(0.2):
            dice.history.revoke(protected)
    dice.history.tick(min(seen, start + dice.one(DAY, dice.edge(dice.expiry()))))
    return None


def ticks(dice):
    for _ in range(dice.one(1, 2)):
        dice.history.tick(dice.time() + dice.one(0, DAY, dice.edge(dice.expiry())))


def acknowledgements(dice):
    names = names_of(dice, dice.some_records(2))
    dice.history.decide("ack", rule=dice.one("repetition", "escalation"), records=names)


SCENES = [
    (verdicts, 7),
    (revocations, 5),
    (links, 4),
    (suppressions, 4),
    (pins, 4),
    (attachments, 4),
    (same_occurrence, 3),
    (matters, 4),
    (policies, 4),
    (across_places, 3),
    (watches, 7),
    (protections, 3),
    (ticks, 1),
    (acknowledgements, 1),
    (corrections, 3),
]
