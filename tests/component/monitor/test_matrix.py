"""Every route × every role × two tenants: who is let in, who is not, whose things do not exist.

The table below is written by hand beside the program's own: a row that is new there, or lets in
other people, fails here until somebody has looked at it.
"""

from __future__ import annotations

import subprocess
import uuid

import pytest

from tests.component.monitor.conftest import ROLES, TENANTS
from tests.component.monitor.facts import Facts
from tests.component.monitor.service import Client
from tests.support.paths import binaries

ALL = "site supervisor headquarters privacy admin"
CASES = "site supervisor headquarters privacy"
JUDGES = "supervisor headquarters privacy"

WHO = {
    ("POST", "/v1/session"): "",
    ("GET", "/v1/session"): ALL,
    ("POST", "/v1/session/end"): ALL,
    ("POST", "/v1/decisions"): JUDGES,
    ("POST", "/v1/decisions/bulk"): JUDGES,
    ("GET", "/v1/proposed-decisions"): "headquarters privacy",
    ("POST", "/v1/proposed-decisions/*/approve"): "headquarters",
    ("POST", "/v1/proposed-decisions/*/withdraw"): "headquarters",
    ("GET", "/v1/now"): ALL,
    ("GET", "/v1/sites"): ALL + " read",
    ("GET", "/v1/agents"): ALL + " read",
    ("GET", "/v1/categories"): ALL + " read",
    ("GET", "/v1/policies"): "headquarters privacy admin",
    ("GET", "/v1/incidents"): CASES + " read",
    ("GET", "/v1/incidents/*"): CASES,
    ("GET", "/v1/occurrences/*"): CASES,
    ("GET", "/v1/subjects/*"): CASES,
    ("GET", "/v1/timeline/*"): JUDGES,
    ("GET", "/v1/alerts"): CASES,
    ("GET", "/v1/alerts/*"): CASES,
    ("GET", "/v1/notices"): CASES,
    ("GET", "/v1/review"): JUDGES,
    ("GET", "/v1/decisions"): JUDGES,
    ("GET", "/v1/bad-records"): "headquarters admin",
    ("GET", "/v1/stats/*"): ALL + " read",
    ("GET", "/v1/audit"): "privacy admin",
    ("GET", "/v1/exports/incidents.csv"): JUDGES + " export",
    ("GET", "/v1/exports/incidents.ndjson"): JUDGES + " export",
    ("GET", "/v1/events"): ALL,
    ("POST", "/v1/lookup"): "lookup",
    ("POST", "/v1/receipts"): "receipt",
}
SCOPES = ("lookup", "export", "read", "receipt")
CALLERS = [*ROLES, *SCOPES]
# Answered the same to everybody, so no id of a tenant stands in them.
NOT_A_THING = {"/v1/stats/*"}


def rows() -> list[list[str]]:
    text = subprocess.run(
        [binaries() / "kasumori-monitor", "--routes"], capture_output=True, text=True, check=True
    ).stdout
    return [line.split("\t") for line in text.splitlines()]


@pytest.fixture(scope="module")
def callers(world) -> dict[tuple[str, str], Client]:
    made = {}
    for tenant in TENANTS:
        for role in ROLES:
            made[tenant, role] = world.client(tenant, role)
        for scope in SCOPES:
            made[tenant, scope] = world.machine(tenant, scope)
    return made


@pytest.fixture(scope="module")
def things(world) -> dict[str, str]:
    """Ids of acme's, by the path that takes them."""
    facts = Facts(world.database, "acme")
    facts.correlated()
    record = facts.record(ordinal=0)
    occurrence = facts.value(
        "select occurrence::text from kasumori.occurrence_record where record_id = %s::uuid", record
    )
    facts.run(
        "insert into kasumori.proposed_decision (tenant, kind, reason, request, body, made_by) "
        "values ('acme', 'restrict', 'x', '{}', '{}', 'somebody')"
    )
    proposal = facts.value("select proposal::text from kasumori.proposed_decision limit 1")
    return {
        "/v1/incidents/*": record,
        "/v1/timeline/*": record,
        "/v1/occurrences/*": occurrence,
        "/v1/proposed-decisions/*/approve": proposal,
        "/v1/proposed-decisions/*/withdraw": proposal,
    }


def ask(client: Client, method: str, path: str, part: str | None = None):
    path = path.replace("*", part or str(uuid.UUID(int=7)))
    if method == "GET":
        return client.head_of("GET", path + "?purpose=matrix", None)
    headers = {"Content-Type": "application/json", "X-Kasumori": "1"}
    return client.head_of("POST", path, b"{}", **headers)


def test_the_tables_are_the_same():
    named = set()
    for method, path, roles, scopes, *_ in rows():
        named.add((method, path))
        assert (method, path) in WHO, f"{method} {path} is new: say in this test who may"
        want = set(WHO[method, path].split())
        have = {role for role in roles.split(",") if role not in ("-", "machine")}
        if "machine" in roles:
            have |= set(scopes.split(","))
        assert have == want, f"{method} {path}"


@pytest.mark.parametrize("tenant", TENANTS)
@pytest.mark.parametrize("caller", CALLERS)
def test_everybody_everywhere(callers, caller, tenant, world):
    for method, path, *_ in rows():
        if path == "/v1/session/end":
            continue  # would end the session under test
        answer = ask(callers[tenant, caller], method, path)
        may = caller in WHO[method, path].split() or not WHO[method, path]
        if may:
            assert answer.status not in (401, 403) and answer.status < 500, (path, answer)
        else:
            assert (answer.status, answer.code) == (403, "forbidden"), (path, answer)


def test_nobody_is_let_in(world):
    for method, path, *_ in rows():
        answer = ask(Client(world.monitor), method, path)
        want = 400 if path == "/v1/session" and method == "POST" else 401
        assert answer.status == want, (path, answer)


def test_what_is_in_no_row_does_not_exist(callers):
    hq = callers["acme", "headquarters"]
    for path in (
        "/v1",
        "/v1/",
        "/v1/now/",
        "/v1/accounts",
        "/v1/incidents/a/b",
        "/v2/now",
        "/v1/NOW",
    ):
        assert hq.get(path).status == 404, path
    for method, path in (("POST", "/v1/now"), ("GET", "/v1/session/end"), ("PUT", "/v1/decisions"),
                         ("DELETE", "/v1/session"), ("PATCH", "/v1/now"), ("HEAD", "/")):  # fmt: skip
        assert hq.ask(method, path, None, hq.headers).status == 405, (method, path)


def test_things_of_another_tenant_do_not_exist(callers, things):
    for method, path, *_ in rows():
        if "*" not in path or path in NOT_A_THING:
            continue
        part = things.get(path)
        for role in ROLES:
            if role not in WHO[method, path].split():
                continue
            answer = ask(callers["bravo", role], method, path, part)
            if method == "POST":
                assert answer.code in ("not_found", "bad_member"), (path, answer)
            else:
                assert (answer.status, answer.code) == (404, "not_found"), (path, answer)
            if part is not None and role == "headquarters" and method == "GET":
                assert ask(callers["acme", role], method, path, part).status == 200, path


def test_every_answer_has_the_standing_headers(callers):
    for method, path, *_ in rows():
        answer = ask(callers["acme", "privacy"], method, path)
        if path == "/v1/session/end":
            continue
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["cache-control"] == "no-store", path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy
