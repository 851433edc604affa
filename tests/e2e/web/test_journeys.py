"""What people do with the board, on a real installation: Kafka, PostgreSQL, agents, an aggregator and a
monitor. Each language has reports of its own, so that the journeys do not meet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.web.board import Board, board_on
from tests.support.paths import free_port
from tests.support.stack import Servers, Stack

JAPAN = timezone(timedelta(hours=9))
PASSWORD = "correct horse battery staple"
PEOPLE = {
    "hq-1": ("headquarters",),
    "hq-2": ("headquarters",),
    "chief": ("supervisor", "s001", "s002"),
    "officer": ("privacy",),
}


@dataclass
class Reports:
    """Of one language: somebody who came three times, to two sites, and what waits for review."""

    number: str
    repeated: list[str]
    waiting: list[str]
    typed: str


@dataclass
class Chain:
    stack: Stack
    url: str
    reports: dict[str, Reports]
    states: dict[str, object] = field(default_factory=dict)  # of browsers, by account
    looked_at: set[str] = field(default_factory=set)  # pages that axe has seen

    def state(self, browser: Browser, account: str) -> object:
        """Signed in by hand, once."""
        if account not in self.states:
            with board_on(browser, self.url, "ja") as board:
                board.open("/board")
                board.sign_in(self.stack.tenant, account, PASSWORD)
                board.is_at("board.title")
                self.states[account] = board.page.context.storage_state()
        return self.states[account]

    def send(self, site: str, hours_ago: float, **changes: object) -> str:
        at = datetime.now(UTC) - timedelta(hours=hours_ago)
        body = {
            "site": site,
            "source": "form",
            "occurredStartUs": at.isoformat(),
            "occurredEndUs": (at + timedelta(minutes=12)).isoformat(),
            "channel": "PHONE",
            "direction": "INBOUND",
            "worker": f"{site}-w007",
            "incident": {
                "categories": [
                    {"scheme": "mhlw9", "version": "2022", "code": "abuse", "assignedBy": "REPORTER"}
                ],
                "words": [{"value": "お前じゃ話にならない"}],
                "offender": {"number": 1, "sex": "MALE", "ageFrom": 50, "ageTo": 60},
                "answers": [{"matter": "返金の件", "final": True}],
            },
        } | changes  # fmt: skip
        answer = self.stack.agents[f"{site}-a"].client().post_json("/v1/records", body)
        assert answer.status == 201, answer.text
        return answer.json()["recordId"]

    def report_on(self, number: str, member: str) -> Reports:
        def person(*identifiers: tuple[str, str, str]) -> dict:
            named = [{"kind": k, "assurance": a, "value": v} for k, a, v in identifiers]
            return {"persons": [{"role": "SUBJECT", "ordinal": 0, "identifiers": named}]}

        phone = ("PHONE", "CARRIED", number)
        return Reports(
            number=number,
            repeated=[
                self.send(
                    "s001", 60, matter="R-77", **person(phone, ("MEMBER", "SCANNED", member))
                ),
                self.send("s002", 36, matter="R-77", **person(phone)),
                self.send("s001", 5, matter="R-77", **person(phone)),
            ],
            typed=self.send("s002", 3, **person(("PHONE", "TYPED", number))),
            waiting=[self.send("s002", 2 - i / 4) for i in range(3)],
        )


@pytest.fixture(scope="module")
def chain(servers: Servers, work: Path) -> Iterator[Chain]:
    stack = Stack(servers, work / "board").create()
    monitor_port, agent_port = free_port(), free_port()
    url, agent_url = f"http://127.0.0.1:{monitor_port}", f"http://127.0.0.1:{agent_port}"
    try:
        for account, (role, *sites) in PEOPLE.items():
            stack.add_account(account, role, PASSWORD, *sites)
        key = stack.folder / "lookup.key"
        stack.db_cli("machine-key", "add", "--tenant", stack.tenant, "--name", "tokeniser",
                     "--scope", "lookup", "--days", "1", "--out", key)  # fmt: skip
        for site in ("s001", "s002"):
            stack.add_agent(site)
        stack.add_agent(
            "c001",
            http={
                "address": "127.0.0.1",
                "port": agent_port,
                "unix": str(stack.folder / "c001.sock"),
            },
            lookup={"url": url, "key_file": str(key), "timeout": "2s", "allow_origin": url},
        )
        stack.add_aggregator(correlate_every="200ms")
        stack.add_monitor(
            http={"address": "127.0.0.1", "port": monitor_port}, tokeniser_url=agent_url
        )
        made = Chain(stack, url, {})
        made.reports["ja"] = made.report_on("090-1111-2222", "4000000018")
        made.reports["en"] = made.report_on("090-3333-4444", "4000000026")
        stack.wait_stored(14)
        stack.db_cli("tick", "--tenant", stack.tenant)  # refusals hold as of the clock's last tick
        yield made
        stack.stop()
    finally:
        stack.kill9()


@pytest.fixture
def reports(chain: Chain, lang: str) -> Reports:
    return chain.reports[lang]


@pytest.fixture
def hq(browser: Browser, chain: Chain, lang: str) -> Iterator[Board]:
    with board_on(browser, chain.url, lang, storage_state=chain.state(browser, "hq-1")) as board:
        yield board


def open_subject(board: Board, record: str) -> None:
    """By way of its report, once the correlator knows it."""
    link = board.link("persons.subject").first
    for _ in range(40):
        board.open(f"/incidents/{record}")
        board.settle()
        if link.count() > 0:
            break
        board.page.wait_for_timeout(250)
        board.page.reload()
    link.click()
    board.give_purpose("judging")
    board.settle()


def test_the_board_is_live(hq: Board, chain: Chain):
    hq.open("/board")
    figure = hq.page.locator(".figure").first.locator("dd").first
    expect(hq.page.locator(".feed.live")).to_be_visible()
    hq.settle()
    before = int(figure.inner_text())
    chain.send("s001", 0.3)
    expect(figure).to_have_text(str(before + 1), timeout=15_000)
    assert hq.axe_here() == []


def test_why_an_alert_is_there(hq: Board, reports: Reports):
    """From the board to what the alert rests on, and from there back to it."""
    hq.open("/board")
    alert = hq.page.locator(".alert-list a").first
    expect(alert).to_be_visible(timeout=20_000)
    expect(alert.locator(".reason")).not_to_be_empty()
    alert.click()
    hq.is_at("alert.title")
    hq.settle()
    rests = hq.panel("alert.rests")
    assert rests.get_by_role("link").count() >= 3
    assert hq.axe_here() == []
    expect(rests.locator("tbody tr").first).to_contain_text(hq.t("channel.phone"))
    rests.get_by_role("link").first.click()
    expect(hq.panel("fact.title")).to_be_visible()
    back = hq.panel("incident.alerts").get_by_role("link")
    expect(back.first).to_be_visible()
    back.first.click()
    hq.is_at("alert.title")


def test_incidents_of_a_day(hq: Board):
    """Days are asked as the API takes them: by a filter, and from the board's category."""
    today = datetime.now(JAPAN).strftime("%Y-%m-%d")
    hq.open("/incidents")
    hq.settle()
    rows = hq.page.locator("table.records tbody tr")
    every = rows.count()
    hq.field("filter.from").fill("2020-01-01")
    hq.field("filter.to").fill(today)
    hq.settle()
    expect(rows).to_have_count(every)
    hq.field("filter.to").fill("2020-01-01")
    hq.sees("incidents.empty")
    hq.open(f"/incidents?category=mhlw9:2022:abuse&from={today}")
    hq.settle()
    expect(hq.page.locator(".trouble")).to_have_count(0)


def test_from_words_to_verdict(hq: Board, reports: Reports):
    hq.open(f"/incidents/{reports.repeated[2]}")
    hq.settle()
    hq.button("words.show").click()
    hq.give_purpose("judging")
    expect(hq.page.get_by_text("お前じゃ話にならない")).to_be_visible()
    assert hq.axe_here() == []
    hq.judge("confirmed", "yyy", "録音で確認しました", hq.panel("verdict.title"))
    hq.button("verdict.send").click()
    # it may be done before anybody looks; that it waits first, test_pages.py sees
    hq.page.locator(".sent-one.done").wait_for(timeout=20_000)
    history = hq.panel("decisions.title")
    expect(history).to_contain_text("録音で確認しました")
    expect(history.get_by_text(hq.t("decisions.pending"), exact=True)).to_have_count(0)
    expect(hq.page.locator(".title .badge")).to_have_text(hq.t("verdict.confirmed"))


def test_unlink_and_relink(hq: Board, reports: Reports):
    open_subject(hq, reports.repeated[0])
    assert hq.axe_here() == []
    links = hq.panel("links.title")
    expect(links.locator(".reason").first).not_to_be_empty()
    links.get_by_role("button", name=hq.t("unlink.action"), exact=True).first.click()
    hq.confirm("unlink.action", "会員証は家族のものでした")
    hq.page.locator(".sent-one.done").first.wait_for(timeout=20_000)
    hq.page.reload()
    hq.give_purpose("judging")
    hq.settle()
    links.get_by_role("button", name=hq.t("relink.action"), exact=True).first.click()
    hq.confirm("decisions.revoke", "本人のものでした")
    hq.page.locator(".sent-one.done").first.wait_for(timeout=20_000)
    hq.page.reload()
    hq.give_purpose("judging")
    expect(links.get_by_role("button", name=hq.t("unlink.action"), exact=True)).to_be_visible()


def test_attach_in_one_click(hq: Board, reports: Reports):
    hq.open(f"/incidents/{reports.typed}")
    hq.button("attach.action").first.click()
    hq.confirm("attach.action", "折り返しで確認")
    hq.page.locator(".sent-one.done").wait_for(timeout=20_000)
    expect(hq.panel("decisions.title")).to_contain_text("折り返しで確認")


def test_bulk_review(hq: Board, reports: Reports):
    hq.open("/review?kind=suspected")
    hq.settle()
    for record in reports.waiting:
        row = hq.page.get_by_role("row").filter(
            has=hq.page.locator(f'a[href="#/incidents/{record}"]')
        )
        row.get_by_role("checkbox").check()
    hq.judge("rejected", "ynn", "通常の問い合わせでした", hq.panel("bulk.title", n=3))
    assert hq.axe_here() == []
    hq.button("bulk.send", n=3).click()
    hq.sees("bulk.done", n=3)
    tasks = hq.panel("review.tasks")
    for record in reports.waiting:
        link = tasks.locator(f'a[href="#/incidents/{record}"]')
        expect(link).to_have_count(0, timeout=20_000)
    hq.button("bulk.undo", n=3).click()
    hq.confirm("decisions.revoke", "取り違えました")
    for record in reports.waiting:
        link = tasks.locator(f'a[href="#/incidents/{record}"]')
        expect(link).to_have_count(1, timeout=20_000)


def test_a_refusal_by_two_people(hq: Board, browser: Browser, chain: Chain, reports: Reports):
    open_subject(hq, reports.repeated[1])
    hq.button("restrict.propose").click()
    form = hq.page.locator("form.restrict")
    form.get_by_role("group", name=hq.t("restrict.classes")).get_by_role("checkbox").first.check()
    form.get_by_label(re.compile("^" + hq.t("decide.reason"))).fill("再三の暴言")
    form.get_by_role("button", name=hq.t("restrict.send"), exact=True).click()
    hq.sees("proposal.other")  # not by oneself
    state = chain.state(browser, "hq-2")
    with board_on(browser, chain.url, hq.lang, storage_state=state) as second:
        second.open("/review")
        row = second.page.locator("li").filter(has_text="hq-1").first
        row.get_by_role("button", name=second.t("proposal.approve"), exact=True).click()
        second.confirm("proposal.approve", "内容を確認しました")
        second.page.locator(".sent-one.done").wait_for(timeout=20_000)
    hq.page.reload()
    hq.give_purpose("judging")
    expect(hq.button("restrict.end").first).to_be_visible()


def test_look_up_by_headquarters_own_agent(hq: Board, reports: Reports):
    hq.open("/lookup")
    hq.field("lookup.number").fill(reports.number)
    hq.button("lookup.send").click()
    known = hq.page.get_by_role(
        "heading", level=2, name=re.compile(hq.t("lookup.known", n="#").split("#")[0])
    )
    expect(known).to_be_visible()
    assert hq.axe_here() == []
    hq.field("lookup.number").fill("090-9999-0000")
    hq.button("lookup.send").click()
    hq.sees("lookup.unknown")
    hq.field("lookup.number").fill("非通知")
    hq.button("lookup.send").click()
    hq.sees("lookup.notasked")


def test_export(hq: Board, chain: Chain):
    hq.open("/exports?site=s001")
    hq.settle()
    hq.page.locator("form select[required]").select_option("legal")
    with hq.page.expect_download() as download:
        hq.button("exports.start").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and b"s001" in content
    exported = chain.stack.query("select purpose from kasumori.audit where action like 'export%%'")
    assert ("legal",) in exported


def test_sheets_of_a_real_case(hq: Board, reports: Reports):
    record = reports.repeated[0]
    hq.open(f"/sheet-police/{record}")
    hq.give_purpose("legal")
    hq.settle()
    expect(hq.page.locator(".sheet")).to_contain_text("お前じゃ話にならない")
    assert hq.axe_here() == []
    assert len(hq.page.pdf(prefer_css_page_size=True)) > 10_000
    hq.open(f"/sheet-timeline/{record}")
    hq.settle()
    expect(hq.page.locator(".sheet tbody tr").first).to_be_visible()
    assert hq.axe_here() == []
    open_subject(hq, record)
    hq.page.get_by_role("link", name=hq.t("sheet.answers"), exact=True).first.click()
    hq.settle()
    expect(hq.page.locator(".sheet")).to_contain_text("返金の件")
    assert hq.axe_here() == []


def test_figures(hq: Board):
    hq.open("/analytics")
    hq.settle()
    expect(hq.page.locator("section.measure")).to_have_count(9)
    expect(hq.page.locator(".trouble")).to_have_count(0)
    assert hq.axe_here() == []


def test_every_page_of_every_role(browser: Browser, chain: Chain, lang: str):
    """Nobody's menu leads to a refusal."""
    for account in PEOPLE:
        state = chain.state(browser, account)
        with board_on(browser, chain.url, lang, storage_state=state) as board:
            board.open("/board")
            board.is_at("board.title")
            for link in board.page.locator("#menu a").all():
                link.click()
                board.settle()
                troubles = board.page.locator(".trouble").all_inner_texts()
                assert troubles == [], (account, board.page.url)
                if board.page.url not in chain.looked_at:
                    chain.looked_at.add(board.page.url)
                    assert board.axe() == [], (account, board.page.url)


def test_a_wrong_password_and_signing_out(browser: Browser, chain: Chain, lang: str):
    with board_on(browser, chain.url, lang) as board:
        board.open("/board")
        board.sign_in(chain.stack.tenant, "chief", "no horse")
        expect(board.page.get_by_role("alert")).to_be_visible()
        board.sign_in(chain.stack.tenant, "chief", PASSWORD)
        board.is_at("board.title")
        board.page.reload()
        board.is_at("board.title")
        board.button("session.out").click()
        expect(board.button("signin.enter")).to_be_visible()
        board.page.reload()
        expect(board.button("signin.enter")).to_be_visible()


def test_files_are_kept_and_policies_given(browser: Browser, chain: Chain):
    page = browser.new_page()
    answers = {}
    page.on("response", lambda answer: answers.update({answer.url: answer}))
    page.goto(chain.url)
    page.get_by_role("button").first.wait_for()
    index = answers[f"{chain.url}/"].headers
    assert "'unsafe" not in index["content-security-policy"]
    assert index["cache-control"] == "no-cache"
    assets = [answer for url, answer in answers.items() if "/assets/" in url]
    assert len(assets) >= 2
    for answer in assets:
        headers = answer.headers
        assert "immutable" in headers["cache-control"] and headers["content-encoding"] == "gzip"
        again = page.request.get(
            answer.url, headers={"If-None-Match": headers["etag"], "Accept-Encoding": "gzip"}
        )
        assert again.status == 304
    assert page.request.get(f"{chain.url}/assets/board-000000000000.js").status == 404
    page.close()
