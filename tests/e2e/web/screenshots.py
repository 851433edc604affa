"""The pictures of docs/screenshots, from made-up data.

python -m tests.e2e.web.screenshots
"""

from __future__ import annotations

import shutil

from playwright.sync_api import sync_playwright

from tests.e2e.web.board import PHONE, board_on
from tests.e2e.web.fixture import SUBJECT, Fixture, uid
from tests.support.paths import ROOT

FOLDER = ROOT / "docs/screenshots"
WINDOW = {"width": 1280, "height": 860}
PICTURES = (
    ("board-ja", "ja", "/board", WINDOW),
    ("board-en", "en", "/board", WINDOW),
    ("board-phone-ja", "ja", "/board", PHONE),
    ("alert-ja", "ja", f"/alerts/{uid(600)}", WINDOW),
    ("incident-ja", "ja", f"/incidents/{uid(1)}", WINDOW),
    ("subject-ja", "ja", f"/subjects/{SUBJECT}", WINDOW),
    ("review-ja", "ja", "/review", WINDOW),
    ("analytics-ja", "ja", "/analytics", WINDOW),
    ("police-sheet-ja", "ja", f"/sheet-police/{uid(1)}", WINDOW),
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Fixture() as fixture, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        fixture.world.tokeniser = "http://127.0.0.1:9"
        for name, lang, path, window in PICTURES:
            with board_on(browser, fixture.url, lang, viewport=window) as board:
                board.open(path)
                board.page.locator("#main h1").wait_for()
                if board.page.locator("form.purpose").count() > 0:
                    board.give_purpose("judging")
                board.settle()
                board.page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
