"""kasumori explain: examples in both languages, and what it never says."""

from __future__ import annotations

import json
import re

import pytest

from tests.model.builder import T0, History, identifier, token
from tests.model.facts import CONFIRMED, DAY, HOUR, MEMBER, MINUTE, PHONE, SCANNED, TYPED

A, B, H = (token(PHONE, name) for name in "abh")
M, X = token(MEMBER, "m"), token(MEMBER, "x")


def named(token_, at):
    return {"token": token_, "at": at}


@pytest.fixture(scope="module")
def world(worlds):
    """0 and 1 are A's, the first with M; 2 has B with M, cut; 3 is typed; 4 and 5 share H; 6 and 7
    are one occurrence, judged apart; 8 and 9 make a repetition."""
    history = History()
    a, m = identifier(PHONE, "a"), identifier(MEMBER, "m", assurance=SCANNED)
    b, h = identifier(PHONE, "b", assurance=CONFIRMED), identifier(PHONE, "h")
    history.incident(
        a, m, start=T0, span=70 * MINUTE, matter="返品\n", categories=["mhlw9:2022:abuse"]
    )
    history.contact(a, start=T0 + DAY, span=5 * MINUTE, talk=4 * MINUTE)
    history.incident(b, m, start=T0 + 2 * DAY, site="s2")
    history.incident(identifier(PHONE, "a", assurance=TYPED), start=T0 + 3 * DAY)
    history.contact(h, identifier(MEMBER, "x"), start=T0)
    history.contact(h, identifier(MEMBER, "y"), start=T0 + HOUR)
    call = history.contact(a, start=T0 + 5 * DAY, ref="r5")
    report = history.incident(start=T0 + 5 * DAY, ref="r5")
    history.incident(a, start=T0 + 6 * DAY)
    history.incident(a, start=T0 + 7 * DAY)
    history.verdict("complaint", call)
    history.verdict("confirmed", report)
    history.decide("suppress", a=named(B, T0 + 2 * DAY), b=named(M, T0))
    history.decide("link", a=named(A, T0), b=named(X, T0))
    history.policy(3, T0 + DAY, repetition_window=20 * DAY)
    return worlds(history.facts)


@pytest.fixture
def explain(world):
    def run(what, name, lang=None):
        done = world.run("explain", what, name, *(("--lang", lang) if lang else ()))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def dashed(record):
    return f"{record[:8]}-{record[8:12]}-{record[12:16]}-{record[16:20]}-{record[20:]}"


def filled(world, text):
    """@3 is the id of record 3, #a the beginning of A's token."""
    text = re.sub("@([0-9])(?![0-9])", lambda found: dashed(world.id(int(found[1]))), text)
    for name, token_ in {"#a": A, "#b": B, "#h": H, "#m": M, "#x": X}.items():
        text = text.replace(name, token_[2][:8])
    return text


def subject_name(world):
    found = [json.loads(line) for line in world.dump().splitlines()]
    (name,) = {tuple(line["subject"]) for line in found if line["t"] == "finding"}
    record, ordinal, _, key, mac = name
    return (
        f"{dashed(record)}/{ordinal}/{'member' if name[2] == MEMBER else 'phone'}:{key}:{mac[:8]}"
    )


SUBJECT_JA = """相手方 {name}
識別情報
  会員番号 member:1:#x@2024-10-04T00:00:00.000000Z  2024-10-04 09:00〜2024-10-04 09:00  記録1件
  会員番号 member:1:#m@2024-10-06T00:00:00.000000Z  2024-10-04 09:00〜2024-10-06 09:00  記録2件
  電話番号 phone:1:#a@2024-10-11T00:00:00.000000Z  2024-10-04 09:00〜2024-10-11 09:00  記録5件
ひも付けの根拠
  会員番号 member:1:#x ― 電話番号 phone:1:#a
    ひも付け: 決定 4 (somebody)
  会員番号 member:1:#m ― 電話番号 phone:1:#a
    記録 @0  カスハラ報告  2024-10-04 09:00から70分間  拠点 s1  電話  お客様から  \
(会員番号: 読み取り、電話番号: 回線からの通知)
ひも付けていない組
  会員番号 member:1:#x ― 電話番号 phone:1:#h
    記録 @4  応対  2024-10-04 09:00  拠点 s1  電話  お客様から  \
(会員番号: 回線からの通知、電話番号: 回線からの通知)
    電話番号 phone:1:#h: 共用番号のためひも付けに使わない。異なる会員番号2件と一緒に使われている(上限1件)
  会員番号 member:1:#m ― 電話番号 phone:1:#b
    記録 @2  カスハラ報告  2024-10-06 09:00  拠点 s2  電話  お客様から  \
(会員番号: 読み取り、電話番号: 確認済み)
    ひも付け解除: 決定 3 (somebody)
手入力のためひも付けていない記録(要確認)
  @3  カスハラ報告  2024-10-07 09:00  拠点 s1  電話  お客様から  電話番号
事案
"""

SUBJECT_EN = """subject {name}
identifiers
  member number member:1:#x@2024-10-04T00:00:00.000000Z  \
2024-10-04 09:00 – 2024-10-04 09:00  seen 1 time
  member number member:1:#m@2024-10-06T00:00:00.000000Z  \
2024-10-04 09:00 – 2024-10-06 09:00  seen 2 times
  phone number phone:1:#a@2024-10-11T00:00:00.000000Z  2024-10-04 09:00 – 2024-10-11 09:00  seen 5 times
links
  member number member:1:#x ― phone number phone:1:#a
    linked: decision 4 (somebody)
  member number member:1:#m ― phone number phone:1:#a
    record @0  incident  2024-10-04 09:00 for 70 min  site s1  phone  inbound  \
(member number: scanned, phone number: carried by the network)
not linked
  member number member:1:#x ― phone number phone:1:#h
    record @4  contact  2024-10-04 09:00  site s1  phone  inbound  \
(member number: carried by the network, phone number: carried by the network)
    phone number phone:1:#h: shared: links nobody; \
used with 2 different values of member number, over the cap of 1
  member number member:1:#m ― phone number phone:1:#b
    record @2  incident  2024-10-06 09:00  site s2  phone  inbound  \
(member number: scanned, phone number: confirmed)
    unlinked: decision 3 (somebody)
records not linked, because the identifier was typed (to be confirmed)
  @3  incident  2024-10-07 09:00  site s1  phone  inbound  phone number
occurrences
"""


@pytest.mark.parametrize(("lang", "wanted"), [(None, SUBJECT_JA), ("en", SUBJECT_EN)])
def test_a_subject(world, explain, lang, wanted):
    told = explain("subject", f"{world.id(1)}/1", lang)
    assert told.startswith(filled(world, wanted.format(name=subject_name(world))))
    starts = re.findall(r"^  (2024-10-\d\d 09:00)  (?:事案|occurrence)", told, re.M)
    assert starts == [f"2024-10-{day:02} 09:00" for day in (4, 5, 6, 9, 10, 11)]
    # Its name, as it is printed, finds it again.
    assert explain("subject", subject_name(world), lang) == told


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [
        ("ja", "相手方 なし\n  電話番号 phone:1:#h@2024-10-04T01:00:00.000000Z  "
         "2024-10-04 09:00〜2024-10-04 10:00  記録2件\n"
         "  共用番号のためひも付けに使わない。異なる会員番号2件と一緒に使われている(上限1件)\n"),
        ("en", "subject nobody\n  phone number phone:1:#h@2024-10-04T01:00:00.000000Z  "
         "2024-10-04 09:00 – 2024-10-04 10:00  seen 2 times\n"
         "  shared: links nobody; used with 2 different values of member number, over the cap of 1\n"),
    ],
)  # fmt: skip
def test_a_shared_number(world, explain, lang, wanted):
    name = filled(world, f"{world.id(4)}/1/phone:1:#h")
    assert explain("subject", name, lang) == filled(world, wanted)


OCCURRENCE_JA = """事案 {first}  対象外(判定が分かれている)
記録
{records}一つの事案とした理由
  同じ通話ID
  ほかは、同じ拠点・経路・相手方で時刻が近い記録
相手方ごと
  相手方 {name}
    2024-10-09 09:00  事案 {first}  記録2件  カスハラ報告あり  拠点 s1  対象外(判定が分かれている)
"""

OCCURRENCE_EN = """occurrence {first}  does not count: verdicts contradict each other
records
{records}why one occurrence
  the same call id
  otherwise: records of one site, channel and owner, close in time
parts
  subject {name}
    2024-10-09 09:00  occurrence {first}  records: 2  incident reported  sites s1  \
does not count: verdicts contradict each other
"""

RECORDS = {
    "ja": {
        6: "  @6  応対  2024-10-09 09:00  拠点 s1  電話  お客様から\n"
        "    判定: 正当な苦情・ご意見  決定 1 (somebody)\n",
        7: "  @7  カスハラ報告  2024-10-09 09:00  拠点 s1  電話  お客様から\n"
        "    判定: カスハラに該当  決定 2 (somebody)\n",
    },
    "en": {
        6: "  @6  contact  2024-10-09 09:00  site s1  phone  inbound\n"
        "    verdict: complaint  decision 1 (somebody)\n",
        7: "  @7  incident  2024-10-09 09:00  site s1  phone  inbound\n"
        "    verdict: confirmed  decision 2 (somebody)\n",
    },
}


@pytest.mark.parametrize(("lang", "wanted"), [("ja", OCCURRENCE_JA), ("en", OCCURRENCE_EN)])
def test_a_disputed_occurrence(world, explain, lang, wanted):
    order = sorted((6, 7), key=world.id)
    wanted = wanted.format(
        first=dashed(world.id(order[0])),
        name=subject_name(world),
        records="".join(RECORDS[lang][index] for index in order),
    )
    told = explain("occurrence", world.id(7), lang)
    assert told.startswith(filled(world, wanted))
    review = {"ja": "要確認: 決定 1 (somebody)が対象としていない記録 @7\n",
              "en": "to be reviewed: decision 1 (somebody) does not name record @7\n"}  # fmt: skip
    assert filled(world, review[lang]) in told


def findings(world):
    found = [json.loads(line) for line in world.dump().splitlines()]
    return {line["rule"]: line["id"] for line in found if line["t"] == "finding"}


@pytest.mark.parametrize(
    ("lang", "head", "first"),
    [
        ("ja", "規則 リピート: 20日以内に3件のカスハラ報告\n"
         "検知基準 第 3版 (2024-10-05 09:00から。最後の事案の時点のもの)\n相手方 {name}\n"
         "事案(この順に数えた)\n",
         "  1. 2024-10-04 09:00  事案 {part}  記録2件  カスハラ報告あり  拠点 s1  用件 返品?  "
         "重さ 3  検知の対象\n"),
        ("en", "rule repetition: 20 d: three incidents within it\n"
         "policy version 3 (2024-10-05 09:00 on; in force at the last occurrence)\nsubject {name}\n"
         "occurrences, as counted\n",
         "  1. 2024-10-04 09:00  occurrence {part}  records: 2  incident reported  sites s1  "
         "matters 返品?  severity 3  counts\n"),
    ],
    ids=["ja", "en"],
)  # fmt: skip
def test_a_finding(world, explain, lang, head, first):
    told = explain("finding", findings(world)["repetition"], lang)
    part = dashed(min(world.id(0), world.id(4)))  # calls of one owner at one time
    wanted = head.format(name=subject_name(world)) + first.format(part=part)
    assert told.split("\n", 1)[1].startswith(wanted)


def test_no_whole_token_is_ever_told(world, explain):
    for index in (0, 1, 2, 4, 5, 6, 8):
        told = explain("subject", f"{world.id(index)}/1") + explain("occurrence", world.id(index))
        for kind_token in (A, B, H, M, X):
            assert kind_token[2] not in told
            assert kind_token[2][:9] not in told


def test_a_look_leaves_an_audit_row(world):
    name = f"{dashed(world.id(2))}/1/member:1:{M[2][:8]}"
    done = world.run("explain", "subject", name, "--purpose", "本人からの照会")
    assert done.returncode == 0, done.stderr
    (row,) = world.query(
        "select action, role, purpose, object from kasumori.audit where tenant = %s "
        "order by audit_no desc limit 1"
    )
    assert row == ("explain.subject", "admin", "本人からの照会", dashed(world.id(2)))


@pytest.mark.parametrize(
    ("what", "name", "why"),
    [
        ("subject", "09012345678", "NAME: want a UUID"),
        ("subject", "{0}", "NAME: want RECORD/ORDINAL or RECORD/ORDINAL/KIND:KEY:MAC"),
        ("subject", "{0}/x", "NAME: want a number from 0 to 32767"),
        ("subject", "{0}/2", "the record has no such person, or one who is not its subject"),
        ("subject", "{0}/1/phone:1:00000000", "phone:1:00000000 is not known"),
        ("subject", "{0}/1/phone:1:" + B[2][:8], "the record does not link by that token"),
        ("subject", "0" * 32 + "/1", "the record is not known"),
        ("occurrence", "0" * 32, "no record of that id is known and in use"),
        ("finding", "0" * 32, "there is no finding of that id"),
    ],
)
def test_what_there_is_not(world, what, name, why):
    done = world.run("explain", what, name.format(world.id(0)))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"kasumori: {why}\n")


def test_a_third_language(world):
    done = world.run("explain", "finding", "0" * 32, "--lang", "fr")
    assert done.stderr == "kasumori: --lang: want ja or en\n"
