"""Scenarios of tests: a file made of a few lines, read and run."""

from __future__ import annotations

import textwrap
from functools import cache
from pathlib import Path

from robotd.config import ConfigErrors
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.runner import Failure, Result, run_scenario
from robotd.sim.scenario.script import Robots, Script

CONFIG = Path(__file__).parents[3] / "config"
ROVER = CONFIG / "rover.yaml"


@cache
def robots() -> Robots:
    """Each robot's file is loaded once."""
    return Robots(CONFIG)


def scenario_file(folder: Path, steps: str, *, top: str = "", robot: str = "example:rover") -> Path:
    """A file with these steps, and whatever stands beside them at the top."""
    head = f"robot: {robot}\nscenario: a test\n{textwrap.dedent(top)}\n"
    body = textwrap.indent(textwrap.dedent(steps).strip("\n"), "  ")
    path = folder / "scenario.yaml"
    path.write_text(f"{head.rstrip()}\nsteps:\n{body}\n")
    return path


def script(folder: Path, steps: str, *, top: str = "", robot: str = "example:rover") -> Script:
    """The same, read."""
    return read_scenario(scenario_file(folder, steps, top=top, robot=robot), robots())


def run(folder: Path, steps: str, *, top: str = "", robot: str = "example:rover", seed: int = 0) -> Result:
    """The same, run."""
    return run_scenario(script(folder, steps, top=top, robot=robot), seed=seed)


def failure(folder: Path, steps: str, *, top: str = "", robot: str = "example:rover") -> Failure:
    """Why it does not hold, which it must not."""
    found = run(folder, steps, top=top, robot=robot).failure
    assert found is not None
    return found


def faults(folder: Path, steps: str, *, top: str = "") -> list[tuple[int, str, str | None]]:
    """Line, sentence and hint of each fault of the file; line 1 is that of `robot`."""
    try:
        script(folder, steps, top=top)
    except ConfigErrors as errors:
        return [(error.where.line, error.sentence, error.hint) for error in errors.errors]
    return []
