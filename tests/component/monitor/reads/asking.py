"""What the tests of the reads ask with."""

from __future__ import annotations

from tests.component.monitor.reads.chain import ACCOUNTS, program_routes

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


def every(client, path: str) -> list[dict]:
    found, cursor = [], ""
    while True:
        answer = client.get(f"{path}{'&' if '?' in path else '?'}limit=200{cursor}").json()
        found += answer["items"]
        if "next" not in answer:
            return found
        cursor = f"&cursor={answer['next']}"
