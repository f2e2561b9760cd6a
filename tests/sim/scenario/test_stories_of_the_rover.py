"""The scenarios that ship with the rover hold, whatever the seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.runner import run_scenario
from robotd.sim.scenario.telling import report
from tests.counts import CAMPAIGN
from tests.sim.scenario.making import CONFIG, robots

pytestmark = pytest.mark.no_cover

FILES = sorted((CONFIG / "scenarios").glob("*.yaml"))
SEEDS = 20 if CAMPAIGN else 1


def test_there_are_twelve_or_more() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_holds_with_every_seed(path: Path) -> None:
    script = read_scenario(path, robots())

    for seed in range(SEEDS):
        result = run_scenario(script, seed=seed)

        assert result.failure is None, report(result, str(path))
