"""What comes from outside and goes wrong: malformed requests, slow clients, no database."""

from __future__ import annotations

import ast
import re
import socket
import threading
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.component.monitor.conftest import LOGIN
from tests.component.monitor.service import Client, Monitor
from tests.support.process import wait_until

TABLE = Path(__file__).resolve().parents[2] / "support" / "http_requests.inc"


def odd_requests() -> list[tuple[int, str, bytes]]:
    found = []
    for line in TABLE.read_text().splitlines():
        match = re.fullmatch(r'REQUEST\((\d+), (".*?"), (".*")\)', line)
        if match:
            data = ast.literal_eval("b" + match[3])
            found.append((int(match[1]), ast.literal_eval(match[2]), data))
    return found


def talk(monitor: Monitor, data: bytes) -> int | None:
    with socket.create_connection(("127.0.0.1", monitor.port), timeout=15) as sock:
        sock.sendall(data)
        line = sock.makefile("rb").readline()
        return int(line.split()[1]) if line else None


def test_malformed_requests(world):
    requests = odd_requests()
    assert len(requests) >= 60
    for _, name, data in requests:
        moved = data.replace(b"/echo", b"/v1/session").replace(b"/livez", b"/v1/now")
        status = talk(world.monitor, moved)
        assert status in (501, 505) or 400 <= (status or 0) < 500, (name, status)
    assert Client(world.monitor).get("/readyz").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/incidents/%2e%2e", "/v1/incidents/%00", "/v1/incidents/%0a", "/v1/incidents/" + "x" * 1500,
        "/v1/incidents/%E2%28%A1", "/v1/incidents/';drop%20table%20kasumori.site;--",
        "/v1/incidents?limit=-1", "/v1/incidents?limit=99999999999999999999", "/v1/incidents?cursor=%FF",
        "/v1/incidents?from=now", "/v1/incidents?site=" + "x" * 300, "/v1/incidents?q=%F0%28%8C%28",
        "/v1/proposed-decisions?state=%27", "/v1/subjects/x?purpose=%E2%28", "/v1/subjects/x?purpose=",
        "/v1/subjects/x?purpose=%0A", "/v1/subjects/x?purpose=" + "x" * 257,
    ],
)  # fmt: skip
def test_odd_parameters_are_one_problem(world, path):
    answer = world.client("acme", "headquarters").get(path)
    assert 400 <= answer.status < 500, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status


@pytest.mark.parametrize(
    ("purpose", "code"),
    [
        (None, "purpose_missing"), ("", "purpose_missing"), ("%20%20", "purpose_missing"),
        ("a%0Ab", "bad_parameter"), ("a%7F", "bad_parameter"), ("%E2%28", "bad_parameter"),
        ("x" * 257, "bad_parameter"), (quote("理" * 200 + "x" * 57), "bad_parameter"),
        ("x" * 256, "not_found"), (quote("理" * 180), "not_found"), ("%20x", "not_found"),
    ],
)  # fmt: skip
def test_a_purpose_is_words_of_bounded_length(world, purpose, code):
    nobody = f"/v1/subjects/01900000-0000-7000-8000-000000000000.0.phone.1.{'0' * 32}"
    path = nobody if purpose is None else f"{nobody}?purpose={purpose}"
    answer = world.client("acme", "headquarters").get(path)
    assert answer.code == code, answer.body
    assert answer.json().get("place") == (None if code == "not_found" else "purpose")


@pytest.mark.parametrize("depth", [17, 5000])
def test_deep_json(world, depth):
    client = world.client("acme", "headquarters")
    assert client.post("/v1/decisions", b"[" * depth + b"]" * depth).code == "bad_json"


def test_large_bodies(world):
    client = world.client("acme", "headquarters")
    assert client.post("/v1/decisions", b" " * (64 * 1024 + 1)).status == 413
    assert client.post("/v1/decisions", b" " * (64 * 1024)).code == "bad_json"


def test_slow_clients_do_not_hold_the_others(world):
    slow = []
    for _ in range(40):
        sock = socket.create_connection(("127.0.0.1", world.monitor.port))
        sock.sendall(b"POST /v1/session HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{")
        slow.append(sock)
    client, worst = world.client("acme", "headquarters"), 0.0
    for _ in range(20):
        started = time.monotonic()
        assert client.get("/v1/session").status == 200
        worst = max(worst, time.monotonic() - started)
    for sock in slow:
        sock.close()
    assert worst < 1


def test_a_full_queue_says_when_to_come_back(world, pg, tmp_path):
    name = world.database.split("dbname=")[1].split()[0]
    with Monitor(tmp_path, pg.conninfo(name, user=LOGIN), threads=1,
                 http={"connections_per_peer": 512}) as monitor:  # fmt: skip
        client = world.client("acme", "admin", monitor)
        holder = psycopg.connect(world.database)
        holder.execute("lock table kasumori.session in access exclusive mode")
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(client.get("/v1/session").status))
            for _ in range(300)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(statuses) >= 40, "refused", 20)
        holder.commit()
        holder.close()
        for thread in threads:
            thread.join()
    assert statuses.count(503) == 300 - 257 and statuses.count(200) == 257


def test_the_database_goes_and_comes_back(world, pg):
    client = world.client("acme", "headquarters")
    assert client.get("/v1/session").status == 200
    pg.stop()
    try:
        for _ in range(3):
            answer = client.get("/v1/session")
            assert (answer.status, answer.code) == (503, "database_away")
            assert int(answer.headers["retry-after"]) >= 1
        assert Client(world.monitor).get("/livez").status == 200
        wait_until(lambda: Client(world.monitor).get("/readyz").status == 503, "not ready")
    finally:
        pg.start()
    wait_until(lambda: client.get("/v1/session").status == 200, "back", 20)
    wait_until(lambda: Client(world.monitor).get("/readyz").status == 200, "ready")
