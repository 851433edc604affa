"""The worked examples, each as a history and what must stand in its dump."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.model.builder import T0, History, digest, identifier, named, person, token
from tests.model.facts import (
    CARRIED,
    CONFIRMED,
    DAY,
    FACE_TO_FACE,
    HANDLE,
    HOUR,
    MAIL,
    MEMBER,
    MINUTE,
    OUTBOUND,
    PHONE,
    PHONE_CALL,
    SCANNED,
    TYPED,
    YEAR,
)


def phone(name, assurance=CARRIED, keys=(1,)):
    return identifier(PHONE, name, assurance, keys)


def card(name):
    return identifier(MEMBER, name, SCANNED)


def phone_token(name):
    return token(PHONE, name)


def card_token(name):
    return token(MEMBER, name)


def test_01_three_plain_calls_find_nothing(run):
    history = History()
    for i in range(3):
        history.contact(phone("a"), start=T0 + i * 10 * DAY, span=5 * MINUTE, talk=5 * MINUTE)
    dump = run(history)
    assert dump.rules() == []
    assert dump.notices() == []
    assert len(dump.all("occurrence")) == 3


@pytest.mark.parametrize(("beyond", "found"), [(0, ["repetition"]), (1, [])])
def test_02_three_incidents_within_thirty_days(run, beyond, found):
    history = History()
    reports = [
        history.incident(phone("a"), start=T0 + after) for after in (0, 15 * DAY, 30 * DAY + beyond)
    ]
    dump = run(history)
    assert dump.rules() == found
    if found:
        assert dump.one("finding")["parts"] == [report["id"] for report in reports]
        assert dump.one("finding")["subject"] == dump.subject(phone_token("a"))


@pytest.mark.parametrize(
    ("talk", "reported", "findings", "notices"),
    [
        (HOUR - 1, True, [], []),
        (HOUR, True, ["confinement"], []),
        (62 * MINUTE, False, [], ["confinement"]),
        (HOUR - 1, False, [], []),
    ],
)
def test_03_an_hour_of_talk(run, talk, reported, findings, notices):
    history = History()
    call = history.contact(phone("a"), start=T0, span=talk, talk=talk)
    if reported:
        history.incident(phone("a"), start=T0 + talk)
    dump = run(history)
    assert dump.rules() == findings
    assert dump.notices() == notices
    if notices:
        assert dump.one("notice")["record"] == call["id"]
    assert dump.part(call, dump.subject(phone_token("a")))["talk"] == talk


def test_04_a_couple_on_one_landline_is_two(run):
    history = History()
    hers = history.incident(card("hers"), phone("home"), start=T0)
    his = history.incident(card("his"), phone("home"), start=T0 + DAY)
    dump = run(history)
    assert dump.node(phone_token("home"))["shared"]
    assert dump.subject(phone_token("home")) is None
    subjects = [dump.subject(card_token(who)) for who in ("hers", "his")]
    assert subjects == [[r["id"], 1, *card_token(w)] for r, w in ((hers, "hers"), (his, "his"))]
    alone = History()
    alone.incident(card("hers"), phone("home"), start=T0)
    assert run(alone).node(phone_token("home"))["shared"] is False


@pytest.mark.parametrize(
    ("calls", "overlap", "shared"),
    [(4, MINUTE, True), (4, MINUTE - 1, False), (3, MINUTE, False)],
)
def test_05_a_hotel_switchboard_is_shared_by_overlap(run, calls, overlap, shared):
    history = History()
    for i in range(calls):
        guest = [card("guest")] if i == 1 else []
        history.contact(
            *guest,
            phone("hotel"),
            start=T0 + i * (5 * MINUTE - overlap),
            span=5 * MINUTE,
            ref=f"call{i}",
        )
    dump = run(history)
    assert dump.node(phone_token("hotel"))["shared"] is shared
    assert len(dump.all("proposal", kind="switchboard")) == shared
    assert dump.subject(card_token("guest")) is not None
    if shared:
        assert dump.subject(phone_token("hotel")) is None
    else:
        assert dump.subject(phone_token("hotel")) == dump.subject(card_token("guest"))


def test_06_a_mistyped_number_links_nobody(run):
    history = History()
    history.contact(phone("theirs"), start=T0 - DAY)
    reports = [
        history.incident(
            card("own"),
            phone("theirs", TYPED),
            start=T0 + i * DAY,
            channel=FACE_TO_FACE,
        )
        for i in range(2)
    ]
    reports.append(history.incident(phone("theirs", TYPED), start=T0 + 2 * DAY))
    dump = run(history)
    theirs, own = dump.subject(phone_token("theirs")), dump.subject(card_token("own"))
    assert theirs != own
    assert dump.all("edge") == []
    assert dump.rules() == []
    assert dump.one("owner", record=reports[2]["id"])["node"] is None
    proposals = dump.all("proposal", kind="typed", subject=theirs, token=phone_token("theirs"))
    assert [p["record"] for p in proposals] == sorted(report["id"] for report in reports)
    history.incident(phone("theirs", CONFIRMED), card("own"), start=T0 + 3 * DAY)
    assert run(history).rules() == ["repetition"]


def test_07_calls_all_day_are_many_occurrences(run):
    history = History()
    calls = [
        history.contact(phone("a"), start=T0 + i * 9 * MINUTE, span=5 * MINUTE, talk=5 * MINUTE)
        for i in range(50)
    ]
    report = history.incident(phone("a"), start=calls[20]["end"] + MINUTE)
    dump = run(history)
    assert len(dump.all("occurrence")) == 50
    assert dump.rules() == []
    assert dump.notices() == []
    told = dump.occurrence_of(report)
    assert told["records"] == sorted([calls[20]["id"], report["id"]])
    assert told["parts"][0]["talk"] == 5 * MINUTE


def test_08_three_reports_of_one_moment_are_one_occurrence(run):
    history = History()
    call = history.contact(phone("a"), start=T0, span=MINUTE, talk=MINUTE, ref="pbx7")
    clerk = history.incident(phone("a"), start=T0 + 11 * MINUTE)
    camera = history.incident(start=T0 + 30 * MINUTE, channel=FACE_TO_FACE, ref="pbx7")
    dump = run(history)
    every = sorted(record["id"] for record in (call, clerk, camera))
    assert dump.one("occurrence")["records"] == every
    assert dump.one("occurrence")["parts"][0]["records"] == every
    assert dump.all("review") == []
    assert dump.rules() == []


def test_09_four_legs_of_one_call_are_one_contact(run):
    history = History()
    first = history.contact(phone("a"), start=T0, span=MINUTE, talk=0, ref="linked")
    for revision in (1, 3, 2):
        talk = revision * 20 * MINUTE
        history.correction(first, revision=revision, end=T0 + talk, talk=talk)
    dump = run(history)
    assert dump.one("effective")["record"] == first["id"]
    assert len(dump.all("occurrence")) == 1
    assert dump.occurrence_of(first)["parts"][0]["talk"] == HOUR

    apart = History()
    for i in range(4):  # two sources that do not know of each other, one ref
        apart.contact(phone("a"), start=T0 + i, span=20 * MINUTE, talk=20 * MINUTE, ref="linked")
    part = run(apart).one("occurrence")["parts"][0]
    assert len(part["records"]) == 4
    assert part["talk"] == 20 * MINUTE + 3


def test_10_a_late_witness_does_not_revive_and_opposite_verdicts_are_disputed(run):
    history = History()
    judged = history.incident(phone("a"), start=T0)
    number = history.verdict("complaint", judged)
    late = history.incident(phone("a"), start=T0 + 8 * MINUTE)
    dump = run(history)
    assert dump.one("occurrence")["state"] == "innocent"
    asked = dump.one("review", kind="joined")
    assert asked["record"] == late["id"]
    assert asked["decision"] == number
    assert asked["occurrence"] == dump.one("occurrence")["name"]

    second = History()
    reports = [second.incident(phone("a"), start=T0 + i * 15 * MINUTE) for i in range(2)]
    second.verdict("complaint", reports[0])
    second.verdict("confirmed", reports[1])
    assert sorted(o["state"] for o in run(second).all("occurrence")) == ["innocent", "open"]
    between = second.incident(phone("a"), start=T0 + 7 * MINUTE)
    assert run(second).one("occurrence")["state"] == "disputed"
    second.verdict("confirmed", *reports, between)
    assert run(second).one("occurrence")["state"] == "open"


def test_11_a_ban_does_not_flow_along_a_subject(run):
    history = History()
    history.incident(card("m1"), phone("home"), start=T0)
    number = history.decide(
        "restrict",
        classes=[named(MEMBER, "m1", T0)],
        scope=["s1"],
        until=T0 + YEAR,
        made_by="p1",
        second_by="p2",
    )
    history.tick(T0 + 2 * DAY)
    dump = run(history)
    assert dump.one("watch")["class"] == card_token("m1")
    assert [r["class"] for r in dump.all("review", reason="joined")] == [phone_token("home")]

    history.contact(card("m2"), phone("home"), start=T0 + DAY)
    history.decide("pin_shared", **{"class": named(PHONE, "home", T0)}, value=False)
    dump = run(history)
    assert dump.subject(card_token("m1")) == dump.subject(card_token("m2"))
    assert dump.one("watch") == {
        "t": "watch",
        "decision": number,
        "class": card_token("m1"),
        "scope": ["s1"],
    }
    joined = [r["class"] for r in dump.all("review", kind="watch", reason="joined")]
    assert sorted(joined) == sorted([card_token("m2"), phone_token("home")])


def test_12_correction_before_original_supplement_before_both(run):
    history = History()
    original = history.incident(phone("a"), start=T0)
    corrected = history.correction(original, persons=[person(phone("b"))])
    told = history.supplement(original, persons=[person(card("m"))], matter="m1")
    expected = run(history)
    for order in permutations(history.facts):
        mixed = History()
        mixed.facts = list(order)
        assert run(mixed).lines == expected.lines
    effective = expected.one("effective")
    assert effective["by"] == corrected["id"]
    assert effective["supplements"] == [told["id"]]
    assert expected.subject(phone_token("b")) == expected.subject(card_token("m"))
    assert [n["node"]["class"] for n in expected.all("node")] == [
        card_token("m"),
        phone_token("b"),
    ]
    for without, waiting in ((original, [corrected["id"], told["id"]]), (corrected, [])):
        mixed = History()
        mixed.facts = [fact for fact in history.facts if fact is not without]
        dump = run(mixed)
        assert sorted(line["record"] for line in dump.all("waiting")) == sorted(waiting)


def test_13_a_key_rotated_within_the_window(run):
    history = History()
    for i, keys in enumerate(((1,), (1, 2), (2,))):
        history.incident(phone("a", keys=keys), start=T0 + i * 10 * DAY)
    dump = run(history)
    assert dump.rules() == ["repetition"]
    assert len(dump.all("node")) == 1
    assert dump.one("class")["tokens"] == [token(PHONE, "a", 1), token(PHONE, "a", 2)]
    apart = History()
    for i, keys in enumerate(((1,), (2,), (2,))):
        apart.incident(phone("a", keys=keys), start=T0 + i * 10 * DAY)
    assert run(apart).rules() == []


def test_14_a_handle_on_thirty_two_nodes_is_overgrown(run):
    history = History()
    handle = digest("handle")
    records = []
    for i in range(32):
        held = phone(f"p{i}") if i < 20 else identifier(MAIL, f"m{i}")
        records.append(history.incident(held, start=T0 + i * 40 * DAY))
        history.decide("attach", record=records[-1]["id"], ordinal=1, handle=handle)
    dump = run(history)
    assert not any(node["shared"] for node in dump.all("node"))
    assert all(node["overgrown"] for node in dump.all("node"))
    assert len({str(node["subject"]) for node in dump.all("node")}) == 33
    history.retract(records[5])
    dump = run(history)
    assert len(dump.all("node")) == 32
    assert not any(node["overgrown"] for node in dump.all("node"))
    assert len({str(node["subject"]) for node in dump.all("node")}) == 1
    assert dump.subject([HANDLE, 0, handle]) is not None


def test_15_who_was_only_there_does_not_get_the_incident(run):
    history = History()
    for day in range(3):
        start = T0 + day * DAY
        report = history.incident(card("a"), start=start, channel=FACE_TO_FACE)
        both = [person(card("a")), person(card("b"), ordinal=2)]
        for after, who in ((5 * MINUTE, both), (6 * MINUTE, [person(card("b"))])):
            history.contact(
                start=start + after, span=MINUTE, channel=FACE_TO_FACE, persons=who, talk=MINUTE
            )
    dump = run(history)
    a, b = dump.subject(card_token("a")), dump.subject(card_token("b"))
    assert a != b
    assert [len(o["records"]) for o in dump.all("occurrence")] == [3, 3, 3]
    assert dump.part(report, a)["incident"] is True
    assert dump.part(report, b)["incident"] is False
    assert [f["subject"] for f in dump.all("finding", rule="repetition")] == [a]


@pytest.mark.parametrize(
    ("answered", "abusive", "findings", "notices"),
    [
        (True, True, ["repeat_matter"], []),
        (True, False, [], ["repeat_matter"]),
        (False, True, [], []),
    ],
)
def test_16_calls_on_a_matter_that_was_answered(run, answered, abusive, findings, notices):
    history = History()
    complaint = history.incident(phone("a"), start=T0, matter="m1")
    history.verdict("complaint", complaint)
    answer = {"matter": "m1", "recorded_at": T0 + DAY, "final": answered}
    history.contact(phone("a"), start=T0 + DAY, direction=OUTBOUND, answers=[answer])
    calls = [history.contact(phone("a"), start=T0 + d * DAY, matter="m1") for d in (2, 3)]
    last = history.incident if abusive else history.contact
    calls.append(last(phone("a"), start=T0 + 4 * DAY, matter="m1"))
    dump = run(history)
    assert dump.rules() == findings
    assert dump.notices() == notices
    for found in dump.all("finding"):
        assert found["matter"] == "m1"
        assert found["parts"] == [call["id"] for call in calls]
    for notice in dump.all("notice"):
        assert notice["record"] == calls[2]["id"]


@pytest.mark.parametrize(
    ("silence", "as_of", "watched", "reason"),
    [
        (2 * YEAR, 2 * YEAR, True, None),
        (2 * YEAR + 1, 2 * YEAR + 1, False, "new_owner"),
        (None, 2 * YEAR, True, None),
        (None, 2 * YEAR + 1, False, "expired"),
    ],
)
def test_17_a_banned_number_that_returns_after_its_expiry(run, silence, as_of, watched, reason):
    history = History()
    history.incident(phone("a"), start=T0)
    history.decide(
        "restrict",
        classes=[named(PHONE, "a", T0)],
        scope=["s1"],
        until=T0 + 9 * YEAR,
        made_by="p1",
        second_by="p2",
    )
    history.tick(T0 + as_of)
    if silence is not None:
        history.contact(phone("a"), start=T0 + silence)
    dump = run(history)
    assert len(dump.all("watch")) == watched
    assert [review["reason"] for review in dump.all("review")] == [reason] * (not watched)


def at_places(history, start, *places, **more):
    """Reports of one occurrence, said so by a person, each at a site and on a channel of its own."""
    told = [
        history.incident(phone("a"), start=start, site=site, channel=channel, **more)
        for site, channel in places
    ]
    history.decide("same_occurrence", records=[record["id"] for record in told])
    return told


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (("s1", PHONE_CALL), ["confinement"]),
        (("s1", FACE_TO_FACE), []),
        (("s2", PHONE_CALL), []),
        (("s3", FACE_TO_FACE), ["confinement"]),
    ],
)
def test_18_a_policy_for_a_site_and_a_channel(run, place, found):
    history = History()
    history.policy(
        1,
        T0,
        [
            {"sites": ["s1"], "channels": [2], "rules": {"confinement_talk": 45 * MINUTE}},
            {"sites": ["s3"], "rules": {"confinement_talk": 45 * MINUTE}},
            {"channels": [2], "rules": {"confinement_talk": 90 * MINUTE}},
        ],
    )
    site, channel = place
    history.incident(phone("a"), start=T0, span=50 * MINUTE, site=site, channel=channel)
    assert run(history).rules() == found
    earlier = History()
    earlier.facts = [{**fact, "effective_from": T0 + 1} for fact in history.facts[:1]]
    earlier.facts += history.facts[1:]
    assert run(earlier).rules() == []


def test_18_the_first_override_that_fits_holds_whole(run):
    history = History()
    history.policy(
        1,
        T0,
        [
            {"sites": ["s1", "s2"], "rules": {"repetition_window": 9 * DAY}},
            {"sites": ["s1"], "rules": {"confinement_talk": MINUTE}},
        ],
        repetition_window=60 * DAY,
    )
    for day in (0, 5, 10):
        history.incident(phone("a"), start=T0 + day * DAY, span=30 * MINUTE)
    assert run(history).rules() == []  # of the last part's site, and nothing of the second
    for day in (20, 40):
        history.incident(phone("a"), start=T0 + day * DAY, span=30 * MINUTE, site="s3")
    assert run(history).rules() == ["cross_site", "repetition"]


@pytest.mark.parametrize(
    ("rule", "value", "less"),
    [
        ("confinement_talk", 30 * MINUTE, 30 * MINUTE + 1),
        ("repetition_window", 10 * DAY, 10 * DAY - 1),
        ("matter_window", 10 * DAY, 10 * DAY - 1),
        ("cross_site_window", 5 * DAY, 5 * DAY - 1),
        ("cross_site_sites", 2, 3),
        ("escalation_window", 5 * DAY, 5 * DAY - 1),
        ("escalation_severity", 3, 4),
        ("severity", {"own:1:a": 3}, {"own:1:a": 2}),
        ("severity", {"own:1:a": 3}, {"own:1:b": 3}),
    ],
)
def test_18_at_several_places_the_value_that_accuses_fewer(run, rule, value, less):
    every = {
        "confinement_talk": 30 * MINUTE,
        "repetition_window": 10 * DAY,
        "matter_window": 10 * DAY,
        "cross_site_window": 5 * DAY,
        "cross_site_sites": 2,
        "escalation_window": 5 * DAY,
        "escalation_severity": 3,
        "severity": {"own:1:a": 3},
    }
    judged_by = {"matter_window": "repeat_matter", "severity": "escalation"}
    finds = judged_by.get(rule) or rule.rsplit("_", 1)[0]
    found = {}
    for strict in (None, "s1", "s2"):
        history = History()
        both = [{"sites": [site], "rules": dict(every)} for site in ("s1", "s2")]
        for override in both:
            assert override["rules"][rule] == value
            if override["sites"] == [strict]:
                override["rules"][rule] = less
        history.policy(1, T0, both, confinement_talk=MINUTE)
        answer = {"matter": "m", "recorded_at": T0 - DAY, "final": True}
        history.contact(phone("a"), start=T0 - DAY, direction=OUTBOUND, answers=[answer])
        for day in (0, 5, 10):
            places = (("s1", PHONE_CALL), ("s2", PHONE_CALL)) if day == 10 else (("s1", 2),)
            at_places(
                history,
                T0 + day * DAY,
                *places,
                span=30 * MINUTE,
                matter="m",
                categories=["own:1:a"],
            )
        dump = run(history)
        last = dump.occurrence_of(history.facts[-2])["name"]
        found[strict] = [v["rule"] for v in dump.all("finding") if last in v["parts"]]
    assert finds in found[None]
    assert finds not in found["s1"]
    assert finds not in found["s2"]


def test_18_a_notice_is_judged_where_its_call_was(run):
    history = History()
    history.policy(1, T0, [{"sites": ["s2"], "rules": {"confinement_talk": 45 * MINUTE}}])
    talk = {"span": 50 * MINUTE, "talk": 50 * MINUTE}
    history.contact(phone("a"), start=T0, site="s1", concerned_site="s2", **talk)
    found = history.contact(phone("b"), start=T0, site="s2", **talk)
    dump = run(history)
    assert [notice["record"] for notice in dump.all("notice")] == [found["id"]]
