"""How far a report is: the agent asks headquarters beside the form, and never waits for it."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from tests.component.staff.test_form import report
from tests.support.process import wait_until

TOPIC = "review.records.v1"


@pytest.fixture(scope="module")
def topic(broker) -> str:
    broker.create_topic(TOPIC, 1, {"message.timestamp.type": "LogAppendTime"})
    return TOPIC


@pytest.fixture
def page(broker, topic, center, start, open_page):
    agent = start(broker.bootstrap, topic, lookup=center.settings())
    made = open_page(agent)
    made.agent = agent
    return made


def say(center, **states: str) -> None:
    """What headquarters answers: the state of each that it is asked for and knows."""

    def answer() -> tuple[int, bytes]:
        records = [r for r in center.asked[-1]["records"] if r in states]
        items = [{"record": record, "state": states[record]} for record in records]
        return 200, json.dumps({"items": items}).encode()

    center.answer = answer


def ask(page, receipt: str, **more: str) -> dict:
    answer = page.post("/form/v1/receipt", {"receipt": receipt, **more})
    assert answer.status == 200, answer.text
    return answer.json()


def reaches(page, receipt: str, state: str, is_current: bool = True) -> None:
    wait_until(
        lambda: (lambda a: (a["state"], a["isCurrent"]))(ask(page, receipt)) == (state, is_current),
        f"{receipt} is {state}", 30, every_s=0.2,
    )  # fmt: skip


def file_report(page) -> tuple[str, str]:
    answer = page.post("/form/v1/reports", report())
    assert answer.status == 201, answer.text
    receipt = answer.json()["receipt"]
    wait_until(lambda: ask(page, receipt)["state"] != "stored", "delivered", 30)
    return receipt, answer.json()["recordId"]


def test_from_stored_to_judged(page, center):
    say(center)
    receipt, record = file_report(page)
    assert ask(page, receipt)["isYours"] is False
    reaches(page, receipt, "delivered")  # headquarters spoke, and has not got it yet
    for told, shown in (
        ("received", "delivered"),
        ("in_review", "in_review"),
        ("judged", "judged"),
        ("withdrawn", "withdrawn"),
    ):
        say(center, **{record: told})
        reaches(page, receipt, shown)
    assert {q["path"] for q in center.asked} == {"/v1/receipts"}
    assert all(q.keys() == {"path", "site", "records"} for q in center.asked)
    assert {(q["site"], *q["records"]) for q in center.asked} == {("s001", record)}
    assert set(center.keys) == {"Bearer machine-key-of-s001"}


def test_many_are_asked_together_and_seldom(page, center):
    made = [page.post("/form/v1/reports", report()).json() for _ in range(5)]
    known = [(one["receipt"], one["recordId"]) for one in made]
    say(center, **{record: "in_review" for _, record in known})
    center.delay_s = 1  # the first question is on its way while the others are wanted
    drained = "kasumori_agent_spool_undelivered"
    wait_until(lambda: page.agent.metric(drained) == 0, "drained", 30)
    wait_until(
        lambda: {"in_review"} == {ask(page, receipt)["state"] for receipt, _ in known},
        "all are in review", 30, every_s=0.2,
    )  # fmt: skip
    assert max(len(q["records"]) for q in center.asked) > 1
    before = len(center.asked)
    for _ in range(20):
        ask(page, known[0][0])
    assert len(center.asked) <= before + 1


def test_a_form_does_not_wait_for_headquarters(page, center):
    center.delay_s = 2
    receipt, _ = file_report(page)
    began = time.monotonic()
    for _ in range(5):
        assert (ask(page, receipt)["state"], ask(page, receipt)["isCurrent"]) == (
            "delivered",
            False,
        )
        assert page.post("/form/v1/reports", report()).status == 201
    assert time.monotonic() - began < 2


def test_headquarters_away(page, center):
    say(center)
    receipt, _ = file_report(page)
    center.stop()
    time.sleep(0.2)
    began = time.monotonic()
    assert ask(page, receipt)["state"] == "delivered"
    assert page.post("/form/v1/reports", report()).status == 201
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda record: {"items": [{"record": record, "state": "confirmed"}]},
        lambda record: {"items": [{"record": record}]},
        lambda record: {"items": [{"record": record, "state": "judged"}, {"record": "x"}]},
        lambda record: {
            "items": [
                {"record": record, "state": "judged"},
                {"record": str(uuid.uuid4()), "state": "judged"},  # was not asked
            ]
        },
        lambda record: {"record": record, "state": "judged"},
        lambda record: [record],
    ],
)
def test_an_odd_answer_is_no_answer(page, center, answer):
    receipt, record = file_report(page)
    center.answer = lambda: (200, json.dumps(answer(record)).encode())
    before = len(center.asked)
    wait_until(
        lambda: ask(page, receipt) and len(center.asked) > before, "it was asked", 30, every_s=0.2
    )
    time.sleep(0.3)
    assert (ask(page, receipt)["state"], ask(page, receipt)["isCurrent"]) == ("delivered", False)


def test_a_key_without_the_scope_is_told_once(page, center):
    center.answer = lambda: (403, b"{}")
    receipt, _ = file_report(page)
    wait_until(lambda: ask(page, receipt) and center.asked, "it was asked", 30, every_s=0.2)
    time.sleep(0.3)
    for _ in range(10):
        assert ask(page, receipt)["isCurrent"] is False
    assert len(center.asked) == 1
    assert page.agent.log_text().count("lacks the scope receipt") == 1


def test_an_addition_may_lag_behind_its_report(page, center, broker):
    say(center)
    receipt, record = file_report(page)
    say(center, **{record: "in_review"})
    reaches(page, receipt, "in_review")
    broker.stop()
    form_id = str(uuid.uuid4())
    more = {"formId": form_id, "receipt": receipt, "words": "続き"}
    assert page.post("/form/v1/supplements", more).status == 201
    assert ask(page, receipt, formId=form_id)["state"] == "stored"
    assert ask(page, receipt)["state"] == "in_review"
    broker.start()
    wait_until(
        lambda: ask(page, receipt, formId=form_id)["state"] == "in_review", "it is there", 60
    )
