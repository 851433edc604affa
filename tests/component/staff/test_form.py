"""The staff form's requests on a real agent: what is stored, once, and what is refused."""

from __future__ import annotations

import socket
import time
import uuid

import pytest

from tests.support import pb
from tests.support.process import wait_until
from tests.support.staff import PIN, WORKER, Page
from tests.support.topic import read_all

PHONE = 4
TYPED, CONFIRMED = 1, 2
TOPIC = "staff.records.v1"


def report(**changes: object) -> dict:
    return {
        "formId": str(uuid.uuid4()),
        "channel": "face_to_face",
        "categories": ["abuse"],
        "words": "「店長を出せ」と30分続けた",
        **changes,
    }


def code_of(answer) -> str:
    return answer.json()["code"]


@pytest.fixture(scope="module")
def topic(broker) -> str:
    broker.create_topic(TOPIC, 1, {"message.timestamp.type": "LogAppendTime"})
    return TOPIC


class TestOnTheWay:
    """One agent, its broker away at first: what is stored then is on the topic later, once."""

    def test_receipt_moves_when_the_broker_returns(self, broker, topic, start, open_page):
        broker.stop()
        agent = start(broker.bootstrap, topic)
        page = open_page(agent)
        number = {"kind": "phone", "value": "090-1234-5678"}
        once = report(identifiers=[number])
        first = page.post("/form/v1/reports", once)
        assert first.status == 201, first.text
        again = page.post("/form/v1/reports", once)
        assert (again.status, again.json()["recordId"]) == (200, first.json()["recordId"])
        assert page.sign_in().status == 200
        twice = {**number, "again": "０９０ １２３４ ５６７８"}
        second = page.post(
            "/form/v1/reports",
            report(identifiers=[twice], spot="レジ1", stillHere="yes", hurt="no", minutesAgo=30),
        )
        back = page.post("/form/v1/reports", report(identifiers=[{**number, "readBack": True}]))
        assert second.status == back.status == 201
        receipt = second.json()["receipt"]
        supplement = page.post(
            "/form/v1/supplements",
            {
                "formId": str(uuid.uuid4()),
                "receipt": receipt.lower(),
                "words": "電話は03-1234-5678",
            },
        )
        assert supplement.status == 201 and supplement.json()["masked"] == 1
        correction = page.post(
            "/form/v1/corrections", report(receipt=receipt, categories=["threat"], anonymous=True)
        )
        assert correction.status == 201, correction.text
        retraction = page.post(
            "/form/v1/retractions",
            {"formId": str(uuid.uuid4()), "receipt": receipt, "reason": "まちがい"},
        )
        assert retraction.status == 201, retraction.text
        state = page.post("/form/v1/receipt", {"receipt": receipt}).json()
        assert (state["state"], state["isYours"]) == ("stored", True)

        broker.start()
        wait_until(
            lambda: page.post("/form/v1/receipt", {"receipt": receipt}).json()["state"]
            == "delivered",
            "the receipt says delivered", 60,
        )  # fmt: skip
        wait_until(lambda: agent.metric("kasumori_agent_spool_undelivered") == 0, "drained", 30)
        records = [
            pb.record_pb2.Record.FromString(m.value) for m in read_all(broker.bootstrap, topic)
        ]
        assert len(records) == 6
        self.check_persons(records)
        self.check_bodies(records, first, second)

    def check_persons(self, records) -> None:
        typed, twice, back = (r.persons[0].identifiers[0] for r in records[:3])
        assert [i.assurance for i in (typed, twice, back)] == [TYPED, CONFIRMED, CONFIRMED]
        assert all(
            i.kind == PHONE and len(i.tokens) == 2 and i.sealed for i in (typed, twice, back)
        )
        assert [t.mac for t in typed.tokens] == [t.mac for t in twice.tokens]
        assert not records[0].HasField("worker") and records[1].worker.tokens
        assert records[0].incident.victim.anonymity_wanted is False
        assert not any(b"1234" in r.SerializeToString() for r in records)

    def check_bodies(self, records, first, second) -> None:
        target = uuid.UUID(second.json()["recordId"]).bytes
        assert records[0].record_id == uuid.UUID(first.json()["recordId"]).bytes
        assert records[0].source == "form"
        incident = records[1].incident
        assert (incident.spot.till, incident.spot.floor) == ("レジ1", "1階")
        assert (incident.still_present, incident.victim.injured) == (1, 2)
        assert [(c.scheme, c.version, c.code) for c in incident.categories] == [
            ("mhlw9", "2022", "abuse")
        ]
        assert records[1].recorded_at_us - records[1].occurred_start_us == 30 * 60 * 1_000_000
        assert records[3].supplement.target_id == target
        assert records[3].supplement.incident.words[0].value == "電話は〔電話番号〕"
        assert records[4].correction.target_id == records[5].correction.target_id == target
        assert records[4].correction.incident.categories[0].code == "threat"
        assert (records[4].revision, records[5].revision) == (1, 2)
        assert records[5].correction.retraction.reason.value == "まちがい"


class TestWhatIsRefused:
    @pytest.fixture
    def page(self, start, open_page) -> Page:
        return open_page(start())

    def test_two_writings_that_differ(self, page):
        wrong = {"kind": "phone", "value": "090-1234-5678", "again": "090-1234-5679"}
        answer = page.post("/form/v1/reports", report(identifiers=[wrong]))
        assert (answer.status, answer.json()["place"]) == (400, "identifiers[0].again")
        assert "1234" not in answer.text

    def test_members_out_of_place(self, page):
        bad = [
            ({"categories": ["rude"]}, "categories"),
            ({"categories": ["abuse", "abuse"]}, "categories"),
            ({"spot": "屋上"}, "spot"),
            ({"minutesAgo": -1}, "minutesAgo"),
            ({"minutesAgo": 43201}, "minutesAgo"),
            ({"channel": "pigeon"}, "channel"),
            ({"stillHere": True}, "stillHere"),
            ({"words": "あ" * 2731}, "words"),
            ({"formId": "1"}, "formId"),
            ({"receipt": "AAA-AAA"}, "receipt"),
            ({"worker": "w99"}, "worker"),
            ({"identifiers": [{"kind": "phone"}]}, "identifiers[0].value"),
            ({"identifiers": [{"kind": "worker", "value": "x"}]}, "identifiers[0].kind"),
            ({"identifiers": [{"kind": "phone", "value": "abc"}]}, "identifiers[0].value"),
        ]
        for change, place in bad:
            answer = page.post("/form/v1/reports", report(**change))
            assert (answer.status, answer.json().get("place")) == (400, place), change
        for body in ("", "[]", "{", '{"formId":1,"formId":2}', "null"):
            assert page.post("/form/v1/reports", body).status == 400, body
        assert page.post("/form/v1/reports", "x" * 70000).status == 413

    def test_the_same_form_with_other_content(self, page):
        form = report()
        assert page.post("/form/v1/reports", form).status == 201
        answer = page.post("/form/v1/reports", {**form, "words": "別の言葉"})
        assert (answer.status, code_of(answer)) == (409, "already_sent")

    def test_other_pages_and_other_types(self, page):
        def ask(**headers: str | None):
            return page.post("/form/v1/reports", report(), **headers).status

        assert ask(Origin="https://evil.example") == 403
        assert ask(Origin="null") == 403
        assert ask(Host="evil.example") == 403  # a stranger's name that points here
        assert ask(**{"X-Kasumori": None}) == 403
        assert ask(**{"Content-Type": "text/plain"}) == 415
        assert ask(Origin=f"http://127.0.0.1:{page.client._port}") == 201
        assert ask() == 201

    def test_without_a_form(self, start, open_page):
        page = open_page(start(form={"enabled": False}))
        assert page.client.get("/form/v1/config").status == 404
        assert page.post("/form/v1/reports", report()).status == 404
        assert page.sign_in().status == 404

    def test_who_may_correct(self, page, open_page):
        anonymous = report()
        receipt = page.post("/form/v1/reports", anonymous).json()["receipt"]
        change = report(receipt=receipt)
        answer = page.post("/form/v1/corrections", change)
        assert (answer.status, code_of(answer)) == (403, "other_worker")
        change["reportFormId"] = anonymous["formId"]
        assert page.post("/form/v1/corrections", change).status == 201
        page.sign_in()
        receipt = page.post("/form/v1/reports", report()).json()["receipt"]
        page.cookie = ""
        answer = page.post(
            "/form/v1/retractions", {"formId": str(uuid.uuid4()), "receipt": receipt}
        )
        assert (answer.status, code_of(answer)) == (403, "other_worker")

    def test_guessing_receipts_is_slow(self, page):
        for _ in range(20):
            assert page.post("/form/v1/receipt", {"receipt": "AAA-AAA"}).status == 404
        answer = page.post("/form/v1/receipt", {"receipt": "AAA-AAA"})
        assert (answer.status, code_of(answer)) == (429, "locked")
        assert int(answer.headers["retry-after"]) >= 29

    def test_a_flood_without_sign_in_ends(self, page):
        statuses = [page.post("/form/v1/reports", report()).status for _ in range(66)]
        assert statuses[:60] == [201] * 60 and 429 in statuses[60:]
        page.sign_in()
        assert page.post("/form/v1/reports", report()).status == 201


class TestSignIn:
    def test_cookie(self, start, open_page):
        page = open_page(start())
        answer = page.sign_in()
        assert answer.json() == {"worker": WORKER}
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie
        assert PIN not in cookie and WORKER not in cookie.replace("kasumori-worker", "")
        seen = page.client.send("GET", "/form/v1/config", headers={"Cookie": page.cookie})
        assert seen.json()["worker"] == WORKER
        assert page.post("/form/v1/session/end", {}).status == 204
        seen = page.client.send("GET", "/form/v1/config", headers={"Cookie": page.cookie})
        assert seen.json()["worker"] is None

    def test_a_wrong_pin_locks(self, start, open_page):
        agent = start()
        page = open_page(agent)
        for _ in range(5):
            answer = page.sign_in(pin="000001")
            assert (answer.status, code_of(answer)) == (401, "wrong_pin")
        answer = page.sign_in()
        assert (answer.status, code_of(answer)) == (429, "locked")
        assert 25 <= int(answer.headers["retry-after"]) <= 30
        assert agent.metric("kasumori_agent_sign_in_refused_total") == 5
        assert agent.set_pin("w13", "918273").returncode == 0
        assert page.sign_in("w13", "918273").status == 200  # others may

    def test_unknown_codes_take_as_long(self, start, open_page):
        page = open_page(start())

        def took(code: str) -> float:
            began = time.monotonic()
            assert page.sign_in(code, "000001").status == 401
            return time.monotonic() - began

        known, unknown = took(WORKER), took("w99")
        assert unknown > known / 4

    def test_a_worker_taken_off_is_out(self, start, open_page):
        agent = start()
        page = open_page(agent)
        page.sign_in()
        done = agent.cli("worker", "remove", "--file", agent.workers, "--worker", WORKER)
        assert done.returncode == 0, done.stderr
        answer = page.post("/form/v1/reports", report())
        assert (answer.status, code_of(answer)) == (401, "signed_out")
        assert page.post("/form/v1/reports", report()).status == 201  # the session is gone

    def test_pins_that_are_guessed_first(self, start):
        agent = start()
        for pin in ("12345", "123456", "987654", "777777", "27182x", "2718281828459"):
            done = agent.set_pin("w14", pin)
            assert done.returncode == 1 and pin not in done.stderr, pin
        assert agent.cli("worker", "list", "--file", agent.workers).stdout == f"{WORKER}\n"

    def test_a_list_others_can_read_stops_the_start(self, tmp_path):
        from tests.support.staff import StaffAgent

        agent = StaffAgent(tmp_path / "agent", "127.0.0.1:1")
        agent.workers.chmod(0o644)
        agent.start()
        assert agent.wait(10) == 1
        assert "workers" in agent.log_text()


def test_nothing_typed_is_in_the_log(start, open_page):
    agent = start()
    page = open_page(agent)
    page.sign_in()
    page.post("/form/v1/reports", report(identifiers=[{"kind": "phone", "value": "09012345678"}]))
    page.post("/form/v1/reports", report(identifiers=[{"kind": "phone", "value": "x09012345678"}]))
    assert agent.stop() == 0
    log = agent.log_text()
    assert not any(text in log for text in ("0901234", PIN, "店長", WORKER))
    kept = (agent.folder / "spool" / "forms.db").read_bytes()
    assert b"0901234" not in kept and "店長".encode() not in kept


def test_nothing_names_who_made_an_anonymous_report(broker, start, open_page):
    topic = "staff.anonymous.v1"
    broker.create_topic(topic, 1, {"message.timestamp.type": "LogAppendTime"})
    agent = start(broker.bootstrap, topic)
    page = open_page(agent)
    page.sign_in()
    kept = agent.folder / "spool" / "forms.db"
    made = report(anonymous=True)
    receipt = page.post("/form/v1/reports", made).json()["receipt"]
    own = {"receipt": receipt, "reportFormId": made["formId"]}
    change, back = report(**own), {"formId": str(uuid.uuid4()), **own}
    added = {"formId": str(uuid.uuid4()), "receipt": receipt, "words": "続き"}
    for path, body in (("supplements", added), ("corrections", change), ("retractions", back)):
        answer = page.post(f"/form/v1/{path}", body)  # none of them says anonymous
        assert answer.status == 201, answer.text
    assert WORKER.encode() not in kept.read_bytes()
    assert page.post("/form/v1/reports", report()).status == 201
    assert WORKER.encode() in kept.read_bytes()
    wait_until(lambda: agent.metric("kasumori_agent_spool_undelivered") == 0, "drained", 60)
    records = [pb.record_pb2.Record.FromString(m.value) for m in read_all(broker.bootstrap, topic)]
    assert [r.HasField("worker") for r in records] == [False] * 4 + [True]


def test_a_slow_form_holds_nobody(start, open_page):
    agent = start()
    slow = socket.create_connection(("127.0.0.1", agent.port))
    slow.sendall(
        b"POST /form/v1/reports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{"
    )
    began = time.monotonic()
    assert open_page(agent).post("/form/v1/reports", report()).status == 201
    assert time.monotonic() - began < 2
    slow.close()
