"""A shared line on the running loop: what drivers of half-duplex buses put their questions on.

The schedule itself (one transaction at a time, who goes first, whose answer is whose) is `hal.drivers.line`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic

from hal.drivers.line import REQUEST_LIMIT_BYTES, Line
from hal.drivers.transaction import Done, Framer, FrameT, Outcome, Priority, Transaction, Trouble
from hal.errors import HalError, LinkFull

__all__ = [
    "REQUEST_LIMIT_BYTES",
    "Bus",
    "Done",
    "Framer",
    "Line",
    "Outcome",
    "Priority",
    "Transaction",
    "Trouble",
]


class Bus(Generic[FrameT]):
    """A line on the running loop, with a timer and without a task. `write` is its board's `send`."""

    def __init__(
        self, framer: Framer[FrameT], write: Callable[[bytes], None], *, byte_s: float, gap_s: float
    ) -> None:
        self.line = Line(framer, byte_s=byte_s, gap_s=gap_s)
        self._write = write
        self._timer: asyncio.TimerHandle | None = None
        self._turning = False

    def put(self, transaction: Transaction, done: Done[FrameT] | None = None) -> None:
        """As `Line.put`. On a free line it is written before this returns."""
        self.line.put(transaction, done)
        self._turn(asyncio.get_running_loop().time())

    def ask(self, transaction: Transaction) -> asyncio.Future[Outcome[FrameT]]:
        """Put it, and have its outcome when there is one: `await board.answered(bus.ask(...), limit_s)`."""
        outcome: asyncio.Future[Outcome[FrameT]] = asyncio.get_running_loop().create_future()
        self.put(transaction, lambda found: None if outcome.done() else outcome.set_result(found))
        return outcome

    def hear(self, data: bytes, now: float) -> None:
        """Bytes came from the far ends."""
        self.line.hear(data, now)
        self._turn(now)

    def preempt(self, size: int) -> None:
        """Its board wrote `size` bytes of a stop past the schedule. May be called at any time."""
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:  # a last stop, outside the loop: nothing will be asked any more
            return
        self.line.preempt(size, now)
        self._turn(now)

    def clear(self) -> None:
        """As `Line.clear`, and no timer is left."""
        self.line.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._set_timer()

    def _turn(self, now: float) -> None:
        if self._turning:  # a transaction that ends puts another: the turn under way finds it
            return
        self._turning = True
        try:
            while (request := self.line.poll(now)) is not None:
                self._send(request, now)
        finally:
            self._turning = False
        self._set_timer()

    def _send(self, request: bytes, now: float) -> None:
        try:
            self._write(request)
        except LinkFull:
            self.line.refused(now)
        except HalError:  # there is no wire: its board tells why
            self.line.clear()

    def _set_timer(self) -> None:
        """Wake at the line's next moment. A timer that is too early looks again: most moments move on."""
        due = self.line.wakes_at()
        if self._timer is not None:
            if due is not None and self._timer.when() <= due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self._fire, due)

    def _fire(self, due: float) -> None:
        self._timer = None
        # A loop may call a timer one clock tick early; what is due must still be found due.
        self._turn(max(due, asyncio.get_running_loop().time()))
