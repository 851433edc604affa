"""The chain that all these tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.component.monitor.reads.chain import LOGIN, Chain, Contract, add_people, feed, judge
from tests.component.monitor.service import Monitor
from tests.support.stack import Stack


@pytest.fixture(scope="package")
def chain(pg, kafka, tmp_path_factory) -> Iterator[Chain]:
    servers = SimpleNamespace(kafka=kafka, postgres=pg)
    run = tmp_path_factory.mktemp("chain")
    with Stack(servers, run / "stack") as stack:
        for site in stack.sites:
            stack.add_agent(site.site)
        stack.add_aggregator()
        feed(stack, 500, 7)
        with stack.connect() as db:
            add_people(db)
            if not db.execute("select 1 from pg_roles where rolname = %s", (LOGIN,)).fetchone():
                db.execute(f"create role {LOGIN} login in role kasumori_monitor")
        monitor = Monitor(run, pg.conninfo(stack.database, user=LOGIN))
        with monitor:
            chain = Chain(stack, monitor)
            chain.wait_correlated()
            with chain.db() as db:
                db.execute("analyze")  # as autovacuum would within a minute
            judge(chain)
            yield chain


@pytest.fixture(scope="package")
def contract() -> Contract:
    return Contract()
