"""I9: what the incremental form derives is what the full function derives."""

from __future__ import annotations

import os

import pytest

from tests.model.incremental import check_histories

COUNT = 2000


@pytest.mark.usefixtures("c_core")
def test_i9_batches_give_what_the_whole_gives():
    found, counts = check_histories(int(os.environ.get("KASUMORI_SEED", "1")), COUNT)
    assert found is None, found
    assert counts.share < 1, "every neighbourhood was the whole: nothing was tested"
    assert counts.hubs > COUNT, "hardly a class was told: nothing was tested"
    assert counts.followed > 0, "no class that was told was followed"
