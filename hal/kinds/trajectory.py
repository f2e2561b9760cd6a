"""The ways that joints are led along: from where they stand to the goals, tick by tick. Pure.

A course is asked for the next goals with the time that has passed, and says when those were the last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from hal.kinds.travel import speed_to_brake_from


class Course(Protocol):
    """Where several joints go, in rad, in the order of the joints."""

    @property
    def done(self) -> bool:
        """Whether the goals given last were the last."""

    def advance(self, elapsed_s: float) -> Sequence[float]:
        """The goals so much later than those before; the first call begins."""


class Trajectory:
    """Straight on, all from standstill to standstill in the same time, none beyond its rate or acceleration.

    Every joint goes the same share of its way at the same time: a trapezoid of speed, or a triangle where the
    way is too short. The last goals are exactly those asked for.
    """

    def __init__(
        self,
        starts: Sequence[float],
        goals: Sequence[float],
        rates: Sequence[float],
        accels: Sequence[float],
    ) -> None:
        self.starts = tuple(starts)
        self.goals = tuple(goals)
        ways = [abs(goal - start) for start, goal in zip(starts, goals, strict=True)]
        # From here on in whole ways a second: each joint allows so many, and the slowest decides.
        rate = min((most / way for most, way in zip(rates, ways, strict=True) if way), default=math.inf)
        accel = min((most / way for most, way in zip(accels, ways, strict=True) if way), default=math.inf)
        self._accel = self._ramp_s = self._peak = self.duration_s = 0.0
        if math.isfinite(rate) and math.isfinite(accel):  # else there is no way, or none to speak of
            self._accel = accel
            self._ramp_s = min(rate / accel, math.sqrt(1 / accel))
            self._peak = accel * self._ramp_s
            self.duration_s = 2 * self._ramp_s + max(1 / self._peak - self._ramp_s, 0.0)
        self._elapsed_s = 0.0

    @property
    def done(self) -> bool:
        """Whether the goals given last were the last."""
        return self._elapsed_s >= self.duration_s

    def advance(self, elapsed_s: float) -> Sequence[float]:
        """The goals so much later."""
        self._elapsed_s += elapsed_s
        return self.at(self._elapsed_s)

    def at(self, time_s: float) -> tuple[float, ...]:
        """Where they shall be at a time since the start."""
        if time_s >= self.duration_s:
            return self.goals
        share = self._share(time_s)
        return tuple(
            start + (goal - start) * share for start, goal in zip(self.starts, self.goals, strict=True)
        )

    def _share(self, time_s: float) -> float:
        to_go_s = self.duration_s - time_s
        if time_s < self._ramp_s:
            return self._accel * time_s**2 / 2
        if to_go_s < self._ramp_s:
            return 1 - self._accel * to_go_s**2 / 2
        return self._peak * (time_s - self._ramp_s / 2)


class Jog:
    """Each at a rate of its own, reached and left within its acceleration, and braked before a limit."""

    def __init__(
        self,
        starts: Sequence[float],
        lows: Sequence[float],
        highs: Sequence[float],
        accels: Sequence[float],
        rates: Sequence[float],
    ) -> None:
        """`rates`: those that they have already."""
        self._goals = list(starts)
        self._lows = lows
        self._highs = highs
        self._accels = accels
        self._rates = list(rates)
        self.asked: Sequence[float] = [0.0] * len(self._goals)
        """The rates to reach, within the limits."""

    @property
    def done(self) -> bool:
        """Whether all stand and none shall move."""
        return not any(self._rates) and not any(self.asked)

    def advance(self, elapsed_s: float) -> Sequence[float]:
        """The goals so much later."""
        for number, asked in enumerate(self.asked):
            rate, accel = self._rates[number], self._accels[number]
            change = accel * elapsed_s
            rate = min(max(asked, rate - change), rate + change)
            limit = self._highs[number] if rate > 0 else self._lows[number]
            to_go = max((limit - self._goals[number]) * math.copysign(1.0, rate), 0.0)
            rate = math.copysign(min(abs(rate), speed_to_brake_from(to_go, accel)), rate) if to_go else 0.0
            way = rate * elapsed_s
            self._goals[number] = limit if abs(way) >= to_go and rate else self._goals[number] + way
            self._rates[number] = rate
        return self._goals


class Playback:
    """Along recorded goals in the recorded time, stretched where a joint would be too fast."""

    def __init__(self, start: Sequence[float], rates: Sequence[float]) -> None:
        """From `start`, where the joints are already, along what is added."""
        self.start = tuple(start)
        self._goals = [self.start]
        self._times_s = [0.0]
        self._rates = rates
        self._elapsed_s = 0.0
        self._leg = 0

    def add(self, pause_s: float, goals: Sequence[float]) -> None:
        """The next goals, and how long after those before they were recorded."""
        pairs = zip(self._goals[-1], goals, self._rates, strict=True)
        fastest_s = max(abs(goal - last) / rate for last, goal, rate in pairs)
        self._goals.append(tuple(goals))
        self._times_s.append(self._times_s[-1] + max(pause_s, fastest_s))

    @property
    def done(self) -> bool:
        """Whether the goals given last were the last."""
        return self._elapsed_s >= self._times_s[-1]

    def advance(self, elapsed_s: float) -> Sequence[float]:
        """The goals so much later."""
        self._elapsed_s += elapsed_s
        if self.done:
            return self._goals[-1]
        while self._times_s[self._leg + 1] <= self._elapsed_s:
            self._leg += 1
        before_s, after_s = self._times_s[self._leg : self._leg + 2]
        share = (self._elapsed_s - before_s) / (after_s - before_s)
        before, after = self._goals[self._leg : self._leg + 2]
        return [last + (goal - last) * share for last, goal in zip(before, after, strict=True)]


class Chain:
    """One course, and then the one that begins where that has ended."""

    def __init__(self, first: Course, then: Callable[[Sequence[float]], Course]) -> None:
        self._course = first
        self._then: Callable[[Sequence[float]], Course] | None = then
        self._goals: Sequence[float] = ()

    @property
    def done(self) -> bool:
        """Whether the second course is."""
        return self._then is None and self._course.done

    def advance(self, elapsed_s: float) -> Sequence[float]:
        """The goals so much later; the second course begins with the tick after the end of the first."""
        if self._then is not None and self._course.done and self._goals:
            self._course, self._then = self._then(self._goals), None
        self._goals = self._course.advance(elapsed_s)
        return self._goals
