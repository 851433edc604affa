"""Histories of tests/model put into a database as ingest would leave them.

What the schema cannot hold is adapted first, so that both sides are told the same (`storable`):
- ids become UUIDv7 in the same order, spread over three months, so that partitions are crossed;
- a fact told twice is told once; a concerned site that is not said is the reporting one;
- one token a key id in an identifier, and no identifier without any: kasumori.sighting knows neither;
- decisions that need two persons and do not have them are left out: the schema refuses them.
"""

from __future__ import annotations

import json
import uuid

import psycopg

from tests.support.facts import CHANNELS

T0_MS = 1_790_000_000_000  # September 2026
MONTHS = ("2026-09-01", "2026-12-01")
SPREAD_MS = 86 * 86_400_000
BODIES = {"retraction": 0, "contact": 1, "incident": 2, "supplement": 3, "correction": 4}
TWO_PERSONS = ("restrict", "confirm_person")
KINDS = [None, "handle", "member", "account", "phone", "mail", "vehicle", "sns", "name"]
LINKING_VERSION = 1_000_000


# -- adapting


def storable(facts):
    """The history as this database can hold it."""
    seen, found = set(), []
    for fact in facts:
        told = json.dumps(fact, sort_keys=True)
        if told in seen or is_single(fact):
            continue
        seen.add(told)
        found.append(adapt_record(fact) if fact["fact"] == "record" else fact)
    return rename(found)


def is_single(fact):
    if fact["fact"] != "decision" or fact["kind"] not in TWO_PERSONS:
        return False
    made_by, second_by = fact.get("made_by", ""), fact.get("second_by", "")
    return not made_by or not second_by or made_by == second_by


def adapt_record(fact):
    persons = []
    for person in fact.get("persons", []):
        held = [
            {**one, "tokens": [[key, mac] for key, mac in dict(reversed(one["tokens"])).items()]}
            for one in person["identifiers"]
            if one["tokens"]
        ]
        persons.append({**person, "identifiers": held})
    return {
        **fact,
        "persons": persons,
        "concerned_site": fact.get("concerned_site") or fact.get("site", ""),
    }


def rename(facts):
    """Ids in their order as UUIDv7."""
    old = set()
    for fact in facts:
        old.update(fact.get("records", []))
        old.update(fact[key] for key in ("id", "target", "record") if fact.get(key))
    step = max(1, SPREAD_MS // max(1, len(old)))
    new = {name: uuid_v7(T0_MS + i * step, name) for i, name in enumerate(sorted(old))}

    def renamed(fact):
        fact = dict(fact)
        for key in ("id", "target", "record"):
            if fact.get(key):
                fact[key] = new[fact[key]]
        if "records" in fact:
            fact["records"] = [new[name] for name in fact["records"]]
        return fact

    return [renamed(fact) for fact in facts]


def uuid_v7(ms, name):
    random = int(name, 16)
    value = ms << 80 | 7 << 76 | (random >> 64 & 0xFFF) << 64 | 0b10 << 62 | random & (2**62 - 1)
    return f"{value:032x}"


# -- storing


class Store:
    """Collects rows of many tenants, then puts them all in."""

    def __init__(self, connection: psycopg.Connection):
        self.connection = connection
        self.rows: dict[str, list[tuple]] = {name: [] for name in INSERTS}

    def add(self, tenant, facts):
        for fact in facts:
            getattr(self, f"add_{fact['fact']}")(tenant, fact)

    def flush(self):
        with self.connection.cursor() as cursor:
            cursor.execute("select kasumori.make_partitions(%s, %s)", MONTHS)
            # The trigger that numbers decisions stays quiet: histories have numbers of their own.
            cursor.execute("set local session_replication_role = replica")
            for name, sql in INSERTS.items():
                if self.rows[name]:
                    cursor.executemany(sql, self.rows[name])
                self.rows[name] = []
            cursor.execute(
                "insert into kasumori.decision_counter select tenant, max(decision_no) "
                "from kasumori.decision group by tenant on conflict (tenant) do nothing"
            )
        self.connection.commit()

    def add_record(self, tenant, fact):
        name, kind = uuid.UUID(fact["id"]), fact["kind"]
        body = fact["replaces"] if kind == "correction" else kind
        is_contact = body == "contact"
        start = fact.get("start", 0)
        answers = fact.get("answers") or None
        self.rows["record"].append(
            (
                tenant, name, BODIES[kind], fact["site"], fact["concerned_site"],
                fact.get("revision", 0), start, fact.get("end", start), fact.get("recorded_at", 0),
                fact.get("channel", 0), fact.get("direction", 0), fact.get("training", False),
                fact.get("matter") or None, fact.get("ref") or None,
                uuid.UUID(fact["target"]) if fact.get("target") else None,
                BODIES[fact["replaces"]] if kind == "correction" else None,
                fact.get("outcome", 0) if is_contact or fact.get("outcome") else None,
                fact.get("talk", 0) if is_contact or fact.get("talk") else None,
                fact.get("hold", 0) if is_contact or fact.get("hold") else None,
                fact.get("categories") or None,
                answers and [answer.get("matter", "") for answer in answers],
                answers and [answer.get("recorded_at", 0) for answer in answers],
                answers and [answer.get("final", False) for answer in answers],
            )
        )  # fmt: skip
        bare = [person for person in fact["persons"] if not person["identifiers"]]
        if bare:
            ordinals, roles = ([person[key] for person in bare] for key in ("ordinal", "role"))
            self.rows["bare"].append((ordinals, roles, tenant, name))
        for person in fact["persons"]:
            for item, one in enumerate(person["identifiers"]):
                for key, mac in one["tokens"]:
                    self.rows["sighting"].append(
                        (
                            tenant, name, person["ordinal"], item, key, one["kind"],
                            uuid.UUID(mac), person["role"], one.get("assurance", 0),
                            fact.get("direction", 0), fact["site"], start,
                        )
                    )  # fmt: skip

    def add_decision(self, tenant, fact):
        columns = ("fact", "no", "kind", "made_by", "second_by")
        body = {key: value for key, value in fact.items() if key not in columns}
        made_by = fact.get("made_by") or "somebody"
        self.rows["decision"].append(
            (tenant, fact["no"], fact["kind"], made_by, fact.get("second_by"), json.dumps(body))
        )

    def add_policy(self, tenant, fact):
        self.rows["policy"].append(
            (
                tenant, fact["version"], False, fact.get("effective_from", 0),
                policy_yaml(fact),
            )
        )  # fmt: skip

    def add_linking(self, tenant, fact):
        self.rows["policy"].append((tenant, LINKING_VERSION, True, 0, linking_yaml(fact)))
        self.rows["adopted"].append((tenant, LINKING_VERSION))

    def add_tick(self, tenant, fact):
        self.rows["tick"].append((tenant, fact["as_of"]))


AT = "timestamptz 'epoch' + %s * interval '1 microsecond'"

INSERTS = {
    "record": f"""
        insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source,
            revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel,
            direction, is_training, matter, happening_ref, target_id, replaces, outcome, talk_us,
            hold_us, categories, answer_matters, answer_recorded_at, answer_is_final, body_hash)
        values (%s, %s, %s, %s, %s, 'a', 'test', %s, {AT}, {AT}, {AT}, now(), 1, %s, %s, %s, %s, %s,
            %s, %s, %s, %s, %s, %s, %s,
            (select array_agg(timestamptz 'epoch' + at * interval '1 microsecond' order by place)
             from unnest(%s::bigint[]) with ordinality as list (at, place)),
            %s, decode(repeat('00', 16), 'hex'))""",
    "bare": """
        update kasumori.record set bare_persons = %s, bare_roles = %s
        where tenant = %s and record_id = %s""",
    "sighting": f"""
        insert into kasumori.sighting (tenant, record_id, person, item, key_id, kind, mac, role,
            assurance, direction, site, occurred_start)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, {AT})""",
    "decision": """
        insert into kasumori.decision (tenant, decision_no, kind, made_by, second_by, reason, body)
        values (%s, %s, %s, %s, %s, 'a test', %s)""",
    "policy": f"""
        insert into kasumori.policy_version (tenant, version, is_linking, effective_from, loaded_by,
            source)
        values (%s, %s, %s, {AT}, 'somebody', %s)""",
    "adopted": """
        insert into kasumori.linking_adopted (tenant, adoption_no, version, adopted_by)
        values (%s, 1, %s, 'somebody')""",
    "tick": f"insert into kasumori.tick (tenant, as_of) values (%s, {AT}) on conflict do nothing",
}


# -- policies as an operator writes them


def policy_yaml(fact):
    """Overrides that never hold are left out: they are refused, and say nothing."""
    text = rules_yaml(fact.get("rules", {}))
    told = [over for i, over in enumerate(fact.get("overrides", []))
            if not is_shadowed(over, fact["overrides"][:i])]  # fmt: skip
    if told:
        text = text.removeprefix("{}\n") + "overrides:\n"
    for override in told:
        channels = [CHANNELS[channel] for channel in override.get("channels", [])]
        rules = rules_yaml(override["rules"]).splitlines()
        if override.get("sites"):
            rules.insert(0, f"sites: [{', '.join(override['sites'])}]")
        if channels:
            rules.insert(0, f"channels: [{', '.join(channels)}]")
        text += "".join(f"  {'  ' if i else '- '}{line}\n" for i, line in enumerate(rules))
    return text


def is_shadowed(override, before):
    """Whether others hold at each of its sites and channels; None is one that nobody lists."""

    def fits(other, site, channel):
        sites, channels = other.get("sites"), other.get("channels")
        return (not sites or site in sites) and (not channels or channel in channels)

    return all(
        any(fits(other, site, channel) for other in before)
        for site in override.get("sites") or [None]
        for channel in override.get("channels") or [None]
    )


def rules_yaml(rules):
    lines = ["rules:"] if rules.keys() - {"severity"} else []
    for key, value in rules.items():
        if key != "severity":
            unit = "" if key in ("cross_site_sites", "escalation_severity") else "us"
            lines.append(f"  {key}: {value}{unit}")
    if "severity" in rules:
        lines.append("severity:")
        lines += [f"  {category}: {value}" for category, value in rules["severity"].items()]
    return "\n".join(lines or ["{}"]) + "\n"


def linking_yaml(fact):
    lines = []
    if "kinds" in fact:
        lines.append(f"kinds: [{', '.join(KINDS[kind] for kind in fact['kinds'])}]")
    if fact.get("expiry"):
        lines.append("expiry:")
        lines += [f"  {KINDS[int(kind)]}: {span}us" for kind, span in fact["expiry"].items()]
    spans = {"gap": "us", "gap_attempt": "us", "overlap": "us", "pairs": "", "cap": ""}
    lines += [f"{key}: {fact[key]}{unit}" for key, unit in spans.items() if key in fact]
    if "n" in fact:
        lines.append(f"subject_nodes: {fact['n']}")
    if fact.get("caps"):
        lines.append("caps:")
        lines += [
            f"  - {{kind: {KINDS[kind]}, neighbour: {KINDS[other]}, cap: {cap}}}"
            for kind, other, cap in fact["caps"]
        ]
    if fact.get("shared"):
        lines.append("shared:")
        lines += [f"  - {KINDS[kind]}:{key}:{mac}" for kind, key, mac in fact["shared"]]
    return "\n".join(lines or ["{}"]) + "\n"
