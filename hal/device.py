"""What every device promises: its life, its readings, and for actuators its stop.

    absent -> inactive -> active -> faulted

Only an active actuator takes a setpoint. Not responsible for: any protocol (drivers give each kind an
output), reconnecting (the board does), or deciding which devices are active (the machine does).

All times are seconds on the running loop's clock. Nothing here is safe to call from another thread.
"""

from __future__ import annotations

import asyncio
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import ClassVar, Literal, NamedTuple

from pydantic import BaseModel

from hal.errors import DeviceGone, DeviceRefused, DeviceUnavailable, HalError, Halted, OutOfRange
from hal.verbs import VerbInfo, verb, verbs

__all__ = [
    "SETPOINT_FRESHNESS_S",
    "Actuator",
    "ActuatorSpec",
    "Device",
    "DeviceSpec",
    "DeviceState",
    "Evidence",
    "Reading",
    "Sensor",
    "VerbInfo",
    "verb",
    "verbs",
]

SETPOINT_FRESHNESS_S = 0.4
"""How long a streamed setpoint holds when nobody renews it; then the device goes to its stop value."""

_NEVER = math.inf

_log = logging.getLogger(__name__)


class DeviceState(StrEnum):
    """Where a device is in its life."""

    ABSENT = "absent"
    """Its board is not there."""
    INACTIVE = "inactive"
    """There, but no present state of the machine needs it: it takes no setpoint."""
    ACTIVE = "active"
    FAULTED = "faulted"
    """Something is wrong with it; `Device.fault` says what. Its board brings it back to inactive."""


class Reading(NamedTuple):
    """One value, in SI, and when it was heard or commanded."""

    value: float | bool
    unit: str
    """Empty for a plain number, `bool` for a flag."""
    at: float


class Evidence(NamedTuple):
    """What is known about a stopped actuator: the far end confirmed it, or why that is not known."""

    confirmed: bool
    value: float | None = None
    age_s: float | None = None
    why: str | None = None


class DeviceSpec(BaseModel, frozen=True, extra="forbid"):
    """What the robot's file says about one device. Drivers add their wiring to the kinds' specs."""

    kind: str
    board: str | None = None

    def resources(self) -> dict[str, str]:
        """What it occupies on its board, by field: `{"pwm_pin": "5"}`. Two devices cannot share one."""
        return {}


class ActuatorSpec(DeviceSpec, frozen=True):
    """What every actuator can be told in the robot's file. Kinds narrow it to what they can do."""

    on_stop: Literal["zero", "hold", "off", "keep"] = "zero"
    """The safe value: output zero, stay in place, switch off, or leave the output as it is."""
    on_limit: Literal["refuse", "clamp"] = "refuse"
    """What becomes of a finite setpoint beyond a limit. One that is not a number is always refused."""


class Device(ABC):
    """Something on a board, of one kind. The name is the one from the robot's file."""

    KIND: ClassVar[str]
    READINGS: ClassVar[Mapping[str, str]]
    """The unit of each reading, the main one first; empty for a plain number, `bool` for a flag."""
    INITIAL: ClassVar[Mapping[str, float | bool]] = {}
    """What is known without being told, as soon as the board is there: nothing moves."""

    stale_after_s: float | None = None
    """How old a reading may grow before it means nothing. None: what was commanded does not age."""

    def __init__(self, name: str, spec: DeviceSpec) -> None:
        self.name = name
        self.spec = spec
        self.state = DeviceState.ABSENT
        self.fault: str | None = None
        """Why it is faulted, as a sentence; None otherwise."""
        self.listeners: list[Callable[[Device, str], None]] = []
        """Called with the device and the reading's name when a reading changed or was renewed."""
        self.life_listeners: list[Callable[[Device], None]] = []
        """Called after each change of `state`."""
        self._values: dict[str, tuple[float | bool, float]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def units_of(cls, spec: DeviceSpec) -> Mapping[str, str]:
        """The units of the readings that a device with this spec will have; asked before there is one."""
        return cls.READINGS

    def readings_units(self) -> Mapping[str, str]:
        """The units of this device's readings, the main one first."""
        return self.units_of(self.spec)

    def reading(self, name: str | None = None) -> Reading | None:
        """The last value of a reading (of the main one without a name); None when never heard.

        It may be old: compare its age with `stale_after_s`. Raises `KeyError` for a reading it does not have.
        """
        units = self.readings_units()
        if name is None:
            name = next(iter(units))
        unit = units[name]
        known = self._values.get(name)
        return None if known is None else Reading(known[0], unit, known[1])

    def present(self) -> None:
        """Its board is there: absent or faulted becomes inactive."""
        if self.state in (DeviceState.ABSENT, DeviceState.FAULTED):
            now = self._now()
            for name, value in self.INITIAL.items():
                self._publish(name, value, now)
            self._live(DeviceState.INACTIVE)

    def activate(self) -> None:
        """Inactive becomes active. Moves nothing.

        Raises:
            DeviceGone: its board is not there.
            DeviceRefused: it is faulted.
        """
        if self.state is DeviceState.ABSENT:
            raise DeviceGone(
                self.name, "its board is not connected; it can be activated when the board is back"
            )
        if self.state is DeviceState.FAULTED:
            raise DeviceRefused(self.name, f"it is faulted and cannot be activated: {self.fault}")
        self._live(DeviceState.ACTIVE)

    def deactivate(self) -> None:
        """Active becomes inactive. Never raises."""
        if self.state is DeviceState.ACTIVE:
            self._live(DeviceState.INACTIVE)

    def vanish(self) -> None:
        """The wire was lost: what was read is no longer known. Never raises."""
        self._values.clear()
        self._live(DeviceState.ABSENT)

    def fail(self, why: str) -> None:
        """Something is wrong with it; `why` says what. Means nothing while it is absent."""
        if self.state is not DeviceState.ABSENT:
            self.fault = why
            self._live(DeviceState.FAULTED)

    def _live(self, state: DeviceState) -> None:
        if state is self.state:
            return
        self.state = state
        if state is not DeviceState.FAULTED:
            self.fault = None
        for tell in self.life_listeners:
            self._attempt(tell, self)

    def _publish(self, name: str, value: float | bool, at: float) -> None:
        """Keep a commanded value and tell the listeners, if it is another than before."""
        known = self._values.get(name)
        if known is None or known[0] != value:
            self._values[name] = (value, at)
            self._tell(name)

    def _tell(self, name: str) -> None:
        for tell in self.listeners:
            tell(self, name)

    def _attempt(self, step: Callable[..., object], *args: object) -> None:
        """Take a step whose failure must not keep the next one from being taken."""
        try:
            step(*args)
        except HalError:
            pass  # a lost or full wire is the board's to tell; here it must only not stand in the way
        except Exception:
            _log.exception("%s: a step of stopping or of a change of life failed", self.name)

    def _now(self) -> float:
        """The loop's time, also when called from outside it, as a last stop may be."""
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        return self._loop.time() if self._loop is not None else 0.0


class Sensor(Device):
    """A device that only tells."""


class Actuator(Device):
    """A device that acts. `halt` and the lapse of a setpoint take it to the stop value of its spec."""

    spec: ActuatorSpec

    def __init__(self, name: str, spec: ActuatorSpec) -> None:
        super().__init__(name, spec)
        self.generation = 0
        """Raised by every halt and lapse: what was begun in an earlier one may write no more."""
        self.on_lapse: Callable[[], None] | None = None
        """Called when a setpoint lapsed because nobody renewed it, after the stop value was written."""
        self.at_rest = True
        """Nothing is commanded now (after a halt also where `on_stop` keeps the output)."""
        self.rest_since = -math.inf
        """The loop time since when it is at rest."""
        self._motion: asyncio.Future[float] | None = None
        self._lapses_at = _NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = _NEVER
        self._timer_loop: asyncio.AbstractEventLoop | None = None

    @verb(moves=False)
    def halt(self) -> None:
        """Stop all motion now, without a ramp. Never waits, never raises, may be called at any time."""
        self.stop_because(Halted(self.name, "it was halted before the end of its motion"))

    def expires(self, at: float) -> None:
        """Let the present setpoint or motion lapse at loop time `at`; a past time is now.

        A streamed verb says `now + SETPOINT_FRESHNESS_S` by itself, and a new motion starts without an
        end, so call this after the verb began.
        """
        self._fresh_until(at, asyncio.get_running_loop())

    def deactivate(self) -> None:
        """Halt, then active becomes inactive. Never raises."""
        if self.state is DeviceState.ACTIVE:
            self.halt()
        super().deactivate()

    def vanish(self) -> None:
        """The wire was lost: a motion ends with `DeviceGone`; where it stands is not known. Never raises."""
        self.stop_because(
            DeviceGone(self.name, "its wire was lost; it comes back inactive when the board is back")
        )
        super().vanish()

    def fail(self, why: str) -> None:
        """Halt, then faulted. Means nothing while it is absent. Never raises."""
        if self.state is not DeviceState.ABSENT:
            self.stop_because(DeviceUnavailable(self.name, why))
        super().fail(why)

    @abstractmethod
    def _to_stop_value(self, now: float) -> None:
        """Write the stop value, then make the readings say so; what fails must not keep back the rest."""

    def stop_because(self, reason: HalError) -> None:
        """Halt; a motion that is waited for ends with `reason`. Promises what `halt` promises."""
        self.generation += 1
        self._lapses_at = _NEVER
        now = self._now()
        self._attempt(self._to_stop_value, now)
        self._attempt(self._end_motion, reason)
        self._attempt(self._resting, now, True)

    def _end_motion(self, reason: HalError) -> None:
        motion, self._motion = self._motion, None
        if motion is not None and not motion.done():
            motion.set_exception(reason)

    async def _until_reached(self) -> float:
        """Wait for the end of the motion that was just begun. A cancellation leaves the device halted."""
        motion: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._motion = motion
        try:
            return await motion
        finally:
            if self._motion is motion:
                self.halt()

    def _reached(self, value: float) -> None:
        """The motion came to its end."""
        motion, self._motion = self._motion, None
        self._lapses_at = _NEVER
        if motion is not None and not motion.done():
            motion.set_result(value)

    def _resting(self, now: float, at_rest: bool) -> None:
        if at_rest is not self.at_rest:
            self.at_rest = at_rest
            if at_rest:
                self.rest_since = now

    def _fresh_until(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        """Set the lapse. The timer moves only when it would come too late: a renewal costs a comparison."""
        self._lapses_at = at
        if self._timer is None or at < self._timer_at or loop is not self._timer_loop:
            self._arm(at, loop)

    def _fresh_for_ever(self) -> None:
        """A motion begins that ends by itself: what was streamed before must not lapse into it."""
        self._lapses_at = _NEVER

    def _arm(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(at, self._timer_fired)
        self._timer_at = at
        self._timer_loop = loop

    def _timer_fired(self) -> None:
        self._timer = None
        if self._lapses_at > self._timer_at:
            # It was renewed meanwhile, or nothing is set any more.
            if self._lapses_at < _NEVER:
                self._arm(self._lapses_at, asyncio.get_running_loop())
            return
        self.stop_because(Halted(self.name, "its time was over before the end of its motion"))
        if self.on_lapse is not None:
            self.on_lapse()

    def _require_active(self) -> None:
        """Raise what says why there can be no setpoint now, and what to do."""
        if self.state is DeviceState.ACTIVE:
            return
        if self.state is DeviceState.FAULTED:
            raise DeviceUnavailable(
                self.name, f"it is faulted: {self.fault}; mend that, then enter its state again"
            )
        if self.state is DeviceState.ABSENT:
            raise DeviceUnavailable(self.name, "its board is not connected; check its cable and power")
        raise DeviceUnavailable(
            self.name, "it is inactive; enter a state of the machine that names it under `active`"
        )

    def _limited(self, what: str, value: float, low: float, high: float, unit: str) -> float:
        """`value` if it lies within the limits; else refused, or cut with `on_limit: clamp`."""
        if self.spec.on_limit == "clamp" and -math.inf < value < math.inf:
            return float(min(max(value, low), high))
        return self._within(what, value, low, high, unit)

    def _within(self, what: str, value: float, low: float, high: float, unit: str) -> float:
        """`value` if it lies within the limits; else refused. The comparison lets no NaN pass."""
        if low <= value <= high:
            return float(value)
        limit = low if value < low else high
        quantity = f"{limit:g} {unit}".rstrip()
        if -math.inf < value < math.inf:
            sentence = f"{what} {value} is beyond the limit of {quantity}"
        else:
            sentence = f"{what} must be a finite number of at most {quantity}, not {value}"
        raise OutOfRange(self.name, sentence, limit=limit, unit=unit)
