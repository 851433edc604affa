"""What the page of figures must say, counted anew from the facts by SQL and Python of their own: no
roll-up is read. Who is whose repeat rests on kasumori.part, which `rebuild --verify` holds against the
facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg
import psycopg.sql

MEASURES = ("trend", "types", "sites", "trades", "hours", "weekdays", "repeat", "staff_minutes",
            "verdict_time")  # fmt: skip

# The effective records as a temporary table: an original's body is its own or its winning correction's;
# training and retraction count nowhere; the categories are its own and its supplements'.
RECORDED = """
create temp table recounted as
with corrected as materialized (
    select distinct on (r.record_id) r.record_id as original, c.record_id as winner
    from kasumori.record c
    join kasumori.record r on r.tenant = c.tenant and r.record_id = c.target_id and r.site = c.site
         and r.kind in (1, 2, 3) and c.revision >= r.revision
         and (c.replaces = 0 or (c.replaces = 3) = (r.kind = 3))
    where c.tenant = {tenant} and c.kind = 4
    order by r.record_id, c.revision desc, c.record_id desc),
told as materialized (
    select r.record_id as original, r.kind as first_kind, r.site, r.target_id,
           case w.kind when 4 then w.replaces else w.kind end as body,
           coalesce(nullif(w.concerned_site, ''), r.site) as concerned, w.occurred_start, w.categories,
           coalesce(nullif(r.concerned_site, ''), r.site) as first_site,
           w.outcome, w.talk_us, r.appended_at,
           (w.detail -> 'loss' ->> 'staffMinutes')::int as minutes
    from kasumori.record r
    left join corrected c on c.original = r.record_id
    join kasumori.record w on w.tenant = r.tenant and w.record_id = coalesce(c.winner, r.record_id)
    where r.tenant = {tenant} and r.kind in (1, 2, 3) and not w.is_training),
added as materialized (
    select b.original, array_agg(category) as categories
    from told s join told b on b.original = s.target_id and b.site = s.site and b.first_kind in (1, 2),
         unnest(s.categories) as category
    where s.first_kind = 3 and s.body = 3 group by 1)
select t.original, t.body, t.concerned, (t.occurred_start at time zone 'Asia/Tokyo')::date as day,
       extract(hour from t.occurred_start at time zone 'Asia/Tokyo')::int as hour,
       array(select distinct c from unnest(t.categories || coalesce(a.categories, '{{}}')) as c
             where c <> '' order by 1) as categories,
       coalesce(t.minutes, 0) as minutes, t.outcome, t.talk_us, t.appended_at, t.first_site
from told t left join added a using (original) where t.first_kind in (1, 2) and t.body in (1, 2)
"""


def recount_records(db: psycopg.Connection, tenant: str) -> None:
    db.execute("set timezone = 'UTC'")
    db.execute("set work_mem = '256MB'")
    db.execute("drop table if exists pg_temp.recounted")
    db.execute(psycopg.sql.SQL(RECORDED).format(tenant=tenant))
    db.execute("analyze recounted")


@dataclass(frozen=True)
class Incident:
    day: date
    hour: int
    site: str
    categories: tuple[str, ...]
    minutes: int


@dataclass(frozen=True)
class Told:
    """Of a subject: an occurrence with an incident that counts."""

    day: date
    sites: tuple[str, ...]
    categories: frozenset[str]
    is_repeat: bool


@dataclass(frozen=True)
class Verdict:
    day: date
    site: str
    categories: tuple[str, ...]
    took_us: int


@dataclass
class Answer:
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)


def _median(values: list[int]) -> int:
    """Minutes, from microseconds."""
    values = sorted(values)
    n = len(values)
    twice = values[(n - 1) // 2] + values[n // 2]
    minutes, rest = divmod(twice, 2 * 60_000_000)
    return minutes + (2 * rest >= 2 * 60_000_000)


def _months(low: date, high: date) -> Iterator[date]:
    month = low.replace(day=1)
    while month <= high:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


class Figures:
    """A recount of one tenant; leaves nothing in the database."""

    def __init__(self, db: psycopg.Connection, tenant: str):
        recount_records(db, tenant)
        self.sites = dict(
            db.execute(
                "select distinct on (site) site, trade from kasumori.site where tenant = %s "
                "order by site, valid_from desc",
                (tenant,),
            ).fetchall()
        )
        self.contacts = Counter()  # by day, site, categories
        for day, site, categories, count in db.execute(
            "select day, concerned, categories, count(*) from recounted where body = 1 group by 1, 2, 3"
        ):
            self.contacts[day, site, tuple(categories)] = count
        self.contact_hours = Counter(
            {
                (day, hour): count
                for day, hour, count in db.execute(
                    "select day, hour, count(*) from recounted where body = 1 group by 1, 2"
                )
            }
        )
        self._incidents(db)
        self._parts(db, tenant)
        self._verdicts(db, tenant)

    def _incidents(self, db: psycopg.Connection) -> None:
        self.incidents, self._of_record = [], {}
        for record, *values, categories, minutes in db.execute(
            "select original, day, hour, concerned, categories, minutes from recounted where body = 2"
        ):
            self.incidents.append(Incident(*values, tuple(categories), minutes))
            self._of_record[record] = tuple(categories)

    def _parts(self, db: psycopg.Connection, tenant: str) -> None:
        self.told, last = [], None
        for subject, day, sites, records in db.execute(
            "select subject, (start_at at time zone 'Asia/Tokyo')::date, sites, records "
            "from kasumori.part where tenant = %s and has_incident and counts "
            "order by subject, start_at, occurrence",
            (tenant,),
        ):
            categories = frozenset(c for r in records for c in self._of_record.get(r, ()))
            self.told.append(Told(day, tuple(sites), categories, subject == last))
            last = subject

    def _verdicts(self, db: psycopg.Connection, tenant: str) -> None:
        self.verdicts, seen = [], set()
        rows = db.execute(
            "select e.original, (d.made_at at time zone 'Asia/Tokyo')::date, e.first_site, "
            "e.categories, "
            "(extract(epoch from d.made_at - e.appended_at) * 1000000)::bigint "
            "from kasumori.decision d "
            "cross join lateral jsonb_array_elements_text(d.body -> 'records') as named (id) "
            "join recounted e on e.original = named.id::uuid "
            "where d.tenant = %s and d.kind = 'verdict' order by d.decision_no",
            (tenant,),
        )
        for record, day, site, categories, took_us in rows:
            if record not in seen:
                self.verdicts.append(Verdict(day, site, tuple(categories), took_us))
                seen.add(record)

    # -- what is asked for

    def answer(
        self, measure: str, filters: dict[str, str], visible: tuple[str, ...] = ()
    ) -> Answer:
        """visible: the sites that the reader may see; none: all."""
        ask = _Ask(self, filters, visible)
        if measure in ("hours", "weekdays") and ask.is_whole and not ask.category:
            ask.low = ask.low.replace(day=1)
            ask.high = (ask.high.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(
                days=1
            )
        return getattr(self, f"_{measure}")(ask)

    def _both(self, ask: _Ask) -> Iterator[tuple[str, date, str, tuple[str, ...], int]]:
        for (day, site, categories), count in self.contacts.items():
            if ask.takes(day, site, categories):
                yield "contacts", day, site, categories, count
        for one in self.incidents:
            if ask.takes(one.day, one.site, one.categories):
                yield "incidents", one.day, one.site, one.categories, 1

    def _by(self, ask: _Ask, keys_of) -> Answer:
        found = Answer(defaultdict(lambda: {"contacts": 0, "incidents": 0}))
        found.total = {"contacts": 0, "incidents": 0}
        for what, day, site, categories, count in self._both(ask):
            found.total[what] += count
            for key in keys_of(day, site, categories):
                found.rows[key][what] += count
        return found

    def _trend(self, ask: _Ask) -> Answer:
        found = self._by(ask, lambda day, site, categories: [str(day)])
        for n in range((ask.high - ask.low).days + 1):
            found.rows[str(ask.low + timedelta(days=n))]
        return found

    def _types(self, ask: _Ask) -> Answer:
        return self._by(
            ask,
            lambda day, site, categories: [
                c for c in categories if not ask.category or c == ask.category
            ],
        )

    def _sites(self, ask: _Ask) -> Answer:
        found = self._by(ask, lambda day, site, categories: [site])
        for site in ask.scope:
            found.rows[site]
        return found

    def _trades(self, ask: _Ask) -> Answer:
        return self._by(ask, lambda day, site, categories: [self.sites.get(site) or ""])

    def _of_incidents(self, ask: _Ask, keys: range, key_of) -> Answer:
        is_plain = ask.is_whole and not ask.category
        row = {"incidents": 0} | ({"contacts": 0} if is_plain else {})
        found = Answer({str(key): dict(row) for key in keys}, {"contacts": 0, "incidents": 0})
        for one in self.incidents:
            if ask.takes(one.day, one.site, one.categories):
                found.rows[str(key_of(one.day, one.hour))]["incidents"] += 1
                found.total["incidents"] += 1
        for (day, hour), count in self.contact_hours.items():
            if is_plain and ask.low <= day <= ask.high:
                found.rows[str(key_of(day, hour))]["contacts"] += count
                found.total["contacts"] += count
        return found

    def _hours(self, ask: _Ask) -> Answer:
        return self._of_incidents(ask, range(24), lambda day, hour: hour)

    def _weekdays(self, ask: _Ask) -> Answer:
        return self._of_incidents(ask, range(1, 8), lambda day, hour: day.isoweekday())

    def _monthly(self, ask: _Ask, items: list[tuple[date, int]]) -> Answer:
        row = {"incidents": 0, "value": 0}
        found = Answer({f"{m:%Y-%m}": dict(row) for m in _months(ask.low, ask.high)})
        found.total = {"contacts": 0} | row
        for day, value in items:
            for one in (found.rows[f"{day:%Y-%m}"], found.total):
                one["incidents"] += 1
                one["value"] += value
        return found

    def _staff_minutes(self, ask: _Ask) -> Answer:
        taken = [i for i in self.incidents if ask.takes(i.day, i.site, i.categories)]
        return self._monthly(ask, [(one.day, one.minutes) for one in taken])

    def _repeat(self, ask: _Ask) -> Answer:
        taken = [t for t in self.told if ask.takes_any(t.day, t.sites, t.categories)]
        return self._monthly(ask, [(one.day, one.is_repeat) for one in taken])

    def _verdict_time(self, ask: _Ask) -> Answer:
        taken = [v for v in self.verdicts if ask.takes(v.day, v.site, v.categories)]
        found = self._monthly(ask, [(one.day, 0) for one in taken])
        for key, row in [*found.rows.items(), ("", found.total)]:
            took = [v.took_us for v in taken if f"{v.day:%Y-%m}".startswith(key)]
            del row["value"]
            if took:
                row["value"] = _median(took)
        return found


class _Ask:
    """The filters of a question."""

    def __init__(self, figures: Figures, filters: dict[str, str], visible: tuple[str, ...]):
        self.low, self.high = (date.fromisoformat(filters[name]) for name in ("from", "to"))
        self.category = filters.get("category", "")
        self.is_whole = not visible and "site" not in filters and "trade" not in filters
        self.scope = {
            site
            for site, trade in figures.sites.items()
            if (not visible or site in visible)
            and filters.get("site", site) == site
            and filters.get("trade", trade) == trade
        }

    def takes(self, day: date, site: str, categories) -> bool:
        return self.takes_any(day, (site,), categories)

    def takes_any(self, day: date, sites: tuple[str, ...], categories) -> bool:
        return (
            self.low <= day <= self.high
            and (self.is_whole or not self.scope.isdisjoint(sites))
            and (not self.category or self.category in categories)
        )


# ---- holding an answer against it ----


def is_narrow(measure: str, filters: dict[str, str], visible: tuple[str, ...] = ()) -> bool:
    """Whether a cell fixes two or more of site, category and hour."""
    has_site = "site" in filters or len(visible) == 1 or measure in ("sites", "trades")
    has_category = "category" in filters or measure == "types"
    return has_site + has_category + (measure in ("hours", "weekdays")) >= 2


def difference(answer: dict, wanted: Answer, narrow: bool) -> str | None:
    """None: the answer says what is wanted, and hides what would show a person."""
    if narrow and 1 <= wanted.total["incidents"] <= 4:
        if answer["total"] != {"suppressed": True}:
            return f"total {answer['total']} shows a person"
    elif answer["total"] != wanted.total:
        return f"total {answer['total']}, recounted {wanted.total}"
    told = {row["key"]: row for row in answer["rows"]}
    if len(told) != len(answer["rows"]):
        return "two rows of one key"
    hidden = []
    for key in told.keys() | wanted.rows.keys():
        row, want = told.get(key, {}), wanted.rows.get(key, {})
        have = {name: row[name] for name in ("contacts", "incidents", "value") if name in row}
        if row.get("suppressed"):
            hidden.append(want.get("incidents", 0))
            if have or not narrow:
                return f"{key}: {row} is hidden"
        elif narrow and 1 <= have.get("incidents", 0) <= 4:
            return f"{key}: {row} shows a person"
        elif have != want and any([*have.values(), *want.values()]):
            return f"{key}: {have}, recounted {want}"
    if hidden and len(hidden) < len(told) and (len(hidden) < 2 or sum(hidden) < 5):
        return f"{hidden} are told by subtraction"
    return None
