"""One whole daemon in virtual time: the shipped code on a loop without descriptors, a twin on every wire."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hal import Rig
from robotd import log
from robotd.clock import WallClock
from robotd.config import Address, Listen, RobotConfig
from robotd.config.safety import AccessSettings
from robotd.daemon import Daemon, Ready, Surroundings
from robotd.daemon.engine import Engine
from robotd.daemon.ids import Ids
from robotd.daemon.journaling import KEPT_IN_MEMORY, Opened, in_memory
from robotd.errors import RobotdError
from robotd.journal.memory import MemoryStore
from robotd.journal.store import Beginning, last_audit
from robotd.journal.writer import InstantWriter
from robotd.runtime.readings import Clock
from robotd.safety.latch import LatchStore
from robotd.sim.client import HOST, TCP_PORT, WEBSOCKET_PORT, Console
from robotd.sim.guard import TICK_S, SimulatedGuards
from robotd.sim.loop import SimulationLoop, run
from robotd.sim.network import Network
from robotd.sim.recording import Recording

T = TypeVar("T")

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""The time on the wall when a simulation begins."""
SETTLING_S = 0.2
"""After the start every sensor has reported once within this time."""


class Disk:
    """What stands for the disk of the journal."""

    def __init__(self, store: MemoryStore, commit_s: float) -> None:
        self.store = store
        """Its rows, and how many more it has room for."""
        self.writer = InstantWriter(store, delay_s=commit_s)
        """How long it takes."""

    def open(self, ids: Ids, clock: Clock, wall_clock: WallClock) -> Opened:
        """The journal upon it, which goes on where that of an earlier daemon has ended in good order."""
        newest = next(self.store.rows(newest_first=True, limit=1), None)
        begun = Beginning()
        if newest is not None:
            begun = Beginning(newest.seq, newest.hash, audit=last_audit(self.store))
        return in_memory(ids, clock, wall_clock, store=self.store, writer=self.writer, beginning=begun)


class CannotSimulate(RobotdError):  # noqa: N818  # it says what it is
    """This robot cannot run in virtual time; the message says what of it, and what to do."""


class Simulation:
    """A running daemon and its world, as a story sees them."""

    def __init__(
        self,
        config: RobotConfig,
        engine: Engine,
        recording: Recording,
        seed: int,
        disk: Disk,
        guards: SimulatedGuards,
    ) -> None:
        self.config = config
        self.engine = engine
        self.rig: Rig = engine.rig
        self.recording = recording
        self.seed = seed
        self.disk = disk
        """Where its journal is kept, and what may be wrong with that."""
        self.guards = guards
        """What would stop the robot if the daemon could not."""
        self.rng = random.Random(f"story {seed}")
        """Chance for whoever tells the story; the daemon and its twins have their own."""
        self.began = 0.0
        """The loop's time when the daemon was ready and every sensor had reported."""
        self.bugs: list[Mapping[str, Any]] = []
        """What nobody caught: contexts of the loop's exception handler."""
        self.at_end: list[Callable[[], None]] = []
        """Called on the loop when the daemon has ended in good order."""
        self.afterwards = ExitStack()
        """Closed on the loop when the daemon has ended, or fallen."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, SimulationLoop):
            raise TypeError("a simulation runs in virtual time")
        self._loop = loop

    @property
    def network(self) -> Network:
        """What lies between the daemon and its clients."""
        return self._loop.network

    @property
    def now(self) -> float:
        """Seconds since the daemon was ready."""
        return self._loop.time() - self.began

    @property
    def state(self) -> tuple[str, ...]:
        """The leaf state of each region."""
        return self.engine.machine.leaves

    def reading(self, name: str) -> float | bool | None:
        """A reading by its full name, `battery.value`; None while it is stale or was never heard."""
        return self.engine.table.get(name)

    async def connect(self, name: str = "operator") -> Console:
        """A client of the daemon, over the network in memory."""
        return await Console.connect(name)

    async def sleep(self, duration_s: float) -> None:
        """Let time pass."""
        await asyncio.sleep(duration_s)


def simulate(
    config: RobotConfig,
    story: Callable[[Simulation], Awaitable[T]],
    *,
    seed: int = 0,
    faults: Mapping[str, Sequence[str]] | None = None,
    world: Mapping[str, float | bool] | None = None,
    logs: Callable[[str, str, Mapping[str, Any]], None] | None = None,
    store: MemoryStore | None = None,
    disk_s: float = 0.0,
    latch: Path | LatchStore | None = None,
) -> T:
    """Run `story` beside the daemon of `config` in virtual time, from its start to its clean end.

    The same seed gives the same history, to the byte. `faults` says what is wrong with each board, by its
    name, `world` how the world is held from the start; `logs` is told the level, the event and the rest of
    each log line. `store` keeps the journal's rows, of which it may keep none; each commit takes `disk_s`.
    `latch` keeps a stop for the next daemon.

    Raises:
        CannotSimulate: the robot has a handler that needs a thread.
        SimulationStuck: time cannot go on.
        Whatever the story or the daemon raises.
    """
    require_no_threads(config)
    disk = Disk(store or MemoryStore(KEPT_IN_MEMORY), disk_s)
    return run(_whole(config, story, seed, faults or {}, world or {}, logs, disk, latch), seed=seed)


def require_no_threads(config: RobotConfig) -> None:
    """Raises `CannotSimulate` where the chart runs a handler that takes real time in a thread."""
    blocking = [name for name, info in config.actions.items() if info.blocking]
    if blocking:
        raise CannotSimulate(
            f"the handler '{blocking[0]}' is blocking: it runs in a thread, and virtual time waits for none; "
            "write it with `async def`, and `await robot.sleep(...)` in place of time.sleep"
        )


async def _whole(
    config: RobotConfig,
    story: Callable[[Simulation], Awaitable[T]],
    seed: int,
    faults: Mapping[str, Sequence[str]],
    world: Mapping[str, float | bool],
    logs: Callable[[str, str, Mapping[str, Any]], None] | None,
    disk: Disk,
    latch: Path | LatchStore | None,
) -> T:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, SimulationLoop):
        raise TypeError("a simulation runs in virtual time")
    recording, guards = Recording(loop.time), SimulatedGuards()
    built: list[Simulation] = []

    def watch(engine: Engine) -> None:
        built.append(Simulation(config, engine, recording, seed, disk, guards))
        for name, value in world.items():
            engine.rig.set_world(name, value)
        engine.dispatcher.observers.append(recording.decision)
        engine.ledger.observers.append(recording.stage)

    surroundings = Surroundings(
        rng=random.Random(f"daemon {seed}"),
        wall_clock=lambda: BEGINNING + timedelta(seconds=loop.time()),
        listen=loop.network.listen,
        log=log.telling(logs),
        tap=recording.wire,
        watch=watch,
        journal=disk.open,
        latch=latch,
        guard=guards.open,
        drafts={},
        tick_s=TICK_S,
    )
    # Where clients come in is not the robot's matter here: the network in memory has two doors and no files.
    doors = Listen(Address(HOST, WEBSOCKET_PORT), Address(HOST, TCP_PORT), None)
    listening = replace(config, listen=doors, access=AccessSettings())
    daemon = Daemon(listening, simulated=config.boards.keys(), faults=faults, surroundings=surroundings)
    stop, ready = asyncio.Event(), loop.create_future()

    def say_ready(said: Ready) -> None:
        ready.set_result(said)

    running = loop.create_task(daemon.run(say_ready, stop), name="daemon")
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        simulation = built[0]
        loop.set_exception_handler(lambda _, context: simulation.bugs.append(context))
        await asyncio.sleep(SETTLING_S)
        simulation.began = loop.time()
        telling = loop.create_task(_tell(story, simulation), name="story")
        await asyncio.wait({running, telling}, return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            telling.cancel()
            await asyncio.wait({telling})
            await running
            raise RuntimeError("the daemon ended before the story")
        stop.set()
        await running
        for look in simulation.at_end:
            look()
        told: T = telling.result()
        return told
    finally:
        stop.set()
        running.cancel()
        await asyncio.wait({running})
        for simulation in built:
            simulation.afterwards.close()


async def _tell(story: Callable[[Simulation], Awaitable[T]], simulation: Simulation) -> T:
    return await story(simulation)
