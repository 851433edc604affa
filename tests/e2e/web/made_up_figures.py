# ruff: noqa: E501 (made-up rows read best as rows)
"""Made-up figures, each measure in the shape of the API's."""

from __future__ import annotations

from datetime import date, timedelta

from tests.e2e.web.made_up import CATEGORIES, SITES, cat


def stats(day: date, measure: str) -> dict:
    def row(key: object, ja: str, en: str, **values: object) -> dict:
        return {"key": str(key), "label": {"ja": ja, "en": en}} | values

    if measure == "trend":
        rows = [
            row(day - timedelta(days=59 - i), str(day - timedelta(days=59 - i)), str(day - timedelta(days=59 - i)), contacts=400 + (i * 53) % 120, incidents=4 + (i * 7) % 11)
            for i in range(60)
        ]  # fmt: skip
    elif measure == "types":
        rows = [
            row(cat(code), ja, en, incidents=max(0, 61 - 9 * i))
            for i, (code, ja, en) in enumerate(CATEGORIES)
        ]
        rows[-1] |= {"suppressed": True}
        del rows[-1]["incidents"]
    elif measure == "sites":
        rows = [
            row(s[0], s[1], s[0], contacts=3000 - 200 * i, incidents=40 - 5 * i)
            for i, s in enumerate(SITES)
        ]
    elif measure == "trades":
        rows = [
            row(t, t, t, incidents=n)
            for t, n in (("スーパー", 96), ("コールセンター", 71), ("ドラッグストア", 22))
        ]
    elif measure == "hours":
        rows = [row(h, str(h), str(h), incidents=max(0, 20 - abs(h - 15) * 2)) for h in range(24)]
    elif measure == "weekdays":
        rows = [
            row(i, ja, en, incidents=20 + 4 * i)
            for i, (ja, en) in enumerate(
                zip("月火水木金土日", "Mon Tue Wed Thu Fri Sat Sun".split(), strict=True)
            )
        ]
    elif measure == "repeat":
        rows = [
            row("2026-10", "2026年10月", "2026-10", incidents=150, value=21),
            row("2026-11", "2026年11月", "2026-11", incidents=139, value=47),
        ]
    elif measure == "staff_minutes":
        rows = [
            row(cat(code), ja, en, incidents=20, value=300 - 30 * i)
            for i, (code, ja, en) in enumerate(CATEGORIES)
        ]
    else:
        rows = [
            row("2026-10", "2026年10月", "2026-10", incidents=30, value=21),
            row("2026-11", "2026年11月", "2026-11", incidents=12, value=66),
        ]
    total = {
        "contacts": sum(r.get("contacts", 0) for r in rows),
        "incidents": sum(r.get("incidents", 0) for r in rows),
    }
    if measure in ("repeat", "staff_minutes"):
        total["value"] = sum(r["value"] for r in rows)
    return {
        "measure": measure,
        "from": str(day - timedelta(days=89)),
        "to": str(day),
        "rows": rows,
        "total": total,
    }
