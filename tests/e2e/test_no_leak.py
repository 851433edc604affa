"""S1: seeded numbers, mail addresses and names, in identifier fields and in free text, searched in
everything that leaves the agent's memory. They must be nowhere."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.conftest import make_report
from tests.support import master_csv
from tests.support.generator import Call
from tests.support.people import Numbers, spell
from tests.support.postgres import bindir
from tests.support.process import wait_until
from tests.support.stack import Stack
from tests.support.topic import read_all

ROSTER = ["佐藤花子", "鈴木一郎"]


class Seeds:
    """What was put in, and every form of it to look for."""

    def __init__(self, seed: int):
        self._rng = random.Random(seed)
        self.numbers = Numbers(self._rng)
        self.phones: list[str] = []  # national
        self.others: list[str] = []
        self.spellings: list[str] = []

    def phone(self) -> str:
        rng = self._rng
        national = self.numbers.mobile() if rng.random() < 0.7 else self.numbers.landline()
        self.phones.append(national)
        self.spellings.append(spell(rng, national))
        return self.spellings[-1]

    def mail(self) -> str:
        self.others.append(self.numbers.mail())
        return self.others[-1]

    def member(self) -> str:
        self.others.append(self.numbers.member())
        return self.others[-1]

    def pattern(self) -> re.Pattern[bytes]:
        """Digits that stand alone, so that no longer number is taken for one of ours."""
        digits = "|".join(national[1:] for national in self.phones)
        texts = "|".join(re.escape(t) for t in [*self.spellings, *self.others, *ROSTER])
        return re.compile(f"(?<![0-9])(?:0|81|\\+81)?(?:{digits})(?![0-9])|{texts}".encode())


def _records(seeds: Seeds) -> Iterator[dict]:
    for _ in range(60):
        identifiers = [
            {"kind": "PHONE", "assurance": "CARRIED", "value": seeds.phone()},
            {"kind": "MAIL", "assurance": "TYPED", "value": seeds.mail()},
            {"kind": "MEMBER", "assurance": "SCANNED", "value": seeds.member()},
        ]
        note = f"{seeds.phone()}に電話しろ、{seeds.mail()}にも送れと要求。担当は{ROSTER[0]}、"
        yield make_report(
            persons=[{"role": "SUBJECT", "identifiers": identifiers}],
            incident={
                "words": [{"value": f"番号は {seeds.phone()} だ、覚えておけ"}],
                "note": note + f"同席は{ROSTER[1]}さん",
                "demand": {"value": f"{seeds.mail()}へ謝罪文"},
            },
        )


def _dump(stack: Stack) -> bytes:
    return subprocess.run(
        [bindir() / "pg_dump", "--inserts", "--dbname", stack.conninfo],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()


def test_no_raw_identifier_leaves_the_agent(stack: Stack):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator()
    seeds = Seeds(11)
    client = agent.client()
    said = [client.post_lines("/v1/records", list(_records(seeds)))]
    calls = []
    for i in range(20):
        national = seeds.numbers.mobile()
        seeds.phones.append(national)
        calls.append(Call(f"17750088{i:02d}.1", national, None, 1775008800_000000 + i, 5, 60, 2))
    text = master_csv.cdr_csv(calls).encode()
    said.append(client.send("POST", "/v1/call-records?source=pbx1", text, "text/csv"))
    # Refusals must not repeat what they refuse.
    for changes in (
        {"colour": seeds.phone()},
        {"matter": [seeds.phone()]},
        {"channel": seeds.phone()},
    ):
        said.append(client.post_json("/v1/records", make_report(**changes)))
    wrong = {"kind": seeds.phone(), "value": seeds.phone()}
    said.append(
        client.post_json(
            "/v1/records",
            make_report(persons=[{"role": "SUBJECT", "identifiers": [wrong]}]),
        )
    )
    assert [answer.status for answer in said] == [200, 200, 400, 400, 400, 400]
    assert said[0].json()["accepted"] == 60, said[0].text
    stack.wait_drained()
    assert stack.stored() == 80
    heartbeat = "select 1 from kasumori.agent_health"
    wait_until(lambda: stack.query(heartbeat), "a heartbeat")
    said += [client.get(path) for path in ("/metrics", "/readyz", "/livez")]
    said.append(aggregator.client().get("/metrics"))

    places: list[tuple[str, bytes]] = [(a.place, a.body + str(a.headers).encode()) for a in said]
    brokers = stack.servers.kafka.bootstrap
    for topic in (stack.topic_records, stack.topic_health):
        for message in read_all(brokers, topic):
            parts = [message.key or b"", message.value or b""]
            parts += [name.encode() + b"=" + value for name, value in message.headers]
            places += [(f"{topic} {message.partition}:{message.offset}", part) for part in parts]
    places.append(("database", _dump(stack)))
    # calls.db holds the last days' call-record rows as the PBX beside it wrote them, for this machine
    # only (mode 0600): later rows of the same call need them. It is no spool and is sent nowhere.
    places += [(n, d) for n, d in _files(agent.spool) if "/calls.db" not in n]
    places += [(str(service.log), service.log.read_bytes()) for service in stack.services()]

    pattern = seeds.pattern()
    # The search itself must be able to find: what was sent holds them all.
    assert pattern.search(f"電話 {seeds.spellings[0]} まで".encode())
    assert pattern.search(f"({seeds.phones[0]})".encode())
    assert pattern.search(ROSTER[0].encode())
    found = [(place, match.group().decode()) for place, data in places for match in
             pattern.finditer(data)]  # fmt: skip
    assert found == []


def test_no_secret_in_arguments_environment_or_logs(stack: Stack, report):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator()
    assert agent.client().post_json("/v1/records", report()).status == 201
    stack.wait_stored(1)
    secrets = [
        stack.keys.mac_master.hex(),
        stack.keys.vault_secret.hex(),
        stack.keys.mac_key("s001-a").hex(),
        *(master.hex() for master in stack.keys.token_masters.values()),
        *(stack.keys.token_key("phone", key_id).hex() for key_id in stack.keys.token_masters),
    ]
    for service in (agent, aggregator):
        process = Path(f"/proc/{service.pid}")
        places = [(process / "cmdline").read_bytes(), service.log.read_bytes()]
        if os.access(process / "environ", os.R_OK):
            places.append((process / "environ").read_bytes())
        for place in places:
            assert not [s for s in secrets if s.encode() in place or bytes.fromhex(s) in place]


def test_bundle_and_keys_are_for_their_owner_only(stack: Stack):
    bundle = stack.make_bundle("s001", "s001-x")
    for path in [bundle, *stack.keys_dir.iterdir()]:
        assert path.stat().st_mode & 0o077 == 0, path
