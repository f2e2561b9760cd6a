"""The time-outs of states: one timer for each stay that has one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from robotd.core.decision import Decision, Entry


class StateTimers:
    """Starts a timer for every state entered that has a `timeout`, and stops it when the state is left.

    A timer that fires while its state is being left is harmless: what it sends carries the number of
    the stay, and the machine drops what belongs to a stay that is over.
    """

    def __init__(self, fire: Callable[[str, Entry], None]) -> None:
        self._fire = fire
        self._running: dict[int, asyncio.TimerHandle] = {}

    def apply(self, decision: Decision) -> None:
        """Follow one decision."""
        for entry in decision.exits:
            running = self._running.pop(entry.number, None)
            if running is not None:
                running.cancel()
        for entry in decision.entries:
            timeout = entry.state.timeout
            if timeout is not None:
                loop = asyncio.get_running_loop()
                self._running[entry.number] = loop.call_later(
                    timeout.after_s, self._expire, timeout.trigger, entry
                )

    def close(self) -> None:
        """Stop them all."""
        for running in self._running.values():
            running.cancel()
        self._running.clear()

    def _expire(self, trigger: str, entry: Entry) -> None:
        del self._running[entry.number]
        self._fire(trigger, entry)
