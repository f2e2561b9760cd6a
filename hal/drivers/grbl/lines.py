"""The lines on their way to Grbl: never more of them than its receive buffer holds.

Grbl answers every line with `ok` or `error:N`, in order, when it has taken it out of its receive buffer. So
what was written and is not answered is all that can be in there (`interface.md`, "Character-Counting").
Real-time bytes do not count: they never enter that buffer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hal.drivers.grbl.codec import RECEIVE_BUFFER_BYTES
from hal.errors import HalError, LinkFull

WAITING_LIMIT = 32
"""So many lines may wait for room; nobody who asks one thing after the other has more."""


@dataclass(slots=True, eq=False)
class Line:
    """One line, with its end, and who is told what became of it."""

    data: bytes
    answered: Callable[[int | None], None]
    """Called with the number behind `error:`, or None for `ok`."""
    lost: Callable[[HalError], None] = lambda _: None
    """Called instead when it will never be answered."""
    patience_s: float = 0.0
    """How much longer than others its answer may take though nothing moves: a dwell."""


class Lines:
    """What waits to be written, and what was written and waits for its answer."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self.size_bytes = RECEIVE_BUFFER_BYTES
        """What the far end's receive buffer holds."""
        self.supply: Callable[[], Line | None] | None = None
        """Asked for the next line whenever there is room and nobody else waits, until it has none: a job."""
        self.outstanding_bytes = 0
        self.most_bytes = 0
        """The most that was ever outstanding."""
        self.answered_at = 0.0
        """The loop time of the last answer, or of the first line after none was outstanding."""
        self._waiting: deque[Line] = deque()
        self._sent: deque[Line] = deque()

    @property
    def idle(self) -> bool:
        """Whether every line is answered and none waits."""
        return not self._sent and not self._waiting

    @property
    def patience_s(self) -> float:
        """How much longer than others the oldest unanswered line may take."""
        return self._sent[0].patience_s if self._sent else 0.0

    def offer(self, line: Line, now: float) -> None:
        """Write `line` as soon as there is room in the far end's buffer.

        Raises `LinkFull` where too many wait already, and what the wire raises: then it is never written.
        """
        if len(self._waiting) >= WAITING_LIMIT:
            raise LinkFull(f"{WAITING_LIMIT} lines wait already")
        self._waiting.append(line)
        try:
            self.pump(now)
        except HalError:
            if line in self._waiting:
                self._waiting.remove(line)
                raise

    def pump(self, now: float) -> None:
        """Write as much as there is room for. Raises what the wire raises; what it refused waits."""
        while True:
            if not self._waiting:
                self._fetch()
            if not self._waiting:
                return
            line = self._waiting[0]
            if self.outstanding_bytes + len(line.data) > self.size_bytes:
                return
            self._send(line.data)
            self._waiting.popleft()
            if not self._sent:
                self.answered_at = now
            self._sent.append(line)
            self.outstanding_bytes += len(line.data)
            self.most_bytes = max(self.most_bytes, self.outstanding_bytes)

    def _fetch(self) -> None:
        line = self.supply() if self.supply is not None else None
        if line is None:
            self.supply = None
        else:
            self._waiting.append(line)

    def answer(self, error: int | None, now: float) -> None:
        """The oldest line is answered. One that nobody waits for, as after a reset, is dropped."""
        if not self._sent:
            return
        line = self._sent.popleft()
        self.outstanding_bytes -= len(line.data)
        self.answered_at = now
        line.answered(error)

    def forget_waiting(self) -> None:
        """What was not written yet never will be; nobody is told."""
        self.supply = None
        self._waiting.clear()

    def lose(self, reason: HalError) -> None:
        """The far end has forgotten everything: nobody waits for an answer any more."""
        self.supply = None
        lost = (*self._sent, *self._waiting)
        self._sent.clear()
        self._waiting.clear()
        self.outstanding_bytes = 0
        for line in lost:
            line.lost(reason)
