"""What every actuator promises besides: setpoints that lapse, motions that end, a stop that cannot fail."""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress

from hal.device.life import Device
from hal.device.verbs import verb
from hal.device.words import ActuatorSpec, DeviceState, Feedback
from hal.errors import DeviceGone, DeviceUnavailable, HalError, Halted, Lapsed, LinkFull, OutOfRange

SETPOINT_FRESHNESS_S = 0.4
"""How long a streamed setpoint holds when nobody renews it; then the device goes to its stop value."""
VIOLATIONS = 2
"""So many samples in a row beyond a limit are no disturbance any more."""
SETTLED_S = 0.3
"""What comes back may tell of before a change that is younger."""
STOP_AGAIN_S = 0.02
"""How soon a stop value that a full wire did not take is written again, until it is taken."""

_NEVER = math.inf


class Actuator(Device):
    """A device that acts. `halt` and the lapse of a setpoint take it to the stop value of its spec."""

    spec: ActuatorSpec

    def __init__(self, name: str, spec: ActuatorSpec) -> None:
        super().__init__(name, spec)
        self.generation = 0
        """Raised by every halt and lapse, and by all that it is told where a file is read before it begins:
        what was begun in an earlier one may write no more."""
        self.on_lapse: Callable[[], None] | None = None
        """Called when a setpoint lapsed because nobody renewed it, after the stop value was written."""
        self.halt_listeners: list[Callable[[HalError, bool], None]] = []
        """Called after every stop (a halt, a lapse, a loss, a fault) with its reason, and with whether
        anything was commanded until then. They must not block."""
        self.clamp_listeners: list[Callable[[str, float, float], None]] = []
        """Called when a soft limit cut what was asked: what, the value asked, the value taken. They must not
        block."""
        self.limit_listeners: list[Callable[[str, float, float, str], None]] = []
        """Called when what the device really does was beyond a limit `VIOLATIONS` times in a row: what, the
        value, the limit, their unit. They must not block."""
        self.violations: dict[str, str] = {}
        """What is beyond its limit since then, each in a sentence, until a sample lies within."""
        self.at_rest = True
        """Nothing is commanded now (after a halt also where `on_stop` keeps the output)."""
        self.rest_since = -math.inf
        """The loop time since when it is at rest."""
        self._beyond: dict[str, int] = {}
        self._motion: asyncio.Future[float] | None = None
        self._lapses_at = _NEVER
        self._again: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = _NEVER
        self._timer_loop: asyncio.AbstractEventLoop | None = None

    @property
    def feedback(self) -> Feedback:
        """What comes back from it to be compared with its limits."""
        return self.spec.FEEDBACK

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

    def motion_expires(self, at: float) -> None:
        """As `expires`, for a motion under way. Means nothing when there is none.

        So a motion that was refused at once does not lend its time to a setpoint streamed before it.
        """
        if self._motion is not None:
            self.expires(at)

    def deactivate(self) -> None:
        """Halt, then active becomes inactive. Never raises."""
        if self.state is DeviceState.ACTIVE:
            self._halt_own()
        super().deactivate()

    def vanish(self) -> None:
        """The wire was lost: a motion ends with `DeviceGone`; where it stands is not known. Never raises."""
        self.stop_because(
            DeviceGone(self.name, "its wire was lost; it comes back inactive when the board is back")
        )
        super().vanish()
        self._beyond.clear()
        self.violations.clear()

    def fail(self, why: str) -> None:
        """Halt, then faulted. Means nothing while it is absent. Never raises."""
        if self.state is not DeviceState.ABSENT:
            self.stop_because(DeviceUnavailable(self.name, why))
        super().fail(why)

    def _halt_own(self) -> None:
        """Halt what this device was told, not what it does as a part of another."""
        self.halt()

    @abstractmethod
    def _to_stop_value(self, now: float) -> None:
        """Write the stop value, each output with `_surely`; then make the readings say so."""

    def stop_because(self, reason: HalError) -> None:
        """Halt; a motion that is waited for ends with `reason`. Promises what `halt` promises."""
        self.generation += 1
        self._lapses_at = _NEVER
        now = self._now()
        moved = not self.at_rest
        self._attempt(self._to_stop_value, now)
        self._attempt(self._end_motion, reason)
        self._attempt(self._resting, now, True)
        for listener in self.halt_listeners:
            self._attempt(listener, reason, moved)

    def _surely(self, write: Callable[..., None], *args: object) -> None:
        """Write a stop value. A full wire is asked again: nothing else might ever stop what moves."""
        refusal = self._attempt(write, *args)
        if isinstance(refusal, LinkFull) and self._again is None:
            with suppress(RuntimeError):  # outside a running loop nobody can ask again
                self._again = asyncio.get_running_loop().call_later(STOP_AGAIN_S, self._stop_again)

    def _stop_again(self) -> None:
        self._again = None
        if self.at_rest and self.state is not DeviceState.ABSENT:
            self._attempt(self._to_stop_value, self._now())

    def _newest(self, doing: str) -> Callable[[], None]:
        """For what is told now and begins later: raises `Halted` once it was stopped or told otherwise."""
        self.generation += 1
        generation = self.generation

        def go_on() -> None:
            if generation != self.generation:
                raise Halted(self.name, f"it was stopped, or told something else, while it {doing}")

        return go_on

    def _stop_no_more(self) -> None:
        """It was told something newer than the stop that a full wire did not take."""
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _broke(self, error: Exception) -> None:
        """Something went wrong between two calls, and it stands already: whoever waits for it is told."""
        if self._motion is None and not isinstance(error, HalError):
            raise error
        self._end_motion(error)

    def _end_motion(self, reason: Exception) -> None:
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
        self.stop_because(Lapsed(self.name, "its time was over before the end of its motion"))
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
            self.name, "it is inactive; activate it, by entering a state that names it under `active`"
        )

    def _felt(self, what: str, value: float, low: float, high: float, unit: str, slack: float = 0.0) -> bool:
        """Compare a sample of what the device really does with its limits; `slack` beyond them is nothing.

        The comparison lets no NaN pass. What is beyond them `VIOLATIONS` times in a row halts the device and
        is told once. Returns whether the next sample decides that: it is to be asked for at once.
        """
        if low - slack <= value <= high + slack:
            if what in self._beyond:
                del self._beyond[what]
                self.violations.pop(what, None)
            return False
        times = self._beyond[what] = self._beyond.get(what, 0) + 1
        if times == VIOLATIONS:
            limit = low if value < low else high
            found, bound = _quantity(value, unit), _quantity(limit, unit)
            sentence = f"its feedback says {what} {found}, beyond the limit of {bound}"
            self.violations[what] = sentence
            for listener in self.limit_listeners:
                self._attempt(listener, what, value, limit, unit)
            self.stop_because(OutOfRange(self.name, sentence, limit=limit, unit=unit))
        return times < VIOLATIONS

    def _limited(self, what: str, value: float, low: float, high: float, unit: str) -> float:
        """`value` if it lies within the limits; else refused, or cut with `on_limit: clamp`."""
        number = _as_float(value)
        if self.spec.on_limit == "clamp" and math.isfinite(number):
            taken = min(max(number, low), high)
            if taken != number:
                for listener in self.clamp_listeners:
                    self._attempt(listener, what, number, taken)
            return taken
        return self._within(what, number, low, high, unit)

    def _within(self, what: str, value: float, low: float, high: float, unit: str) -> float:
        """`value` if it lies within the limits; else refused. The comparison lets no NaN pass."""
        number = _as_float(value)
        if low <= number <= high:
            return number
        limit = low if number < low else high
        quantity = _quantity(limit, unit)
        if math.isfinite(number):
            sentence = f"{what} {number!r} is beyond the limit of {quantity}"
        else:
            sentence = f"{what} must be a finite number, not {number}; its limit is {quantity}"
        raise OutOfRange(self.name, sentence, limit=limit, unit=unit)


def _quantity(value: float, unit: str) -> str:
    return f"{value:g} {unit}".rstrip()


def _as_float(value: float) -> float:
    """`value` as a float; an integer that is too large for one is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
