"""Two wheels with one motor each: a twist in, two duties out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import SETPOINT_FRESHNESS_S, Actuator, ActuatorSpec, Device, DeviceState, Feedback, verb
from hal.errors import DeviceRefused, Halted, OutOfRange
from hal.kinds.motor import Motor
from hal.kinds.ticker import PERIOD_S, Ticker
from hal.kinds.travel import Travel
from hal.units import PositiveAcceleration, PositiveLength, PositiveSpeed, PositiveTurnRate

LONGEST_MOTION_S = 600.0
"""A finite motion that would take longer at its speed is refused."""

_ROUNDING = 1 + 1e-9


class Twist(NamedTuple):
    """How a base moves: forward, and counter-clockwise seen from above."""

    linear_m_s: float
    angular_rad_s: float


STILL = Twist(0.0, 0.0)


class DriveBaseSpec(ActuatorSpec, frozen=True):
    """What the file says about a drive base. It has no board of its own: its motors have."""

    kind: Literal["drive_base"] = "drive_base"
    board: None = None
    on_stop: Literal["zero"] = "zero"
    left: str
    right: str
    """The names of its motors."""
    track: PositiveLength
    """From the middle of one wheel to the middle of the other."""
    max_speed: PositiveSpeed
    """Of each wheel; the speed that a motor's `max_duty` stands for."""
    max_turn: PositiveTurnRate
    max_accel: PositiveAcceleration | None = None
    """Of each wheel, for setpoints and motions. A stop knows no ramp. None: as fast as the motors can."""

    def parts(self) -> tuple[str, ...]:
        """Both motors."""
        return self.left, self.right

    @model_validator(mode="after")
    def _two_motors(self) -> Self:
        if self.left == self.right:
            sentence = f"left and right are the same motor, {self.left}"
            raise PydanticCustomError("wheels", "{sentence}", {"sentence": sentence, "hint": None})
        return self


class DriveBase(Actuator):
    """A differential drive. Its life follows its motors: both must be there for it to be there.

    A motor's own state says only whether that motor takes setpoints by itself.
    """

    KIND = "drive_base"
    READINGS: ClassVar[Mapping[str, str]] = {
        "linear": "m/s",
        "angular": "rad/s",
        "target_linear": "m/s",
        "target_angular": "rad/s",
        "moving": "bool",
    }
    INITIAL: ClassVar[Mapping[str, float | bool]] = {
        "linear": 0.0,
        "angular": 0.0,
        "target_linear": 0.0,
        "target_angular": 0.0,
        "moving": False,
    }

    spec: DriveBaseSpec

    def __init__(self, name: str, spec: DriveBaseSpec, left: Motor, right: Motor) -> None:
        super().__init__(name, spec)
        self._left = left
        self._right = right
        self._max_speed = spec.max_speed
        self._max_turn = spec.max_turn
        self._max_accel = spec.max_accel if spec.max_accel is not None else math.inf
        self._half_track = spec.track / 2
        self._twist = STILL  # what is being output
        self._target = STILL  # what was asked for, within the limits
        self._stepped_at = -math.inf
        self._travel: Travel | None = None
        self._direction = STILL
        self._ticker = Ticker(self._tick)
        for wheel in (left, right):
            wheel.wheel_of = self
            wheel.life_listeners.append(self._follow)
        self._follow(left)

    @classmethod
    def of(cls, name: str, spec: DriveBaseSpec, devices: Mapping[str, Device]) -> Self:
        """Make it of the motors that `spec` names. Raises `DeviceRefused`."""
        return cls(name, spec, _motor(name, devices, spec.left), _motor(name, devices, spec.right))

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards of its two motors."""
        return tuple(dict.fromkeys((*self._left.boards, *self._right.boards)))

    @property
    def feedback(self) -> Feedback:
        """That of its motors, which compare it with limits of their own; none unless both have it."""
        left, right = self._left.feedback, self._right.feedback
        return left if left == right else "none"

    @verb(moves=True, streamed=True)
    def drive(self, linear_m_s: float, angular_rad_s: float = 0.0) -> Twist:
        """Move with this twist; returns what is being sent now, on the way there where `max_accel` is set.

        Where the outer wheel would be too fast, both are slowed alike: the curve stays. Lapses after 400 ms.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: beyond `max_speed` or `max_turn` (unless `on_limit: clamp`), or not a finite number.
            DeviceRefused: one of its motors follows a setpoint of its own.
            DeviceGone, LinkFull: the wire did not take it; it is halted.
        """
        if self.state is not DeviceState.ACTIVE:
            self._require_active()
        limit = self._max_speed
        if not -limit <= linear_m_s <= limit:
            linear_m_s = self._limited("linear", linear_m_s, -limit, limit, "m/s")
        limit = self._max_turn
        if not -limit <= angular_rad_s <= limit:
            angular_rad_s = self._limited("angular", angular_rad_s, -limit, limit, "rad/s")
        if self.at_rest:
            self._require_free_wheels()
        if self._travel is not None:
            self._leave_travel()
        loop = asyncio.get_running_loop()
        now = loop.time()
        if linear_m_s == self._target[0] and angular_rad_s == self._target[1]:
            if not self._ticker.running:
                self._output(self._twist, now)
        else:
            self._aim(float(linear_m_s), float(angular_rad_s), now)
        self._fresh_until(now + SETPOINT_FRESHNESS_S, loop)
        return self._twist

    @verb(moves=True, timeout_s=None)
    async def forward(self, distance_m: float, speed_m_s: float) -> float:
        """Drive a distance straight on (back if negative), then stand; returns the distance driven.

        The distance is that of the wheels as they were told to turn, ramps included.

        Raises:
            Halted: a stop or a newer setpoint ended it before.
            The rest as `drive`.
        """
        self._require_active()
        speed = self._speed("speed", speed_m_s, self._max_speed, "m/s")
        reach = speed * LONGEST_MOTION_S
        distance = self._within("distance", distance_m, -reach, reach, "m")
        sign = math.copysign(1.0, distance)
        return sign * await self._go(Twist(sign, 0.0), abs(distance), speed)

    @verb(moves=True, timeout_s=None)
    async def turn(self, angle_rad: float, rate_rad_s: float) -> float:
        """Turn on the spot by an angle (clockwise if negative), then stand; returns the angle turned.

        Raises: as `forward`.
        """
        self._require_active()
        rate = self._speed("rate", rate_rad_s, self._max_turn, "rad/s")
        rate = min(rate, self._max_speed / self._half_track)
        reach = rate * LONGEST_MOTION_S
        angle = self._within("angle", angle_rad, -reach, reach, "rad")
        sign = math.copysign(1.0, angle)
        wheel_m = await self._go(
            Twist(0.0, sign / self._half_track), abs(angle) * self._half_track, rate * self._half_track
        )
        return sign * wheel_m / self._half_track

    def _speed(self, what: str, value: float, limit: float, unit: str) -> float:
        if value <= 0:
            raise OutOfRange(self.name, f"{what} must be more than zero, not {value}", limit=0.0, unit=unit)
        return self._limited(what, value, 0.0, limit, unit)

    def _require_free_wheels(self) -> None:
        for wheel in (self._left, self._right):
            if wheel.has_own_setpoint:
                raise DeviceRefused(
                    self.name, f"its wheel {wheel.name} is told a duty by itself; halt that first"
                )

    def _aim(self, linear_m_s: float, angular_rad_s: float, now: float) -> None:
        """Make this the target, and take the first step there as soon as the last one is a period ago."""
        outer_m_s = abs(linear_m_s) + abs(angular_rad_s) * self._half_track
        if outer_m_s > self._max_speed:
            share = self._max_speed / outer_m_s
            linear_m_s *= share
            angular_rad_s *= share
        self._target = Twist(linear_m_s, angular_rad_s)
        if self._max_accel == math.inf:
            self._output(self._target, now)
        elif not self._ticker.running:
            due = self._stepped_at + PERIOD_S
            if due > now:
                self._ticker.start(due)
            else:
                self._ticker.start(now + PERIOD_S)
                self._step(now, PERIOD_S)
        self._show(now)

    def _step(self, now: float, elapsed_s: float) -> None:
        """Go towards the target by what `max_accel` allows the wheel that has the longest way."""
        linear = self._target[0] - self._twist[0]
        angular = self._target[1] - self._twist[1]
        gap = abs(linear) + abs(angular) * self._half_track
        allowed = self._max_accel * elapsed_s
        if gap <= allowed * _ROUNDING:
            twist = self._target
            self._ticker.stop()
        else:
            share = allowed / gap
            twist = Twist(self._twist[0] + linear * share, self._twist[1] + angular * share)
        self._stepped_at = now
        self._output(twist, now)

    async def _go(self, direction: Twist, length_m: float, speed_m_s: float) -> float:
        """Travel; `direction` is the twist at a wheel speed of 1 m/s. Returns the way of a wheel.

        What moved before is stopped at once.
        """
        self._require_free_wheels()
        now = asyncio.get_running_loop().time()
        self._end_motion(Halted(self.name, "a newer motion ended it"))
        if not self.at_rest:
            self._to_stop_value(now)
        self._fresh_for_ever()
        if length_m == 0.0:
            return 0.0
        self._travel = Travel(length_m, speed_m_s, self._max_accel, now)
        self._direction = direction
        self._target = Twist(direction[0] * speed_m_s, direction[1] * speed_m_s)
        self._ticker.start(now + PERIOD_S)
        self._advance(self._travel, now, PERIOD_S)
        self._show(now)
        return await self._until_reached()

    def _advance(self, travel: Travel, now: float, elapsed_s: float) -> None:
        self._stepped_at = now
        wheel_m_s = travel.advance(now, elapsed_s)
        if wheel_m_s is None:
            self._travel = None
            self._ticker.stop()
            self._target = STILL
            self._output(STILL, now)
            self._show(now)
            self._reached(travel.done_m)
            return
        self._output(Twist(self._direction[0] * wheel_m_s, self._direction[1] * wheel_m_s), now)
        if travel.ends_at is not None:
            self._ticker.next_only_at(travel.ends_at)

    def _leave_travel(self) -> None:
        self._travel = None
        self._ticker.stop()
        self._end_motion(Halted(self.name, "a newer setpoint ended its motion"))

    def _tick(self, now: float) -> None:
        # A stall of the loop must not become a jump: it counts as two periods at most.
        elapsed_s = min(now - self._stepped_at, 2 * PERIOD_S)
        try:
            if self._travel is not None:
                self._advance(self._travel, now, elapsed_s)
            else:
                self._step(now, elapsed_s)
                self._show(now)
        except Exception as error:
            self._broke(error)

    def _output(self, twist: Twist, now: float) -> None:
        """Write both wheels. If the wire does not take it, stand still and raise what it raised."""
        offset = twist[1] * self._half_track
        speed = self._max_speed
        try:
            self._left.apply((twist[0] - offset) / speed * self._left.max_duty, now)
            self._right.apply((twist[0] + offset) / speed * self._right.max_duty, now)
        except Exception:
            self._to_stop_value(now)
            raise
        if twist is not self._twist:
            self._twist = twist
            self._publish("linear", twist[0], now)
            self._publish("angular", twist[1], now)

    def _show(self, now: float) -> None:
        moving = self._twist != STILL or self._target != STILL
        self._resting(now, not moving)
        self._publish("target_linear", self._target[0], now)
        self._publish("target_angular", self._target[1], now)
        self._publish("moving", moving, now)

    def _to_stop_value(self, now: float) -> None:
        """Both wheels zero at once, without a ramp."""
        self._ticker.stop()
        self._travel = None
        self._twist = self._target = STILL
        self._surely(self._left.cut, now)
        self._surely(self._right.cut, now)
        self._publish("linear", 0.0, now)
        self._publish("angular", 0.0, now)
        self._show(now)

    def _follow(self, _wheel: Device) -> None:
        """Live as the motors do."""
        wheels = (self._left, self._right)
        faulted = [wheel for wheel in wheels if wheel.state is DeviceState.FAULTED]
        if any(wheel.state is DeviceState.ABSENT for wheel in wheels):
            if self.state is not DeviceState.ABSENT:
                self.vanish()
        elif not faulted:
            self.present()
        elif self.state is not DeviceState.FAULTED:
            self.fail(f"its wheel {faulted[0].name} is faulted: {faulted[0].fault}")


def _motor(base: str, devices: Mapping[str, Device], name: str) -> Motor:
    motor = devices.get(name)
    if not isinstance(motor, Motor):
        raise DeviceRefused(base, f"its wheel '{name}' is no motor")
    return motor
