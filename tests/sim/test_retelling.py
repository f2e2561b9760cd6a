"""Traces of `check` as scenarios: run with the whole daemon, they do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.check import Subject, prove
from robotd.config import load
from robotd.sim.reading import read_scenario
from robotd.sim.retelling import retell
from robotd.sim.runner import run_scenario
from robotd.sim.script import Robots
from robotd.sim.writing import to_yaml

DEFECTS = Path(__file__).parents[1] / "check" / "defects"
REFUSED = ("estop_", "unknown_timeout_untaken", "unknown_outcome_misspelt")
FILES = [path for path in sorted(DEFECTS.glob("*.yaml")) if not path.stem.startswith(REFUSED)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_robot_goes_in_simulation_where_the_trace_says(path: Path, tmp_path: Path) -> None:
    config = load(path)
    for finding in prove(Subject.of(config)).findings:
        scenario = retell(finding, config, str(path))
        if not finding.trace:
            assert scenario is None
            continue
        assert scenario is not None
        file = tmp_path / f"{finding.code}-{finding.where.line}.yaml"
        file.write_text(to_yaml(scenario))

        result = run_scenario(read_scenario(file, Robots(DEFECTS)))

        if finding.code == "never-broken":
            assert result.failure is not None
            assert result.failure.where == finding.where
        elif finding.code == "always-cycle" and len(finding.trace) == 1:
            # It never comes to rest at the very start, and so it never starts.
            assert result.failure is not None
            assert "the `always` transitions never come to rest" in str(result.failure.details)
        else:
            assert result.failure is None, result.failure
