"""Figures against a recount by the model, and what they hide."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone

JAPAN = timezone(timedelta(hours=9))


def day_of(record) -> str:
    return datetime.fromtimestamp(record.start / 10**6, JAPAN).strftime("%Y-%m-%d")


def test_totals_equal_a_recount(chain, records):
    client = chain.client("headquarters")
    span = "from=2020-01-01&to=2026-12-31"
    kinds = Counter(record.kind for record in records.values())
    for measure in ("trend", "types", "sites", "trades", "hours", "weekdays"):
        total = client.get(f"/v1/stats/{measure}?{span}").json()["total"]
        assert total == {"contacts": kinds["contact"], "incidents": kinds["incident"]}, measure
    trend = client.get(f"/v1/stats/trend?{span}").json()["rows"]
    days = Counter((day_of(record), record.kind) for record in records.values())
    assert all(row["contacts"] == days[row["key"], "contact"] for row in trend)
    assert all(row["incidents"] == days[row["key"], "incident"] for row in trend)
    sites = client.get(f"/v1/stats/sites?{span}").json()["rows"]
    at = Counter((r.concerned_site or r.site, r.kind) for r in records.values())
    assert all(row["incidents"] == at[row["key"], "incident"] for row in sites)
    types = client.get(f"/v1/stats/types?{span}").json()["rows"]
    codes = Counter(c for r in records.values() if r.kind == "incident" for c in r.categories)
    assert {row["key"]: row["incidents"] for row in types if row["incidents"]} == dict(codes)
    hours = client.get(f"/v1/stats/hours?{span}").json()["rows"]
    clock = Counter(
        datetime.fromtimestamp(r.start / 10**6, JAPAN).hour
        for r in records.values()
        if r.kind == "incident"
    )
    assert {int(row["key"]): row["incidents"] for row in hours} == {h: clock[h] for h in range(24)}


def test_staff_minutes_equal_a_recount(chain, records):
    minutes = dict(
        chain.rows(
            "select record_id, (detail -> 'loss' ->> 'staffMinutes')::int from kasumori.record"
        )
    )
    by_hex = {name.hex: value or 0 for name, value in minutes.items()}
    wanted = sum(by_hex[r.winner] for r in records.values() if r.kind == "incident")
    found = chain.client("headquarters").get("/v1/stats/staff_minutes?from=2020-01-01").json()
    assert found["total"]["value"] == wanted > 0


def test_small_cells_hide_where_they_would_show_a_person(chain):
    client = chain.client("headquarters")
    span = "from=2020-01-01&to=2026-12-31"
    open_table = client.get(f"/v1/stats/sites?{span}").json()
    assert not any(row.get("suppressed") for row in open_table["rows"])
    hidden = 0
    for path in (
        "hours?site=s001",
        "weekdays?site=s001",
        "types?site=s001",
        "sites?category=mhlw9:2022:sexual",
        "hours?category=mhlw9:2022:sexual",
        "trend?site=s001&category=mhlw9:2022:abuse",
    ):
        answer = client.get(f"/v1/stats/{path}&{span}").json()
        dark = [row for row in answer["rows"] if row.get("suppressed")]
        hidden += len(dark)
        assert all("incidents" not in row and "contacts" not in row for row in dark)
        seen = [row["incidents"] for row in answer["rows"] if not row.get("suppressed")]
        assert all(n == 0 or n >= 5 for n in seen), path
        if dark:
            assert len(dark) >= 2, path
    assert hidden > 0


def test_hiding_defeats_subtraction(chain):
    """For every small table: at least two cells of together five are dark, or all are."""
    tables = [
        [3, 9, 20],
        [1, 1, 30],
        [4, 0, 0],
        [0, 0],
        [5, 6],
        [2, 3, 9],
        [1, 8],
        [1],
        [1, 1, 1, 9],
    ]
    for table in tables:
        cells = json.dumps([{"key": str(i), "incidents": n} for i, n in enumerate(table)])
        found = chain.rows("select analytics.hide_small(%s, true)", cells)[0][0]
        dark = [n for n, cell in zip(table, found, strict=True) if cell.get("suppressed")]
        if any(0 < n < 5 for n in table):
            assert all(n in dark for n in table if 0 < n < 5)
            nonzero = [n for n in dark if n]
            assert len(dark) == len(table) or (len(nonzero) >= 2 and sum(nonzero) >= 5), table
        else:
            assert dark == []
        assert chain.rows("select analytics.hide_small(%s, false)", cells)[0][0] == json.loads(
            cells
        )
