"""What leads servos along a course: a joint itself alone, a group all of its joints together."""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hal.device import SETPOINT_FRESHNESS_S, Actuator, ActuatorSpec
from hal.errors import DeviceRefused, Halted, OutOfRange
from hal.kinds.ticker import PERIOD_S, Ticker
from hal.kinds.trajectory import Chain, Course, Jog, Trajectory

if TYPE_CHECKING:
    from hal.kinds.servoed import Servoed

FULL_PERCENT = 100.0
SETTLE_S = 1.0
"""So long after its last goal a joint may take to come there."""


class Leading(Actuator):
    """Tells its servos a goal 50 times a second, until the last is reached or a setpoint lapses."""

    def __init__(self, name: str, spec: ActuatorSpec) -> None:
        super().__init__(name, spec)
        self._ticker = Ticker(self._tick)
        self._course: Course | None = None
        self._rates: Sequence[float] = ()
        """How fast each is led now, in rad/s."""
        self._stepped_at = -math.inf
        self._arrived_by = math.inf

    @property
    @abstractmethod
    def _led(self) -> Sequence[Servoed]:
        """The devices whose servos it leads, in order."""

    @property
    def _longest_s(self) -> float:
        """A stall of the loop must not become a jump: what a tick may count as at most."""
        return min(part.axis.spec.step / part.axis.spec.rate for part in self._led)

    def _begin(self, course: Course, now: float) -> None:
        """Follow `course` from now on, in place of any other; the first goals are those of the next tick.

        What moves already is led on by the time since its last goal: begun anew each turn, it is no faster.
        """
        self._course = course
        self._arrived_by = math.inf
        self._resting(now, False)
        self._publish("moving", True, now)
        self._ticker.start(now + PERIOD_S)
        try:
            self._step(now, min(now - self._stepped_at, PERIOD_S))
        except Exception:
            self._to_stop_value(now)
            raise

    async def _go(self, course: Course, now: float) -> None:
        """Follow `course` to its end, and wait until all have arrived.

        Raises:
            Halted: a stop or something newer ended it before.
            DeviceRefused: one does not come to its goal; all hold where they are.
            DeviceGone, LinkFull: the wire did not take it; what it took holds.
        """
        self._fresh_for_ever()
        self._begin(course, now)
        await self._until_reached()

    async def _travel(self, ends: Sequence[float | None], share: float = 1.0) -> None:
        """Go straight to `ends`, where not None, at a share of what each may do. Raises what `_go` raises."""
        await self._follow_on(lambda starts: self._straight(starts, ends, share))

    async def _follow_on(self, then: Callable[[Sequence[float]], Course]) -> None:
        """Come to a stand, if it moves, and follow from there what `then` makes of where that is."""
        self._require_free()
        self.generation += 1
        now = asyncio.get_running_loop().time()
        braking = self._jogging(now)
        self._end_motion(Halted(self.name, "a newer motion ended it"))
        await self._go(Chain(braking, then), now)

    def _straight(
        self, starts: Sequence[float], ends: Sequence[float | None], share: float = 1.0
    ) -> Trajectory:
        specs = [part.axis.spec for part in self._led]
        goals = [start if end is None else end for start, end in zip(starts, ends, strict=True)]
        rates, accels = [spec.rate * share for spec in specs], [spec.max_accel * share for spec in specs]
        return Trajectory(starts, goals, rates, accels)

    def _jogging(self, now: float) -> Jog:
        """From where and how fast they are led now; each has torque then."""
        specs = [part.axis.spec for part in self._led]
        return Jog(
            [part.engage(now) for part in self._led],
            [spec.low for spec in specs],
            [spec.high for spec in specs],
            [spec.max_accel for spec in specs],
            [0.0] * len(specs) if self._course is None else self._rates,
        )

    def _jog(self, rates: Sequence[float]) -> None:
        """Have these rates, on the way there within the acceleration. Lapses after 400 ms."""
        self.generation += 1
        loop = asyncio.get_running_loop()
        now = loop.time()
        course = self._course
        if not isinstance(course, Jog):
            course = self._jogging(now)
            course.asked = rates
            self._end_motion(Halted(self.name, "a newer motion ended it"))
            self._begin(course, now)
        course.asked = rates
        if not course.done:
            self._fresh_until(now + SETPOINT_FRESHNESS_S, loop)

    def _share(self, speed_percent: float) -> float:
        if not 0 < speed_percent <= FULL_PERCENT:
            sentence = f"speed {speed_percent!r} is not more than 0 % and at most 100 %"
            raise OutOfRange(self.name, sentence, limit=FULL_PERCENT, unit="%")
        return speed_percent / FULL_PERCENT

    @abstractmethod
    def _require_free(self) -> None:
        """Raise `DeviceRefused` while somebody else leads one of its servos."""

    def _stand(self, why: str) -> float:
        """Stop what it does; returns the time. Raises where it takes nothing now."""
        self._require_active()
        self._require_free()
        self.generation += 1
        if not self.at_rest:
            self.stop_because(Halted(self.name, why))
        return asyncio.get_running_loop().time()

    def _tick(self, now: float) -> None:
        try:
            self._step(now, min(now - self._stepped_at, self._longest_s))
        except Exception as error:
            self._to_stop_value(now)
            self._broke(error)

    def _step(self, now: float, elapsed_s: float) -> None:
        course = self._course
        if course is None:
            self._await_arrival(now)
            return
        self._stepped_at = now
        before = [part.axis.goal or 0.0 for part in self._led]
        goals = course.advance(elapsed_s)
        for part, goal in zip(self._led, goals, strict=True):
            part.follow(goal, now)
        if elapsed_s > 0:
            self._rates = [(goal - last) / elapsed_s for last, goal in zip(before, goals, strict=True)]
        if course.done:
            self._course = None
            self._arrived_by = now + SETTLE_S
            if isinstance(course, Jog):
                self._fresh_for_ever()
                self._rest(now)

    def _await_arrival(self, now: float) -> None:
        """At the end all must really be there."""
        late = next((part for part in self._led if not part.axis.arrived), None)
        if late is None:
            self._rest(now)
            self._reached(0.0)
        elif now >= self._arrived_by:
            self.stop_because(DeviceRefused(late.name, late.axis.why_not_arrived()))

    def _rest(self, now: float) -> None:
        """Stand, where it was led to."""
        self._course = None
        self._ticker.stop()
        for part in self._led:
            part.come_to_rest(now)
        self._resting(now, True)
        self._publish("moving", False, now)

    def _halt_own(self) -> None:
        if not self.at_rest:
            self.halt()
