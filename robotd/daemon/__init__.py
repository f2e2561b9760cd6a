"""The composition root: builds all parts and owns all lifetimes. How they nest is the order of the end."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from hal import LinkHeld, Rig
from robotd import log
from robotd.config import RobotConfig
from robotd.daemon.engine import Engine
from robotd.daemon.ids import Ids
from robotd.daemon.listeners import CannotStart, Listeners
from robotd.daemon.service import RobotService
from robotd.daemon.status import GUARD

__all__ = ["CannotStart", "Daemon", "Ready"]

YOUNG_OBJECTS = 5_000
"""How many new objects make a collection due: a command makes ten, and nearly all are gone with it."""
FIRST_CONNECT_S = 0.6
"""The start waits so long for the boards, so that the first command after `ready` finds its devices."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the daemon listens, and which of its boards are twins."""

    websocket: str | None
    """`127.0.0.1:8080`; None where it does not listen."""
    tcp: str | None
    unix: str | None
    boards: tuple[str, ...]
    simulated: tuple[str, ...]


class Daemon:
    """One robot, from its file to a clean end. The constructor opens nothing."""

    def __init__(
        self,
        config: RobotConfig,
        *,
        simulated: Collection[str] = (),
        ports: Mapping[str, str] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._config = config
        self._simulated = frozenset(simulated)
        self._rng = rng or random.Random()
        self._log = log.get("daemon")
        self.rig = Rig.build(
            config.boards, config.devices, simulated=self._simulated, ports=ports or {}, rng=self._rng
        )

    async def run(self, ready: Callable[[Ready], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set. `ready` is called once, when everything listens.

        Raises `CannotStart` where an address or a port is taken. Whatever ends it, the actuators halt first.
        """
        loop = asyncio.get_running_loop()
        engine = Engine(self._config, self.rig, loop.time, Ids(self._rng), self._log)
        decisions = log.DecisionLog(self._log)
        if decisions.wanted:
            engine.dispatcher.observers.append(decisions.observe)
        service = RobotService(engine, self._simulated)
        try:
            async with asyncio.TaskGroup() as tasks:
                supervisors = tasks.create_task(self.rig.run(), name="boards")
                await self._wait_for_boards()
                engine.start()
                deciding = tasks.create_task(engine.run(), name="dispatcher")
                async with AsyncExitStack() as end:
                    # At the end, from the bottom up: the robot halts, nobody new is let in, what is queued or
                    # running is ended and answered, and only then do the connections close.
                    end.push_async_callback(engine.shut_down)
                    listeners = await end.enter_async_context(Listeners(self._config, service))
                    end.push_async_callback(engine.shut_down)
                    end.callback(listeners.let_nobody_in)
                    end.callback(self.rig.halt)
                    service.clients = listeners.count
                    # What was built until now lives until the end: collections need not look at it again.
                    gc.collect()
                    gc.freeze()
                    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
                    self._log.info("ready", robot=self._config.robot, guard=GUARD)
                    ready(self._ready(listeners))
                    await _first(stop, engine.crashed)
                await deciding
                supervisors.cancel()
        except BaseExceptionGroup as group:
            cannot_start, others = group.split(CannotStart)
            if cannot_start is None or others is not None:
                raise
            raise cannot_start.exceptions[0] from None
        finally:
            self.rig.halt()
            decisions.flush()
        if engine.crashed.done():
            raise engine.crashed.result()

    async def _wait_for_boards(self) -> None:
        """Give the boards a moment to answer; a robot without one of them starts all the same.

        Not so where another program has the wire: it would go on moving what this daemon is to stop.
        """
        try:
            async with asyncio.timeout(FIRST_CONNECT_S):
                await self.rig.online()
        except TimeoutError:
            for name, board in self.rig.boards.items():
                if isinstance(board.trouble, LinkHeld):
                    raise CannotStart(f"{name}: {board.trouble}") from board.trouble
            missing = [name for name, board in self.rig.boards.items() if board.link is None]
            self._log.warning("boards not there yet", boards=missing or sorted(self.rig.boards))

    def _ready(self, listeners: Listeners) -> Ready:
        return Ready(
            listeners.websocket,
            listeners.tcp,
            listeners.unix,
            tuple(self.rig.boards),
            tuple(sorted(self._simulated)),
        )


async def _first(stop: asyncio.Event, crashed: asyncio.Future[BaseException]) -> None:
    """Wait for the wish to end, or for the need to."""
    wish = asyncio.ensure_future(stop.wait())
    either: set[asyncio.Future[Any]] = {wish, crashed}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        wish.cancel()
