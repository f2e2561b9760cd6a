"""The guard in virtual time: the shipped decision, without a process, a port or a file.

The wires of a simulated robot lead to twins in memory, which no second process could write to. So nothing is
shown here about bytes; what is shown is how the daemon lives with its guard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from robotd.config import RobotConfig
from robotd.safety import guard
from robotd.safety.guarding import Start

TICK_S = 0.1
"""A loop in virtual time never hangs, and a tick costs as much there as anywhere: fewer do."""


class SimulatedGuard:
    """One guard, as a `Line`. A story may let it stop the robot, or die."""

    def __init__(self, name: str, heard: Callable[[bytes], None], gone: Callable[[], None]) -> None:
        self._heard = heard
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._state = guard.State(name)
        self._timer: asyncio.TimerHandle | None = None
        self._loop.call_soon(heard, b"ready - -")

    def stop(self, reason: str) -> None:
        """Somebody told it to stop the robot."""
        self._take(("stop", reason))

    def send(self, message: bytes, descriptor: int | None = None) -> None:
        """Hear the daemon."""
        self._take(tuple(message.decode().split(" ")))

    def kill(self) -> None:
        """It dies."""
        self._end()
        self._loop.call_soon(self._gone)

    def close(self) -> None:
        """The daemon hears no more of it."""
        self._end()

    def _end(self) -> None:
        self._state = self._state._replace(over=True)
        if self._timer is not None:
            self._timer.cancel()

    def _take(self, event: guard.Words) -> None:
        self._state, actions = guard.step(self._state, self._loop.time(), event)
        for action in actions:
            match action:
                case ("tell", message):
                    self._loop.call_soon(self._heard, message.encode())
                case ("kill",):
                    self._loop.call_exception_handler({"message": "the guard killed the daemon"})
                case ("exit",):
                    self._loop.call_soon(self._gone)
        self._wait()

    def _wait(self) -> None:
        if self._timer is None and not self._state.over:
            self._timer = self._loop.call_at(self._state.due, self._look)

    def _look(self) -> None:
        """A timer that comes too early is set again: each tick would move it otherwise."""
        self._timer = None
        if self._loop.time() >= self._state.due:
            self._take(("time",))
        else:
            self._wait()


class SimulatedGuards:
    """Every guard that a simulated daemon has, one after the other."""

    def __init__(self) -> None:
        self.started: list[SimulatedGuard] = []

    @property
    def present(self) -> SimulatedGuard:
        """The newest."""
        return self.started[-1]

    @asynccontextmanager
    async def open(self, config: RobotConfig) -> AsyncIterator[Start]:
        """For `Surroundings.guard`."""
        yield self._start

    def _start(self, heard: Callable[[bytes], None], gone: Callable[[], None]) -> SimulatedGuard:
        started = SimulatedGuard(f"guard-{len(self.started) + 1}", heard, gone)
        self.started.append(started)
        return started
