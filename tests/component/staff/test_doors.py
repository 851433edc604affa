"""Doors for machines on loopback without a key: a page in a browser of that machine gets nothing in,
not even by a name of its own that points to 127.0.0.1 (DNS rebinding)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.staff import StaffAgent

RECORD = json.dumps(
    {
        "site": "s001",
        "occurredStartUs": datetime(2026, 11, 24, tzinfo=UTC).isoformat(),
        "channel": "PHONE",
        "contact": {"outcome": "CONNECTED"},
    }
)
ROW = '"","0312345678","100","ctx","x","SIP/1","SIP/2","Dial","","2026-11-24 10:00:00",'
ROW += '"2026-11-24 10:00:05","2026-11-24 10:01:00",60,55,"ANSWERED","DOCUMENTATION","1.1",""\n'
DOORS = {
    "/v1/records": (RECORD, "application/json"),
    "/v1/call-records?source=pbx1": (ROW, "text/csv"),
}
ASTERISK = [{"name": "pbx1", "utc_offset": "+09:00"}]


@pytest.fixture
def agent(start, tmp_path: Path) -> StaffAgent:
    return start(http={"address": "127.0.0.1", "unix": str(tmp_path / "sock")}, asterisk=ASTERISK)


def post(client: Client, path: str, **headers: str):
    body, content_type = DOORS[path]
    return client.send("POST", path, body, headers={"Content-Type": content_type, **headers})


def stored(agent: StaffAgent) -> float:
    return agent.metric("kasumori_agent_accepted_total")


@pytest.mark.parametrize("path", DOORS)
def test_a_page_of_somebody_else_is_refused(agent, path):
    client = Client(agent.port)
    here = f"127.0.0.1:{agent.port}"
    rebound = f"rebound.example:{agent.port}"
    for headers in (
        {"Host": rebound},
        {"Host": rebound, "Origin": f"http://{rebound}"},
        {"Host": "127.0.0.1.rebound.example"},
        {"Host": "localhost.rebound.example"},
        {"Host": here, "Origin": "https://page.example"},
        {"Host": here, "Origin": "null"},
        {"Host": here, "Origin": f"https://{here}"},
        {"Host": here, "Origin": f"http://127.0.0.1:{agent.port + 1}"},
    ):
        answer = post(client, path, **headers)
        assert answer.status == 403, (headers, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert stored(agent) == 0
    client.close()


@pytest.mark.parametrize("path", DOORS)
def test_programs_come_in(agent, path, tmp_path):
    client = Client(agent.port)
    for host in (f"127.0.0.1:{agent.port}", f"localhost:{agent.port}", f"[::1]:{agent.port}"):
        assert post(client, path, Host=host).status in (200, 201), host
    unix = Client(unix=tmp_path / "sock")
    assert post(unix, path, Host="whatever").status in (200, 201)
    client.close()
    unix.close()


@pytest.mark.parametrize("path", DOORS)
def test_where_a_key_is_demanded_the_key_decides(start, tmp_path, path):
    key = tmp_path / "http.key"
    key.touch(mode=0o600)
    key.write_text("k" * 32 + "\n")
    agent = start(http={"address": "127.0.0.1", "key_file": str(key)}, asterisk=ASTERISK)
    client = Client(agent.port)
    named = {"Host": f"agent.shop.example:{agent.port}"}
    assert post(client, path, **named).status == 401
    bearer = {"Authorization": "Bearer " + "k" * 32}
    assert post(client, path, **named, **bearer).status in (200, 201)
    client.close()
