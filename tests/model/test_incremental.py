"""I9: what the incremental form derives is what the full function derives."""

from __future__ import annotations

import os

import pytest

from tests.model.builder import T0, digest
from tests.model.facts import DAY, MEMBER, MINUTE, NAME, PHONE
from tests.model.incremental import OK, check_histories, run_batches

COUNT = 2000


@pytest.mark.usefixtures("c_core")
def test_i9_batches_give_what_the_whole_gives():
    found, counts = check_histories(int(os.environ.get("KASUMORI_SEED", "1")), COUNT)
    assert found is None, found
    assert counts.share < 1, "every neighbourhood was the whole: nothing was tested"
    assert counts.hubs > COUNT, "hardly a class was told: nothing was tested"
    assert counts.shared > COUNT / 10, "hardly a shared node was told: nothing was tested"
    assert counts.again > COUNT / 10, "what was told always held: nothing was tested"


def hub(kind, count):
    """Calls that all carry one token of the kind and a member's card that nobody else has; every third
    one overlaps the one before."""
    return [
        {
            "fact": "record",
            "id": digest(f"call{n}"),
            "kind": "contact",
            "site": "s1",
            "start": T0 + n // 3 * DAY + n % 3 * MINUTE,
            "end": T0 + n // 3 * DAY + n % 3 * MINUTE + 5 * MINUTE,
            "channel": 2,
            "direction": 1,
            "outcome": 1,
            "ref": f"r{n}",
            "persons": [
                {
                    "role": 1,
                    "ordinal": 1,
                    "identifiers": [
                        {"kind": kind, "assurance": 4, "tokens": [[1, digest("hub")]]},
                        {"kind": MEMBER, "assurance": 4, "tokens": [[1, digest(f"member{n}")]]},
                    ],
                }
            ],
        }
        for n in range(count)
    ]


def near(facts):
    (said,) = run_batches([facts], 1)
    return int(OK.fullmatch(said[-1])[1])


@pytest.mark.usefixtures("c_core")
@pytest.mark.parametrize("kind", [PHONE, NAME])
def test_i10_what_is_near_does_not_grow_with_a_hub(kind):
    """Twice as many records cost twice as much, not four times."""
    once, twice = near(hub(kind, 150)), near(hub(kind, 300))
    print(f"I10: {once} records read for 150, {twice} for 300")
    assert twice < 2.5 * once
    assert twice < 10 * 300
