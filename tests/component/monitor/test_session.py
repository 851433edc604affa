"""Signing in and out: cookies, where a request comes from, expiry, waits after failures."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.component.monitor.conftest import PASSWORD
from tests.component.monitor.service import Client


@pytest.fixture
def nobody(world) -> Client:
    return Client(world.monitor)


def sign_in(client: Client, account: str = "admin", password: str = PASSWORD, **headers: str):
    body = {"tenant": "acme", "account": account, "password": password}
    return client.post("/v1/session", body, **headers)


def test_signing_in_and_out(world, nobody):
    answer = sign_in(nobody, "supervisor")
    assert answer.status == 200, answer.body
    session = answer.json()
    assert session["role"] == "supervisor" and session["sites"] == ["s001"]
    assert (session["tenant"], session["account"]) == ("acme", "supervisor")
    cookie = answer.headers["set-cookie"]
    token, *attributes = cookie.split("; ")
    assert token.startswith("__Host-kasumori=") and len(token) == 16 + 64
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=86400"}
    client = Client(world.monitor, cookie=token.partition("=")[2])
    assert client.get("/v1/session").json() == session
    ended = client.post("/v1/session/end")
    assert ended.status == 204 and "Max-Age=0" in ended.headers["set-cookie"]
    assert client.get("/v1/session").status == 401


def test_the_token_is_not_stored(world, nobody):
    token = sign_in(nobody).headers["set-cookie"].split("; ")[0].partition("=")[2]
    with psycopg.connect(world.database) as db:
        rows = str(db.execute("select s::text from kasumori.session s").fetchall())
    assert token not in rows


def test_wrong_and_unknown_look_alike(world, nobody):
    answers = [
        sign_in(nobody, "privacy", "wrong"),
        sign_in(nobody, "nobody-of-this-name", "wrong"),
        nobody.post("/v1/session", {"tenant": "zulu", "account": "admin", "password": PASSWORD}),
    ]
    assert {(a.status, a.body, a.headers.get("set-cookie")) for a in answers} == {
        (401, answers[0].body, None)
    }
    assert answers[0].code == "wrong_password"


def test_unknown_accounts_take_the_same_work(nobody):
    def took(account: str) -> float:
        started = time.monotonic()
        sign_in(nobody, account, "wrong")
        return time.monotonic() - started

    known = min(took(account) for account in ("site", "privacy"))
    unknown = min(took(account) for account in ("unknown-1", "unknown-2"))
    assert 0.4 < unknown / known < 2.5


def test_waits_double(world, nobody):
    sign_in(nobody, "headquarters", "wrong")
    sign_in(nobody, "headquarters", "wrong")
    sign_in(nobody, "headquarters", "wrong")
    assert sign_in(nobody, "headquarters", "wrong").status == 401
    for wait_s in (1, 2):
        refused = sign_in(nobody, "headquarters")
        assert (refused.status, refused.code) == (429, "too_many_attempts")
        assert int(refused.headers["retry-after"]) <= wait_s
        time.sleep(wait_s + 0.05)
        assert sign_in(nobody, "headquarters", "wrong").status == 401
    assert sign_in(nobody, "headquarters").status == 429
    time.sleep(4.05)
    assert sign_in(nobody, "headquarters").status == 200
    assert sign_in(nobody, "headquarters", "wrong").status == 401  # the others are forgotten
    assert sign_in(nobody, "headquarters").status == 200
    with psycopg.connect(world.database) as db:
        (count,) = db.execute(
            "select count(*) from kasumori.audit where tenant = 'acme' "
            "and actor = 'headquarters' and action = 'sign_in.failed'"
        ).fetchone()
    assert count == 7


def test_at_most_two_comparisons_at_once(world):
    answers = []
    with ThreadPoolExecutor(16) as threads:
        for _ in range(20):  # until three were under way together
            answers += threads.map(lambda _: sign_in(Client(world.monitor)), range(16))
            if any(answer.status == 503 for answer in answers):
                break
    assert {answer.status for answer in answers} == {200, 503}
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status == 503)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Kasumori": "0"},
        {"X-Kasumori": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_requests_of_other_pages_are_refused(world, nobody, headers):
    assert sign_in(nobody, **headers).code == "cross_site"
    client = world.client("acme", "admin")
    assert client.post("/v1/session/end", **headers).code == "cross_site"
    assert client.get("/v1/session").status == 200


def test_own_pages_are_let_in(world):
    client = world.client("acme", "admin")
    origin = f"http://127.0.0.1:{world.monitor.port}"
    assert client.post("/v1/session/end", Origin=origin).status == 204


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]
)
def test_forms_are_refused(world, kind):
    client = world.client("acme", "admin")
    assert client.post("/v1/session/end", **{"Content-Type": kind}).code == "bad_type"


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = now() - interval '1 s'",
        "seen_at = now() - interval '12 hours 1 s'",
        "token_hash = sha256('x')",
    ],
)
def test_sessions_end(world, change):
    client = world.client("acme", "site")
    assert client.get("/v1/session").status == 200
    with psycopg.connect(world.database) as db:
        db.execute(
            f"update kasumori.session set {change} where account = 'site' and tenant = 'acme'"
        )
    assert client.get("/v1/session").code == "unauthenticated"
    with psycopg.connect(world.database) as db:
        db.execute("delete from kasumori.session where account = 'site'")


def test_use_keeps_a_session_awake(world):
    client = world.client("acme", "site")
    with psycopg.connect(world.database) as db:
        db.execute(
            "update kasumori.session set seen_at = now() - interval '11 hours' where account = "
            "'site'"
        )
    assert client.get("/v1/session").status == 200
    with psycopg.connect(world.database) as db:
        row = db.execute(
            "select bool_and(seen_at > now() - interval '1 minute') from kasumori.session "
            "where account = 'site'"
        ).fetchone()
    assert row == (True,)


def test_a_shut_account_is_out_at_once(world, nobody):
    client = world.client("bravo", "site")
    assert client.get("/v1/session").status == 200
    with psycopg.connect(world.database) as db:
        db.execute(
            "update kasumori.account set disabled_at = now() where tenant = 'bravo' and "
            "account = 'site'"
        )
    assert client.get("/v1/session").status == 401
    body = {"tenant": "bravo", "account": "site", "password": PASSWORD}
    assert nobody.post("/v1/session", body).code == "wrong_password"
    with psycopg.connect(world.database) as db:
        db.execute("update kasumori.account set disabled_at = null where tenant = 'bravo'")


def test_languages(world):
    for language, title in (
        (None, "サインインしてください"),
        ("ja", "サインインしてください"),
        ("en-US,en;q=0.9,ja;q=0.8", "Please sign in"),
        ("fr;q=0.9, en;q=0.2, ja;q=0.3", "サインインしてください"),
        ("de", "サインインしてください"),
    ):
        headers = {} if language is None else {"Accept-Language": language}
        problem = Client(world.monitor).get("/v1/session", **headers).json()
        assert problem["title"] == title, language
        assert problem["titles"]["en"] == "Please sign in"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", None),
        (b"", None),
        (b"[]", None),
        (b'{"tenant":"acme","tenant":"acme"}', None),
        (b'{"tenant":"acme"}', "account"),
        (b'{"tenant":1,"account":"a","password":"b"}', "tenant"),
        (b'{"tenant":"a b","account":"a","password":"b"}', "tenant"),
        (b'{"tenant":"acme","account":"","password":"b"}', "account"),
        (b'{"tenant":"acme","account":"a","password":"' + b"x" * 1025 + b'"}', "password"),
        (b'{"tenant":"acme","account":"a","password":null}', "password"),
        (b'{"tenant":"acme","account":"\\u0000","password":"x"}', None),
    ],
)
def test_odd_bodies(nobody, body, place):
    answer = nobody.post("/v1/session", body)
    assert answer.status == 400, answer.body
    assert answer.json().get("place") == place


def test_machines(world):
    client = world.machine("acme", "read")
    assert client.get("/v1/session").code == "forbidden"
    for bad in ("Basic x", "Bearer", "Bearer ", "Bearer " + "x" * 64, "Bearer " + "x" * 500):
        assert client.get("/v1/session", Authorization=bad).code == "unauthenticated"
    # A key that does not hold is not made good by a cookie beside it.
    signed_in = world.client("acme", "admin")
    assert signed_in.get("/v1/session", Authorization="Bearer x").status == 401
