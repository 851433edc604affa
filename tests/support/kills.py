"""kill -9 in mid-stream: under continuous load each round kills a random process among agents,
aggregator, broker and database, brings it back and ends with the exact ledger; at the end the derived
tables are what the facts say.

    python -m tests.support.kills --rounds 1000 [--seed 7]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.feeder import Feeder
from tests.support.generator import Planned, World
from tests.support.ledger import Answers, Ledger
from tests.support.paths import BUILD
from tests.support.people import uuid7
from tests.support.process import ProcessError
from tests.support.stack import Agent, Servers, Stack

VICTIMS = ("agent", "aggregator", "broker", "database")
ROUNDS_PER_STACK = 50
RECORDS_PER_S = 150  # of each agent
VERIFY_S = 90  # a lease lasts 30 s, and a killed correlator may hold it
ANSWER_S = 60  # an agent that refuses for longer than that has failed


class CampaignFailed(AssertionError):
    pass


class Load:
    """One thread for each agent that hands in records until told to stop. Every record bears an id of
    its own, so that what got no answer is simply sent again."""

    def __init__(self, agent: Agent, answers: Answers, seed: int, sites: tuple):
        self.agent, self.problem = agent, None
        self._answers, self._seed, self._sites = answers, seed, sites
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"load {agent.name}")

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Returns once the last record handed in is answered."""
        self._is_over.set()
        self._thread.join()
        if self.problem is not None:
            raise CampaignFailed(f"{self.agent.name}: {self.problem}") from self.problem

    def _planned(self, part: int) -> list[Planned]:
        rng = random.Random(f"{self._seed} {part}")
        now_us = time.time_ns() // 1000
        world = World(rng.getrandbits(32), now_us, 400, self._sites)
        mine = [p for p in world.planned if p.site == self.agent.site]
        for planned in mine:
            planned.body.setdefault("recordId", uuid7(rng, now_us))
        return mine

    def _run(self) -> None:
        rng = random.Random(self._seed)
        feeder = Feeder(self.agent, self._answers, self._seed, wait_s=ANSWER_S)
        try:
            part = 0
            while not self._is_over.is_set():
                planned, at = self._planned(part), 0
                part += 1
                while at < len(planned) and not self._is_over.is_set():
                    size = rng.choice([1, 1, 1, 5, 20])
                    if size == 1:
                        feeder.post_one(planned[at])
                    else:
                        feeder.post_batch(planned[at : at + size])
                    at += size
                    self._is_over.wait(size / RECORDS_PER_S)
        except Exception as error:
            self.problem = error
        finally:
            feeder.close()


@dataclass
class Campaign:
    servers: Servers
    folder: Path
    seed: int
    killed: Counter = field(default_factory=Counter)
    accepted: int = 0
    duplicates: int = 0
    round: int = -1

    def run(self, rounds: int, say=print) -> None:
        for first in range(0, rounds, ROUNDS_PER_STACK):
            count = min(ROUNDS_PER_STACK, rounds - first)
            stack = Stack(self.servers, self.folder / f"from{first}")
            with stack:
                ledger = self._run_stack(stack, first, count, say)
                self.accepted += ledger.accepted
                self.duplicates += ledger.duplicates
            self.servers.postgres.dropdb(stack.database)
            for topic in (stack.topic_records, stack.topic_health):
                self.servers.kafka.delete_topic(topic)

    def _run_stack(self, stack: Stack, first: int, count: int, say) -> Ledger:
        for site in ("s001", "s002", "c001"):
            stack.add_agent(site, spool={"dir": str(stack.folder / site), "segment_size": "256KiB"})
        stack.add_aggregator()
        answers = Answers(stack.tenant)
        ledger = Ledger(0, 0, 0, 0, 0, 0, 0)
        for number in range(first, first + count):
            ledger = self._round(stack, answers, number)
            say(
                f"round {number}: {self._last}: accepted {ledger.accepted}, stored {ledger.stored},"
                f" duplicates {ledger.duplicates}, lost {ledger.lost}, {ledger.seconds:.1f} s"
            )
        self.verify(stack)
        return ledger

    def verify(self, stack: Stack) -> None:
        """The derived tables become what the facts say, once the correlator has caught up."""
        deadline = time.monotonic() + VERIFY_S
        while True:
            done = stack.db_cli("rebuild", "--verify", "--tenant", stack.tenant, is_ok=False)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise CampaignFailed(
                    f"seed {self.seed}: derived tables differ: {done.stdout[:2000]}"
                )
            time.sleep(1)

    def _round(self, stack: Stack, answers: Answers, number: int) -> Ledger:
        self.round = number
        rng = random.Random(f"{self.seed} {number}")
        started = time.monotonic()
        loads = [
            Load(agent, answers, rng.getrandbits(32), stack.sites)
            for agent in stack.agents.values()
        ]
        for load in loads:
            load.start()
        try:
            time.sleep(rng.uniform(0.1, 1.0))
            victim = rng.choice(VICTIMS)
            self._last = victim
            self.killed[victim] += 1
            self._kill(stack, victim, rng)
            time.sleep(rng.uniform(0.0, 0.5))
        finally:
            for load in loads:
                load.finish()
        self._wait_drained(stack)
        with stack.connect() as db:
            ledger = answers.balance(db, stack.topic_records)
        ledger.seconds = time.monotonic() - started
        if not ledger.is_whole or set(ledger.bad_by_class) - {"conflict"}:
            raise CampaignFailed(f"seed {self.seed} round {number} ({victim}): {ledger}")
        return ledger

    def _wait_drained(self, stack: Stack) -> None:
        try:
            stack.wait_drained(wait_s=90)
        except TimeoutError as error:
            tails = [f"{s.name}: {s.returncode}\n{s.log_tail(6)}" for s in stack.services()]
            raise TimeoutError("\n".join([str(error), *tails])) from None

    def _kill(self, stack: Stack, victim: str, rng: random.Random) -> None:
        """Dead for a while, then back."""
        pause_s = rng.choice([0.0, rng.uniform(0.0, 1.5)])
        if victim == "broker":
            stack.servers.kafka.kill9()
            time.sleep(pause_s)
            stack.servers.kafka.start()
        elif victim == "database":
            stack.servers.postgres.kill9()
            time.sleep(pause_s)
            stack.servers.postgres.start()
        else:
            group = stack.agents if victim == "agent" else stack.aggregators
            service = group[rng.choice(sorted(group))]
            service.kill9()
            time.sleep(pause_s)
            service.start()
            service.wait_ready()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if args.seed is None else args.seed
    folder = BUILD / "kills"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"kills: seed {seed}, {args.rounds} rounds", flush=True)
    with Servers(folder / "servers") as servers:
        campaign = Campaign(servers, folder, seed)
        try:
            campaign.run(args.rounds, say=lambda text: print(text, flush=True))
        except (CampaignFailed, ProcessError, TimeoutError) as error:
            print(f"kills: FAILED in round {campaign.round} (seed {seed}): {error}")
            return 1
    killed = ", ".join(f"{name} {count}" for name, count in sorted(campaign.killed.items()))
    print(
        f"kills: seed {seed}, {args.rounds} rounds held ({killed}): {campaign.accepted} accepted,"
        f" {campaign.duplicates} duplicates recognised, 0 lost, 0 doubled"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
