"""What the monitor reads: every answer against openapi.yaml, lists page by page, whose sites, words
with their audit row, and figures against a recount by the model."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.component.monitor.reads.chain import ACCOUNTS, described_routes, program_routes
from tests.model.effective import effective, in_force
from tests.model.facts import read
from tests.support.facts import read_facts

JAPAN = timezone(timedelta(hours=9))
NOBODY = "01900000-0000-7000-8000-000000000000"
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
LISTS = ("incidents", "alerts", "notices", "review", "decisions", "bad-records", "audit")


def readers(path: str) -> set[str]:
    """Accounts that the table of routes lets in."""
    for method, route, roles, *_ in program_routes():
        parts, asked = route.split("/"), path.split("?")[0].split("/")
        is_same = len(parts) == len(asked) and all(
            a in ("*", b) for a, b in zip(parts, asked, strict=True)
        )
        if method == "GET" and is_same:
            return set(roles.split(",")) & ACCOUNTS.keys()
    raise KeyError(path)


def some(chain, sql: str) -> str:
    return str(chain.rows(sql)[0][0])


@pytest.fixture(scope="module")
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


def test_every_route_is_described_and_nothing_else():
    assert {(method, path) for method, path, *_ in program_routes()} == described_routes()


def test_roles_are_described_as_they_are(contract):
    for method, path, roles, scopes, *_ in program_routes():
        found = [
            operations[method.lower()]
            for template, operations in contract.document["paths"].items()
            if "/".join("*" if p.startswith("{") else p for p in template.split("/")) == path
        ]
        told = set() if roles == "-" else set(roles.split(","))
        assert set(found[0]["x-roles"]) == told, path
        assert set(found[0].get("x-scopes", [])) == set(scopes.split(",")) - {"-"}, path


@pytest.mark.parametrize("account", sorted(ACCOUNTS))
def test_answers_are_as_described(chain, contract, paths, account):
    client = chain.client(account)
    for path in paths:
        answer = client.get(path)
        contract.check("GET", path, answer)
        if path == "/v1/session":
            continue
        if account not in readers(path):
            assert answer.status == 403, path
        elif ACCOUNTS[account][1] == []:
            assert answer.status == 200, (path, answer.body)
        else:
            assert answer.status in (200, 404), (path, answer.body)


def test_the_other_tenant_sees_nothing(chain, contract, paths):
    client = chain.client("headquarters", "bravo")
    privacy = chain.client("privacy", "bravo")
    for path in paths:
        answer = (client if "headquarters" in readers(path) else privacy).get(path)
        contract.check("GET", path, answer)
        told = answer.body.decode()
        assert "acme" not in told and "s001" not in told and "本町" not in told, path
        parts = path.split("?")[0].split("/")
        if len(parts) == 4 and parts[2] != "stats":
            assert answer.status == 404, path


def test_what_is_unknown_is_404(chain):
    hq = chain.client("headquarters")
    name = f"{NOBODY}.0.phone.1.{'0' * 32}"
    for path in (
        f"/v1/incidents/{NOBODY}",
        f"/v1/occurrences/{NOBODY}",
        f"/v1/alerts/{NOBODY}",
        f"/v1/timeline/{NOBODY}",
        f"/v1/subjects/{name}?purpose=x",
        "/v1/subjects/x?purpose=x",
        "/v1/incidents/x",
        "/v1/stats/x",
        "/v1/nothing",
    ):
        assert hq.get(path).status == 404, path


WRONG = [
    ("incidents?limit=0", "limit"),
    ("incidents?limit=201", "limit"),
    ("incidents?limit=", "limit"),
    ("incidents?limit=99999999999999999999", "limit"),
    ("incidents?limit=-1", "limit"),
    ("incidents?from=yesterday", "from"),
    ("incidents?to=2026-01-01", "to"),
    ("incidents?standing=x", "standing"),
    ("incidents?verdict=guilty", "verdict"),
    ("incidents?judged=maybe", "judged"),
    ("incidents?site=", "site"),
    ("incidents?site=" + "x" * 65, "site"),
    ("incidents?q=" + "x" * 257, "q"),
    ("incidents?q=%01", "q"),
    ("incidents?q=%ff", "q"),
    ("incidents?category=", "category"),
    ("alerts?state=shut", "state"),
    ("alerts?rule=x", "rule"),
    ("review?kind=x", "kind"),
    ("decisions?record=1", "record"),
    ("decisions?kind=x", "kind"),
    ("bad-records?class=x", "class"),
    ("bad-records?state=x", "state"),
    ("stats/trend?from=2026-13-01", "from"),
    ("stats/trend?to=2026-02-30", "to"),
    ("stats/trend?from=2026-02-01&to=2026-01-01", "from"),
    ("stats/trend?from=1990-01-01", "from"),
    ("stats/types?site=a%20b", "site"),
]


@pytest.mark.parametrize(("path", "place"), WRONG)
def test_a_parameter_out_of_range_names_its_place(chain, path, place):
    answer = chain.client("headquarters").get(f"/v1/{path}")
    assert (answer.status, answer.code) == (400, "bad_parameter"), answer.body
    assert answer.json()["place"] == place
    assert answer.json()["titles"].keys() == {"ja", "en"}


@pytest.mark.parametrize("name", LISTS)
def test_pages_hold_every_line_once(chain, name):
    client = chain.client("privacy" if name == "audit" else "headquarters")
    if name == "audit":  # reading adds no row to it
        client = chain.client("admin")
    whole, seen, cursor = [], [], ""
    while True:
        answer = client.get(f"/v1/{name}?limit=200{cursor}").json()
        whole += answer["items"]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    cursor = ""
    while True:
        answer = client.get(f"/v1/{name}?limit=7{cursor}").json()
        assert len(answer["items"]) <= 7
        seen += answer["items"]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == whole
    lines = [json.dumps(line, sort_keys=True) for line in whole]
    assert len(set(lines)) == len(lines)


def test_a_cursor_is_good_for_its_own_question(chain):
    client = chain.client("headquarters")
    cursor = client.get("/v1/incidents?limit=1").json()["next"]
    assert client.get(f"/v1/incidents?limit=5&cursor={cursor}").status == 200
    for path in (
        f"incidents?site=s001&cursor={cursor}",
        f"alerts?cursor={cursor}",
        "incidents?cursor=x",
        f"incidents?cursor={cursor[:-2]}",
        f"incidents?cursor=A{cursor[1:]}",
        "incidents?cursor=",
        f"incidents?cursor={cursor}AAAA",
        "incidents?cursor=" + "A" * 1000,
    ):
        answer = client.get(f"/v1/{path}")
        assert (answer.status, answer.code) == (400, "bad_cursor"), (path, answer.body)
    other = chain.client("supervisor").get(f"/v1/incidents?cursor={cursor}")
    assert other.status == 400
    assert chain.client("headquarters", "bravo").get(f"/v1/incidents?cursor={cursor}").status == 400


# -- truth


@pytest.fixture(scope="module")
def records(chain):
    """Effective records by the model, from the facts."""
    with chain.db() as db:
        facts = read(read_facts(db, "acme"))
    return effective(facts, in_force(facts)).records


def every(client, path: str) -> list[dict]:
    found, cursor = [], ""
    while True:
        answer = client.get(f"{path}{'&' if '?' in path else '?'}limit=200{cursor}").json()
        found += answer["items"]
        if "next" not in answer:
            return found
        cursor = f"&cursor={answer['next']}"


def test_incidents_are_those_of_the_model(chain, records):
    listed = every(chain.client("headquarters"), "/v1/incidents")
    wanted = {r.id: r for r in records.values() if r.kind == "incident"}
    assert {line["recordId"].replace("-", "") for line in listed} == wanted.keys()
    for line in listed:
        record = wanted[line["recordId"].replace("-", "")]
        assert set(line["categories"]) == record.categories
        assert set(line["matters"]) == record.matters
        assert line["concernedSite"] == (record.concerned_site or record.site)
        start = datetime.fromtimestamp(record.start // 10**6, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        assert line["startAt"].startswith(start)


def test_filters_agree_with_the_lines(chain):
    client = chain.client("headquarters")
    listed = every(client, "/v1/incidents")
    for query, holds in (
        ("site=s001", lambda x: "s001" in (x["site"], x["concernedSite"])),
        ("category=mhlw9:2022:abuse", lambda x: "mhlw9:2022:abuse" in x["categories"]),
        ("standing=innocent", lambda x: x["standing"] == "innocent"),
        ("verdict=confirmed", lambda x: x.get("verdict") == "confirmed"),
        (
            "judged=no",
            lambda x: (
                x.get("verdict", "suspected") == "suspected" and x["standing"] in ("open", "judged")
            ),
        ),
        ("judged=yes", lambda x: x.get("verdict", "suspected") != "suspected"),
        ("q=%E8%BF%94%E5%93%81", lambda x: "返品" in x["matters"]),
    ):
        wanted = [line for line in listed if holds(line)]
        assert every(client, f"/v1/incidents?{query}") == wanted, query
        assert wanted, query


def test_verdicts_stand_as_decided(chain):
    client = chain.client("headquarters")
    for value in ("complaint", "suspected", "confirmed", "rejected"):
        page = client.get(f"/v1/incidents/{chain.judged[value]}").json()
        assert page["verdict"] == value
        decision = next(d for d in page["decisions"] if d["kind"] == "verdict")
        assert decision["inForce"] and not decision["pending"] and decision["madeBy"] == "sato"
    page = client.get(f"/v1/incidents/{chain.judged['revoked']}").json()
    assert "verdict" not in page
    assert [d["inForce"] for d in page["decisions"]] == [False]


def test_a_site_sees_its_own(chain):
    for account in ("site", "supervisor"):
        client = chain.client(account)
        for line in every(client, "/v1/incidents"):
            assert "s001" in (line["site"], line["concernedSite"])
        assert {one["site"] for one in client.get("/v1/sites").json()} == {"s001"}
        assert {one["site"] for one in client.get("/v1/agents").json()} == {"s001"}
        assert {one["site"] for one in client.get("/v1/now").json()["sites"]} == {"s001"}
        foreign = some(
            chain,
            "select record_id from kasumori.record where kind = 2 "
            "and site = 's002' and concerned_site = 's002' limit 1",
        )
        assert client.get(f"/v1/incidents/{foreign}").status == 404


def test_words_need_role_and_purpose_and_leave_a_row(chain):
    record = chain.judged["confirmed"]

    def rows() -> int:
        return chain.rows(
            "select count(*) from kasumori.audit where action = 'view.words' and object = %s",
            f"record {record}",
        )[0][0]

    before = rows()
    page = chain.client("site").get(f"/v1/incidents/{record}?purpose=x").json()
    assert page["wordsWithheld"] == "role" and "words" not in page
    page = chain.client("supervisor").get(f"/v1/incidents/{record}").json()
    assert page["wordsWithheld"] == "purpose" and "words" not in page
    assert rows() == before
    page = chain.client("supervisor").get(f"/v1/incidents/{record}?purpose=look").json()
    stored = chain.rows("select place, text from kasumori.record_text where record_id = %s", record)
    assert {(w["place"], w["text"]) for w in page["words"]} >= set(stored)
    assert rows() == before + 1
    assert chain.rows(
        "select actor, role, purpose from kasumori.audit where action = 'view.words' "
        "order by audit_no desc limit 1"
    ) == [("supervisor", "supervisor", "look")]


def test_a_subject_page_leaves_a_row(chain, paths):
    path = next(path for path in paths if "/subjects/" in path)
    client = chain.client("headquarters")
    assert client.get(path.split("?")[0]).status == 400
    assert client.get(path).status == 200
    assert chain.rows(
        "select actor, purpose from kasumori.audit where action = 'view.subject' "
        "order by audit_no desc limit 1"
    ) == [("headquarters", "test")]


def dump(chain) -> list[dict]:
    done = chain.stack.db_cli("dump", "--canonical", "--tenant", "acme")
    return [json.loads(line) for line in done.stdout.splitlines()]


def written(name: list) -> str:
    record, ordinal, kind, key, mac = name
    kinds = ("", "handle", "member", "account", "phone", "mail", "vehicle", "sns", "name")
    return f"{uuid.UUID(record)}.{ordinal}.{kinds[kind]}.{key}.{mac}"


def test_subjects_bear_the_canonical_name(chain):
    wanted = {
        written(line["subject"]) for line in dump(chain) if line["t"] == "node" and line["subject"]
    }
    found = chain.rows(
        "select kasumori.subject_name('acme', subject) from "
        "(select distinct subject from kasumori.class_run where subject is not null) s"
    )
    assert {name for (name,) in found} == wanted


def test_proposals_are_those_of_the_core(chain):
    client = chain.client("headquarters")
    wanted = {
        (line["record"], line["ordinal"], written(line["subject"]))
        for line in dump(chain)
        if line["t"] == "proposal" and line["kind"] == "typed"
    }
    desk = {
        (t["recordId"].replace("-", ""), t["ordinal"], t["subject"])
        for t in every(client, "/v1/review?kind=proposal")
    }
    assert wanted and desk == wanted
    pages = set()
    for record in {record for record, *_ in wanted}:
        page = client.get(f"/v1/incidents/{uuid.UUID(record)}").json()
        pages |= {
            (record, person["ordinal"], proposal["subject"])
            for person in page["persons"]
            for proposal in person["proposals"]
        }
    assert pages == wanted


def test_any_name_finds_the_subject(chain):
    client = chain.client("headquarters")
    page = None
    for line in every(client, "/v1/incidents"):
        record = client.get(f"/v1/incidents/{line['recordId']}").json()
        for person in record["persons"]:
            if "subject" in person:
                page = client.get(f"/v1/subjects/{person['subject']}?purpose=x").json()
                assert page["name"] == person["subject"]
                assert page["classes"] and page["occurrences"]["items"]
        if page and len(page["classes"]) > 1 and page["links"]:
            break
    assert page["links"][0]["reasons"].keys() == {"ja", "en"}


def test_versions(chain):
    client = chain.client("headquarters")
    path = f"/v1/incidents/{chain.judged['confirmed']}"
    etag = client.get(path).headers["etag"]
    assert etag.strip('"').split("-")[0] == str(chain.decisions["confirmed"])
    assert client.get(path, **{"If-None-Match": etag}).status == 304
    assert client.get(path, **{"If-None-Match": '"x"'}).status == 200


# -- figures


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


# -- look-up


def known_token(chain) -> dict:
    kind, key, mac = chain.rows(
        "select t.kind, t.key_id, t.mac from kasumori.token_class t "
        "join kasumori.class_run r using (tenant, class) "
        "join kasumori.part p on p.tenant = r.tenant and p.subject = r.subject "
        "where t.kind = 4 and r.last_at > now() - interval '100 days' "
        "group by t.kind, t.key_id, t.mac order by count(*) desc limit 1"
    )[0]
    return {"kind": {4: "phone"}[kind], "keyId": key, "mac": mac.hex}


def test_a_look_up_is_neutral_and_audited(chain, contract):
    client = chain.machine("lookup")
    body = {"tokens": [known_token(chain)], "purpose": "着信", "callId": "c-1", "site": "s001"}
    answer = client.post("/v1/lookup", body)
    contract.check("POST", "/v1/lookup", answer)
    found = answer.json()
    assert (found["state"], found["certainty"], found["sharedNumber"]) == (
        "known",
        "same_number",
        False,
    )
    assert found["contacts"] > 0 and len(found["lastContacts"]) == min(found["contacts"], 10)
    assert "mhlw9" not in answer.body.decode()
    assert chain.rows(
        "select action, purpose, object from kasumori.audit order by audit_no desc limit 1"
    ) == [("lookup", "着信", "call c-1")]
    assert chain.rows(
        "select count(*) from kasumori.audit where (a.*)::text like %s".replace("a.*", "audit.*"),
        f"%{body['tokens'][0]['mac']}%",
    ) == [(0,)]


def test_an_unknown_number_is_unknown(chain, contract):
    token = {"kind": "phone", "keyId": 1, "mac": "00" * 16}
    body = {"tokens": [token], "purpose": "x", "site": "s001"}
    answer = chain.machine("lookup").post("/v1/lookup", body)
    contract.check("POST", "/v1/lookup", answer)
    assert answer.json()["state"] == "unknown" and answer.json()["contacts"] == 0


TOKEN = {"kind": "phone", "keyId": 1, "mac": "00" * 16}
BAD_LOOKUPS = [
    ({"purpose": "x", "site": "s001"}, "tokens"),
    ({"tokens": [], "purpose": "x", "site": "s001"}, "tokens"),
    ({"tokens": [TOKEN] * 9, "purpose": "x", "site": "s001"}, "tokens"),
    ({"tokens": [1], "purpose": "x", "site": "s001"}, "tokens"),
    ({"tokens": [{**TOKEN, "kind": "worker"}], "purpose": "x", "site": "s001"}, "tokens.kind"),
    ({"tokens": [{**TOKEN, "keyId": -1}], "purpose": "x", "site": "s001"}, "tokens.keyId"),
    ({"tokens": [{**TOKEN, "keyId": 1.5}], "purpose": "x", "site": "s001"}, "tokens.keyId"),
    ({"tokens": [{**TOKEN, "mac": "zz" * 16}], "purpose": "x", "site": "s001"}, "tokens.mac"),
    ({"tokens": [{**TOKEN, "mac": "00"}], "purpose": "x", "site": "s001"}, "tokens.mac"),
    ({"tokens": [TOKEN], "site": "s001"}, "purpose"),
    ({"tokens": [TOKEN], "purpose": "", "site": "s001"}, "purpose"),
    ({"tokens": [TOKEN], "purpose": "x"}, "site"),
    ({"tokens": [TOKEN], "purpose": "x", "site": 1}, "site"),
    ({"tokens": [TOKEN], "purpose": "x", "site": "s001", "callId": "a b"}, "callId"),
]


@pytest.mark.parametrize(("body", "place"), BAD_LOOKUPS)
def test_a_bad_look_up_names_its_place(chain, body, place):
    answer = chain.machine("lookup").post("/v1/lookup", body)
    assert (answer.status, answer.code) == (400, "bad_member"), answer.body
    assert answer.json()["place"] == place


def test_a_look_up_needs_the_scope_and_the_site(chain):
    body = {"tokens": [TOKEN], "purpose": "x", "site": "s001"}
    assert chain.machine("read").post("/v1/lookup", body).status == 403
    assert chain.client("headquarters").post("/v1/lookup", body).status == 403
    assert chain.machine("lookup", "s002").post("/v1/lookup", body).status == 400
    assert chain.machine("lookup", "s001").post("/v1/lookup", body).status == 200


def test_a_restriction_is_told_where_it_holds(chain):
    token = known_token(chain)
    mac = str(uuid.UUID(token["mac"]))
    at = chain.rows(
        "select max(last_at) from kasumori.class_run r join kasumori.token_class t "
        "using (tenant, class) where t.mac = %s",
        mac,
    )[0][0]
    name = f"phone:{token['keyId']}:{token['mac']}@{at.isoformat()}"
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    number = chain.decide(
        "restrict", "--class", name, "--until", until, "--second", "suzuki", "--scope", "s001"
    )
    chain.stack.db_cli("tick", "--tenant", "acme", is_ok=False)
    chain.wait_decided(number)
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while chain.rows("select count(*) from kasumori.watch")[0][0] == 0:
        assert datetime.now(UTC) < deadline
    body = {"tokens": [token], "purpose": "x", "site": "s001"}
    here = chain.machine("lookup").post("/v1/lookup", body).json()
    there = chain.machine("lookup").post("/v1/lookup", {**body, "site": "s002"}).json()
    assert [r["kind"] for r in here["restrictions"]] == ["restrict"]
    assert here["restrictions"][0]["scope"] == ["s001"] and there["restrictions"] == []
