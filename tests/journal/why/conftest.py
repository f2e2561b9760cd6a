"""The rover that each story begins with."""

from __future__ import annotations

import pytest

from tests.counts import cases
from tests.journal.why.rover import ANN, Rover


@pytest.fixture(params=[None, *range(cases(30))], ids=lambda seed: f"carl-{seed}")
def rover(request: pytest.FixtureRequest) -> Rover:
    """One that was started and armed by Ann, ten seconds ago."""
    history = Rover(request.param)
    history.start()
    history.add("session", what="opened", source=ANN)
    history.arm()
    history.at = 10.0
    return history
