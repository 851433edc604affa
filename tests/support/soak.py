"""The stack under a steady load for a while: at the end the ledger is whole, the derived tables are
what the facts say, and no process has grown beyond its memory (P9 of the targets).

    python -m tests.support.soak --minutes 60 [--seed 7]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from pathlib import Path

from tests.support.kills import Campaign, CampaignFailed, Load
from tests.support.ledger import Answers, Ledger
from tests.support.paths import BUILD
from tests.support.process import ProcessError
from tests.support.stack import Servers, Stack

SITES = ("s001", "s002", "c001")
LIMIT_KIB = {"agent": 32 * 1024, "aggregator": 128 * 1024, "monitor": 64 * 1024}
SAMPLE_S = 2.0
TOLD_EVERY_S = 60.0


class Memory:
    """The largest resident memory of each sort of process."""

    def __init__(self, stack: Stack):
        self._services = {
            "agent": stack.agents.values(),
            "aggregator": stack.aggregators.values(),
            "monitor": [stack.monitor] if stack.monitor else [],
        }
        self.most_kib = dict.fromkeys(self._services, 0)

    def look(self) -> None:
        for sort, services in self._services.items():
            for service in services:
                if not service.is_alive():
                    raise CampaignFailed(f"{service.name} ended: {service.log_tail(6)}")
                self.most_kib[sort] = max(self.most_kib[sort], service.status_kib())

    def told(self) -> str:
        return ", ".join(f"{sort} {kib / 1024:.0f} MiB" for sort, kib in self.most_kib.items())

    def too_large(self) -> list[str]:
        return [sort for sort, kib in self.most_kib.items() if kib > LIMIT_KIB[sort]]


def load_for(stack: Stack, answers: Answers, seed: int, seconds: float, memory: Memory) -> None:
    rng = random.Random(seed)
    loads = [
        Load(agent, answers, rng.getrandbits(32), stack.sites) for agent in stack.agents.values()
    ]
    for load in loads:
        load.start()
    try:
        end, told = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end:
            time.sleep(min(SAMPLE_S, max(0.0, end - time.monotonic())))
            memory.look()
            if time.monotonic() - told > TOLD_EVERY_S:
                told = time.monotonic()
                print(f"soak: {(end - told) / 60:.0f} min left: {memory.told()}", flush=True)
    finally:
        for load in loads:
            load.finish()


def soak(stack: Stack, folder: Path, seed: int, seconds: float) -> tuple[Ledger, Memory]:
    for site in SITES:
        stack.add_agent(site)
    stack.add_aggregator()
    stack.add_monitor()
    memory, answers = Memory(stack), Answers(stack.tenant)
    load_for(stack, answers, seed, seconds, memory)
    stack.wait_drained(wait_s=300)
    memory.look()
    with stack.connect() as db:
        ledger = answers.balance(db, stack.topic_records)
    if not ledger.is_whole or set(ledger.bad_by_class) - {"conflict"}:
        raise CampaignFailed(f"the ledger is not whole: {ledger}")
    Campaign(stack.servers, folder, seed).verify(stack)
    return ledger, memory


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if args.seed is None else args.seed
    folder = BUILD / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"soak: seed {seed}, {args.minutes:g} minutes", flush=True)
    try:
        with Servers(folder / "servers") as servers, Stack(servers, folder / "stack") as stack:
            ledger, memory = soak(stack, folder, seed, args.minutes * 60)
    except (CampaignFailed, ProcessError, TimeoutError) as error:
        print(f"soak: FAILED (seed {seed}): {error}")
        return 1
    large = memory.too_large()
    print(
        f"soak: seed {seed}, {args.minutes:g} minutes: {ledger.accepted} accepted, 0 lost,"
        f" 0 doubled, derived tables equal; at most {memory.told()}"
        + (f"; TOO LARGE: {', '.join(large)}" if large else "")
    )
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
