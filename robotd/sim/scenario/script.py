"""A scenario together with its robot: all that it takes to run it. And the robots that scenarios name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from robotd.config import ConfigErrors, RobotConfig, load
from robotd.config.document import Document
from robotd.core.chart import NOWHERE
from robotd.core.invariant import Invariant, Kind, compile_invariant
from robotd.sim.scenario.model import Scenario

EXAMPLE_PREFIX = "example:"


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario and all that it takes to run it."""

    scenario: Scenario
    config: RobotConfig
    invariants: tuple[Invariant, ...]
    """Those of the scenario; those of the robot's file are in its config."""
    file: str = ""
    """Where the scenario came from; empty for one that was made as data."""
    document: Document | None = None

    @classmethod
    def of(cls, scenario: Scenario, config: RobotConfig) -> Script:
        """To run a scenario that was made as data. Raises `ExpressionError` for one of its invariants."""
        states = [state.path for state in config.chart.states]
        kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (
            ("never", scenario.never),
            ("always", scenario.always),
        )
        invariants = [
            compile_invariant(text, kind, NOWHERE, readings=config.readings, states=states)
            for kind, texts in kinds
            for text in texts
        ]
        return cls(scenario, config, tuple(invariants))


class Robots:
    """The robots' files that scenarios name, each loaded once."""

    def __init__(self, examples: Path) -> None:
        """`examples`: the folder of what is called `example:rover`."""
        self._examples = examples
        self._loaded: dict[Path, RobotConfig | ConfigErrors] = {}

    def find(self, name: str, folder: Path) -> Path:
        """The path that `name` stands for in a scenario of `folder`."""
        if name.startswith(EXAMPLE_PREFIX):
            return self._examples / f"{name.removeprefix(EXAMPLE_PREFIX)}.yaml"
        return folder / name

    def load(self, path: Path) -> RobotConfig:
        """Raises `ConfigErrors`."""
        key = path.resolve()
        if key not in self._loaded:
            try:
                self._loaded[key] = load(path)
            except ConfigErrors as errors:
                self._loaded[key] = errors
        loaded = self._loaded[key]
        if isinstance(loaded, ConfigErrors):
            raise loaded
        return loaded
