"""One servo that says where it stands: what a joint and a gripper have in common, and the seam to its driver.

A driver makes a `Joint` or a `Gripper` of the device's spec and a `JointOutput`, calls its `update` with what
the servo says, and writes its `stop_value` where it stops the board.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple, Protocol

from hal.device import ActuatorSpec, Feedback
from hal.errors import DeviceRefused
from hal.kinds.output import Output
from hal.kinds.ticker import PERIOD_S
from hal.units import Angle, PositiveAngle, PositiveAngularAcceleration, PositiveDuration, PositiveTurnRate

LATE_PERIODS = 2
"""A tick that is late makes no longer a step than so many in time."""

RESTING_RAD_S = 0.05
"""Slower than this it is at rest: what a servo says of its speed is never quite 0."""
UNSEEN_GOALS = 2
"""Told more goals than these since it was seen, it is not there any more."""


class AxisSpec(ActuatorSpec, frozen=True):
    """What the file says about a servo, whatever it moves. Drivers add the id."""

    FEEDBACK: ClassVar[Feedback] = "motion"

    max_rate: PositiveTurnRate = math.radians(60)
    max_accel: PositiveAngularAcceleration = math.radians(240)
    """For setpoints and motions. A stop knows no ramp."""
    max_step: PositiveAngle | None = None
    """The longest way from one goal to the next, of which there are 50 a second; without a word, that of two
    at `max_rate`. It bounds the rate too."""
    tolerance: PositiveAngle = math.radians(5)
    """So close to its goal it has arrived: what carries a load never comes quite there."""
    offset: Angle = 0.0
    """The angle, by the servo's own count from its middle, that is called 0 here: its calibration."""
    reversed: bool = False
    """Whether it counts the other way round."""
    stale: PositiveDuration = 0.2
    """At which age what was read of it means nothing."""

    @property
    def low(self) -> float:
        """The least angle that it may be told, in rad."""
        raise NotImplementedError

    @property
    def high(self) -> float:
        """The greatest angle that it may be told, in rad."""
        raise NotImplementedError

    @property
    def step(self) -> float:
        """`max_step`, or its default, in rad."""
        return self.max_step if self.max_step is not None else LATE_PERIODS * PERIOD_S * self.max_rate

    @property
    def rate(self) -> float:
        """`max_rate`, or what `max_step` leaves of it, in rad/s."""
        return min(self.max_rate, self.step / PERIOD_S)

    def from_servo(self, servo_rad: float) -> float:
        """The angle here of what the servo counts from its middle."""
        turned = servo_rad - self.offset
        return -turned if self.reversed else turned

    def to_servo(self, angle_rad: float) -> float:
        """What the servo counts from its middle at an angle here."""
        return (-angle_rad if self.reversed else angle_rad) + self.offset


class JointOutput(Output, Protocol):
    """The driver's side of a servo. Nothing here waits; both raise `DeviceGone` or `LinkFull`."""

    def write(self, value: float) -> None:
        """Go to this angle, in rad as the file counts it (`AxisSpec.to_servo` is still to be applied).

        Called up to 50 times a second, for all servos of a group in one turn of the loop; an older goal that
        waits for the bus is replaced. A servo without torque keeps it and stays limp.
        """

    def torque(self, on: bool) -> None:
        """Switch the torque. The servo has what was written before, before it has torque."""


class StopValue(NamedTuple):
    """What makes a servo safe, for a driver that writes it past its kind."""

    goal_rad: float | None
    """To be written before the torque; None: the goal stays as it is."""
    torque: bool | None
    """None: it stays as it is."""


UNTOUCHED = StopValue(None, None)


class Axis:
    """What is known of one servo, and the only place where it is told anything."""

    def __init__(self, name: str, spec: AxisSpec, line: JointOutput) -> None:
        self.name = name
        self.spec = spec
        self.output: Output = line
        """Takes the goals. A tap may be put before it."""
        self.present: float | None = None
        """Where it stands, in rad, as it said last..."""
        self.present_at = -math.inf
        """...and when."""
        self.torque: bool | None = None
        """None: not known."""
        self.goal: float | None = None
        """What it was told last, in rad; None where it is limp."""
        self.guided = False
        """It is limp to be led by hand: a stop shall hold it all the same."""
        self.settling = False
        """It was told to stay, and was not seen at rest since."""
        self._unseen = 0
        """How many goals it was told since it was seen."""
        self._switch = line.torque

    def forget(self) -> None:
        """Its wire was lost: nothing is known."""
        self.present = self.torque = self.goal = None
        self.guided = self.settling = False
        self.present_at = -math.inf
        self._unseen = 0

    def engage(self, now: float) -> float:
        """Have torque, and return the goal: where it stands, if it was limp. It never jumps.

        Raises:
            DeviceRefused: where it stands is not known.
            DeviceGone, LinkFull: the wire did not take it.
        """
        if self.torque and self.goal is not None:
            return self.goal
        return self.hold(now)

    def hold(self, now: float) -> float:
        """Let it stay where it stands, with torque, and return the angle. Raises what `engage` raises."""
        goal = self.goal if self._has_left and self.goal is not None else self.known(now)
        self.output.write(goal)
        self.goal = goal
        self._switch(True)
        self.torque = self.settling = True
        self.guided = False
        return goal

    def see(self, present: float, rate_rad_s: float | None, at: float) -> None:
        """Where it stands, and how fast it turns if that is known."""
        self.present, self.present_at, self._unseen = present, at, 0
        if rate_rad_s is None or abs(rate_rad_s) <= RESTING_RAD_S:
            self.settling = False

    def known(self, now: float) -> float:
        """Where it stands. Raises `DeviceRefused` where that is not known, or not any more."""
        if self.present is None or now - self.present_at > self.spec.stale:
            raise DeviceRefused(self.name, "where it stands is not known; does it answer?")
        return self.present

    def release(self) -> None:
        """Let it go limp. Raises what the wire raises."""
        self._switch(False)
        self.torque = self.guided = self.settling = False
        self.goal = None

    def lead(self, goal: float) -> float:
        """Tell it the next goal, at most a step from the last and no further beyond a limit than that was.

        Returns what was told. Raises what the wire raises.
        """
        last = self.goal
        if last is not None:
            step = self.spec.step
            goal = min(max(goal, last - step), last + step)
            goal = min(max(goal, min(self.spec.low, last)), max(self.spec.high, last))
            self.output.write(goal)
            self.goal = goal
            self.settling = False
            self._unseen += 1
        return goal

    @property
    def arrived(self) -> bool:
        """Whether it stands at its goal, within the tolerance."""
        if self.goal is None or self.present is None:
            return False
        return abs(self.present - self.goal) <= self.spec.tolerance

    def why_not_arrived(self) -> str:
        """A sentence, with the next step."""
        if self.goal is None or self.present is None:
            return "where it stands is not known; does it answer?"
        found, due = math.degrees(self.present), math.degrees(self.goal)
        return (
            f"it stands at {found:.1f} deg and does not come to {due:.1f} deg; is it blocked or overloaded?"
        )

    def stop_value(self, on_stop: str) -> StopValue:
        """What stops it now. What is limp stays so, unless somebody leads it by hand."""
        if not (self.torque or self.guided) or on_stop == "keep":
            return UNTOUCHED
        if on_stop == "off":
            return StopValue(None, False)
        return StopValue(self.goal if self._has_left or self.present is None else self.present, True)

    @property
    def _has_left(self) -> bool:
        """Whether it is no longer where it was seen: told to stay there, it would go back."""
        return self.goal is not None and (self.settling or self._unseen > UNSEEN_GOALS)
