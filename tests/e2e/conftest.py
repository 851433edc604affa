"""One Kafka and one PostgreSQL for the whole session; each test that asks for `stack` gets an
installation of its own on them: fresh database, topics and keys."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.paths import BUILD
from tests.support.stack import Servers, Stack


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, one for all: Playwright starts once a process. As root a container has no
    namespace to make a sandbox of; nothing but our own pages is opened."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium",
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def work() -> Path:
    folder = BUILD / "e2e"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def servers(work: Path) -> Iterator[Servers]:
    with Servers(work / "servers") as running:
        yield running


def _end(stack: Stack) -> None:
    try:
        stack.stop()
    finally:
        stack.kill9()
        stack.servers.postgres.dropdb(stack.database)
        for topic in (
            stack.topic_records,
            stack.topic_health,
            stack.topic_alerts,
            stack.topic_watch,
        ):
            stack.servers.kafka.delete_topic(topic)


@pytest.fixture
def stack(request: pytest.FixtureRequest, servers: Servers, work: Path) -> Iterator[Stack]:
    # Short: a Unix socket's path, with wherever the tree is cloned to before it, has 107 bytes.
    name = re.sub(r"\W+", "_", request.node.name)[:24]
    while (work / name).exists():
        name += "_"
    made = Stack(servers, work / name, lanes=1).create()
    yield made
    _end(made)


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest, servers: Servers, work: Path) -> Iterator[Stack]:
    """For tests that only add to it: one agent at s001 and an aggregator."""
    made = Stack(servers, work / request.module.__name__.rpartition(".")[2]).create()
    try:
        made.add_agent("s001")
        made.add_aggregator()
        yield made
    finally:
        _end(made)


@pytest.fixture
def report() -> Callable[..., dict]:
    return make_report


def make_report(**changes: object) -> dict:
    """A hand-written report of site s001."""
    body = {
        "site": "s001",
        "source": "form",
        "occurredStartUs": "2026-04-01T10:00:00+09:00",
        "occurredEndUs": "2026-04-01T10:20:00+09:00",
        "channel": "PHONE",
        "direction": "INBOUND",
        "worker": "s001-w007",
        "persons": [
            {
                "role": "SUBJECT",
                "ordinal": 0,
                "identifiers": [
                    {"kind": "PHONE", "assurance": "CARRIED", "value": "090-1234-5678"}
                ],
            }
        ],
        "incident": {
            "categories": [
                {"scheme": "mhlw9", "version": "2022", "code": "abuse", "assignedBy": "REPORTER"}
            ],
            "words": [{"value": "お前じゃ話にならない"}],
        },
    }
    body.update(changes)
    return {key: value for key, value in body.items() if value is not None}
