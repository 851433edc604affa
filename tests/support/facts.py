"""The facts of a tenant read from PostgreSQL in the form of tests/model/README.md, apart from the
programs: what the model is told about a database."""

from __future__ import annotations

import psycopg
import yaml

BODIES = ("retraction", "contact", "incident", "supplement", "correction")
CHANNELS = ("", "face_to_face", "phone", "visit", "mail", "chat", "sns", "other")

_US = "(extract(epoch from {}) * 1000000)::bigint"

_RECORDS = f"""
select record_id, kind, replaces, target_id, site, concerned_site,
    {_US.format("occurred_start")}, {_US.format("occurred_end")}, {_US.format("recorded_at")},
    channel, direction, is_training, revision, matter, happening_ref, outcome, talk_us, hold_us,
    categories, answer_matters,
    (select array_agg({_US.format("at")} order by place)
     from unnest(answer_recorded_at) with ordinality as list (at, place)),
    answer_is_final
from kasumori.record where tenant = %s
"""

_SIGHTINGS = """
select record_id, person, item, role, kind, assurance, key_id, mac from kasumori.sighting
where tenant = %s and person >= 0 order by record_id, person, item, key_id
"""

_BARE = """
select record_id, person, role from kasumori.record
cross join lateral unnest(bare_persons, bare_roles) as list (person, role) where tenant = %s
"""

_DECISIONS = """
select decision_no, kind, made_by, second_by, body from kasumori.decision where tenant = %s
"""

_POLICIES = f"""
select version, {_US.format("effective_from")}, source from kasumori.policy_version
where tenant = %s and not is_linking
"""


def read_facts(db: psycopg.Connection, tenant: str) -> list[dict]:
    """One fact a dict. A linking policy is not read: the demo has the built-in one."""
    persons = _read_persons(db, tenant)
    facts = [_record(row, persons) for row in db.execute(_RECORDS, (tenant,))]
    for no, kind, made_by, second_by, body in db.execute(_DECISIONS, (tenant,)):
        names = {"made_by": made_by, "second_by": second_by or ""}
        facts.append({"fact": "decision", "no": no, "kind": kind, **names, **body})
    for version, since, source in db.execute(_POLICIES, (tenant,)):
        facts.append(policy_fact(version, since, yaml.safe_load(source)))
    ticks = f"select {_US.format('as_of')} from kasumori.tick where tenant = %s"
    facts += [{"fact": "tick", "as_of": row[0]} for row in db.execute(ticks, (tenant,))]
    return facts


def _read_persons(db: psycopg.Connection, tenant: str) -> dict:
    found: dict = {}
    for record, ordinal, item, role, kind, assurance, key, mac in db.execute(_SIGHTINGS, (tenant,)):
        person = found.setdefault(record, {}).setdefault(
            ordinal, {"role": role, "ordinal": ordinal, "items": {}}
        )
        held = person["items"].setdefault(
            item, {"kind": kind, "assurance": assurance, "tokens": []}
        )
        held["tokens"].append([key, mac.hex])
    for record, ordinal, role in db.execute(_BARE, (tenant,)):
        found.setdefault(record, {})[ordinal] = {"role": role, "ordinal": ordinal, "items": {}}
    return found


def _record(row: tuple, persons: dict) -> dict:
    (name, kind, replaces, target, site, concerned, start, end, recorded, channel, direction,
     training, revision, matter, ref, outcome, talk, hold, categories, *answers) = row  # fmt: skip
    fact = {
        "fact": "record", "id": name.hex, "kind": BODIES[kind], "site": site,
        "concerned_site": concerned, "start": start, "end": end, "recorded_at": recorded,
        "channel": channel, "direction": direction, "training": training, "revision": revision,
        "matter": matter or "", "ref": ref or "", "outcome": outcome or 0, "talk": talk or 0,
        "hold": hold or 0, "categories": categories or [],
        "answers": [
            {"matter": about or "", "recorded_at": at, "final": final}
            for about, at, final in zip(*(values or [] for values in answers), strict=True)
        ],
        "persons": [
            {
                "role": person["role"],
                "ordinal": person["ordinal"],
                "identifiers": list(person["items"].values()),
            }
            for person in persons.get(name, {}).values()
        ],
    }  # fmt: skip
    if target is not None:
        fact["target"] = target.hex
    if replaces is not None:
        fact["replaces"] = BODIES[replaces]
    return fact


_UNITS = {"us": 1, "ms": 1000, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}


def policy_fact(version: int, since: int, source: dict) -> dict:
    """policy.yaml as the model takes it."""

    def plain(value: int | str) -> int:
        if isinstance(value, int):
            return value
        digits = value.rstrip("umshd")
        return int(digits) * _UNITS[value[len(digits) :]]

    def rules(held: dict) -> dict:
        found = {key: plain(value) for key, value in (held.get("rules") or {}).items()}
        return {**found, "severity": held["severity"]} if "severity" in held else found

    fact = {"fact": "policy", "version": version, "effective_from": since, "rules": rules(source)}
    overrides = [
        {
            "sites": held.get("sites", []),
            "channels": [CHANNELS.index(name) for name in held.get("channels", [])],
            "rules": rules(held),
        }
        for held in source.get("overrides") or []
    ]
    return {**fact, "overrides": overrides} if overrides else fact
