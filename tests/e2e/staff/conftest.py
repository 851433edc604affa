"""Debian's Chromium on the agent's own pages. Pages end with no console error and no CSP violation."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.paths import ROOT
from tests.support.staff import FakeCenter, StaffAgent

AXE_PLACES = (
    ROOT / "services/monitor/web/node_modules/axe-core/axe.min.js",
    *sorted(Path.home().glob(".cache/kasumori/web-*/node_modules/axe-core/axe.min.js")),
)
SCREENSHOTS = Path(os.environ.get("KASUMORI_SCREENSHOTS", ROOT / "build" / "screenshots"))


@pytest.fixture(scope="session")
def axe() -> str:
    for place in AXE_PLACES:
        if place.exists():
            return place.read_text()
    raise AssertionError("axe-core is not installed: build the board once")


@pytest.fixture(scope="session")
def words() -> dict[str, dict[str, str]]:
    """What the pages say, by language."""
    module = ROOT / "services/agent/web/words.js"
    script = f"import('{module}').then(m => console.log(JSON.stringify(m.words)))"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture
def center(tmp_path: Path) -> Iterator[FakeCenter]:
    server = FakeCenter(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def agent(tmp_path: Path, center: FakeCenter) -> Iterator[StaffAgent]:
    made = StaffAgent(tmp_path / "agent", "127.0.0.1:1", lookup=center.settings()).up()
    yield made
    if made.is_alive():
        assert made.stop() == 0, made.log_tail()


@pytest.fixture
def open_page(browser: Browser, agent: StaffAgent) -> Iterator[Callable[..., Page]]:
    contexts, problems = [], []

    def make(path: str, language: str = "ja", is_phone: bool = False) -> Page:
        context = browser.new_context(
            locale="ja-JP" if language == "ja" else "en-US",
            timezone_id="Asia/Tokyo",
            viewport={"width": 390, "height": 844} if is_phone else {"width": 820, "height": 1100},
            has_touch=is_phone,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.goto(agent.url + path)
        page.wait_for_selector("main:not([hidden])")
        return page

    yield make
    for context in contexts:
        context.close()
    # A refusal that a test provokes is an error line of Chromium's own.
    strange = [p for p in problems if "Failed to load resource" not in p]
    assert not strange, strange


@pytest.fixture
def check(axe: str) -> Callable[[Page], None]:
    def run(page: Page) -> None:
        page.wait_for_timeout(50)
        client = page.context.new_cdp_session(page)
        client.send("Runtime.evaluate", {"expression": axe})  # the page's CSP lets no script in
        found = client.send(
            "Runtime.evaluate",
            {
                "expression": "axe.run(document, {resultTypes: ['violations']})"
                ".then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html)])))",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        client.detach()
        assert found["result"].get("value") == "[]", found

    return run


@pytest.fixture(scope="session")
def shoot() -> Callable[[Page, str], None]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def run(page: Page, name: str) -> None:
        size = page.viewport_size
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        page.screenshot(path=SCREENSHOTS / f"{name}.png")
        page.set_viewport_size(size)

    return run
