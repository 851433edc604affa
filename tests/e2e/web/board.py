"""The board as a person uses it: a Chromium page, and the board's own words to find things by."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.paths import ROOT

WEB = ROOT / "services/monitor/web"
DESK = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}
LOCALES = {"ja": "ja-JP", "en": "en-GB"}
LINE = re.compile(r'^\s+"([^"]+)":\s*("(?:[^"\\]|\\.)*"),$', re.M)


@functools.cache
def words(lang: str) -> dict[str, str]:
    text = (WEB / f"src/words/{lang}.ts").read_text()
    return {key: json.loads(value) for key, value in LINE.findall(text)}


@functools.cache
def axe_source() -> str:
    return (WEB / "node_modules/axe-core/axe.min.js").read_text()


class Board:
    def __init__(self, page: Page, url: str, lang: str):
        self.page, self.url, self.lang = page, url, lang
        self.troubles: list[str] = []  # what the browser complained of
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def _on_console(self, message: object) -> None:
        # A refused request is reported too; the pages show those themselves.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.troubles.append(message.text)

    def t(self, key: str, **params: object) -> str:
        text = words(self.lang)[key]
        return re.sub(r"\{(\w+)\}", lambda match: str(params[match[1]]), text)

    def open(self, path: str = "/board") -> None:
        self.page.goto(f"{self.url}/#{path}")

    # -- finding

    def button(self, key: str, **params: object) -> Locator:
        return self.page.get_by_role("button", name=self.t(key, **params), exact=True)

    def link(self, key: str) -> Locator:
        return self.page.get_by_role("link", name=self.t(key), exact=True)

    def panel(self, key: str, **params: object) -> Locator:
        return self.page.get_by_role("region", name=self.t(key, **params), exact=True)

    def field(self, key: str) -> Locator:
        """By its label's own text; a hint and options are part of what the label holds."""
        label = self.page.locator("span").get_by_text(self.t(key), exact=True)
        fields = self.page.locator("label.field").filter(has=label)
        return fields.locator("input, select, textarea")

    def sees(self, key: str, **params: object) -> None:
        expect(self.page.get_by_text(self.t(key, **params)).first).to_be_visible()

    def is_at(self, key: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=self.t(key))).to_be_visible()

    # -- doing

    def sign_in(self, tenant: str, account: str, password: str) -> None:
        self.field("signin.tenant").fill(tenant)
        self.field("signin.account").fill(account)
        self.field("signin.password").fill(password)
        self.button("signin.enter").click()

    def give_purpose(self, purpose: str = "judging") -> None:
        form = self.page.locator("form.purpose")
        form.get_by_label(self.t(f"purpose.{purpose}"), exact=True).check()
        form.get_by_role("button", name=self.t("purpose.show"), exact=True).click()

    def judge(self, verdict: str, elements: str, reason: str, scope: Locator | None = None) -> None:
        """elements: "yyn", one letter each."""
        scope = scope or self.page
        for name, answer in zip(("act", "beyond", "harm"), elements, strict=True):
            row = scope.get_by_role("row").filter(has_text=self.t(f"element.{name}"))
            key = "answer.yes" if answer == "y" else "answer.no"
            row.get_by_label(self.t(key), exact=True).check()
        scope.get_by_label(self.t(f"verdict.{verdict}"), exact=True).check()
        scope.get_by_label(re.compile("^" + self.t("decide.reason"))).fill(reason)

    def confirm(self, key: str, reason: str) -> None:
        """In the dialog that asks why."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label(re.compile("^" + self.t("decide.reason"))).fill(reason)
        dialog.get_by_role("button", name=self.t(key), exact=True).click()
        expect(dialog).to_have_count(0)

    # -- judging the page itself

    def axe(self) -> list[str]:
        """What axe finds, one line each."""
        self.page.evaluate(axe_source())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']}: {node['html'][:160]}: {node.get('failureSummary', '')[:200]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def axe_here(self) -> list[str]:
        """Of a state of a page: in one language, since axe does not read what words say."""
        return self.axe() if self.lang == "ja" else []

    def is_within_the_window(self) -> bool:
        width = self.page.evaluate("document.documentElement.scrollWidth")
        return width <= self.page.viewport_size["width"]

    def settle(self) -> None:
        """Until nothing is loading."""
        expect(self.page.locator("main")).to_be_visible()
        expect(self.page.locator(".loading")).to_have_count(0)


def new_context(browser: Browser, lang: str, **options: object) -> BrowserContext:
    options = {"viewport": DESK, "reduced_motion": "reduce"} | options
    context = browser.new_context(locale=LOCALES[lang], timezone_id="Asia/Tokyo", **options)
    context.set_default_timeout(10_000)
    return context


@contextmanager
def board_on(browser: Browser, url: str, lang: str, **options: object) -> Iterator[Board]:
    """Ends with a failure when the browser complained, of the policy for one."""
    context = new_context(browser, lang, **options)
    try:
        board = Board(context.new_page(), url, lang)
        yield board
        assert board.troubles == []
    finally:
        context.close()
