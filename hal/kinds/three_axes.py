"""Three straight axes: where they are, how far they go, and the seam to their driver.

A driver makes a `Gantry` of the device's spec and a `GantryController`, and tells it what the controller
says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from hal.device import ActuatorSpec
from hal.units import PositiveLength, PositiveSpeed


class Position(NamedTuple):
    """Where it is, in the controller's own coordinates: those of its limit switches."""

    x_m: float
    y_m: float
    z_m: float


class Velocity(NamedTuple):
    """How it moves."""

    x_m_s: float
    y_m_s: float
    z_m_s: float


STILL = Velocity(0.0, 0.0, 0.0)


class Span(NamedTuple):
    """How far one axis goes."""

    low_m: float
    high_m: float


class GantrySpec(ActuatorSpec, frozen=True):
    """What the file says about a gantry."""

    kind: Literal["gantry"] = "gantry"
    on_stop: Literal["hold"] = "hold"
    """It brakes and stays where it is."""
    x: PositiveLength
    """How far it goes along each axis..."""
    y: PositiveLength
    z: PositiveLength
    switches: Literal["high", "low"] = "high"
    """...and on which side 0 is, usually that of its limit switches: `high` counts from minus `x` to 0."""
    max_speed: PositiveSpeed
    """Along its path, for what it is told by a verb; a job says its own."""
    homing: bool = True
    """Whether it can find its position by itself, and moves only when it has."""

    @property
    def spans(self) -> tuple[Span, Span, Span]:
        """The way of each axis."""
        return self._span(self.x), self._span(self.y), self._span(self.z)

    def _span(self, travel_m: float) -> Span:
        return Span(-travel_m, 0.0) if self.switches == "high" else Span(0.0, travel_m)


class GantryState(NamedTuple):
    """What its controller says of it."""

    position: Position
    speed_m_s: float
    moving: bool
    held: bool
    """A motion is interrupted, and would go on."""
    homed: bool
    """It knows where it is."""
    alarm: int
    """The number of the alarm that locks it; 0 without one."""


class GantryController(Protocol):
    """The driver's side of a gantry. Nothing here waits, but for `load`; all may raise what the wire raises.

    It begins a motion as soon as the one before has come to rest, tells the gantry `finished` or `broke`
    when that is over, and `update`s it with each report.
    """

    def home(self) -> None:
        """Find the limit switches."""

    def move(self, target: Position, speed_m_s: float) -> None:
        """Go straight to a place within the travel."""

    def jog(self, velocity: Velocity, now: float) -> None:
        """Go on like this, and stop at the ends of the travel; called at 50 Hz. Raises why it cannot."""

    async def load(self, file: str, text: str, go_on: Callable[[], None]) -> object:
        """Read a job, and call `go_on` now and then, which raises where it is wanted no more.

        Raises `DeviceRefused` naming the first line that it cannot run.
        """

    def run(self, job: object) -> None:
        """Carry out a job that was loaded, telling `progress`."""

    def pause(self) -> None:
        """Interrupt a job, braking."""

    def resume(self) -> None:
        """Go on with it."""

    def stop(self) -> None:
        """End whatever is under way or was to come. Means nothing at rest."""


class ControllerTap:
    """`controller`, with `told` called before it is told anything that moves: at what speed, and 0 to stop.

    `most_m_s` stands for the speed of what it plans itself: homing and jobs.
    """

    def __init__(self, controller: GantryController, most_m_s: float, told: Callable[[float], None]) -> None:
        self._controller = controller
        self._most_m_s = most_m_s
        self._told = told

    def home(self) -> None:
        """As `controller`, and so are all."""
        self._told(self._most_m_s)
        self._controller.home()

    def move(self, target: Position, speed_m_s: float) -> None:
        """Told with its speed."""
        self._told(speed_m_s)
        self._controller.move(target, speed_m_s)

    def jog(self, velocity: Velocity, now: float) -> None:
        """Told with its speed along the path."""
        self._told(math.hypot(*velocity))
        self._controller.jog(velocity, now)

    async def load(self, file: str, text: str, go_on: Callable[[], None]) -> object:
        """Moves nothing."""
        return await self._controller.load(file, text, go_on)

    def run(self, job: object) -> None:
        """Told with `most_m_s`."""
        self._told(self._most_m_s)
        self._controller.run(job)

    def pause(self) -> None:
        """Told as a stop."""
        self._told(0.0)
        self._controller.pause()

    def resume(self) -> None:
        """Told as `run`."""
        self._told(self._most_m_s)
        self._controller.resume()

    def stop(self) -> None:
        """Told as a stop."""
        self._told(0.0)
        self._controller.stop()
