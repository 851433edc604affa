"""The look-up: neutral, audited, and for whom."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest


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
