# ruff: noqa: E501 (made-up rows read best as rows)
"""Every page, on made-up data: full, empty, refused, away; for keyboards, phones and the dark."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

from tests.e2e.web.board import PHONE, WEB, Board
from tests.e2e.web.fixture import SUBJECT, Fixture, uid

RECORD = uid(1)
PAGES = {
    "board": "/board",
    "incidents": "/incidents",
    "incident": f"/incidents/{RECORD}",
    "occurrence": f"/occurrences/{uid(1000)}",
    "subject": f"/subjects/{SUBJECT}",
    "alerts": "/alerts",
    "notices": "/alerts?show=notices",
    "alert": f"/alerts/{uid(600)}",
    "review": "/review",
    "lookup": "/lookup",
    "analytics": "/analytics",
    "exports": "/exports",
    "bad-records": "/bad-records",
    "audit": "/audit",
    "sheet-answers": f"/sheet-answers/{SUBJECT}",
    "sheet-police": f"/sheet-police/{RECORD}",
    "sheet-timeline": f"/sheet-timeline/{RECORD}",
}
ROLES = {"audit": "privacy"}
ASK_WHY = {"subject", "sheet-answers", "sheet-police"}
READS = {  # what a page reads, to be refused
    "board": "/now",
    "incidents": "/incidents",
    "incident": "/incidents",
    "occurrence": "/occurrences",
    "subject": "/subjects",
    "alerts": "/alerts",
    "notices": "/notices",
    "alert": "/alerts",
    "review": "/review",
    "analytics": "/stats",
    "bad-records": "/bad-records",
    "audit": "/audit",
    "sheet-answers": "/subjects",
    "sheet-police": "/incidents",
    "sheet-timeline": "/timeline",
}
HAS_EMPTY = {
    "board": "board.alerts.empty",
    "incidents": "incidents.empty",
    "subject": "links.empty",
    "alerts": "alerts.empty",
    "notices": "alerts.empty",
    "review": "review.empty",
    "analytics": "stats.empty",
    "bad-records": "bad.empty",
    "audit": "audit.empty",
}


def visit(board: Board, fixture: Fixture, name: str) -> None:
    fixture.world.role = ROLES.get(name, "headquarters")
    board.open(PAGES[name])
    if name in ROLES:
        board.page.reload()
    if name in ASK_WHY:
        board.give_purpose()
    board.settle()


def test_axe_finds_nothing_on_any_page(board: Board, fixture: Fixture):
    fixture.world.tokeniser = "http://127.0.0.1:9"
    found = {}
    for name in PAGES:
        if name in ASK_WHY:
            board.open(PAGES[name])
            board.settle()
            found[f"{name}, asking why"] = board.axe()
        visit(board, fixture, name)
        board.page.reload()  # as by a bookmark
        if name in ASK_WHY:
            board.give_purpose()
        board.settle()
        found[name] = board.axe()
        assert board.page.locator("html").get_attribute("lang") == board.lang
        assert board.page.locator("h1").count() == 1, name
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_axe_finds_nothing_in_the_dark_and_on_phones(any_board, fixture: Fixture):
    found = {}
    for colours, window in (("dark", None), ("dark", PHONE), ("light", PHONE)):
        options = {"color_scheme": colours} | ({"viewport": window} if window else {})
        board = any_board("ja", **options)
        for name in ("board", "incident", "subject", "review", "analytics", "sheet-police"):
            visit(board, fixture, name)
            found[f"{name} {colours} {window}"] = board.axe()
            width = board.page.evaluate("document.documentElement.scrollWidth")
            assert width <= board.page.viewport_size["width"], f"{name} is wider than the window"
            board.page.evaluate("location.hash = '#/board'")
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_empty_pages_say_so(board: Board, fixture: Fixture):
    fixture.world.is_empty = True
    for name, key in HAS_EMPTY.items():
        visit(board, fixture, name)
        board.sees(key)
        assert board.axe() == [], name


def test_refused_pages_show_the_problem(board: Board, fixture: Fixture):
    title = {"ja": "この操作は許可されていません", "en": "You may not do this"}[board.lang]
    for name, path in READS.items():
        fixture.world.refused = {path: (403, "forbidden")}
        visit(board, fixture, name)
        expect(board.page.get_by_role("alert").filter(has_text=title).first).to_be_visible()
    assert board.axe() == []


def test_a_page_that_is_not_there(board: Board):
    board.open("/nowhere")
    board.sees("page.unknown")
    board.link("page.home").click()
    board.is_at("board.title")


def test_roles_see_their_own_pages(board: Board, fixture: Fixture):
    expected = {
        "site": {"board", "incidents", "alerts", "analytics"},
        "supervisor": {"board", "incidents", "alerts", "review", "lookup", "analytics"},
        "admin": {"board", "analytics", "bad-records", "audit"},
    }
    for role, names in expected.items():
        fixture.world.role = role
        board.open("/board")
        board.page.reload()
        board.settle()
        links = board.page.locator("#menu a").evaluate_all("all => all.map(a => a.hash.slice(2))")
        assert set(links) == names, role


def test_the_board_says_that_headquarters_is_away_and_recovers(board: Board, fixture: Fixture):
    board.open("/board")
    board.settle()
    fixture.world.is_away = True
    board.sees("live.away")
    board.open("/incidents")
    board.sees("state.away")
    assert board.axe() == []
    fixture.world.is_away = False
    expect(board.page.locator("table.records tbody tr").first).to_be_visible(timeout=20_000)
    expect(board.page.get_by_text(board.t("state.away"))).to_have_count(0)
    expect(board.page.locator(".feed.live")).to_be_visible(timeout=20_000)


def test_old_data_stays_on_screen_while_the_api_is_away(board: Board, fixture: Fixture):
    board.open("/board")
    board.settle()
    fixture.world.refused = {"/now": (503, "unavailable")}
    fixture.world.tell("record", {"recordId": uid(2), "kind": "incident", "site": "s001", "categories": [], "startAt": ""})  # fmt: skip
    expect(board.page.locator(".stale")).to_be_visible()
    expect(board.page.locator(".figure").first).to_be_visible()
    fixture.world.refused = {}
    expect(board.page.locator(".stale")).to_have_count(0, timeout=15_000)


def test_events_go_on_after_a_break(board: Board, fixture: Fixture):
    world = fixture.world
    board.open("/board")
    expect(board.page.locator(".feed.live")).to_be_visible()
    world.tell("behind", {"records": 5})
    board.page.wait_for_timeout(300)
    world.is_away = True
    expect(board.page.locator(".feed.away")).to_be_visible()
    world.is_away = False
    expect(board.page.locator(".feed.live")).to_be_visible(timeout=20_000)
    asked = [query["after"] for kind, _, query in world.requests if kind == "EVENTS"]
    assert (asked[0], asked[-1]) == (None, "1"), asked


def test_sign_in_and_out_and_an_ended_session(board: Board, fixture: Fixture):
    fixture.world.is_signed_in = False
    board.open("/review")
    assert board.axe() == []
    board.sign_in("acme", "hq-01", "wrong")
    wrong = {"ja": "アカウントまたはパスワードが違います", "en": "Wrong account or password"}
    expect(board.page.get_by_role("alert")).to_contain_text(wrong[board.lang])
    expect(board.field("signin.password")).to_have_value("")
    board.sign_in("acme", "hq-01", "correct horse")
    board.is_at("review.title")  # where the address pointed
    fixture.world.is_signed_in = False
    board.open("/alerts")
    board.sees("signin.ended")
    expect(board.field("signin.tenant")).to_have_value("acme")
    board.sign_in("acme", "hq-01", "correct horse")
    board.is_at("alerts.title")
    board.button("session.out").click()
    expect(board.button("signin.enter")).to_be_visible()


def test_language_is_switched_and_kept(any_board):
    board = any_board("ja")
    board.open("/incidents")
    board.page.get_by_role("button", name="English").click()
    board.lang = "en"
    board.is_at("incidents.title")
    board.page.reload()
    board.is_at("incidents.title")
    assert board.page.locator("html").get_attribute("lang") == "en"
    board.page.get_by_role("button", name="日本語").click()
    board.lang = "ja"
    board.is_at("incidents.title")


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
    assert board.axe() == []
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
    board.open("/review")
    board.settle()
    board.page.get_by_label(board.t("review.all"), exact=True).check()
    form = board.panel("bulk.title", n=4)
    assert board.axe() == []
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
    assert board.axe() == []
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


@pytest.mark.parametrize("name", ["sheet-answers", "sheet-police", "sheet-timeline"])
def test_sheets_print(any_board, fixture: Fixture, name: str):
    board = any_board("ja")
    visit(board, fixture, name)
    board.page.emulate_media(media="print")
    expect(board.page.locator("#menu")).to_be_hidden()
    paper = board.page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF") and len(paper) > 10_000
    box = re.search(rb"/MediaBox ?\[ ?0 0 ([\d.]+) ([\d.]+)", paper)
    assert (round(float(box[1])), round(float(box[2]))) == (595, 842)  # A4
    text = board.page.locator(".sheet").inner_text()
    expected = {
        "sheet-answers": ("同じ用件で", "当社の最終回答", "回答は変わりません"),
        "sheet-police": ("住所", "凶器", "土下座しろ", "#9110", "50〜60歳くらい"),
        "sheet-timeline": ("カスハラ報告を受け付けました。", "判定"),
    }[name]
    assert [one for one in expected if one not in text] == []


def test_the_wall_shows_no_menu(board: Board):
    board.open("/board?wall=1")
    board.settle()
    expect(board.page.locator("#menu")).to_have_count(0)
    expect(board.page.locator(".figures")).to_be_visible()
    assert board.axe() == []


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
    assert board.axe() == []
    board.page.keyboard.press("Escape")
    expect(board.page.get_by_role("dialog")).to_have_count(0)
    expect(board.button("attach.action")).to_be_focused()


def test_the_source_is_typed_and_linted():
    for command in (["tsc", "--noEmit"], ["biome", "check", "."]):
        done = subprocess.run(
            [str(WEB / "node_modules/.bin" / command[0]), *command[1:]],
            cwd=WEB, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
