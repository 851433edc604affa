"""Loaded by schemathesis: what it cannot know from openapi.yaml about requests that are well formed.

Its check positive_data_acceptance wants every request that fits the schema to be taken. Here some
are rightly refused for what no schema says, and only those codes are let pass; in the same place
a 400 with any other code is still a fault.
"""

from __future__ import annotations

import schemathesis
from schemathesis.checks import CheckContext

# Good for one list with its filters; for one body; how decisions stand to the facts and to
# each other; while the page was looked at.
BY_FACTS = {"bad_cursor", "key_reused", "inert", "stale", "pending", "closed"}
# "from" and "to" belong together, which a schema of single parameters cannot say.
BY_EACH_OTHER = {("GET /v1/stats/{measure}", "from"), ("GET /v1/stats/{measure}", "to")}
BY_TIME = {("POST /v1/decisions", "until")}  # a restriction cannot end in the past
BY_SIZE = "a number is out of range"  # whole numbers beyond 64 bits, as I-JSON warns of


@schemathesis.check
def taken_unless_facts_say_no(
    ctx: CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 409, 412, 422):
        return
    problem = response.json()
    place = (case.operation.label, problem.get("place"))
    is_rightly = (
        problem.get("code") in BY_FACTS
        or place in BY_EACH_OTHER | BY_TIME
        or BY_SIZE in problem.get("detail", "")
    )
    assert is_rightly, f"a request that fits the schema was refused: {response.text}"
