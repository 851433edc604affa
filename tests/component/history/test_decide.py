"""kasumori decide: each kind is stored as the core reads it; what means nothing is refused."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.component.history.conftest import class_name
from tests.model.builder import T0, History, identifier, token
from tests.model.facts import DAY, HOUR, MEMBER, PHONE

FAR = "2999-01-01T00:00:00+09:00"
HANDLE = "0123456789abcdef0123456789abcdef"
A, M, B = token(PHONE, "a"), token(MEMBER, "m"), token(PHONE, "b")
AT_A, AT_M = class_name(A, T0), class_name(M, T0, digits=8)
AT_B = class_name(B, T0 + 2 * DAY)


@pytest.fixture
def world(worlds):
    """0, 1: calls of A, the first with M; 2: an incident of B; 3: a retracted call; 5: training."""
    history = History()
    history.contact(identifier(PHONE, "a"), identifier(MEMBER, "m"), start=T0)
    history.contact(identifier(PHONE, "a"), start=T0 + HOUR)
    history.incident(identifier(PHONE, "b"), start=T0 + 2 * DAY)
    history.retract(history.contact(identifier(PHONE, "a"), start=T0 + 3 * DAY))
    history.contact(identifier(PHONE, "a"), start=T0 + 4 * DAY, training=True)
    return worlds(history.facts)


@pytest.fixture
def decide(world):
    def run(kind, *args, by="sato", reason="a test"):
        return world.run("decide", kind, *args, "--by", by, "--reason", reason)

    return run


def accepted(world, done, number=1):
    """The body stored; the decision is not inert."""
    assert (done.returncode, done.stdout) == (0, f"{number}\n"), done.stderr
    assert f'{{"decision":{number},"t":"inert"}}' not in world.dump()
    found = world.query(
        "select kind, made_by, second_by, reason, body from kasumori.decision "
        "where tenant = %s order by decision_no desc limit 1"
    )[0]
    (audit,) = world.query(
        "select action, purpose, object from kasumori.audit where tenant = %s "
        "and action like 'decide.%%' order by audit_no desc limit 1"
    )
    assert audit == (f"decide.{found[0]}", found[3], f"decision {number}")
    return found


def refused(world, done, why, code=1):
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"kasumori: {why}\n"
    assert world.query("select count(*) from kasumori.decision where tenant = %s") == [(0,)]


def of(text):
    return json.loads(text) if isinstance(text, str) else text


def name(token_, at):
    return {"token": token_, "at": at}


# -- each kind


def test_a_verdict(world, decide):
    both = f"{world.id(0)},{world.id(1)}"
    found = accepted(world, decide("verdict", "--record", both, "--value", "complaint"))
    assert found[:4] == ("verdict", "sato", None, "a test")
    assert found[4] == {"records": [world.id(0), world.id(1)], "value": "complaint"}
    assert '"state":"innocent"' in world.dump()


def test_a_link_and_its_revocation(world, decide):
    before = world.dump()
    found = accepted(world, decide("link", "--class", f"{AT_A},{AT_B}"))
    assert found[4] == {"a": name(A, T0), "b": name(B, T0 + 2 * DAY)}
    assert '"decisions":[1]' in world.dump()
    found = accepted(world, decide("revoke", "--no", "1"), 2)
    assert found[4] == {"no_revoked": 1}
    assert world.dump() == before
    again = decide("revoke", "--no", "1")
    assert again.stderr == "kasumori: decision 1 is revoked already\n"


def test_a_suppression(world, decide):
    found = accepted(world, decide("suppress", "--class", f"{AT_M},{AT_A}"))
    assert found[4] == {"a": name(M, T0), "b": name(A, T0)}  # eight digits became all
    assert '"suppressed":true' in world.dump()


@pytest.mark.parametrize("value", [True, False])
def test_a_pin(world, decide, value):
    done = decide("pin_shared", "--class", AT_A, "--value", "yes" if value else "no")
    assert accepted(world, done)[4] == {"class": name(A, T0), "value": value}
    assert ('"shared":true' in world.dump()) == value


def test_a_handle(world, decide):
    done = decide("attach", "--record", world.id(2), "--ordinal", "1", "--handle", HANDLE.upper())
    assert accepted(world, done)[4] == {"record": world.id(2), "ordinal": 1, "handle": HANDLE}
    assert f'[1,0,"{HANDLE}"]' in world.dump()


def test_one_occurrence(world, decide):
    done = decide("same_occurrence", "--record", f"{world.id(0)},{world.id(2)}")
    assert accepted(world, done)[4] == {"records": [world.id(0), world.id(2)]}
    assert f'"records":["{world.id(0)}","{world.id(2)}"],"state"' in world.dump()


def test_a_matter(world, decide):
    done = decide("matter", "--record", world.id(0), "--name", '返品 "A\\B"')
    assert accepted(world, done)[4] == {"records": [world.id(0)], "name": '返品 "A\\B"'}
    assert '"matters":["返品 \\"A\\\\B\\""]' in world.dump()


def test_a_restriction(world, decide, database):
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into kasumori.site (tenant, site, valid_from, name, kind) "
            "values (%s, 's1', '2020-01-01', 'S', 'store') on conflict do nothing",
            (world.tenant,),
        )
    done = decide(
        "restrict", "--class", AT_B, "--scope", "s1", "--until", FAR, "--second", "suzuki"
    )  # fmt: skip
    found = accepted(world, done)
    assert found[1:3] == ("sato", "suzuki")
    assert found[4] == {
        "classes": [name(B, T0 + 2 * DAY)], "scope": ["s1"], "until": 32472111600000000,
    }  # fmt: skip
    assert '"t":"watch"' not in world.dump()
    assert world.run("tick").returncode == 0
    assert '"decision":1,"kind":"watch","reason":"expired"' in world.dump()  # B was seen in 2024


def test_a_person_is_confirmed(world, decide):
    done = decide("confirm_person", "--class", AT_A, "--until", FAR, "--second", "suzuki")
    assert accepted(world, done)[0] == "confirm_person"


def test_a_person_is_never_listed(world, decide):
    done = decide("not_listable", "--class", f"{AT_A},{AT_M}")
    assert accepted(world, done)[4] == {"classes": [name(A, T0), name(M, T0)]}


def test_an_alert_is_acknowledged(world, decide):
    done = decide("ack", "--record", world.id(2), "--rule", "repetition")
    assert accepted(world, done)[4] == {"records": [world.id(2)], "rule": "repetition"}


# -- refusals

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def dashed(record):
    return f"{record[:8]}-{record[8:12]}-{record[12:16]}-{record[16:20]}-{record[20:]}"


def test_an_unknown_record(world, decide):
    done = decide("verdict", "--record", f"{world.id(0)},{UNKNOWN}", "--value", "rejected")
    refused(world, done, f"record {UNKNOWN} is not known")


@pytest.mark.parametrize("index", [3, 5])
def test_a_record_that_says_nothing_any_more(world, decide, index):
    done = decide("matter", "--record", world.id(index), "--name", "m")
    refused(world, done, f"record {dashed(world.id(index))} is retracted or training")


def test_an_unknown_class(world, decide):
    other = class_name(token(PHONE, "z"), T0)
    done = decide("not_listable", "--class", other)
    refused(world, done, f"{other[:16]} is not known")


def test_a_class_that_was_not_there_then(world, decide):
    late = class_name(A, T0 + 4000 * DAY)
    done = decide("link", "--class", f"{late},{AT_B}")
    refused(world, done, f"{late[:16]} was not seen near that time")
    done = decide("pin_shared", "--class", late, "--value", "yes")
    refused(world, done, f"{late[:16]} was not seen near that time")


def test_a_suppression_without_an_edge(world, decide):
    done = decide("suppress", "--class", f"{AT_A},{AT_B}")
    refused(world, done, "nothing links these two classes")


def test_a_link_with_itself(world, decide):
    refused(world, decide("link", "--class", f"{AT_A},{AT_A}"), "both classes are the same")


def test_a_restriction_without_an_end(world, decide):
    done = decide("restrict", "--class", AT_B, "--second", "suzuki")
    refused(world, done, "--until is missing", code=2)
    past = "2020-01-01T00:00:00Z"
    done = decide("restrict", "--class", AT_B, "--second", "suzuki", "--until", past)
    refused(world, done, "--until: the end has passed already")


@pytest.mark.parametrize("kind", ["restrict", "confirm_person"])
def test_a_restriction_by_one_person(world, decide, kind):
    done = decide(kind, "--class", AT_B, "--until", FAR)
    refused(world, done, "--second: this decision needs a second person")
    done = decide(kind, "--class", AT_B, "--until", FAR, "--second", "Sato")
    refused(world, done, "--second: the second person is the first")


def test_a_site_that_is_none(world, decide):
    done = decide(
        "restrict", "--class", AT_B, "--until", FAR, "--second", "suzuki", "--scope", "s1,s8"
    )  # fmt: skip
    assert done.stderr.startswith("kasumori: --scope: there is no site s")
    assert world.query("select count(*) from kasumori.decision where tenant = %s") == [(0,)]


def test_a_handle_for_nobody(world, decide):
    done = decide("attach", "--record", world.id(2), "--ordinal", "7", "--handle", HANDLE)
    refused(world, done, "the record has no subject of that ordinal whom a handle could be given")


def test_a_revocation_of_nothing(world, decide):
    refused(world, decide("revoke", "--no", "9"), "there is no decision 9")


@pytest.mark.parametrize(
    ("kind", "args", "why"),
    [
        ("verdict", ("--record", "x", "--value", "rejected"), "--record: want a UUID"),
        ("verdict", ("--record", UNKNOWN, "--value", "guilty"),
         "--value: want complaint, suspected, confirmed or rejected"),
        ("pin_shared", ("--class", AT_A, "--value", "1"), "--value: want yes or no"),
        ("link", ("--class", AT_A), "--class: want two classes"),
        ("link", ("--class", "phone:1:00@2026-01-01T00:00:00Z"),
         "--class: want kind:key_id:mac, the mac as at least 8 hexadecimal digits"),
        ("link", ("--class", "phone:1:00112233"),
         "--class: want kind:key_id:mac@time, the time as RFC 3339"),
        ("same_occurrence", ("--record", UNKNOWN), "--record: want two records or more"),
        ("matter", ("--record", UNKNOWN, "--name", " "), "--name: want 1 to 256 bytes of UTF-8"),
        ("matter", ("--record", UNKNOWN, "--name", "a\tb"), "--name: holds a control character"),
        ("attach", ("--record", UNKNOWN, "--ordinal", "1", "--handle", "12"),
         "--handle: want 32 hexadecimal digits"),
        ("ack", ("--record", UNKNOWN, "--rule", "noise"),
         "--rule: want confinement, repetition, repeat_matter, cross_site or escalation"),
        ("revoke", ("--no", "0"), "--no: want a number from 1 to 9223372036854775807"),
    ],
)  # fmt: skip
def test_a_wrong_word(world, decide, kind, args, why):
    refused(world, decide(kind, *args), why)


def test_no_reason(world, decide):
    done = decide("revoke", "--no", "1", reason=" ")
    refused(world, done, "--reason: want 1 to 2048 bytes of UTF-8")


def test_an_unknown_kind(world):
    done = world.run("decide", "convict")
    assert (done.returncode, done.stdout) == (2, "")
