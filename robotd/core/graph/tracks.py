"""Where lines turn between two rows: each level piece on a track, ordered so that few lines cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

CLEAR = 8.0
"""Two pieces that come as near as this to one another, from end to end, are not put on one track."""
NEAR = 6.0
"""Upright pieces that are no further apart look like one line."""


class Turn(NamedTuple):
    """A line that comes down at `start` and goes on down at `end`."""

    start: float
    end: float

    @property
    def left(self) -> float:
        """Its left end."""
        return min(self.start, self.end)

    @property
    def right(self) -> float:
        """Its right end."""
        return max(self.start, self.end)


def tracks(turns: Sequence[Turn]) -> list[int]:
    """The track of each, from 0 at the top. Turns on one track do not touch."""
    order: list[int] = []
    for number, turn in enumerate(turns):
        # Costs of standing above everything so far, and then below one more of it at each step.
        cost = sum(_cost(turn, turns[other]) for other in order)
        best, cheapest = 0, cost
        for place, other in enumerate(order):
            cost += _cost(turns[other], turn) - _cost(turn, turns[other])
            if cost <= cheapest:
                best, cheapest = place + 1, cost
        order.insert(best, number)
    result = [0] * len(turns)
    for place, number in enumerate(order):
        above = [result[other] for other in order[:place] if _touch(turns[other], turns[number])]
        result[number] = max(above) + 1 if above else 0
    return result


def _touch(one: Turn, other: Turn) -> bool:
    return one.left < other.right + CLEAR and other.left < one.right + CLEAR


def _cost(above: Turn, below: Turn) -> float:
    """How often the two cross with `above` above; far more where upright pieces would lie on one another."""
    cost = 0.0
    if above.left < below.start < above.right:
        cost += 1
    if below.left < above.end < below.right:
        cost += 1
    if abs(above.end - below.start) < NEAR:
        cost += 100
    return cost
