"""A jog that goes on as long as it is wished, in short pieces: it ends when nobody sends the next.

Pure: time is an argument. Source: github.com/gnea/grbl, `doc/markdown/jogging.md`, on a jog with low latency.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hal.drivers.grbl.codec import jog_line
from hal.kinds.three_axes import STILL, Position, Span, Velocity

PIECE_S = 0.05
AHEAD_S = 0.1
"""How much is planned beyond the way that it needs for braking: less would let it stutter."""
SHORTEST_M = 0.00001


class Jogging:
    """The pieces of one jog."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.velocity: Velocity = STILL
        self.rates_m_s: Sequence[float] = (math.inf, math.inf, math.inf)
        """How fast each axis can go..."""
        self.accel_m_s2 = math.inf
        """...and how hard the slowest of them accelerates."""
        self._spans = spans
        self._end = Position(0.0, 0.0, 0.0)
        self._until = 0.0

    def begin(self, position: Position, now: float) -> None:
        """From standstill."""
        self._end, self._until = position, now

    def next_line(self, now: float) -> bytes | None:
        """The next piece, if it is due by now and leads anywhere: at the end of the travel nothing does."""
        velocity = self._possible()
        speed_m_s = math.hypot(*velocity)
        ahead_s = AHEAD_S + speed_m_s / (2 * self.accel_m_s2)
        self._until = max(self._until, now)
        if self._until - now >= ahead_s:
            return None
        target = Position(
            *(
                min(max(place + speed * PIECE_S, span.low_m), span.high_m)
                for place, speed, span in zip(self._end, velocity, self._spans, strict=True)
            )
        )
        way_m = math.dist(self._end, target)
        if way_m < SHORTEST_M:
            return None
        self._end = target
        self._until += PIECE_S
        return jog_line(target, way_m / PIECE_S)

    def _possible(self) -> Velocity:
        """What is wished, no faster than its axes go: pieces that take longer than planned would pile up."""
        pairs = zip(self.velocity, self.rates_m_s, strict=True)
        share = min(1.0, *(rate / abs(speed) for speed, rate in pairs if speed))
        return Velocity(*(speed * share for speed in self.velocity))
