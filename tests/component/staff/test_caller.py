"""The look-up on a real agent against a stand-in for headquarters: in time, or clearly unavailable."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.process import wait_until
from tests.support.staff import UNKNOWN, FakeCenter, lookup

BOARD = "https://board.example"
NUMBER = {"number": "090-1234-5678", "purpose": "call"}


def timed(ask):
    began = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - began


@pytest.fixture
def site(start, open_page, center):
    """An agent that asks the center, and its client."""
    agent = start(lookup=center.settings(allow_origin=BOARD))
    return agent, open_page(agent).client


def ask(client, question: object = NUMBER, **headers: str):
    body = question if isinstance(question, str) else json.dumps(question, ensure_ascii=False)
    return client.send("POST", "/v1/caller", body, "application/json", headers)


class TestAnswers:
    def test_known(self, site, center):
        _, client = site
        answer, took_s = timed(lambda: ask(client, {**NUMBER, "callId": "pbx-7"}))
        assert answer.json() == {"state": "known", "lookup": lookup()}
        assert took_s < 0.3
        asked = center.asked[0]
        assert (asked["path"], asked["site"], asked["purpose"]) == ("/v1/lookup", "s001", "call")
        assert asked["callId"] == "pbx-7"
        assert [(t["kind"], t["keyId"], len(t["mac"])) for t in asked["tokens"]] == [
            ("phone", 1, 32),
            ("phone", 2, 32),
        ]
        assert center.keys == ["Bearer machine-key-of-s001"]
        assert "1234" not in json.dumps(asked)

    def test_ways_to_write_a_number_are_one(self, site, center):
        _, client = site
        for number in (
            "090-1234-5678",
            "０９０１２３４５６７８",
            "+81 90 1234 5678",
            "184090-1234-5678",
        ):
            assert ask(client, {"number": number, "purpose": "call"}).status == 200
        assert len({json.dumps(a["tokens"]) for a in center.asked}) == 1

    def test_unknown(self, site, center):
        center.answer = lambda: (200, json.dumps(UNKNOWN).encode())
        assert ask(site[1]).json()["state"] == "unknown"

    def test_connections_are_kept(self, site, center):
        for _ in range(10):
            ask(site[1])
        assert center.connections == 1

    def test_a_connection_the_center_closed_costs_nobody(self, site, center):
        center.idle_s = 0.1
        for _ in range(4):
            assert ask(site[1]).json()["state"] == "known"
            time.sleep(0.3)
        assert center.connections == 4

    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            ("非通知", "withheld"),
            ("anonymous", "withheld"),
            ("公衆電話", "public_phone"),
            ("表示圏外", "out_of_area"),
            ("不明", "no_number"),
            ("0120-123-456", "impersonal"),
            ("0570012345", "impersonal"),
            ("110", "impersonal"),
        ],
    )
    def test_nobodys_numbers_are_not_asked(self, site, center, number, reason):
        answer = ask(site[1], {"number": number, "purpose": "call"})
        assert answer.json() == {"state": "not_asked", "reason": reason}
        assert center.asked == []

    def test_bad_questions(self, site, center):
        for question in (
            "", "[]", "{}", {"number": "090"}, {"purpose": "call"}, {**NUMBER, "memberId": "1"},
            {**NUMBER, "x": 1}, {"number": 9012345678, "purpose": "call"},
            {"number": "abc", "purpose": "call"}, {**NUMBER, "purpose": ""},
            {**NUMBER, "callId": "x" * 65},
        ):  # fmt: skip
            answer = ask(site[1], question)
            assert answer.status == 400, question
            assert "9012345678" not in answer.text
        assert center.asked == []


class TestUnavailable:
    def unavailable(self, answer) -> str:
        found = answer.json()
        assert (answer.status, found["state"]) == (200, "unavailable")
        return found["reason"]

    def test_slow_then_fast_then_well_again(self, site, center):
        agent, client = site
        center.delay_s, center.is_ready = 2, False
        answer, took_s = timed(lambda: ask(client))
        assert self.unavailable(answer) == "timeout"
        assert 0.28 < took_s < 0.45
        for _ in range(5):  # the circuit is open: nobody else waits
            answer, took_s = timed(lambda: ask(client))
            assert self.unavailable(answer) == "unreachable" and took_s < 0.05
        assert len(center.asked) == 1
        center.delay_s, center.is_ready = 0, True
        wait_until(lambda: ask(client).json()["state"] == "known", "the circuit closes", 10)
        assert agent.metric('kasumori_agent_lookups_total{state="unavailable"}') >= 6

    def test_many_at_once_keep_the_time(self, site, center):
        import threading

        from tests.support.client import Client

        agent, _ = site
        center.delay_s = 0.15
        took, states = [], []

        def one() -> None:
            client = Client(agent.port)
            answer, took_s = timed(lambda: ask(client))
            took.append(took_s)
            states.append(answer.json()["state"])
            client.close()

        threads = [threading.Thread(target=one) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(took) < 1.0 and set(states) <= {"known", "unavailable"}
        assert states.count("known") >= 1

    def test_dead(self, start, open_page, center):
        settings = center.settings(url="http://127.0.0.1:1")
        client = open_page(start(lookup=settings)).client
        answer, took_s = timed(lambda: ask(client))
        assert self.unavailable(answer) == "unreachable" and took_s < 0.3

    def test_certificates(self, start, open_page, tmp_path):
        good = FakeCenter(tmp_path, is_tls=True)
        other = FakeCenter(tmp_path, is_tls=True)
        elsewhere = FakeCenter(tmp_path, host="127.0.0.2", is_tls=True)
        cases = [
            (good.settings(), "known"),
            (good.settings(ca_file=str(other.ca)), "untrusted"),
            (elsewhere.settings(), "untrusted"),
        ]
        for settings, wanted in cases:
            client = open_page(start(lookup={**settings, "timeout": "2s"})).client
            found = ask(client).json()
            assert wanted in (found["state"], found.get("reason")), found
        assert other.asked == elsewhere.asked == []
        for server in (good, other, elsewhere):
            server.stop()

    def test_malformed_answers_are_no_answers(self, site, center):
        whole = lookup()
        bad = [
            b"", b"{}", b"[]", b"null", b"{", b'{"state":"known"}', b'{"state":"clean"}',
            b'{"state":"unknown","state":"known"}', json.dumps(whole)[:-1].encode(),
            *(json.dumps({k: v for k, v in whole.items() if k != key}).encode() for key in whole),
            *(json.dumps({**whole, key: 7.5}).encode() for key in whole if key != "state"),
            json.dumps({**whole, "openMatters": [{"matter": 1, "since": "x"}]}).encode(),
            b" " * 300_000,
        ]  # fmt: skip
        for body in bad:
            center.answer = lambda body=body: (200, body)
            assert self.unavailable(ask(site[1])) == "bad_answer", body[:60]

    def test_statuses(self, site, center):
        reasons = {401: "refused", 403: "refused", 429: "busy", 503: "busy"}
        for status in (401, 403, 429, 503, 302, 404, 500):
            reason = reasons.get(status, "bad_answer")
            center.answer = lambda status=status: (status, json.dumps(lookup()).encode())
            assert self.unavailable(ask(site[1])) == reason

    def test_not_configured(self, start, open_page):
        assert self.unavailable(ask(open_page(start()).client)) == "not_configured"

    def test_stops_while_one_is_asked(self, site, center):
        import threading

        agent, client = site
        center.delay_s = 5
        found = []
        thread = threading.Thread(target=lambda: found.append(ask(client)))
        thread.start()
        wait_until(lambda: center.asked, "asked", 5)
        began = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - began < 3
        thread.join()
        assert self.unavailable(found[0]) in ("bad_answer", "timeout")


class TestWhoMayAsk:
    def test_origins(self, site, center):
        agent, client = site
        answer = ask(client, Origin=BOARD)
        assert answer.json()["state"] == "known"
        assert answer.headers["access-control-allow-origin"] == BOARD
        for origin in ("https://evil.example", BOARD + ".evil", "null", agent.url):
            answer = ask(client, Origin=origin)
            assert answer.status == 403 and "access-control-allow-origin" not in answer.headers
        assert ask(client, Host="evil.example").status == 403
        assert client.send("POST", "/v1/caller", "{}", "text/plain").status == 415
        assert len(center.asked) == 1

    def test_preflight(self, site):
        def preflight(**headers: str):
            return site[1].send("OPTIONS", "/v1/caller", headers=headers)

        answer = preflight(Origin=BOARD, **{"Access-Control-Request-Private-Network": "true"})
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == BOARD
        assert answer.headers["access-control-allow-methods"] == "POST"
        assert answer.headers["access-control-allow-private-network"] == "true"
        assert preflight(Origin="https://evil.example").status == 403
        assert site[1].send("OPTIONS", "/v1/records").status == 405

    def test_the_page_needs_a_sign_in(self, start, open_page, center):
        page = open_page(start(lookup=center.settings()))
        assert page.post("/form/v1/caller", NUMBER).status == 401
        page.sign_in()
        assert page.post("/form/v1/caller", NUMBER).json()["state"] == "known"

    def test_a_key_is_demanded_of_machines(self, start, open_page, center, tmp_path):
        key = tmp_path / "key"
        key.touch(mode=0o600)
        key.write_text("0123456789abcdef\n")
        http = {"address": "127.0.0.1", "key_file": str(key)}
        settings = center.settings(allow_origin=BOARD)
        page = open_page(start(lookup=settings, http=http, form={"enabled": True}))
        assert ask(page.client).status == 401
        with_key = {"Authorization": "Bearer 0123456789abcdef"}
        assert ask(page.client, **with_key).json()["state"] == "known"
        assert ask(page.client, Origin=BOARD).status == 401
        preflight = page.client.send("OPTIONS", "/v1/caller", headers={"Origin": BOARD})
        assert preflight.status == 204  # a browser sends no key with it
        assert page.client.get("/form").status == 200
        assert page.post("/form/v1/caller", NUMBER).status == 401  # nobody can sign in here


def test_bad_settings(start, tmp_path, center):
    from tests.support.staff import StaffAgent

    for number, (changes, why) in enumerate(
        [
            ({"url": "http://example.com"}, "loopback"),
            ({"url": "https://example.com/path"}, "nothing behind it"),
            ({"url": "ftp://x"}, "https://"),
            ({"allow_origin": "https://board.example/"}, "allow_origin"),
            ({"key_file": None}, "key_file"),
            ({"key_file": str(tmp_path / "none")}, "none"),
        ]
    ):
        settings = {k: v for k, v in center.settings(**changes).items() if v is not None}
        agent = StaffAgent(tmp_path / f"bad{number}", "127.0.0.1:1", lookup=settings)
        agent.start()
        assert agent.wait(10) == 1, changes
        assert why in agent.log_text(), agent.log_text()


def test_no_number_in_log_or_metrics(site, center):
    agent, client = site
    ask(client)
    ask(client, {"number": "x09099998888y", "purpose": "call"})
    center.answer = lambda: (500, b"")
    ask(client)
    assert "1234" not in client.get("/metrics").text.replace("12345", "")
    assert agent.stop() == 0
    assert "5678" not in agent.log_text() and "9999" not in agent.log_text()
