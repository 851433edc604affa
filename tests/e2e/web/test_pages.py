# ruff: noqa: E501 (made-up rows read best as rows)
"""Every page, on made-up data: full, empty, refused, away; for phones, papers and the dark."""

from __future__ import annotations

import re
import subprocess

import pytest
from playwright.sync_api import expect

from tests.e2e.web.board import DESK, PHONE, WEB, Board
from tests.e2e.web.fixture import Fixture, uid
from tests.e2e.web.pages import ASK_WHY, PAGES, visit

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


SCREENS = {
    "ja light": ("ja", {}),
    "en dark": ("en", {"color_scheme": "dark"}),
    "ja dark phone": ("ja", {"color_scheme": "dark", "viewport": PHONE}),
}


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_any_page(any_board, fixture: Fixture, screen: str):
    """Each page in each language, in the light and in the dark, and on a phone."""
    lang, options = SCREENS[screen]
    board = any_board(lang, **options)
    fixture.world.tokeniser = "http://127.0.0.1:9"
    found = {}
    for name in PAGES:
        if name in ASK_WHY:
            board.open(PAGES[name])
            board.settle()
            found[f"{name}, asking why"] = board.axe()
        visit(board, fixture, name)
        found[name] = board.axe()
        assert board.page.locator("html").get_attribute("lang") == lang
        assert board.page.locator("h1").count() == 1, name
        assert board.is_within_the_window(), f"{name} is wider than the window"
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_pages_reflow_when_they_are_enlarged(any_board, fixture: Fixture):
    """A desk's window at 200 %, with names that find no place to break."""
    board = any_board("ja", viewport={"width": DESK["width"] // 2, "height": DESK["height"] // 2})
    fixture.world.site_suffix = "ショッピングセンターインターナショナルアネックス"
    for name in PAGES:
        visit(board, fixture, name)
        assert board.is_within_the_window(), f"{name} is wider than the window"


def test_no_link_of_the_board_leads_to_a_refusal(any_board, fixture: Fixture):
    board = any_board("ja")
    for role in ("site", "supervisor", "headquarters", "privacy", "admin"):
        fixture.world.role = role
        board.page.goto("about:blank")
        board.open("/board")
        board.settle()
        links = board.page.locator("main a").evaluate_all("all => all.map(a => a.hash.slice(1))")
        pages = {link.split("?")[0].split("/")[1]: link for link in links}
        assert pages.keys() >= ({"board"} if role == "admin" else {"board", "incidents", "alerts"})
        for link in pages.values():
            board.open(link)
            board.settle()
            expect(board.page.get_by_text(board.t("page.forbidden"))).to_have_count(0)


def test_empty_pages_say_so(board: Board, fixture: Fixture):
    fixture.world.is_empty = True
    for name, key in HAS_EMPTY.items():
        visit(board, fixture, name)
        board.sees(key)
        assert board.axe_here() == [], name


def test_refused_pages_show_the_problem(board: Board, fixture: Fixture):
    title = {"ja": "この操作は許可されていません", "en": "You may not do this"}[board.lang]
    for name, path in READS.items():
        fixture.world.refused = {path: (403, "forbidden")}
        visit(board, fixture, name)
        expect(board.page.get_by_role("alert").filter(has_text=title).first).to_be_visible()
    assert board.axe_here() == []


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
    assert board.axe_here() == []
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
    assert board.axe_here() == []
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
        "sheet-timeline": ("カスハラ報告", "本町店", "判定: カスハラに該当"),
    }[name]
    assert [one for one in expected if one not in text] == []


def test_the_wall_shows_no_menu(board: Board):
    board.open("/board?wall=1")
    board.settle()
    expect(board.page.locator("#menu")).to_have_count(0)
    expect(board.page.locator(".figures")).to_be_visible()
    assert board.axe_here() == []


def test_the_source_is_typed_and_linted():
    for command in (["tsc", "--noEmit"], ["biome", "check", "."]):
        done = subprocess.run(
            [str(WEB / "node_modules/.bin" / command[0]), *command[1:]],
            cwd=WEB, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
