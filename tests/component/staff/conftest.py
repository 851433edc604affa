"""A broker of this module's own (it is stopped and started), agents and pages that end with a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.kafka import Kafka
from tests.support.staff import FakeCenter, Page, StaffAgent

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., StaffAgent]]:
    agents: list[StaffAgent] = []

    def make(brokers: str = NOWHERE, topic: str = "kasumori.records.v1", **changes) -> StaffAgent:
        agents.append(StaffAgent(tmp_path / f"agent{len(agents)}", brokers, topic, **changes))
        return agents[-1].up()

    yield make
    for agent in agents:
        if agent.is_alive():
            assert agent.stop() == 0, agent.log_tail()  # a leak found by LeakSanitizer, too


@pytest.fixture
def open_page() -> Iterator[Callable[[StaffAgent], Page]]:
    pages: list[Page] = []

    def make(agent: StaffAgent) -> Page:
        pages.append(Page(agent))
        return pages[-1]

    yield make
    for page in pages:
        page.close()


@pytest.fixture
def center(tmp_path: Path) -> Iterator[FakeCenter]:
    server = FakeCenter(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Kafka]:
    with Kafka(folder / "staff-kafka") as server:
        yield server
