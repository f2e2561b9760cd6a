"""A stop or a reset is never dropped: where the SAFETY lane has no place for its event, that comes later."""

from __future__ import annotations

import asyncio
from collections import deque

from robotd.core.message import Event
from robotd.core.queue import MessageQueue


class Insisting:
    """Offers events to the queue until it takes them, in order."""

    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue
        self._overdue: deque[Event] = deque()
        self._closed = False

    def offer(self, event: Event) -> None:
        """The queue has it now, or in one of the next turns.

        Of several of one type that wait one after the other, the last stands for all.
        """
        overdue = self._overdue
        if overdue and overdue[-1].type == event.type:
            overdue[-1] = event
            return
        overdue.append(event)
        if len(overdue) == 1:
            self._offer_overdue()

    def close(self) -> None:
        """The daemon ends: nothing is offered any more."""
        self._closed = True

    def _offer_overdue(self) -> None:
        while self._overdue and self._queue.offer(self._overdue[0]):
            self._overdue.popleft()
        if self._overdue and not self._closed:
            asyncio.get_running_loop().call_soon(self._offer_overdue)
