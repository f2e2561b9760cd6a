"""One servo on a shared wire: what it was told, what it shows, and whether these are the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hal.device import DeviceState, Evidence
from hal.errors import DeviceGone, DeviceRefused, HalError
from hal.kinds import AxisSpec, Gripper, Joint, StopValue

SHOWS_AFTER_S = 0.03
"""So long after it was told something, what it shows must be that."""
GOAL_SLACK_RAD = 0.01
"""Two goals that differ by less are the same: a servo counts in steps."""
JUMP_RAD = 0.06
"""Torque is switched on only while its goal is so near to where it stands."""
STILL_RAD_S = 0.15
"""It stands when it turns slower than this: what it says of its speed is never quite 0."""
ROUNDING_RAD = 1e-9


class BusAxisSpec(AxisSpec, frozen=True):
    """What the file says about one servo on a bus. Families of servos add their models."""

    id: Annotated[int, Field(ge=0, le=0xFD, strict=True)]
    model: str
    """As printed on its case."""

    @property
    def reach_rad(self) -> float:
        """How far such a servo turns to either side of its middle."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        if max(abs(self.to_servo(self.low)), abs(self.to_servo(self.high))) > self.reach_rad + ROUNDING_RAD:
            reach_deg = math.degrees(self.reach_rad)
            sentence = f"a {self.model} turns {reach_deg:.0f} deg to either side of its middle"
            hint = "lower its limits, or its offset"
            raise PydanticCustomError("range", "{sentence}", {"sentence": sentence, "hint": hint})
        return self

    def resources(self) -> dict[str, str]:
        """Its id."""
        return {"id": str(self.id)}


class Heard(NamedTuple):
    """What a servo says of itself; None for what it was not asked. Angles from the middle of its travel."""

    position_rad: float | None = None
    velocity_rad_s: float | None = None
    current_a: float | None = None
    temperature_degc: float | None = None
    goal_rad: float | None = None
    torque: bool | None = None
    alert: bool = False
    """Something is wrong with it; `trouble` of a whole look at it says what."""
    trouble: str | None = None
    """What is wrong with it and what to do, in a sentence."""


class BusServo:
    """The driver's side of a joint or a gripper: its `JointOutput`.

    `tell` is called when it has something new to be told. It raises `DeviceGone` where there is no wire.
    """

    device: Joint | Gripper

    def __init__(self, name: str, spec: BusAxisSpec, tell: Callable[[BusServo], None]) -> None:
        self.name = name
        self.spec = spec
        self.id = spec.id
        self._tell = tell
        self.forget()

    def forget(self) -> None:
        """Its wire was opened anew: nothing is known of it."""
        self.goal_rad: float | None = None
        """What it was told last, counted from its middle."""
        self.wants_torque: bool | None = None
        """Whether it was told to have torque; None: it was told nothing."""
        self.has_torque: bool | None = None
        """Whether it has, as it said last."""
        self.shows_torque: bool | None = None
        """What it said of that since its last stop; None: nothing yet."""
        self.goal_waits = self.torque_waits = False
        """What it is still to be told."""
        self.doubtful = False
        """It is to be looked at next."""
        self.heard = Heard()
        """Where it stands, as it said at `seen_at`."""
        self.seen_at = self.heard_at = -math.inf
        self._led_at = self._switched_at = -math.inf
        """When it was sent its last goal, and its last torque."""
        self._failed = False

    # ------------------------------------------------------------------ from its kind

    def write(self, value: float) -> None:
        """The next goal, in rad as the file counts."""
        self.goal_rad = self.spec.to_servo(value)
        self.goal_waits = True
        self._tell(self)

    def torque(self, on: bool) -> None:
        """Whether to have torque. It is switched on when its goal is seen to be where it stands."""
        if on is not self.wants_torque:
            self.has_torque = None
        self.wants_torque = on
        self.torque_waits = not on
        self.doubtful = True
        self._tell(self)

    @property
    def next_goal_rad(self) -> float | None:
        """What it is to be told: where it stands, until it has the torque that it is to have."""
        if self.wants_torque and not self.has_torque and self.heard.position_rad is not None:
            return self.heard.position_rad
        return self.goal_rad

    def stop(self, now: float) -> None:
        """It was stopped past the schedule: that is what it was told last."""
        stop = self.stop_value
        self.goal_waits = self.torque_waits = False
        if stop.goal_rad is not None:
            self.goal_rad = self.spec.to_servo(stop.goal_rad)
        if stop.torque is not None and self.wants_torque is not None:
            self.wants_torque = stop.torque
        self._led_at = self._switched_at = now
        self.shows_torque = None
        self.doubtful = True

    @property
    def stop_value(self) -> StopValue:
        """What makes it safe. What is not known to have torque gets none by a stop."""
        stop = self.device.stop_value()
        return stop if self.has_torque or not stop.torque else stop._replace(torque=None)

    def goal_was_sent(self, goal_rad: float, now: float) -> None:
        """This goal went out; a newer one still waits."""
        self._led_at = now
        if self.next_goal_rad == goal_rad:
            self.goal_waits = False

    def torque_was_sent(self, on: bool, now: float) -> None:
        """This went out; something newer still waits."""
        self._switched_at = now
        if self.wants_torque is on:
            self.torque_waits = False

    # ------------------------------------------------------------------ from the wire

    def hear(self, heard: Heard, now: float) -> None:
        """What it says of itself; what it should have heard and did not is told again."""
        self.heard_at = now
        if heard.position_rad is not None:
            self.heard, self.seen_at = heard, now
        if heard.torque is not None:
            self.shows_torque = heard.torque
        self.doubtful = heard.alert and heard.trouble is None and not self._failed
        was_settling = self.device.axis.settling
        self._show(heard, now)
        has_settled = was_settling and not self.device.axis.settling
        if has_settled and heard.goal_rad is not None and self._is_at_goal(heard):
            # Whatever it was told, here it stands: told that again, it would move.
            self.goal_rad = heard.goal_rad
            self.device.stands_at(self.spec.from_servo(heard.goal_rad), now)
        if self._runs_on:
            with suppress(HalError):  # what the wire does not take now is told at the next word of it
                self.device.cut(now)
        if heard.trouble is not None:
            self.fail(heard.trouble)
        elif self._failed and heard.torque is not None:
            self._failed = False
            if self.device.state is DeviceState.FAULTED:
                self.device.present()
        if self._misses_something(heard, now):
            with suppress(DeviceGone):
                self._tell(self)

    def require_reach(self, low_rad: float, high_rad: float, step_rad: float) -> None:
        """Raise `DeviceRefused` where it turns less far, from its middle, than the file says."""
        asked = sorted(self.spec.to_servo(angle) for angle in (self.spec.low, self.spec.high))
        if asked[0] < low_rad - step_rad or asked[1] > high_rad + step_rad:
            own, files = (
                f"{math.degrees(lowest):.1f} to {math.degrees(highest):.1f} deg"
                for lowest, highest in ((low_rad, high_rad), asked)
            )
            sentence = f"servo {self.id} itself turns from {own}, but by the file it turns from {files}"
            raise DeviceRefused(self.name, f"{sentence}; change the one or the other")

    def fail(self, why: str) -> None:
        """Something is wrong with it, until it is heard without that."""
        if not self._failed:
            self._failed = True
            self.device.fail(why)

    def judge(self, since: float) -> Evidence:
        """Whether it stands as its stop asked for, by what it said after `since`."""
        if self.seen_at < since or self.heard.velocity_rad_s is None:
            return Evidence(False, why=f"servo {self.id} did not answer when asked where it stands")
        value, speed_rad_s = self.device.axis.present, abs(self.heard.velocity_rad_s)
        if speed_rad_s > STILL_RAD_S:
            return Evidence(False, value, why=f"servo {self.id} still turns at {speed_rad_s:.2f} rad/s")
        has_to, shows = self.spec.on_stop != "off", self.shows_torque
        if shows is None and (self.wants_torque or not has_to):
            return Evidence(False, value, why=f"servo {self.id} did not say whether it has torque")
        if shows and not has_to:
            return Evidence(False, value, why=f"servo {self.id} still has torque")
        if self.wants_torque and has_to and not shows:
            return Evidence(False, value, why=f"servo {self.id} has no torque")
        if self.spec.on_stop == "hold" and self.has_torque and not self._is_at_goal(self.heard):
            return Evidence(False, value, why=f"servo {self.id} does not show the goal of its stop")
        return Evidence(True, value)

    @property
    def _runs_on(self) -> bool:
        """Whether it turns by a torque that nobody here gave it: of somebody before, or of a damaged word."""
        rate_rad_s = self.heard.velocity_rad_s
        unasked = bool(self.has_torque) and self.wants_torque is None
        return unasked and rate_rad_s is not None and abs(rate_rad_s) > STILL_RAD_S

    def _is_at_goal(self, heard: Heard) -> bool:
        if heard.goal_rad is None or heard.position_rad is None:
            return True
        return abs(heard.goal_rad - heard.position_rad) <= self.spec.tolerance

    def _show(self, heard: Heard, now: float) -> None:
        position_rad, velocity_rad_s = heard.position_rad, heard.velocity_rad_s
        if position_rad is not None:
            position_rad = self.spec.from_servo(position_rad)
        if velocity_rad_s is not None and self.spec.reversed:
            velocity_rad_s = 0.0 - velocity_rad_s  # no -0
        self.device.update(position_rad, velocity_rad_s, heard.current_a, heard.temperature_degc, at=now)

    def _misses_something(self, heard: Heard, now: float) -> bool:
        """Compare what it shows with what it was told; whether it is to be told again."""
        switched = now - self._switched_at > SHOWS_AFTER_S
        again = heard.torque is not None and self._misses_torque(heard.torque, switched, now)
        if not self.wants_torque:
            return again
        self.doubtful = self.doubtful or not self.has_torque
        if heard.position_rad is None or heard.goal_rad is None:
            return again
        if not self.has_torque:
            would_jump = abs(heard.goal_rad - heard.position_rad) > JUMP_RAD
            self.goal_waits = self.goal_waits or would_jump
            self.torque_waits = switched and not would_jump
            return would_jump or switched
        if now - self._led_at > SHOWS_AFTER_S and self.goal_rad is not None:
            missed = abs(heard.goal_rad - self.goal_rad) > GOAL_SLACK_RAD
            self.goal_waits = self.goal_waits or missed
            return again or missed
        return again

    def _misses_torque(self, has_torque: bool, switched: bool, now: float) -> bool:
        if self.wants_torque is None or self.wants_torque is has_torque:
            gained = has_torque and not self.has_torque
            self.goal_waits = self.goal_waits or gained
            self.has_torque = has_torque
            self.device.update_torque(has_torque, now)
            return gained
        if switched and self.wants_torque and self.has_torque:
            self.wants_torque, self.has_torque = None, False  # it lost it by itself
            self.device.update_torque(False, now)
        elif switched and not self.wants_torque:
            self.torque_waits = self.doubtful = True
            return True
        return False
