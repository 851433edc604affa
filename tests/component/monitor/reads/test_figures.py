"""Every figure under every filter against a recount of the facts, over rows made by the migration's SQL
and over rows that the correlator kept by steps."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from types import SimpleNamespace
from urllib.parse import urlencode

import psycopg
import pytest

from tests.bench.history_rows import Loader
from tests.component.monitor.reads.chain import LOGIN
from tests.component.monitor.service import Client, Monitor
from tests.support.figures import MEASURES, Figures, difference, is_narrow
from tests.support.paths import ROOT

TENANT, RECORDS, TOKENS = "acme", 6_000, 20  # few tokens: many come again
SEEN = ("s0000", "s0003", "s0042")
CATEGORY_FILTERS = ({}, {"category": "mhlw9:2022:abuse"}, {"category": "mhlw9:2022:sexual"})
FIRST_VIEW = ROOT / "deploy/postgres/migrations/0021_analytics.sql"


@pytest.fixture(scope="module")
def loaded(database, kasumori, pg, tmp_path_factory) -> Iterator[SimpleNamespace]:
    loader = Loader(database, RECORDS, TENANT)
    loader.words["tokens"] = TOKENS
    loader.load()
    with psycopg.connect(database) as db:
        if not db.execute("select 1 from pg_roles where rolname = %s", (LOGIN,)).fetchone():
            db.execute(f"create role {LOGIN} login in role kasumori_monitor")
        db.execute(  # some are judged again, alike
            "insert into kasumori.decision (tenant, kind, made_by, reason, body) "
            "select tenant, kind, 'again', reason, body from kasumori.decision "
            "where tenant = %s and mod(decision_no, 5) = 0 order by decision_no",
            (TENANT,),
        )
        figures = Figures(db, TENANT)
        name = db.info.dbname
    monitor = Monitor(tmp_path_factory.mktemp("figures"), pg.conninfo(name, user=LOGIN))
    with monitor:
        yield SimpleNamespace(
            database=database, monitor=monitor, figures=figures, size=loader.size, kasumori=kasumori
        )


def sign_in(loaded, *sites: str) -> Client:
    token, account = secrets.token_hex(32), f"reader-{secrets.token_hex(4)}"
    with psycopg.connect(loaded.database) as db:
        db.execute(
            "insert into kasumori.account (tenant, account, name, role, sites) "
            "values (%s, %s, %s, %s, %s)",
            (TENANT, account, account, "supervisor" if sites else "headquarters", list(sites)),
        )
        db.execute(
            "insert into kasumori.session (tenant, token_hash, account, expires_at) "
            "values (%s, %s, %s, now() + interval '1 day')",
            (TENANT, hashlib.sha256(token.encode()).digest(), account),
        )
    return Client(loaded.monitor, cookie=token)


def spans(first: date, last: date) -> list[dict[str, str]]:
    """All, what the page opens with, a month, and ranges that begin or end within one, or both."""
    month = (first + timedelta(days=40)).replace(day=1)
    following = (month + timedelta(days=31)).replace(day=1)
    ranges = [
        (first, last),
        (last - timedelta(days=89), last),
        (month, following - timedelta(days=1)),
        (month + timedelta(days=4), month + timedelta(days=4)),
        (month + timedelta(days=20), following + timedelta(days=9)),
        (month - timedelta(days=20), following - timedelta(days=1)),
        (month, following + timedelta(days=9)),
    ]
    return [{"from": str(low), "to": str(high)} for low, high in ranges]


def wrong_answers(client: Client, figures: Figures, asked, visible: tuple[str, ...] = ()):
    """What differs, and how many cells were told and hidden."""
    wrong, told, hidden = [], 0, 0
    for measure, filters in asked:
        answer = client.get(f"/v1/stats/{measure}?{urlencode(filters)}")
        assert answer.status == 200, (measure, filters, answer.body)
        rows = answer.json()["rows"]
        hidden += sum(row.get("suppressed", False) for row in rows)
        told += sum(row.get("incidents", 0) > 0 for row in rows)
        found = difference(
            answer.json(),
            figures.answer(measure, filters, visible),
            is_narrow(measure, filters, visible),
        )
        if found:
            wrong.append((measure, filters, found))
    return wrong, told, hidden


def questions(ranges, places, categories=CATEGORY_FILTERS):
    for measure, span, place, category in product(MEASURES, ranges, places, categories):
        yield measure, span | place | category


def test_figures_equal_a_recount(loaded):
    first = loaded.size.first
    ranges = spans(first, first + timedelta(days=loaded.size.days - 1))
    trade = loaded.figures.sites["s0042"]
    places = ({}, {"site": "s0003"}, {"trade": trade}, {"trade": trade, "site": "s0042"})
    wrong, told, hidden = wrong_answers(sign_in(loaded), loaded.figures, questions(ranges, places))
    assert not wrong, (len(wrong), wrong[:3])
    assert told > 1_000 and hidden > 500
    assert sum(one.is_repeat for one in loaded.figures.told) > 20
    assert len(loaded.figures.verdicts) > 50


@pytest.mark.parametrize("visible", [SEEN, SEEN[:1]])
def test_figures_of_sites_that_one_may_see(loaded, visible):
    first = loaded.size.first
    ranges = spans(first, first + timedelta(days=loaded.size.days - 1))[:2]
    places = ({}, {"site": "s0000"}, {"site": "s0001"})
    asked = questions(ranges, places)
    wrong, told, _ = wrong_answers(sign_in(loaded, *visible), loaded.figures, asked, visible)
    assert not wrong, (len(wrong), wrong[:3])
    assert told > 5


def test_loaded_rows_are_what_the_correlator_makes(loaded):
    done = loaded.kasumori("rebuild", "--database", loaded.database, "--verify", "--tenant", TENANT)
    tables = {line.split()[0] for line in done.stdout.splitlines()}
    assert not [table for table in tables if "rollup" in table or "verdict" in table], done.stdout
    with psycopg.connect(loaded.database) as db:  # and would say so
        db.execute("update kasumori.rollup_repeat set repeats = repeats + 1 where span = 'month'")
    done = loaded.kasumori("rebuild", "--database", loaded.database, "--verify", "--tenant", TENANT)
    assert "rollup_repeat differs" in done.stdout
    with psycopg.connect(loaded.database) as db:
        db.execute("select kasumori.fill_figures(%s)", (TENANT,))


def test_figures_over_rows_kept_by_steps(chain):
    with chain.db() as db:
        figures = Figures(db, "acme")
        low, high = db.execute(
            "select min(occurred_start)::date - 1, max(occurred_start)::date + 1 from kasumori.record"
        ).fetchone()
        categories = [
            {"category": row[0]}
            for row in db.execute(
                "select category from kasumori.rollup_day where category <> '' "
                "group by 1 order by sum(incidents) desc limit 2"
            )
        ]
    months = {"from": str(low.replace(day=1)), "to": str(high + timedelta(days=40))}
    middle = low + (high - low) / 2
    ranges = [months, {"from": str(low), "to": str(high)}, {"from": str(middle), "to": str(high)}]
    places = [{}, *({"site": site} for site in sorted(figures.sites)[:2])]
    asked = questions(ranges, places, [{}, *categories])
    wrong, told, _ = wrong_answers(chain.client("headquarters"), figures, asked)
    assert not wrong, (len(wrong), wrong[:3])
    assert told > 100 and len(figures.verdicts) == 5


def test_first_verdicts_are_as_first_defined(loaded):
    """The view was written anew to be quick."""
    text = FIRST_VIEW.read_text()
    begin = text.index("create view analytics.verdict")
    first = text[begin : text.index(";", begin)].replace("view analytics.verdict", "temp view slow")
    with psycopg.connect(loaded.database) as db:
        db.execute("select set_config('kasumori.tenant', %s, true)", (TENANT,))
        db.execute(first.replace(" with (security_invoker = true)", ""))
        count, firsts = db.execute(
            "select count(*), count(*) filter (where is_first) from slow"
        ).fetchone()
        for one, other in (("slow", "analytics.verdict"), ("analytics.verdict", "slow")):
            rows = db.execute(f"select * from {one} except all select * from {other}").fetchall()
            assert not rows
        db.rollback()
    assert count > firsts > 50


def test_views_tell_what_figures_tell(loaded):
    figures, day = loaded.figures, "2020-01-01"
    whole = {"from": day, "to": str(loaded.size.first + timedelta(days=800))}
    with psycopg.connect(loaded.database) as db:
        db.execute("set local role kasumori_monitor")
        assert db.execute("select count(*) from analytics.month_site").fetchone() == (0,)
        db.execute("select set_config('kasumori.tenant', %s, true)", (TENANT,))
        contacts, incidents = db.execute(
            "select sum(contacts), sum(incidents) from analytics.month_site"
        ).fetchone()
        assert figures.answer("sites", whole).total == {
            "contacts": contacts,
            "incidents": incidents,
        }
        (by_category,) = db.execute(
            "select sum(incidents) from analytics.month_site_category"
        ).fetchone()
        types = figures.answer("types", whole).rows
        assert by_category == sum(row["incidents"] for row in types.values())
        told = db.execute(
            "select sum(incidents), sum(staff_minutes) from analytics.month_site_loss "
            "where category = ''"
        ).fetchone()
        total = figures.answer("staff_minutes", whole).total
        assert told == (total["incidents"], total["value"])
        told = db.execute(
            "select sum(parts), sum(repeats) from analytics.month_repeat where category = ''"
        ).fetchone()
        total = figures.answer("repeat", whole).total
        assert told == (total["incidents"], total["value"])
        rest = db.execute(
            "select record_id, decision_no, made_at, day, took from analytics.verdict where is_first "
            "except select record_id, decision_no, made_at, day, took from analytics.first_verdict"
        ).fetchall()
        assert not rest
        counts = db.execute(
            "select (select count(*) from analytics.first_verdict), "
            "(select count(*) from analytics.verdict where is_first)"
        ).fetchone()
        assert counts[0] == counts[1] == len(figures.verdicts)
