"""What a look-up answers, from rows as the correlator leaves them; and many at once."""

from __future__ import annotations

import itertools
import json
import secrets
import select
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.component.monitor.conftest import TENANTS
from tests.component.monitor.service import Answer, Client, Monitor
from tests.support.process import wait_until

NOW = datetime.now(UTC)
PHONE, MAIL = 4, 5
CONTACT, SUPPLEMENT, CORRECTION = 1, 3, 4
NUMBERS = itertools.count(1000)
CALLERS, WAITING, IN_HAND = 400, 256, 64  # of limits.h


def uuid_v7(at: datetime) -> uuid.UUID:
    head = int(at.timestamp() * 1000).to_bytes(6, "big")
    tail = bytearray(secrets.token_bytes(10))
    tail[0], tail[2] = 0x70 | tail[0] & 15, 0x80 | tail[2] & 63
    return uuid.UUID(bytes=head + bytes(tail))


@dataclass
class Subject:
    """One person of one token, with rows as the correlator writes them."""

    db: psycopg.Connection
    kind: int = PHONE
    tenant: str = "acme"

    def __post_init__(self) -> None:
        self.number = next(NUMBERS)
        self.mac = uuid.uuid4()
        self.db.execute(
            "insert into kasumori.token_class (tenant, kind, key_id, mac, class) "
            "values (%s, %s, 1, %s, %s)",
            (self.tenant, self.kind, self.mac, self.number),
        )

    def seen(self, first_at: datetime, last_at: datetime) -> Subject:
        self.db.execute(
            "insert into kasumori.class_run (tenant, class, first_at, last_at, kind, subject) "
            "values (%s, %s, %s, %s, %s, %s)",
            (self.tenant, self.number, first_at, last_at, self.kind, self.number),
        )
        return self

    def record(self, at: datetime, kind: int = CONTACT, site: str = "s001", answers: tuple = (),
               target: uuid.UUID | None = None, replaces: int | None = None, matter: str = "",
               revision: int = 0, is_training: bool = False) -> uuid.UUID:  # fmt: skip
        """answers: (matter, is final), recorded at that time. Returns its id."""
        name = uuid_v7(at)
        self.db.execute(
            "insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, "
            "source, revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, "
            "channel, direction, is_training, matter, target_id, replaces, answer_matters, "
            "answer_recorded_at, answer_is_final, body_hash) values (%s, %s, %s, %s, '', 'a', 't', "
            "%s, %s, %s, %s, %s, 1, 2, 1, %s, nullif(%s, ''), %s, %s, %s, %s, %s, %s)",
            (
                self.tenant, name, kind, site, revision, at, at, at, at, is_training, matter, target,
                replaces, [a for a, _ in answers] or None, [at] * len(answers) or None,
                [final for _, final in answers] or None, name.bytes,
            ),
        )  # fmt: skip
        return name

    def part(self, at: datetime, *records: uuid.UUID, matters: tuple = (), site: str = "s001",
             effective: uuid.UUID | None = None) -> None:  # fmt: skip
        """effective: the winner of the first record, when it is another."""
        tenant, occurrence = self.tenant, records[0]
        self.db.execute(
            "insert into kasumori.occurrence (tenant, occurrence, first_at, last_at, standing) "
            "values (%s, %s, %s, %s, 'open')",
            (tenant, occurrence, at, at),
        )
        for place, record in enumerate(records):
            self.db.execute(
                "insert into kasumori.occurrence_record (tenant, record_id, occurrence, effective_id, "
                "site, channel, start_at, end_at, is_anchor, gap_us) "
                "values (%s, %s, %s, %s, %s, 2, %s, %s, true, 600000000)",
                (tenant, record, occurrence, (place == 0 and effective) or record, site, at, at),
            )
        self.db.execute(
            "insert into kasumori.part (tenant, subject, start_at, occurrence, counts, has_incident, "
            "talk_us, matters, sites, records) values (%s, %s, %s, %s, true, false, 0, %s, '{}', %s)",
            (tenant, self.number, at, occurrence, list(matters), list(records)),
        )

    def contact(self, at: datetime, matter: str = "", answers: tuple = ()) -> uuid.UUID:
        record = self.record(at, matter=matter, answers=answers)
        self.part(at, record, matters=(matter,) if matter else ())
        return record

    @property
    def question(self) -> dict:
        kind = {PHONE: "phone", MAIL: "mail"}[self.kind]
        token = {"kind": kind, "keyId": 1, "mac": self.mac.hex}
        return {"tokens": [token], "purpose": "call", "site": "s001"}


@pytest.fixture(scope="module")
def db(world) -> Iterator[psycopg.Connection]:
    with psycopg.connect(world.database, autocommit=True) as connection:
        connection.execute(
            "select kasumori.make_partitions(%s, %s)",
            ((NOW - timedelta(days=800)).date(), NOW.date()),
        )
        yield connection


@pytest.fixture(scope="module")
def client(world) -> Client:
    return world.machine("acme", "lookup")


def ask(client: Client, subject: Subject, **changes: object) -> dict:
    answer = client.post("/v1/lookup", subject.question | changes)
    assert answer.status == 200, answer.body
    return answer.json()


def ago(days: float = 0, **more: float) -> datetime:
    return NOW - timedelta(days=days, **more)


# ---- how long a number is known ----


def load_linking(kasumori, world, folder: Path, text: str) -> None:
    file = folder / "linking.yaml"
    file.write_text(text)
    done = kasumori("policy", "load", file, "--tenant", "acme", "--from", "2020-01-01T00:00:00Z", "--by",
                    "a", "--linking", "--database", world.database)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_built_in_policy_forgets_a_phone_after_two_years_and_a_mail_after_five(client, db):
    states = {
        (kind, days): ask(client, Subject(db, kind).seen(ago(days), ago(days)))["state"]
        for kind, days in ((PHONE, 729), (PHONE, 731), (MAIL, 731), (MAIL, 1824), (MAIL, 1826))
    }
    assert states == {
        (PHONE, 729): "known", (PHONE, 731): "unknown", (MAIL, 731): "known",
        (MAIL, 1824): "known", (MAIL, 1826): "unknown",
    }  # fmt: skip


def test_the_adopted_policy_says_how_long_a_number_is_known(client, db, world, kasumori, tmp_path):
    phone = Subject(db).seen(ago(60), ago(40))
    old_phone = Subject(db).seen(ago(1000), ago(900))
    mail = Subject(db, MAIL).seen(ago(60), ago(40))
    other = Subject(db, tenant="bravo").seen(ago(60), ago(40))
    try:
        assert [ask(client, s)["state"] for s in (phone, old_phone, mail)] == [
            "known", "unknown", "known"]  # fmt: skip
        load_linking(kasumori, world, tmp_path, "expiry: {phone: 30d}\n")
        assert [ask(client, s)["state"] for s in (phone, old_phone, mail)] == [
            "unknown", "unknown", "known"]  # fmt: skip
        assert ask(world.machine("bravo", "lookup"), other)["state"] == "known"
        load_linking(kasumori, world, tmp_path, "expiry: {phone: 1000d, mail: 30d}\n")
        assert [ask(client, s)["state"] for s in (phone, old_phone, mail)] == [
            "known", "known", "unknown"]  # fmt: skip
    finally:
        db.execute("delete from kasumori.linking_adopted where tenant = 'acme'")
    assert ask(client, old_phone)["state"] == "unknown"


# ---- answers ----


def matters(found: dict) -> list[str]:
    return [m["matter"] for m in found["openMatters"]]


def told(found: dict) -> list[tuple[str, bool]]:
    return [(a["matter"], a["final"]) for a in found["answers"]]


def test_an_answer_in_a_supplement_is_told_and_closes_the_matter(client, db):
    subject = Subject(db).seen(ago(9), ago(9))
    record = subject.contact(ago(9), "T-1")
    assert (matters(ask(client, subject)), told(ask(client, subject))) == (["T-1"], [])
    subject.record(ago(8), SUPPLEMENT, target=record, answers=(("T-1", False),))
    assert (matters(ask(client, subject)), told(ask(client, subject))) == (
        ["T-1"],
        [("T-1", False)],
    )
    subject.record(ago(7), SUPPLEMENT, target=record, answers=(("T-1", True),))
    found = ask(client, subject)
    assert (matters(found), told(found)) == ([], [("T-1", True), ("T-1", False)])


def test_a_supplement_of_another_site_or_of_training_answers_nothing(client, db):
    subject = Subject(db).seen(ago(9), ago(9))
    record = subject.contact(ago(9), "T-1")
    final = (("T-1", True),)
    subject.record(ago(8), SUPPLEMENT, site="s002", target=record, answers=final)
    subject.record(ago(8), SUPPLEMENT, target=record, answers=final, is_training=True)
    assert (matters(ask(client, subject)), told(ask(client, subject))) == (["T-1"], [])


def test_the_correction_of_a_supplement_wins(client, db):
    subject = Subject(db).seen(ago(9), ago(9))
    record = subject.contact(ago(9), "T-1")
    extra = subject.record(ago(8), SUPPLEMENT, target=record, answers=(("T-1", True),))
    assert matters(ask(client, subject)) == []
    subject.record(
        ago(7), CORRECTION, target=extra, replaces=3, revision=1, answers=(("T-1", False),)
    )
    assert (matters(ask(client, subject)), told(ask(client, subject))) == (
        ["T-1"],
        [("T-1", False)],
    )
    subject.record(ago(6), CORRECTION, site="s002", target=extra, replaces=3, revision=9,
                   answers=(("T-1", True),))  # fmt: skip
    assert matters(ask(client, subject)) == ["T-1"]
    subject.record(ago(5), CORRECTION, target=extra, replaces=0, revision=2)
    assert told(ask(client, subject)) == []


def test_answers_are_of_the_effective_record(client, db):
    subject = Subject(db).seen(ago(9), ago(9))
    record = subject.record(ago(9), matter="T-1", answers=(("T-1", True),))
    winner = subject.record(ago(8), CORRECTION, target=record, replaces=1, revision=1, matter="T-1",
                            answers=(("T-1", False),))  # fmt: skip
    subject.part(ago(9), record, matters=("T-1",), effective=winner)
    assert (matters(ask(client, subject)), told(ask(client, subject))) == (
        ["T-1"],
        [("T-1", False)],
    )


def test_an_answer_without_a_matter_is_about_its_own_record(client, db):
    subject = Subject(db).seen(ago(9), ago(9))
    first = subject.record(ago(9), matter="T-1", answers=(("", True),))
    second = subject.record(ago(9), matter="T-2")
    subject.part(ago(9), first, second, matters=("T-1", "T-2"))
    found = ask(client, subject)
    assert (matters(found), told(found)) == (["T-2"], [("T-1", True)])


# ---- all of a long history ----


def test_matters_and_answers_of_long_ago_are_not_left_out(client, db):
    subject = Subject(db).seen(ago(400), ago(1))
    subject.contact(ago(400), "old", answers=(("old", True),))
    subject.contact(ago(399), "still open")
    for day in range(60):
        subject.contact(ago(300 - day))
    found = ask(client, subject)
    assert (found["contacts"], found["partial"], len(found["lastContacts"])) == (62, False, 10)
    assert (matters(found), told(found)) == (["still open"], [("old", True)])
    assert [c["at"] for c in found["lastContacts"]] == sorted(
        (c["at"] for c in found["lastContacts"]), reverse=True
    )


def test_a_cut_is_told(client, db):
    subject = Subject(db).seen(ago(700), ago(1))
    with db.transaction():
        subject.contact(ago(700), "beyond")
        for number in range(498):
            subject.contact(ago(600, hours=-number), "within" if number == 0 else "")
    found = ask(client, subject)
    assert (found["contacts"], found["partial"], matters(found)) == (
        499,
        False,
        ["beyond", "within"],
    )
    with db.transaction():
        for number in range(2):
            subject.contact(ago(2, hours=-number))
    found = ask(client, subject)
    assert (found["contacts"], found["partial"], matters(found)) == (500, True, ["within"])


# ---- many at once ----


def ask_all(asked: list[tuple[Client, Subject, dict]]) -> list[Answer]:
    def one(line: tuple[Client, Subject, dict]) -> Answer:
        client, subject, changes = line
        return client.post("/v1/lookup", subject.question | changes)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(one, asked))


@contextmanager
def held(world) -> Iterator[None]:
    """Look-ups pile up meanwhile: nothing can be written into the audit log."""
    with psycopg.connect(world.database) as other:
        other.execute("lock table kasumori.audit in exclusive mode")
        timer = threading.Timer(1.0, other.rollback)
        timer.start()
        yield
        timer.join()


@pytest.fixture(scope="module")
def people(db) -> dict[str, list[Subject]]:
    """A person a matter, whose name tells whose it is."""
    made = {}
    for tenant in TENANTS:
        made[tenant] = [Subject(db, tenant=tenant).seen(ago(9), ago(9)) for _ in range(20)]
        for subject in made[tenant]:
            subject.contact(ago(9), f"{tenant}-{subject.number}")
    return made


def audited(db, tenant: str, call_id: str) -> list[str]:
    return [row[0] for row in db.execute(
        "select actor from kasumori.audit where tenant = %s and action = 'lookup' and object = %s",
        (tenant, f"call {call_id}"))]  # fmt: skip


def test_each_is_answered_in_its_own_tenant_and_audited_once(world, db, people):
    keys = {tenant: [world.machine(tenant, "lookup") for _ in range(4)] for tenant in TENANTS}
    asked = [
        (keys[tenant][number % 4], subject, {"callId": f"c-{tenant}-{number}"})
        for tenant in TENANTS
        for number, subject in enumerate(people[tenant])
    ]
    with held(world):
        answers = ask_all(asked)
    for (_, subject, _), answer in zip(asked, answers, strict=True):
        assert answer.status == 200, answer.body
        assert matters(answer.json()) == [f"{subject.tenant}-{subject.number}"]
    for _, subject, changes in asked:
        assert len(audited(db, subject.tenant, changes["callId"])) == 1


def test_nobody_finds_another_tenants_number(world, people):
    asked = [(world.machine("bravo", "lookup"), subject, {}) for subject in people["acme"]]
    asked += [(world.machine("acme", "lookup"), subject, {}) for subject in people["acme"]]
    with held(world):
        states = [answer.json()["state"] for answer in ask_all(asked)]
    assert states == ["unknown"] * 20 + ["known"] * 20


def test_a_refused_one_leaves_its_neighbours_alone(world, db, people):
    good, bound = world.machine("acme", "lookup"), world.machine("acme", "lookup", "s002")
    stranger = Client(world.monitor, key="ks_" + secrets.token_hex(32))
    reader = world.machine("acme", "read")
    subject = people["acme"][0]
    odd = [
        (stranger, {}, 401), (reader, {}, 403), (bound, {}, 400), (good, {"tokens": []}, 400),
        (good, {"purpose": ""}, 400), (stranger, {"tokens": []}, 401), (bound, {"site": "s002"}, 200),
    ]  # fmt: skip
    asked = [(client, subject, changes) for client, changes, _ in odd]
    asked += [(good, subject, {"callId": f"beside-{n}"}) for n in range(8)]
    with held(world):
        statuses = [answer.status for answer in ask_all(asked)]
    assert statuses == [status for _, _, status in odd] + [200] * 8
    assert all(len(audited(db, "acme", f"beside-{n}")) == 1 for n in range(8))


def test_one_that_the_database_refuses_leaves_its_neighbours_alone(world, db, client, people):
    db.execute(
        "create function public.spoil() returns trigger language plpgsql as "
        "$$ begin if new.purpose = 'spoilt' then raise exception 'spoilt'; end if; return new; end $$"
    )
    db.execute(
        "create trigger spoil before insert on kasumori.audit for each row "
        "execute function public.spoil()"
    )
    try:
        asked = [(client, subject, {"callId": f"near-{n}"}) for n, subject in
                 enumerate(people["acme"])]  # fmt: skip
        asked.insert(7, (client, people["acme"][0], {"purpose": "spoilt", "callId": "itself"}))
        with held(world):
            answers = ask_all(asked)
    finally:
        db.execute("drop function public.spoil() cascade")
    assert [a.status for a in answers] == [200] * 7 + [400] + [200] * 13
    assert answers[7].code == "bad_parameter" and b"spoil" not in answers[7].body
    assert audited(db, "acme", "itself") == []
    assert all(len(audited(db, "acme", f"near-{n}")) == 1 for n in range(20))


def test_a_key_revoked_opens_nothing_from_then_on(world, db, people):
    client, beside = world.machine("acme", "lookup"), world.machine("acme", "lookup")
    assert ask(client, people["acme"][0], callId="mine")["state"] == "known"
    name = audited(db, "acme", "mine")[0].removeprefix("machine:")
    for column, value in (("revoked_at", NOW), ("revoked_at", None), ("expires_at", NOW)):
        db.execute(
            f"update kasumori.machine_key set {column} = %s where tenant = 'acme' and name = %s",
            (value, name),
        )
        lines = [(c, people["acme"][0], {}) for c in (client, beside)] * 3
        statuses = [answer.status for answer in ask_all(lines)]
        assert statuses == [401 if value else 200, 200] * 3


def test_no_more_wait_than_there_is_room_for(world, people, tmp_path):
    key = world.machine("acme", "lookup").headers["Authorization"]
    body = json.dumps(people["acme"][0].question)
    request = (
        f"POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    settings = {"connections": CALLERS + 20, "connections_per_peer": CALLERS + 20}
    with Monitor(tmp_path, world.database, http=settings) as monitor:
        with psycopg.connect(world.database) as other:
            other.execute("lock table kasumori.audit in exclusive mode")
            sockets = [
                socket.create_connection(("127.0.0.1", monitor.port)) for _ in range(CALLERS)
            ]
            for sock in sockets:
                sock.sendall(request)
            answered, _, _ = select.select(sockets, [], [], 10)
            refused = [sock.recv(12, socket.MSG_WAITALL) for sock in answered]
            assert refused and set(refused) == {b"HTTP/1.1 503"}
            other.rollback()
        rest = [s.recv(12, socket.MSG_WAITALL)[-3:] for s in sockets if s not in answered]
        for sock in sockets:
            sock.close()
    assert set(rest) <= {b"200", b"503"} and rest.count(b"200") >= WAITING
    assert CALLERS - rest.count(b"200") >= CALLERS - WAITING - IN_HAND


def test_the_database_goes_and_comes_back(world, db, people, tmp_path):
    login = f"lookup_login_{secrets.token_hex(4)}"
    db.execute(f"create role {login} login in role kasumori_monitor")
    with Monitor(tmp_path, world.database.replace("user=postgres", f"user={login}")) as monitor:
        client = Client(monitor, key=world.machine("acme", "lookup").headers["Authorization"][7:])
        assert ask(client, people["acme"][0])["state"] == "known"
        db.execute(f"alter role {login} nologin")
        db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (login,)
        )
        started = time.monotonic()
        answer = client.post("/v1/lookup", people["acme"][0].question)
        assert (answer.status, answer.code) == (503, "database_away")
        assert int(answer.headers["retry-after"]) > 0 and time.monotonic() - started < 10
        db.execute(f"alter role {login} login")
        question = people["acme"][0].question
        wait_until(lambda: client.post("/v1/lookup", question).status == 200, "look-ups again")
    db.execute(f"drop role {login}")
