"""Traces of `check` as scenarios: run with the whole daemon, they do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.check import Finding, Subject, prove
from robotd.config import RobotConfig, load
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.retelling import retell
from robotd.sim.scenario.runner import run_scenario
from robotd.sim.scenario.script import Robots
from robotd.sim.scenario.writing import to_yaml

DEFECTS = Path(__file__).parents[2] / "check" / "defects"
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
        elif finding.code != "always-cycle" or len(finding.trace) > 1:
            # What goes round from the very start is now here, now there.
            assert result.failure is None, result.failure
        if finding.code == "always-cycle":
            assert result.chronicle is not None
            assert any("chart cycle" in said for _, said in result.chronicle.errors)


LAMP = """\
robot: lamp
boards: {uno: {driver: firmata, port: /dev/ttyACM0, deadman: none}}
devices:
  bumper: {kind: digital_input, board: uno, pin: 2}
  mast:   {kind: servo, board: uno, pin: 9, min: -80 deg, max: 80 deg}
machine:
  regions:
    main:
      initial: idle
      states: {idle: {}, busy: {active: all}}
      transitions:
        - {trigger: go,   source: idle, dest: busy}
        - {trigger: rest, source: busy, dest: idle}
        - {trigger: look, source: busy, do: mast.move_to}
    lamp:
      initial: dark
      states: {dark: {}, lit: {}}
      transitions:
        - {trigger: go,   source: dark, dest: lit, when: CONDITION}
        - {trigger: rest, source: lit,  dest: dark}
never: NEVER
"""


def broken(tmp_path: Path, never: str, condition: str = "true") -> tuple[RobotConfig, Finding]:
    file = tmp_path / "lamp.yaml"
    file.write_text(LAMP.replace("CONDITION", f'"{condition}"').replace("NEVER", never))
    config = load(file)
    (finding,) = (one for one in prove(Subject.of(config)).findings if one.code == "never-broken")
    return config, finding


def test_a_way_over_a_stop_and_a_reset_can_be_taken(tmp_path: Path) -> None:
    config, finding = broken(tmp_path, "idle and lit")
    scenario = retell(finding, config, "lamp.yaml")
    assert [step.trigger for step in finding.trace] == ["start", "go", "estop", "reset"]
    assert scenario is not None
    file = tmp_path / "scenario.yaml"
    file.write_text(to_yaml(scenario))

    result = run_scenario(read_scenario(file, Robots(DEFECTS)))

    assert result.failure is not None
    assert result.failure.sentence == "never: idle and lit"


def test_what_only_an_actuator_can_say_is_not_the_worlds_to_set(tmp_path: Path) -> None:
    config, finding = broken(tmp_path, "lit", "not bumper.active and mast.moving")

    assert finding.trace[-1].readings == {"bumper.active": False, "mast.moving": True}
    assert retell(finding, config, "lamp.yaml") is None
