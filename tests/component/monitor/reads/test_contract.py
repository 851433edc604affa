"""Every answer as openapi.yaml describes it, to whom the table of routes says, and what is wrong with a
question."""

from __future__ import annotations

import pytest

from tests.component.monitor.reads.asking import readers
from tests.component.monitor.reads.chain import ACCOUNTS, described_routes, program_routes

NOBODY = "01900000-0000-7000-8000-000000000000"


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
    ("alerts?acknowledged=maybe", "acknowledged"),
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
