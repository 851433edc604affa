"""The monitor held against openapi.yaml by schemathesis: requests made from the schemas, good and
bad, as every role, as a machine's key and as nobody, each answer held against what is described.

All of schemathesis' checks are on but these:
- positive_data_acceptance: schema_hooks.py has it in a form that knows the codes which no schema
  can foresee (a cursor of another list, a decision that the facts make inert).
- object_level_authorization and use_after_free find nothing to do here: no caller creates what
  another could read, and nothing is deleted. test_matrix.py asks every route for things of another
  tenant.
Signing out is asked by nobody only, or it would end the session under test; signing in by none, as
each try costs 64 MiB of Argon2id and the fourth is made to wait: test_session.py has both.

Boundary values and sequences of calls are asked by one caller that the route lets in, the rest by
a few examples, for 401, 403 and 404 are the same code for everybody.
KASUMORI_SCHEMATHESIS=N asks N examples of every route by every caller, and all boundary values.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.component.monitor.reads.chain import ACCOUNTS, OPENAPI, Chain
from tests.support.paths import ROOT

SEED = 20261124
EXAMPLES = 2
LONG = int(os.environ.get("KASUMORI_SCHEMATHESIS", "0"))
SCOPES = "lookup,export,read,receipt"
# Paths whose boundary values each asks.
DEEP = {
    "headquarters": None,
    "privacy": ["/v1/audit"],
    "machine": ["/v1/lookup", "/v1/receipts"],
    "nobody": ["/v1/session/end"],
}


def propose(chain: Chain, subject: str) -> list[str]:
    """Proposals, one's own and those of others who may be agreed with."""
    client = chain.client("headquarters")
    page = client.get(f"/v1/subjects/{subject}?purpose=test").json()
    proposal = {
        "kind": "restrict",
        "reason": "a test",
        "classes": [page["classes"][0]["class"]],
        "until": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
    }
    answer = client.post("/v1/decisions", proposal)
    assert answer.status == 202, answer.body
    own = answer.json()["proposal"]
    with chain.db() as db:
        others = db.execute(
            "insert into kasumori.proposed_decision (tenant, kind, reason, request, body, made_by) "
            "select tenant, kind, reason, request, body, 'somebody' "
            "from kasumori.proposed_decision, generate_series(1, 20) where proposal = %s "
            "returning proposal",
            (own,),
        ).fetchall()
    return [own, *(str(row[0]) for row in others)]


@pytest.fixture(scope="module")
def names(chain) -> dict[str, tuple[str, list[str]]]:
    """Parameters that name something, and things of that name."""

    def some(sql: str) -> list[str]:
        return [str(row[0]) for row in chain.rows(sql)]

    alerts = chain.client("headquarters").get("/v1/alerts?limit=200").json()["items"]
    subjects = sorted({alert["subject"] for alert in alerts if "subject" in alert})[:20]
    records = some(
        "select record_id from kasumori.occurrence_record "
        "order by site = 's001' desc, record_id limit 20"
    )
    occurrences = some("select occurrence from kasumori.occurrence_record order by 1 limit 20")
    return {
        "path.recordId": ("records", records),
        "path.occurrence": ("occurrences", occurrences),
        "path.alert": ("alerts", [alert["alert"] for alert in alerts[:20]]),
        "path.name": ("subjects", subjects),
        "path.id": ("proposals", propose(chain, subjects[0])),
        "query.record": ("judged", list(chain.judged.values())),
        "query.site": ("sites", [site.site for site in chain.stack.sites]),
    }


def credentials(chain: Chain, caller: str) -> list[str]:
    if caller in ACCOUNTS:
        cookie = chain.client(caller).headers["Cookie"].partition("__Host-kasumori=")[2]
        return ["[auth.openapi.session]", f"api_key = '{cookie}'"]
    if caller == "machine":
        key = chain.machine(SCOPES).headers["Authorization"].partition(" ")[2]
        return ["[auth.openapi.machineKey]", f"bearer = '{key}'"]
    return []


def settings(chain: Chain, caller: str, names: dict[str, tuple[str, list[str]]]) -> str:
    is_deep = str(caller in DEEP or LONG > 0).lower()
    has_links = str(caller == "headquarters" or LONG > 0).lower()
    lines = [
        f"seed = {SEED}",
        f"base-url = 'http://127.0.0.1:{chain.monitor.port}'",
        "workers = 1",  # Python 3.11 cannot parse in two threads: "AST constructor recursion depth"
        "continue-on-failure = true",
        "request-timeout = 20.0",
        "max-stream-events = 1",
        "warnings = false",
        "cache.enabled = false",
        "output.sanitization.enabled = false",
        "generation.with-security-parameters = false",
        f"generation.max-examples = {LONG or EXAMPLES}",
        f"phases.coverage.enabled = {is_deep}",
        f"phases.stateful.enabled = {has_links}",
        "checks.positive_data_acceptance.enabled = false",
        # 413, 414 and 431 refuse bad data as well
        "checks.negative_data_rejection.expected-statuses = ['4xx']",
    ]
    for name, values in names.values():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    for parameter, (name, _) in names.items():
        lines.append(f"'{parameter}' = {{ dictionary = '{name}', probability = 0.7 }}")
    lines += credentials(chain, caller)
    if DEEP.get(caller) and not LONG:
        lines += ["[[operations]]", f"exclude-path = {DEEP[caller]}"]
        lines.append("phases.coverage.enabled = false")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("caller", [*ACCOUNTS, "machine", "nobody"])
def test_every_answer_is_as_described(chain, names, caller, tmp_path):
    (tmp_path / "settings.toml").write_text(settings(chain, caller, names))
    left_out = ["post_session"] + ["post_session_end"] * (caller != "nobody")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--no-color", "--config-file", "settings.toml", "run", OPENAPI,
            *(part for one in left_out for part in ("--exclude-operation-id", one)),
        ],
        env=os.environ | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.component.monitor.reads.schema_hooks",
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=7200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
