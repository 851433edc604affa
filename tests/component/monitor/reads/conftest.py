"""The chain that all these tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.component.monitor.reads.asking import LISTS
from tests.component.monitor.reads.chain import (
    LOGIN,
    Chain,
    add_people,
    feed,
    judge,
    report_without_identifiers,
)
from tests.component.monitor.service import Monitor
from tests.model.effective import effective, in_force
from tests.model.facts import read
from tests.support.contract import Contract
from tests.support.facts import read_facts
from tests.support.stack import Stack

MEASURES = (
    "trend",
    "types",
    "sites",
    "hours",
    "weekdays",
    "trades",
    "repeat",
    "staff_minutes",
    "verdict_time",
)


@pytest.fixture(scope="package")
def chain(pg, kafka, tmp_path_factory) -> Iterator[Chain]:
    servers = SimpleNamespace(kafka=kafka, postgres=pg)
    run = tmp_path_factory.mktemp("chain")
    with Stack(servers, run / "stack") as stack:
        for site in stack.sites:
            stack.add_agent(site.site)
        stack.add_aggregator()
        feed(stack, 500, 7)
        report_without_identifiers(stack)
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


@pytest.fixture(scope="package")
def paths(chain) -> list[str]:
    """One path for each thing that can be looked at."""
    hq = chain.client("headquarters")
    alerts = hq.get("/v1/alerts?limit=200").json()["items"]
    alert = next(alert for alert in alerts if "subject" in alert)
    records = [
        row[0]
        for row in chain.rows(
            "select distinct on (kind, replaces) coalesce(target_id, record_id) from kasumori.record "
            "where kind in (1, 2) or replaces in (1, 2)"
        )
    ]
    single = [
        f"/v1/subjects/{alert['subject']}?purpose=test",
        f"/v1/alerts/{alert['alert']}",
        *(f"/v1/incidents/{record}" for record in records),
        *(f"/v1/incidents/{record}?purpose=test" for record in chain.judged.values()),
        *(
            f"/v1/occurrences/{row[0]}"
            for row in chain.rows(
                "select occurrence from kasumori.occurrence_record group by 1 order by count(*) desc "
                "limit 3"
            )
        ),
        *(f"/v1/timeline/{record}" for record in chain.judged.values()),
    ]
    return [
        "/v1/now",
        "/v1/sites",
        "/v1/agents",
        "/v1/categories",
        "/v1/policies",
        "/v1/session",
        *(f"/v1/{name}?limit=200" for name in LISTS),
        *(f"/v1/stats/{measure}" for measure in MEASURES),
        *(f"/v1/stats/{measure}?site=s001&from=2020-01-01" for measure in MEASURES),
        *(f"/v1/stats/{measure}?category=mhlw9:2022:abuse" for measure in MEASURES),
        *single,
    ]


@pytest.fixture(scope="package")
def records(chain):
    """Effective records by the model, from the facts."""
    with chain.db() as db:
        facts = read(read_facts(db, "acme"))
    return effective(facts, in_force(facts)).records
