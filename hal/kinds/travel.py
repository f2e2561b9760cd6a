"""How a finite motion goes on: its speed from tick to tick, so that it ends exactly where it should. Pure."""

from __future__ import annotations

import math

from hal.kinds.ticker import PERIOD_S

_ROUNDING = 1 + 1e-9


class Travel:
    """A way of `length_m`, from standstill to standstill, at most `speed_m_s` fast.

    It counts what was really travelled, from the speeds that were really held between the ticks, late ones
    too, and brakes in time. `accel_m_s2` may be infinite.
    """

    def __init__(self, length_m: float, speed_m_s: float, accel_m_s2: float, now: float) -> None:
        self.length_m = length_m
        self.speed_m_s = speed_m_s
        self.accel_m_s2 = accel_m_s2
        self.done_m = 0.0
        self.ends_at: float | None = None
        """When the next tick is due if that one is the last."""
        self._held_m_s = 0.0
        self._since = now

    def advance(self, now: float, elapsed_s: float) -> float | None:
        """The speed to hold until the next tick; None at the end. It grows by what `elapsed_s` allows."""
        self.done_m += self._held_m_s * (now - self._since)
        self._since = now
        to_go_m = self.length_m - self.done_m
        if self.ends_at is not None or to_go_m <= 0:
            return None
        speed_up = self._held_m_s + self.accel_m_s2 * elapsed_s
        self._held_m_s = min(self.speed_m_s, speed_up, speed_to_brake_from(to_go_m, self.accel_m_s2))
        rest_s = to_go_m / self._held_m_s
        if rest_s <= PERIOD_S * _ROUNDING:
            self.ends_at = now + rest_s
        return self._held_m_s


def speed_to_brake_from(to_go: float, accel: float) -> float:
    """The speed v that, held for one period and then lowered by a step in each, ends exactly there.

    Of lengths as of angles. Solves to_go = v^2 / 2a + v * period / 2, in the form that does not cancel for a
    short way.
    """
    if accel == math.inf:
        return math.inf
    half_step = accel * PERIOD_S / 2
    square = 2 * accel * to_go
    return square / (half_step + math.sqrt(half_step**2 + square))
