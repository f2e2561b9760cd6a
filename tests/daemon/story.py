"""A whole robot without sockets, in virtual time: engine, HAL and twin, as the daemon builds them."""

from __future__ import annotations

import asyncio
import random
import textwrap
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hal import Rig
from robotd import log
from robotd.config import RobotConfig, load
from robotd.core.stage import TERMINAL, Stage
from robotd.daemon.engine import Engine
from robotd.daemon.ids import Ids
from robotd.daemon.service import RobotService
from robotd.journal.memory import MemoryStore
from robotd.journal.row import Row
from robotd.journal.store import Select
from robotd.safety.latch import LatchStore
from robotd.sim.simulation import BEGINNING, Disk
from robotd.wire.service import SendRequest, Who
from tests import virtual

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"


class Story:
    """What a test says to the robot, and what it sees of it."""

    def __init__(self, engine: Engine, service: RobotService, disk: Disk) -> None:
        self.engine = engine
        self.disk = disk
        """Where the journal is kept; its `store` are the rows."""
        self.rig = engine.rig
        self.service = service
        self.stages: dict[str, list[Stage]] = {}
        self.decisions: list[Any] = []
        engine.dispatcher.observers.append(self.decisions.append)

    def send(self, kind: str, payload: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Send a command; returns its id."""
        request = SendRequest(
            type=kind,
            payload=payload or {},
            id=more.pop("id", None) or self.service.new_id(),
            trace_id=self.service.new_trace_id(),
            at=more.pop("at", self.service.now()),
            **more,
        )
        self.service.send(request, "test", self.stages.setdefault(request.id, []).append)
        return request.id

    async def settle(self) -> None:
        """Let everything that is due now happen, and become durable."""
        for _ in range(40):
            await asyncio.sleep(0)

    async def do(self, kind: str, payload: Mapping[str, Any] | None = None, **more: Any) -> Stage:
        """Send a command, let it be decided, and return the stage that it has reached."""
        command = self.send(kind, payload, **more)
        await self.settle()
        return self.stages[command][-1]

    def take_lease(self) -> str:
        """Ask for the lease, as who lost it must; returns its id."""
        taken = self.service.acquire(Who("test"), self.service.now(), None, steal=False)
        return str(taken["lease_id"])

    def names(self, command: str) -> list[str]:
        """The names of the stages of a command, in order."""
        return [stage.stage for stage in self.stages[command]]

    async def until(self, true: Callable[[], bool], within_s: float) -> float:
        """Wait until something holds; returns how long it took. Fails the test when it takes too long."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not true():
            if loop.time() - began > within_s:
                raise AssertionError(f"not within {within_s} s; the robot is {self.where()}")
            await asyncio.sleep(0.001)
        return loop.time() - began

    async def arm(self) -> None:
        """Make the rover ready to drive."""
        stage = await self.do("arm")
        assert stage.stage == "done", stage

    @property
    def state(self) -> str:
        return self.engine.state()

    def where(self) -> dict[str, Any]:
        """For messages of failed tests."""
        return {"state": self.state, "world": self.rig.world()}

    async def rows(self, *kinds: str) -> list[Row]:
        """All that is in the journal by now, or only what is of these kinds."""
        await self.engine.journal.settle()
        return list(self.disk.store.rows(Select(kinds=kinds)))

    def reading(self, name: str) -> float | bool | None:
        """A reading by its full name."""
        return self.engine.table.get(name)

    def stands_still(self) -> bool:
        """Nothing is commanded: no wheel turns by the daemon's will, whatever the world still rolls out."""
        world = self.rig.world()
        return world["left_duty"] == 0 and world["right_duty"] == 0

    def events(self, *kinds: str) -> list[str]:
        """The events of these types that the machine was told, in order."""
        return [d.message.type for d in self.decisions if d.message.type in kinds]

    def each_ended_once(self) -> bool:
        """Every command is in exactly one terminal stage, and nothing came after it."""
        return all(
            sum(stage.stage in TERMINAL for stage in stages) == 1 and stages[-1].stage in TERMINAL
            for stages in self.stages.values()
        )


@asynccontextmanager
async def telling(
    robot: Path | RobotConfig, disk: Disk | None = None, latch: LatchStore | None = None, seed: int = 7
) -> AsyncIterator[Story]:
    """The robot of a file, online and in its initial state, its journal on `disk`, its latch in `latch`."""
    rng = random.Random(seed)
    config = load(robot) if isinstance(robot, Path) else robot
    rig = Rig.build(config.boards, config.devices, simulated=set(config.boards), rng=rng)
    clock, ids = asyncio.get_running_loop().time, Ids(rng)
    disk = disk or Disk(MemoryStore(), 0.0)
    opened = disk.open(ids, clock, lambda: BEGINNING + timedelta(seconds=clock()))
    engine = Engine(config, rig, clock, ids, log.get("test"), opened, latch)
    story = Story(engine, RobotService(engine, frozenset(config.boards)), disk)
    async with asyncio.TaskGroup() as tasks:
        boards = tasks.create_task(rig.run())
        await rig.online()
        engine.start()
        tasks.create_task(engine.run())
        # Until the first report of every sensor is there.
        await asyncio.sleep(0.2)
        try:
            yield story
        finally:
            await engine.shut_down()
            boards.cancel()


def tell(
    body: Callable[[Story], Coroutine[Any, Any, None]],
    file: Path = ROVER,
    disk: Disk | None = None,
    latch: LatchStore | None = None,
    seed: int = 7,
) -> None:
    """Run one story about the robot of `file` in virtual time."""

    async def whole() -> None:
        async with telling(file, disk, latch, seed) as story:
            await body(story)

    virtual.run(whole())


def robot_file(folder: Path, *, handlers: str = "", **sections: str) -> Path:
    """A variant of the rover for one test: some sections replaced, handlers of its own beside it."""
    text = ROVER.read_text()
    (folder / "patrol.py").write_text((ROVER.parent / "patrol.py").read_text())
    if handlers:
        (folder / "own.py").write_text(textwrap.dedent(handlers))
        sections.setdefault("handlers", "handlers: [own.py]\n")
    lines = text.splitlines(keepends=True)
    tops = [n for n, line in enumerate(lines) if line[0].isalpha()] + [len(lines)]
    kept = []
    for begin, end in pairwise(tops):
        name = lines[begin].partition(":")[0]
        kept.append(textwrap.dedent(sections.pop(name)) if name in sections else "".join(lines[begin:end]))
    kept.extend(textwrap.dedent(more) for more in sections.values())
    file = folder / "robot.yaml"
    file.write_text("".join(kept))
    return file
