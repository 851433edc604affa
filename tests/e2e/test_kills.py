"""kill -9 of any process in mid-stream leaves the ledger balanced. `make kills N=…` runs more."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.kills import Campaign
from tests.support.stack import Servers

ROUNDS = int(os.environ.get("KASUMORI_KILL_ROUNDS", "20"))
SEED = 20260401


def test_kill_9_rounds_end_with_the_exact_ledger(servers: Servers, work: Path):
    campaign = Campaign(servers, work / "kills", SEED)
    campaign.run(ROUNDS)
    assert campaign.accepted > 100 * ROUNDS, "there was no load worth the name"
    assert ROUNDS < 20 or len(campaign.killed) == 4
