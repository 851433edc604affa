"""make demo and make demo-check: five sites, synthetic traffic with known truth, and the ledger.

python -m tests.support.demo --check     finite: exits 0 only if the ledger balances
python -m tests.support.demo             the same, then stays up until Ctrl-C
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.model import model
from tests.support import linking, master_csv
from tests.support.facts import read_facts
from tests.support.feeder import Feeder, feed_all
from tests.support.generator import CONFLICT, DUPLICATE, STORED, World
from tests.support.hostile import Hostile, Sender
from tests.support.ledger import Answers, Ledger
from tests.support.paths import BUILD, free_port
from tests.support.stack import Servers, Stack
from tests.support.topic import Message, publish

CALLS_KIND = "call"
CALLS_SOURCE = "asterisk:pbx1"
WORKER, WORKER_PIN = "w12", "271828"  # of the demo's staff forms


@dataclass
class Correlated:
    """Canonical dumps by the model and by the command, and how well they link."""

    expected: list[str]
    found: list[str]
    scores: dict[str, linking.Score]

    @staticmethod
    def _of(what: str, lines: list[str]) -> set[str]:
        return {line for line in lines if json.loads(line)["t"] == what}

    def checks(self) -> dict[str, tuple[int, int]]:
        """Found and wanted; what differs line by line is wanted to be 0."""
        checks = {}
        for what in ("finding", "notice"):
            found, wanted = self._of(what, self.found), self._of(what, self.expected)
            checks[f"{what}s"] = (len(found), len(wanted))
            checks[f"  {what}s that differ"] = (len(found ^ wanted), 0)
        checks["  derived lines that differ"] = (len(set(self.found) ^ set(self.expected)), 0)
        return checks

    def as_dict(self) -> dict:
        checks = self.checks()
        counts = {}
        for what in ("findings", "notices"):
            counts[f"{what}_found"], counts[f"{what}_expected"] = checks[what]
        overall = self.scores[linking.ALL]
        return counts | {
            "link_precision": overall.precision,
            "link_recall": overall.recall,
            "linking": {name: score.as_dict() for name, score in self.scores.items()},
        }

    def print(self) -> None:
        def told(value: float | None) -> str:
            return "-" if value is None else f"{value:.4f}"

        print(f"\n{'linking':<14}{'precision':>10}{'linked':>9}{'recall':>10}{'linkable':>9}")
        for name, score in self.scores.items():
            print(
                f"{name:<14}{told(score.precision):>10}{score.linked:>9}"
                f"{told(score.recall):>10}{score.linkable:>9}"
            )
        print("linking meets its targets" if linking.is_met(self.scores) else "linking is too bad")


class Demo:
    def __init__(self, folder: Path, seed: int, count: int):
        self.folder, self.seed, self.count = folder, seed, count
        self.servers = Servers(folder / "servers")
        self.stack = Stack(self.servers, folder / "stack")
        self.answers = Answers(self.stack.tenant)
        self.accounts: dict[str, str] = {}  # the board's: account to password
        self.number = ""  # a made-up telephone number that called often
        self.ids: dict[int, str] = {}  # of Planned.number, as answered
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def run(self) -> bool:
        """True when the ledger balances and everything planted is where it belongs."""
        self.say("starting PostgreSQL and Apache Kafka")
        self.servers.start()
        self.stack.create()
        asked_at = free_port()  # the first site's agent is headquarters' own, too
        self.stack.add_monitor(start=False, tokeniser_url=f"http://127.0.0.1:{asked_at}")
        form, lookup = self._form(), self._lookup()
        for site in self.stack.sites:
            changes = {"form": form, "lookup": lookup}
            if site == self.stack.sites[0]:
                changes["lookup"] = lookup | {"allow_origin": lookup["url"]}
                changes["http"] = {
                    "address": "127.0.0.1", "port": asked_at, "unix": str(self.folder / "hq.sock"),
                }  # fmt: skip
            self.stack.add_agent(site.site, start=False, **changes)
        self.stack.add_aggregator(start=False)
        self.accounts = self.stack.add_accounts()
        services = self.stack.services()
        for service in services:
            service.start()
        for service in services:
            service.wait_ready()
        self.say(f"{len(self.stack.agents)} agents, an aggregator and a monitor are ready")
        world = World(self.seed, time.time_ns() // 1000, self.count, self.stack.sites)
        hostile = self._hostile()
        fed_at = time.monotonic()
        self._feed(world)
        planted_bad = self._publish(hostile)
        self.say(f"fed {len(self.answers)} records and calls, {len(hostile)} hostile messages")
        self.stack.wait_drained()
        with self.stack.connect() as db:
            ledger = self.answers.balance(db, self.stack.topic_records)
        ledger.seconds = round(time.monotonic() - fed_at, 3)
        self._write_truth(world)
        self.number = self._busiest_number(world)
        correlated = self._correlate(world)
        return self._report(world, planted_bad, ledger, correlated)

    def _lookup(self) -> dict:
        """The look-up at the monitor, with one machine key for all sites."""
        key_file = self.folder / "lookup.key"
        key_file.touch(mode=0o600)
        who = ("--tenant", self.stack.tenant, "--name", "sites", "--scope", "lookup,receipt")
        key_file.write_text(self.stack.db_cli("machine-key", "add", *who, "--days", "30").stdout)
        url = f"http://127.0.0.1:{self.stack.monitor.port}"
        return {"url": url, "key_file": str(key_file)}

    def _form(self) -> dict:
        """The staff form, with one worker for all sites."""
        workers, pin = self.folder / "workers", self.folder / "worker.pin"
        if not workers.exists():
            pin.touch(mode=0o600)
            pin.write_text(WORKER_PIN + "\n")
            self.stack.cli(
                "worker", "add", "--file", workers, "--worker", WORKER, "--pin-file", pin
            )
        spots = [
            {"name": "レジ1", "floor": "1階"},
            {"name": "サービスカウンター"},
            {"name": "入口"},
        ]
        return {"enabled": True, "spots": spots, "workers_file": str(workers)}

    # -- feeding

    def _feed(self, world: World) -> None:
        feeders = [Feeder(a, self.answers, self.seed) for a in self.stack.agents.values()]

        def feed(feeder: Feeder) -> None:
            site = feeder.agent.site
            feeder.post_all([p for p in world.planned if p.site == site])
            calls = world.calls.get(site, [])
            if calls:
                # The column order differs between PBXes. The second half of the file is read a second
                # time, as after a restart of the reader.
                write = master_csv.cdr_csv if site == "c001" else master_csv.cdr_custom
                feeder.post_calls(write(calls), calls)
                half = calls[len(calls) // 2 :]
                feeder.post_calls(write(half), half)
            feeder.close()

        feed_all({f.agent.name: (lambda f=f: feed(f)) for f in feeders})
        for feeder in feeders:
            self.ids.update(feeder.ids)

    def _hostile(self) -> list[tuple[str, Message]]:
        stack = self.stack
        for name in ("visitor", "former"):
            stack.make_bundle("s001", name)
        stack.db_cli("agent", "revoke", "--tenant", stack.tenant, "--agent", "former")
        time.sleep(0.05)  # the log's time counts milliseconds
        sender, former = Sender("visitor", "s001"), Sender("former", "s001")
        hostile = Hostile(stack.keys, sender, former, "s002", self.seed)
        return [(name, message) for _ in range(3) for name, _, message in hostile.each()]

    def _publish(self, hostile: list[tuple[str, Message]]) -> Counter:
        brokers = self.servers.kafka.bootstrap
        publish(brokers, self.stack.topic_records, [message for _, message in hostile])
        return Counter(name for name, _ in hostile)

    # -- who is who and what counts

    def _correlate(self, world: World) -> Correlated:
        """What the command derives from the facts in the database, beside what the model does."""
        tenant = self.stack.tenant
        with self.stack.connect() as db:
            facts = read_facts(db, tenant)
            rows = db.execute(
                "select site, external_id, record_id from kasumori.record "
                "where tenant = %s and source = %s and kind = 1", (tenant, CALLS_SOURCE),
            ).fetchall()  # fmt: skip
        expected = model.dump(facts)
        found = self.stack.db_cli("dump", "--canonical", "--tenant", tenant).stdout.splitlines()
        self.say(f"correlated {len(facts)} facts into {len(found)} lines, by model and command")
        calls = {(site, external_id): record_id.hex for site, external_id, record_id in rows}
        scores = linking.score(linking.truth(world, self.ids, calls), found)
        return Correlated(expected, found, scores)

    # -- the answer

    @staticmethod
    def _busiest_number(world: World) -> str:
        """As digits, however it was written."""
        numbers = Counter(
            re.sub(r"\D", "", unicodedata.normalize("NFKC", identifier["value"]))
            for planned in world.planned
            if planned.fate == STORED
            for person in planned.body.get("persons", [])
            for identifier in person.get("identifiers", [])
            if identifier["kind"] == "PHONE" and identifier["assurance"] != "TYPED"
        )
        return next((one for one, _ in numbers.most_common() if one.startswith("0")), "")

    def _write_truth(self, world: World) -> None:
        with open(self.folder / "truth.jsonl", "w") as out:
            for planned in world.planned:
                line = planned.truth(self.ids.get(planned.number))
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
            for site, calls in world.calls.items():
                for call in calls:
                    line = {
                        "site": site, "kind": CALLS_KIND, "fate": STORED, "recordId": None,
                        "externalId": call.linkedid, "persons": [call.person] if call.person else [],
                    }  # fmt: skip
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.answers.write(self.folder / "accepted.tsv")

    def _report(
        self, world: World, planted_bad: Counter, ledger: Ledger, correlated: Correlated
    ) -> bool:
        planted = world.planted()
        calls = sum(len(calls) for calls in world.calls.values())
        read_again = sum(len(calls) - len(calls) // 2 for calls in world.calls.values())
        wanted_bad = planted_bad + Counter(conflict=planted[CONFLICT].total())
        found_duplicates = self._duplicates(world)
        found_duplicates[CALLS_KIND] = ledger.duplicates - found_duplicates.total()
        wanted_duplicates = planted[DUPLICATE] + Counter({CALLS_KIND: read_again})
        checks = {
            "lost": (ledger.lost, 0),
            "strange": (ledger.strange, 0),
            "doubled": (ledger.doubled, 0),
            "accepted": (
                ledger.accepted,
                sum(c.total() for c in planted.values()) + calls + read_again,
            ),
            "stored": (ledger.stored, planted[STORED].total() + calls),
            "duplicates": (ledger.duplicates, wanted_duplicates.total()),
            "bad": (ledger.bad, wanted_bad.total()),
        }
        for name in sorted(wanted_bad | Counter(ledger.bad_by_class)):
            checks[f"  bad: {name}"] = (ledger.bad_by_class.get(name, 0), wanted_bad[name])
        for name, wanted in sorted(wanted_duplicates.items()):
            checks[f"  duplicate: {name}"] = (found_duplicates[name], wanted)
        checks |= correlated.checks()
        is_good = all(found == wanted for found, wanted in checks.values())
        is_good = is_good and linking.is_met(correlated.scores)
        self._print(checks, ledger, correlated)
        report = (
            ledger.as_dict()
            | correlated.as_dict()
            | {
                "seed": self.seed,
                "planted": {fate: dict(kinds) for fate, kinds in planted.items()},
                "planted_bad": dict(wanted_bad),
                "checks": {k.strip(): {"found": f, "planted": w} for k, (f, w) in checks.items()},
                "balanced": is_good,
            }
        )
        (self.folder / "ledger.json").write_text(
            json.dumps(report, indent=2, ensure_ascii=False) + "\n"
        )
        return is_good

    def _duplicates(self, world: World) -> Counter:
        """By class, how many answers met a record that was stored already."""
        with self.stack.connect() as db:
            stored = {str(row[0]) for row in db.execute("select record_id from kasumori.record")}
        found: Counter = Counter()
        for planned in world.planned:
            if planned.fate == DUPLICATE:
                first = world.planned[planned.number - 1]
                is_same_id = planned.body.get("recordId") is not None
                is_there = self.ids[planned.number] in stored
                # Sent twice: its id is there, once. Read twice: only the first one's id is there.
                if is_there == is_same_id and self.ids[first.number] in stored:
                    found[planned.kind] += 1
        return found

    def _print(
        self, checks: dict[str, tuple[int, int]], ledger: Ledger, correlated: Correlated
    ) -> None:
        print(f"\n{'ledger':<24}{'found':>9}{'planted':>9}")
        for name, (found, wanted) in checks.items():
            mark = "" if found == wanted else "   <-- differs"
            print(f"{name:<24}{found:>9}{wanted:>9}{mark}")
        print(f"{'seconds':<24}{ledger.seconds:>9.1f}")
        correlated.print()
        for example in ledger.examples:
            print(f"lost: {example}")
        print(f"written to {self.folder / 'ledger.json'}\n", flush=True)


def _print_addresses(demo: Demo) -> None:
    """What a person opens first, then what programs talk to."""
    print(f"board: http://127.0.0.1:{demo.stack.monitor.port}/   company {demo.stack.tenant}")
    for account, password in demo.accounts.items():
        print(f"  account {account}, password {password}")
    if demo.number:
        print(f"  a number to look up: {demo.number}")
    for agent in list(demo.stack.agents.values())[:1]:
        print(f"staff form: http://127.0.0.1:{agent.port}/form   worker {WORKER}, PIN {WORKER_PIN}")
    for agent in demo.stack.agents.values():
        print(f"agent {agent.name}: http://127.0.0.1:{agent.port}/v1/records   {agent.unix}")
    for aggregator in demo.stack.aggregators.values():
        print(f"aggregator {aggregator.name}: http://127.0.0.1:{aggregator.port}/metrics")
    print(f"database: psql '{demo.stack.conninfo}'")
    print(f"Kafka: {demo.servers.kafka.bootstrap}, topic {demo.stack.topic_records}")
    print("stays up until Ctrl-C", flush=True)


def _wait_for_the_end() -> None:
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    signal.sigwait(signals)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="headless and finite")
    parser.add_argument("--seed", type=int, default=20260401)
    parser.add_argument("--records", type=int, default=6000, help="about how many over HTTP")
    args = parser.parse_args()
    folder = BUILD / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    demo = Demo(folder, args.seed, args.records)
    is_good = False
    try:
        is_good = demo.run()
        if not args.check:
            _print_addresses(demo)
            _wait_for_the_end()
        demo.stack.stop()
    except KeyboardInterrupt:
        print("stopped before the end", file=sys.stderr)
    finally:
        demo.stack.kill9()
        demo.servers.stop()
    print(f"demo: the ledger {'balances' if is_good else 'does NOT balance'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
