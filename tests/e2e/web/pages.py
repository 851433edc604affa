"""Every page and how to come to it."""

from __future__ import annotations

from tests.e2e.web.board import Board
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


def visit(board: Board, fixture: Fixture, name: str) -> None:
    """As by a bookmark, for whoever may."""
    fixture.world.role = ROLES.get(name, "headquarters")
    board.page.goto("about:blank")
    board.open(PAGES[name])
    if name in ASK_WHY:
        board.give_purpose()
    board.settle()
