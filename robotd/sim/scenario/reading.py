"""From a scenario's file to the scenario, every name in it checked, or to all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from robotd.config import ConfigErrors
from robotd.config.document import read
from robotd.config.invariants import read_invariants
from robotd.config.place import Place
from robotd.sim.scenario.model import Scenario
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.script import Robots, Script
from robotd.sim.scenario.shape import ScenarioModel
from robotd.sim.scenario.steps import StepReader
from robotd.sim.scenario.surroundings import read_faults, read_world

BEGINS = "robot: <path of the robot's file>"


def read_scenario(path: Path, robots: Robots) -> Script:
    """Read and check a scenario's file.

    Raises `ConfigErrors` with every fault of it, or with those of its robot's file.
    """
    document = read(path, BEGINS)
    root = Place(document)
    model = root.read(ScenarioModel)
    name = (root / "robot").value
    if not isinstance(name, str):
        raise ConfigErrors.of(document.errors)
    robot = robots.find(name, path.parent)
    if not robot.is_file():
        (root / "robot").refuse(
            f"there is no file {robot}", "a path from the folder of this file, or example:rover"
        )
        raise ConfigErrors.of(document.errors)
    config = robots.load(robot)
    names = Names(config)
    world, faults = read_world(root / "set", names), read_faults(root / "faults", names)
    steps = tuple(StepReader(names).steps(root / "steps"))
    invariants = read_invariants(
        root, readings=config.readings, states=[state.path for state in config.chart.states], doubtful=()
    )
    if document.errors or model is None:
        raise ConfigErrors.of(document.errors)
    scenario = Scenario(
        robot=model.robot,
        title=model.scenario,
        seed=model.seed,
        faults=faults,
        world=world,
        steps=steps,
        never=tuple(found.text for found in invariants if found.kind == "never"),
        always=tuple(found.text for found in invariants if found.kind == "always"),
    )
    return Script(scenario, config, invariants, str(path), document)
