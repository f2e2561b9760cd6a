"""One thing that every robot is promised, and what is said when the promise is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from hal import Actuator, Device
from robotd.core.chart import Where
from robotd.core.decision import Decision
from robotd.core.stage import Stage
from robotd.sim.simulation import Simulation

ROUNDING_S = 1e-6
"""Times that differ by less are the same."""


class Broken(NamedTuple):
    """A promise that was not kept."""

    name: str
    """Of the promise: `freshness`; or `never` and `always`, of the robot's file."""
    sentence: str
    """What happened, with names and numbers."""
    at: float
    """Seconds since the robot was ready."""
    where: Where | None = None
    """Where it stands, if it is the file's."""


class Promise:
    """One promise. A subclass defines the hooks that it needs, and calls `breaks` where it is not kept.

    Only hooks that a subclass defines are called: an event that it does not care about costs nothing.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    """What is promised, for people."""

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        self.simulation = simulation
        self.engine = simulation.engine
        self.breaks = breaks
        self.checked = 0
        """How often it was looked at."""

    def decision(self, decision: Decision) -> None:
        """A message was decided upon, and the decision carried out."""

    def stage(self, stage: Stage) -> None:
        """A command has reached a stage."""

    def output(self, device: Actuator, value: float) -> None:
        """An actuator is about to write `value`, in the unit of hal's `Output`."""

    def reading(self, device: Device, name: str) -> None:
        """An actuator says something new of itself."""

    def life(self, device: Device) -> None:
        """A device has changed its state."""

    def end(self) -> None:
        """The daemon has ended."""
