"""An event loop whose clock jumps to the next timer, so that a story of hours takes milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _NoWaiting(selectors.DefaultSelector):
    """Polls real file descriptors, but never waits for them: waiting moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            # Nothing scheduled and nothing readable: in real time this would wait for ever.
            raise RuntimeError("virtual time: every task waits and no timer is set")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time. Threads and sockets of other processes have no place on it."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual.now

    def spend(self, duration_s: float) -> None:
        """Move the clock on, in the middle of a turn."""
        self._virtual.now += duration_s


def spend(duration_s: float) -> None:
    """Let the running code take its time: the clock moves on and nothing else happens meanwhile."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("only virtual time can be spent")
    loop.spend(duration_s)


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run `story` in virtual time, as `asyncio.run` does in real time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)
