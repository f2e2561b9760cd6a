"""When a status report is asked for, and which question one answers.

A report that was asked for before a command may tell of before it. Grbl answers several questions with one
report, and none while it homes, so questions without an answer are forgotten after a while. Pure: time is
an argument.
"""

from __future__ import annotations

from collections import deque

IDLE_S = 0.25
MOVING_S = 0.125
"""How often a report is asked for: 4 times a second at rest, 8 in motion..."""
IDLE_HZ = 5
MOVING_HZ = 10
"""...and at most so often in any second, so that a stop finds a question left."""
SPACING_S = 0.06
LOST_AFTER_S = 0.3


class Reports:
    """The questions that were put."""

    def __init__(self) -> None:
        self.moving = False
        """Whether anything is under way."""
        self._asked: deque[float] = deque(maxlen=MOVING_HZ)
        self._open: deque[float] = deque()

    @property
    def period_s(self) -> float:
        """How often a report is asked for now."""
        return MOVING_S if self.moving else IDLE_S

    def due_at(self) -> float:
        """When to ask next."""
        return self._asked[-1] + self.period_s if self._asked else 0.0

    def free_at(self) -> float:
        """From when on another question fits."""
        most = MOVING_HZ if self.moving else IDLE_HZ
        if not self._asked:
            return 0.0
        spaced_at = self._asked[-1] + SPACING_S
        return spaced_at if len(self._asked) < most else max(spaced_at, self._asked[-most] + 1.0)

    def may_ask(self, now: float) -> bool:
        """Whether another question fits now."""
        return now >= self.free_at()

    def asked(self, now: float) -> None:
        """A question was put."""
        while self._open and now - self._open[0] > LOST_AFTER_S:
            self._open.popleft()
        self._asked.append(now)
        self._open.append(now)

    def answered(self, now: float) -> float:
        """A report came; returns when it was asked for at the earliest."""
        return self._open.popleft() if self._open else now

    def forget(self) -> None:
        """What was asked is not answered any more."""
        self._open.clear()
