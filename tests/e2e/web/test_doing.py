# ruff: noqa: E501 (made-up rows read best as rows)
"""What people do on the pages, on made-up data: filters, verdicts, links, refusals, many at once."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.e2e.web.board import Board
from tests.e2e.web.fixture import SUBJECT, Fixture, uid
from tests.e2e.web.pages import PAGES, RECORD, visit


def test_filters_are_in_the_address(board: Board, fixture: Fixture):
    board.open("/incidents")
    board.settle()
    board.field("col.site").select_option("s003")
    expect(board.page).to_have_url(re.compile(r"#/incidents\?site=s003$"))
    board.field("col.verdict").select_option("confirmed")
    board.page.reload()
    board.settle()
    expect(board.field("col.site")).to_have_value("s003")
    asked = [query for _, path, query in fixture.world.requests if path == "/incidents"][-1]
    assert asked == {"site": "s003", "verdict": "confirmed"}
    board.button("filter.clear").click()
    expect(board.page).to_have_url(re.compile(r"#/incidents$"))


def test_a_list_goes_on(board: Board):
    board.open("/incidents")
    rows = board.page.locator("table.records tbody tr")
    expect(rows).to_have_count(20)
    board.button("action.more").click()
    expect(rows).to_have_count(40)
    board.button("action.more").click()
    expect(rows).to_have_count(60)
    expect(board.button("action.more")).to_have_count(0)


def test_words_are_behind_a_purpose(board: Board, fixture: Fixture):
    board.open(PAGES["incident"])
    board.settle()
    expect(board.page.get_by_text("土下座しろ")).to_have_count(0)
    board.button("words.show").click()
    board.give_purpose("judging")
    expect(board.page.get_by_text("土下座しろ")).to_be_visible()
    board.sees("place.demand")
    asked = [query for _, path, query in fixture.world.requests if path == f"/incidents/{RECORD}"]
    assert asked[0] == {} and asked[-1] == {"purpose": "judging"}


def test_a_verdict_is_pending_until_it_is_derived(board: Board, fixture: Fixture):
    board.open(f"/incidents/{uid(3)}")
    board.settle()
    form = board.panel("verdict.title")
    board.button("verdict.send").click()  # nothing is answered yet: the browser says so
    assert fixture.world.decisions == []
    board.judge("confirmed", "yyn", "三つ目の要素が不足", form)
    board.sees("verdict.contradiction")
    board.judge("confirmed", "yyy", "録音で確認しました", form)
    board.button("verdict.send").click()
    board.sees("decide.pending", no=42)
    history = board.panel("decisions.title")
    expect(history).to_contain_text(board.t("decisions.pending"))
    fixture.world.derive()
    board.sees("decide.done", no=42)
    expect(history.get_by_text(board.t("decisions.pending"), exact=True)).to_have_count(0)
    expect(board.page.locator(".title .badge")).to_have_text(board.t("verdict.confirmed"))
    sent = fixture.world.decisions[0]
    assert sent["elements"] == {"act": True, "beyond": True, "harm": True}


def test_no_answer_and_the_same_decision_again_counts_once(board: Board, fixture: Fixture):
    keys = []

    def drop_first(route: object) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort() if len(keys) == 1 else route.continue_()

    board.page.route("**/v1/decisions", drop_first)
    board.open(f"/incidents/{uid(3)}")
    board.settle()
    board.judge("complaint", "ynn", "ご意見", board.panel("verdict.title"))
    board.button("verdict.send").click()
    board.sees("trouble.offline")
    board.button("verdict.send").click()
    board.sees("decide.pending", no=42)
    assert len(keys) == 2 and keys[0] == keys[1]


def test_a_party_is_told_kindly(board: Board):
    board.open(f"/incidents/{uid(4)}")
    board.sees("verdict.party")
    expect(board.button("verdict.send")).to_have_count(0)


def test_attach_in_one_click(board: Board, fixture: Fixture):
    board.open(PAGES["incident"])
    board.button("attach.action").click()
    board.confirm("attach.action", "会員証で確認")
    board.sees("decide.pending", no=42)
    sent = next(body for _, path, body in fixture.world.requests if path == "/decisions")
    assert sent["kind"] == "attach" and sent["ordinal"] == 0 and sent["handle"] == SUBJECT


def test_unlink_and_relink(board: Board, fixture: Fixture):
    visit(board, fixture, "subject")
    links = board.panel("links.title")
    expect(links.locator(".reason")).not_to_be_empty()
    board.button("unlink.action").click()
    board.confirm("unlink.action", "家族の番号でした")
    fixture.world.derive()
    expect(links).to_contain_text(board.t("links.off"))
    board.button("relink.action").click()
    board.confirm("decisions.revoke", "同じ方でした")
    fixture.world.derive()
    expect(board.button("unlink.action")).to_be_visible()
    kinds = [one["kind"] for one in fixture.world.decisions]
    assert kinds == ["suppress", "revoke"]


def test_a_refusal_takes_two_people_a_scope_and_an_end(board: Board, fixture: Fixture):
    visit(board, fixture, "subject")
    board.button("restrict.propose").click()
    form = board.page.locator("form.restrict")
    send = form.get_by_role("button", name=board.t("restrict.send"), exact=True)
    expect(send).to_be_disabled()  # nothing to recognise by yet
    form.get_by_label("電話 1").check()
    form.get_by_label(re.compile("^" + board.t("decide.reason"))).fill("再三の暴言")
    assert board.axe_here() == []
    send.click()
    board.sees("proposal.open")
    proposed = fixture.world.proposals[0]["decision"]
    assert proposed["scope"] == ["s001", "s002", "s003"] and proposed["until"] > "2026"
    board.open("/review")
    board.button("proposal.approve").click()
    board.confirm("proposal.approve", "内容を確認しました")
    board.sees("decide.pending", no=42)
    board.sees("proposal.empty")


def test_bulk_review_counts_honestly(board: Board, fixture: Fixture):
    board.open("/review?kind=all")
    board.settle()
    board.page.get_by_label(board.t("review.all"), exact=True).check()
    form = board.panel("bulk.title", n=4)
    assert board.axe_here() == []
    board.judge("rejected", "ynn", "録音を確認", form)
    board.button("bulk.send", n=4).click()
    board.sees("bulk.done", n=3)
    board.sees("bulk.refused", n=1)
    party = {
        "ja": "この報告の当事者は判定できません",
        "en": "A party to the report cannot judge it",
    }
    board.page.get_by_text(party[board.lang]).wait_for()
    assert len(fixture.world.decisions) == 3
    for number in (42, 43, 44):
        board.sees("bulk.number", no=number)
    board.button("bulk.undo", n=3).click()
    board.confirm("decisions.revoke", "取り違えました")
    expect(board.button("bulk.undo", n=3)).to_have_count(0)
    assert [one["kind"] for one in fixture.world.decisions[3:]] == ["revoke"] * 3


def test_the_desk_begins_with_what_is_to_be_judged(board: Board, fixture: Fixture):
    board.open("/review")
    board.settle()
    board.sees("todo.suspected")
    asked = [query for _, path, query in fixture.world.requests if path == "/review"]
    assert asked[-1] == {"kind": "suspected"}
    board.field("review.kind").select_option("all")
    board.settle()
    asked = [query for _, path, query in fixture.world.requests if path == "/review"]
    assert asked[-1] == {}


def test_from_an_alert_to_a_record_and_back(board: Board, fixture: Fixture):
    visit(board, fixture, "alert")
    board.sees("ruleabout.repetition")
    board.sees("alert.next")
    board.sees("alert.hidden", n=1)
    board.panel("alert.rests").get_by_role("link").first.click()
    back = board.panel("incident.alerts").get_by_role("link")
    back.click()
    board.is_at("alert.title")
    visit(board, fixture, "subject")
    board.panel("finding.title").get_by_role("link").first.click()
    board.is_at("alert.title")


def test_many_sites_are_found_by_typing(board: Board, fixture: Fixture):
    fixture.world.more_sites = 5000
    board.open("/incidents")
    board.settle()
    field = board.field("col.site")
    expect(field).to_have_attribute("list", re.compile("."))
    offered = board.page.locator("datalist option")
    field.fill("分店432")
    expect(offered).to_have_count(10)
    field.fill("分店4321")
    expect(offered).to_have_count(1)
    field.press("Tab")
    expect(board.page).to_have_url(re.compile(r"#/incidents\?site=x4321$"))
    expect(field).to_have_value("分店4321 (x4321)")
    field.fill("分店")
    field.press("Tab")  # it could be any of them
    expect(field).to_have_value("分店4321 (x4321)")
    assert board.axe_here() == []
    field.fill("")
    expect(board.page).to_have_url(re.compile(r"#/incidents$"))
    board.settle()


def test_two_hundred_rows(board: Board, fixture: Fixture):
    fixture.world.page_size = 200
    board.open("/incidents")
    expect(board.page.locator("table.records tbody tr")).to_have_count(200)
    board.sees("list.first", n=200)
    assert board.is_within_the_window()


def test_days_are_asked_as_instants_of_japan(board: Board, fixture: Fixture):
    board.open("/incidents?from=2026-11-01&to=2026-11-02")
    board.settle()
    asked = [query for _, path, query in fixture.world.requests if path == "/incidents"]
    assert asked[-1] == {"from": "2026-10-31T15:00:00.000Z", "to": "2026-11-02T15:00:00.000Z"}


def test_acknowledge(board: Board, fixture: Fixture):
    visit(board, fixture, "alert")
    board.button("alert.ack").click()
    board.confirm("alert.ack", "店長に連絡済み")
    fixture.world.derive()
    board.sees("alert.acknowledged")
    assert fixture.world.decisions[0]["records"] == [uid(1), uid(4), uid(7)]


@pytest.mark.parametrize(
    ("answer", "key", "params"),
    [
        ({"state": "unknown", "lookup": {"state": "unknown"}}, "lookup.unknown", {}),
        ({"state": "unavailable", "reason": "timeout"}, "lookup.unavailable.note", {}),
        ({"state": "not_asked", "reason": "withheld"}, "withheld.withheld", {}),
        (None, "lookup.unavailable.note", {}),
        (
            {
                "state": "known",
                "lookup": {
                    "state": "known", "certainty": "same_number", "sharedNumber": True, "contacts": 4,
                    "lastContacts": [{"at": "2026-11-01T01:00:00.000000Z", "site": "s002", "channel": "phone", "matters": ["返金の件"], "judged": False}],
                    "openMatters": [], "restrictions": [],
                    "answers": [{"matter": "返金の件", "at": "2026-11-02T01:00:00.000000Z", "final": True, "site": "s001"}],
                },
            },
            "lookup.known",
            {"n": 4},
        ),
    ],
    ids=["unknown", "unavailable", "withheld", "no answer", "known"],
)  # fmt: skip
def test_look_up(board: Board, fixture: Fixture, answer: dict | None, key: str, params: dict):
    fixture.world.tokeniser = f"{fixture.url}/agent"
    asked = []

    def reply(route: object) -> None:
        asked.append(json.loads(route.request.post_data))
        route.abort() if answer is None else route.fulfill(json=answer)

    board.page.route("**/agent/v1/caller", reply)
    board.open("/lookup")
    board.field("lookup.number").fill("090-1234-5678")
    board.button("lookup.send").click()
    board.sees(key, **params)
    assert board.axe_here() == []
    assert asked == [{"number": "090-1234-5678", "purpose": "handling"}]
    assert "090" not in board.page.url
    if params:
        board.sees("lookup.shared")
        board.sees("lookup.judged.not")


def test_analytics_are_charts_and_tables(board: Board):
    board.open("/analytics?site=s002")
    board.settle()
    panels = board.page.locator("section.measure")
    expect(panels).to_have_count(9)
    for panel in panels.all():
        expect(panel.locator("svg.chart")).to_have_count(1)
        expect(panel.locator("table")).to_have_count(1)
    board.sees("stats.suppressed")


def test_export_asks_why(board: Board, fixture: Fixture):
    board.open("/exports?site=s001")
    board.settle()
    board.button("exports.start").click()
    assert not any(path.startswith("/exports") for _, path, _ in fixture.world.requests)
    board.page.locator("form select[required]").select_option("legal")
    with board.page.expect_download() as download:
        board.button("exports.start").click()
    assert download.value.suggested_filename == "kasumori-incidents.csv"
    board.sees("exports.started")
    asked = [query for _, path, query in fixture.world.requests if path.startswith("/exports")]
    assert asked == [{"site": "s001", "purpose": "legal"}]
    fixture.world.refused = {"/incidents": (403, "forbidden")}
    board.button("exports.start").click()
    expect(board.page.get_by_role("alert")).to_be_visible()


def test_everything_works_by_keyboard(board: Board, fixture: Fixture):
    """Sign-in to verdict without a pointer; what has the focus can be seen."""
    page = board.page
    board.open(f"/incidents/{uid(3)}")
    board.settle()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text(board.t("nav.skip"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("name") == "element-act":
            break
    for index in range(3):
        page.keyboard.press("Space")
        style = page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
        assert style != "none", index
        page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first verdict: a complaint
    page.keyboard.press("Tab")
    page.keyboard.type("reason")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    board.sees("decide.pending", no=42)
    assert fixture.world.decisions[0]["value"] == "complaint"


def test_a_dialog_takes_the_focus_and_gives_it_back(board: Board):
    board.open(PAGES["incident"])
    board.button("attach.action").focus()
    board.page.keyboard.press("Enter")
    expect(board.page.get_by_role("dialog")).to_be_visible()
    assert board.axe_here() == []
    board.page.keyboard.press("Escape")
    expect(board.page.get_by_role("dialog")).to_have_count(0)
    expect(board.button("attach.action")).to_be_focused()
