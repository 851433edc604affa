from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.web.board import Board, board_on
from tests.e2e.web.fixture import Fixture

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def fixture_server() -> Iterator[Fixture]:
    with Fixture() as running:
        yield running


@pytest.fixture
def fixture(fixture_server: Fixture) -> Iterator[Fixture]:
    """Its world is the test's own."""
    world = fixture_server.renew()
    yield fixture_server
    assert world.faults == []


@pytest.fixture(params=["ja", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def board(browser: Browser, fixture: Fixture, lang: str) -> Iterator[Board]:
    """On made-up data, signed in."""
    with board_on(browser, fixture.url, lang) as one:
        yield one


@pytest.fixture
def any_board(browser: Browser, fixture: Fixture) -> Iterator[Callable[..., Board]]:
    """Boards with a window, colours and a language of one's own."""
    opened = []

    def open_board(lang: str = "ja", **options: object) -> Board:
        manager = board_on(browser, fixture.url, lang, **options)
        opened.append(manager)
        return manager.__enter__()

    yield open_board
    for manager in opened:
        manager.__exit__(None, None, None)
