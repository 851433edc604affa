"""The C core prints what the model prints."""

from __future__ import annotations

import os

import pytest

from tests.model.compare import first_difference

COUNT = 2000


@pytest.mark.usefixtures("c_core")
def test_model_and_c_core_agree():
    seed = int(os.environ.get("KASUMORI_SEED", "1"))
    found = first_difference(seed, COUNT)
    assert found is None, found
