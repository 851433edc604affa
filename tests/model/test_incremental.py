"""I9: what the incremental form derives is what the full function derives."""

from __future__ import annotations

import os

import pytest

from tests.model.incremental import check_histories

COUNT = 2000


@pytest.mark.usefixtures("c_core")
def test_i9_batches_give_what_the_whole_gives():
    found, share = check_histories(int(os.environ.get("KASUMORI_SEED", "1")), COUNT)
    assert found is None, found
    assert share < 1, "every neighbourhood was the whole: nothing was tested"
