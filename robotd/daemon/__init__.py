"""The composition root: builds all parts and owns all lifetimes. How they nest is the order of the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hal import LinkHeld, Rig
from robotd import log
from robotd.access.gate import Gate
from robotd.clock import WallClock, wall_time
from robotd.config import RobotConfig
from robotd.daemon.engine import Engine
from robotd.daemon.entrance import gate_of, looked_after
from robotd.daemon.fall import tell_fall
from robotd.daemon.ids import Ids
from robotd.daemon.journaling import Opened, in_memory, on_disk
from robotd.daemon.listeners import CannotStart, Listeners
from robotd.daemon.service import RobotService
from robotd.daemon.watched import as_data as guard_data
from robotd.daemon.watched import guard
from robotd.journal.errors import JournalError
from robotd.journal.folder import Folder
from robotd.runtime.readings import Clock
from robotd.safety.guarding import TICK_S, Start
from robotd.safety.latch import LatchFile, LatchStore
from robotd.safety.switch import Switch
from robotd.wire.listen import Listen, listen_tcp

__all__ = ["CannotStart", "Daemon", "Ready", "Surroundings"]

OpenJournal = Callable[[Ids, Clock, WallClock], Opened]
OpenGuard = Callable[[RobotConfig], AbstractAsyncContextManager[Start]]

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
    tls: bool = False
    """Whether the first two speak TLS, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a daemon takes from the world around it, the loop aside. A simulation has others."""

    rng: random.Random = field(default_factory=random.Random)
    """Where ids, jitter and the noise of twins come from."""
    wall_clock: WallClock = wall_time
    listen: Listen = listen_tcp
    log: Any = field(default_factory=lambda: log.get("daemon"))
    tap: Callable[[str, str, bytes], None] | None = None
    """Told of all bytes on all wires: the board, `to` or `from` it, and the bytes."""
    watch: Callable[[Engine], None] = lambda _engine: None
    """Shown the engine when it is built, before it starts."""
    journal: Path | OpenJournal | None = None
    """The folder of the journal, or what opens another; None: it is kept in memory."""
    latch: Path | LatchStore | None = None
    """The file in which the latch outlives the daemon, or what else keeps it; None: it does not."""
    switch: Callable[[Path | None], Switch] | None = None
    """What gives the daemon's own switch, beside its journal; None: it has none."""
    guard: OpenGuard | None = None
    """What gives the guard of a robot, unless its file says that there is none; None: there is none."""
    drafts: dict[str, str] | None = None
    """What takes the files that verbs write, by name; None: they go beside the robot's file."""
    tick_s: float = TICK_S
    """How often the guard hears that the loop turns."""


class Daemon:
    """One robot, from its file to a clean end. The constructor opens nothing."""

    def __init__(
        self,
        config: RobotConfig,
        *,
        simulated: Collection[str] = (),
        ports: Mapping[str, str] | None = None,
        faults: Mapping[str, Sequence[str]] | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        """`simulated`: the boards that are twins. `faults`: what is wrong with each, in hal's grammar."""
        self._config = config
        self._simulated = frozenset(simulated)
        self._surroundings = surroundings or Surroundings()
        self._log = self._surroundings.log
        self._reload: Callable[[], None] = lambda: None
        self.rig = Rig.build(
            config.boards,
            config.devices,
            simulated=self._simulated,
            ports=ports or {},
            rng=self._surroundings.rng,
            faults=faults,
            tap=self._surroundings.tap,
            folder=config.path.parent,
            drafts=self._surroundings.drafts,
        )

    async def run(self, ready: Callable[[Ready], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set. `ready` is called once, when everything listens.

        Raises `CannotStart` where an address or a port is taken. Whatever ends it, the actuators halt first.
        """
        loop = asyncio.get_running_loop()
        around = self._surroundings
        ids = Ids(around.rng)
        opened = self._open_journal(ids, loop.time)
        latch = self._open_latch()
        engine = Engine(self._config, self.rig, loop.time, ids, self._log, opened, latch)
        around.watch(engine)
        decisions = log.DecisionLog(self._log, around.wall_clock)
        if decisions.wanted:
            engine.dispatcher.observers.append(decisions.observe)
        service = RobotService(engine, self._simulated)
        try:
            async with AsyncExitStack() as guards:
                say_goodbye = await self._guard(engine, guards)
                try:
                    await self._serve(engine, service, ready, stop)
                except CannotStart:
                    say_goodbye()
                    raise
                say_goodbye()
        finally:
            self.rig.halt()
            decisions.flush()
            await engine.journal.close()
            engine.stop.store.close()
        if engine.crashed.done():
            raise engine.crashed.result()

    def reload(self) -> None:
        """Read again what may change while the robot runs: its certificate. A bad one changes nothing."""
        self._reload()

    async def _guard(self, engine: Engine, guards: AsyncExitStack) -> Callable[[], None]:
        """Start the guard. When `guards` end before what this returns was called, that is a death to it."""
        around = self._surroundings
        if around.guard is None or not self._config.guard.on:
            if not self._config.guard.on:
                self._log.warning("guard: off", means="a daemon that dies or hangs does not stop the robot")
            return lambda: None
        start = await guards.enter_async_context(around.guard(self._config))
        guarding = await guards.enter_async_context(guard(engine, start, tick_s=around.tick_s))
        return guarding.goodbye

    async def _serve(
        self, engine: Engine, service: RobotService, ready: Callable[[Ready], None], stop: asyncio.Event
    ) -> None:
        around = self._surroundings
        try:
            async with asyncio.TaskGroup() as tasks:
                supervisors = tasks.create_task(self.rig.run(), name="boards")
                await self._wait_for_boards()
                engine.start(self._simulated)
                deciding = tasks.create_task(engine.run(), name="dispatcher")
                async with AsyncExitStack() as end:
                    end.enter_context(self._switch(engine))
                    # At the end, from the bottom up: the robot halts, nobody new is let in, what is queued or
                    # running is ended and answered, and only then do the connections close.
                    end.push_async_callback(engine.shut_down)
                    gate = end.enter_context(looked_after(self._gate(engine)))
                    listeners = await end.enter_async_context(
                        Listeners(
                            self._config,
                            service,
                            gate=gate,
                            listen=around.listen,
                            wall_clock=around.wall_clock,
                            log=self._log,
                        )
                    )
                    end.push_async_callback(engine.shut_down)
                    end.callback(gate.close)
                    end.callback(listeners.let_nobody_in)
                    end.callback(self.rig.halt)
                    service.clients, service.access = listeners.count, gate.as_data
                    self._reload = listeners.reload
                    self._log.info("ready", robot=self._config.robot, guard=guard_data(engine)["detail"])
                    ready(self._ready(listeners))
                    if engine.guarding is not None:
                        engine.guarding.beat()
                    await _first(stop, engine.crashed)
                await deciding
                supervisors.cancel()
        except BaseExceptionGroup as group:
            cannot_start, others = group.split(CannotStart)
            if cannot_start is None or others is not None:
                raise
            raise cannot_start.exceptions[0] from None

    def _gate(self, engine: Engine) -> Gate:
        return gate_of(
            self._config.access,
            clock=engine.clock,
            wall_clock=self._surroundings.wall_clock,
            audit=engine.record.audit,
            log=self._log,
        )

    def _switch(self, engine: Engine) -> AbstractContextManager[None]:
        """Tell what the daemon before this one left, and arm this one's switch while the robot is served."""
        if self._surroundings.switch is None:
            return nullcontext()
        try:
            switch = self._surroundings.switch(engine.opened.path)
        except OSError as error:
            raise CannotStart(f"{error.filename}: {error.strerror}") from error
        if last_words := switch.last_words():
            fall = tell_fall(last_words, engine.journal, self._log, switch.forget)
            engine.recovered = {**engine.recovered, "fall": fall}
        return switch.armed()

    def _open_journal(self, ids: Ids, clock: Clock) -> Opened:
        around = self._surroundings
        if around.journal is None:
            return in_memory(ids, clock, around.wall_clock)
        if not isinstance(around.journal, Path):
            return around.journal(ids, clock, around.wall_clock)
        try:
            return on_disk(around.journal, self._config, ids, clock, around.wall_clock)
        except JournalError as error:
            raise CannotStart(f"{error} (another place for it: --journal FOLDER, or memory)") from error

    def _open_latch(self) -> LatchStore | None:
        latch = self._surroundings.latch
        if not isinstance(latch, Path):
            return latch
        with suppress(OSError):  # which is told when there is something to keep
            Folder(latch.parent).make()
        return LatchFile(latch, asyncio.get_running_loop())

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
            tls=listeners.certificate is not None,
        )


async def _first(stop: asyncio.Event, crashed: asyncio.Future[BaseException]) -> None:
    """Wait for the wish to end, or for the need to."""
    wish = asyncio.ensure_future(stop.wait())
    either: set[asyncio.Future[Any]] = {wish, crashed}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        wish.cancel()
