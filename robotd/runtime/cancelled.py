"""What was cancelled and has not ended: cancelling a task is a request, and user code may not heed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from robotd.runtime.robot import GRACE_S
from robotd.runtime.run import Run

ZOMBIES_AT_MOST = 3
"""So many actions may ignore their cancellation; with one more the daemon ends and is restarted."""


class TooManyZombies(Exception):  # noqa: N818  # it says what it is
    """User code that ignores its cancellation has piled up; only a new process gets rid of it."""


class Cancelled:
    """The tasks of cancelled actions, until they end."""

    def __init__(self, crash: Callable[[BaseException], None], log: Any) -> None:
        self._crash = crash
        self._log = log
        self.tasks: set[asyncio.Task[None]] = set()
        """Not at their end yet..."""
        self._zombies: set[asyncio.Task[None]] = set()
        """...even after their grace."""
        self._graces: dict[int, float] = {}
        """The loop time at which each grace ends, the earliest first."""
        self._count = 0

    @property
    def zombies(self) -> int:
        """How many have ignored their cancellation so far and are still there."""
        return len(self._zombies)

    def overdue(self, now: float) -> int | None:
        """The number of the oldest grace that is over with nothing done about it; None: there is none."""
        for number, ends_at in self._graces.items():
            return number if now > ends_at else None
        return None

    def cancel(self, run: Run, task: asyncio.Task[None]) -> None:
        """Cancel what carries out `run`, and fence it when it does not heed that."""
        if not task.done():
            task.cancel()
            self.tasks.add(task)
            loop = asyncio.get_running_loop()
            self._count += 1
            self._graces[self._count] = loop.time() + GRACE_S
            loop.call_later(GRACE_S, self._fence, run, self._count)

    def ended(self, task: asyncio.Task[None]) -> None:
        """It is at its end."""
        self.tasks.discard(task)
        self._zombies.discard(task)

    def _fence(self, run: Run, grace: int) -> None:
        run.permit.end()
        del self._graces[grace]
        if run.task is not None and not run.task.done():
            self._zombies.add(run.task)
            action, trace = run.start.do.name, run.cause.trace_id
            self._log.warning("ignores its cancellation", action=action, zombies=self.zombies, trace_id=trace)
            if self.zombies > ZOMBIES_AT_MOST:
                self._crash(TooManyZombies(f"{self.zombies} actions ignore their cancellation"))
