"""Calls at a fixed rate for as long as something moves, and none while it rests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

PERIOD_S = 0.02
"""Setpoints of a ramp are renewed at 50 Hz."""


class Ticker:
    """Calls `tick(now)` at `first + n * PERIOD_S`; every deadline is counted from the first, so none drifts.

    A deadline that was missed while the loop was busy is left out. `tick` may stop it, or say when it ends.
    """

    def __init__(self, tick: Callable[[float], None]) -> None:
        self._tick = tick
        self._handle: asyncio.TimerHandle | None = None
        self._first = 0.0
        self._count = 0

    @property
    def running(self) -> bool:
        """Whether another call will come."""
        return self._handle is not None

    def start(self, first: float) -> None:
        """Tick at loop time `first` and on, on the running loop. A running one starts anew."""
        self.stop()
        self._first = first
        self._count = 0
        self._handle = asyncio.get_running_loop().call_at(first, self._fire)

    def stop(self) -> None:
        """Call no more. May be called at any time, also outside the loop."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def next_only_at(self, at: float) -> None:
        """Make the next call the last, at loop time `at`: the end of a motion seldom falls on the grid."""
        self.stop()
        self._handle = asyncio.get_running_loop().call_at(at, self._fire_last)

    def _fire(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._count = max(self._count + 1, math.floor((now - self._first) / PERIOD_S) + 1)
        self._handle = loop.call_at(self._first + self._count * PERIOD_S, self._fire)
        self._tick(now)

    def _fire_last(self) -> None:
        self._handle = None
        self._tick(asyncio.get_running_loop().time())
