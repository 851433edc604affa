"""Each case runs on the model, and on the C core as soon as its program is built."""

from __future__ import annotations

import pytest

from tests.model.implementations import PROGRAM, Dump, c_program, run_c, run_model


@pytest.fixture(params=["model", "c"])
def run(request):
    """History -> Dump."""
    if request.param == "model":
        return lambda history: Dump(run_model(history.facts))
    if c_program() is None:
        pytest.skip(f"{PROGRAM} is not built")
    return lambda history: Dump(run_c(history.facts))


@pytest.fixture
def c_core():
    if c_program() is None:
        pytest.skip(f"{PROGRAM} is not built")
