"""What an arm must do it must do with either maker's servos: the arm's scenarios, told of the Feetech arm."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.runner import run_scenario
from robotd.sim.scenario.telling import report
from tests.counts import cases
from tests.sim.scenario.making import CONFIG, robots

pytestmark = pytest.mark.no_cover

FILES = sorted((CONFIG / "scenarios").glob("arm-*.yaml"))
OURS, OTHER = "robot: ../arm.yaml", f"robot: {CONFIG / 'arm-feetech.yaml'}"
SEEDS = cases(10)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_holds_with_the_other_servos_too(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    assert OURS in text
    other = tmp_path / path.name
    other.write_text(text.replace(OURS, OTHER))
    script = read_scenario(other, robots())

    for seed in range(SEEDS):
        result = run_scenario(script, seed=seed)

        assert result.failure is None, report(result, str(path))
