"""A whole daemon in virtual time, whose journal lies on a disk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from robotd import log
from robotd.clock import WallClock
from robotd.config import Address, Listen, load
from robotd.core.stage import Stage
from robotd.daemon import Daemon, Ready, Surroundings
from robotd.daemon.ids import Ids
from robotd.daemon.journaling import Opened
from robotd.journal.disk import DiskStore
from robotd.journal.journal import Journal
from robotd.journal.reader import open_rows
from robotd.journal.store import Rows
from robotd.journal.writer import InstantWriter
from robotd.runtime.readings import Clock
from robotd.sim.client import HOST, TCP_PORT, Console
from robotd.sim.loop import SimulationLoop
from tests import virtual
from tests.journal.kills.orders import ORDERS
from tests.journal.kills.zygote import VICTIM
from tests.journal.work import NOON

COMMIT_S = 0.002
"""After so long, by the daemon's clock, the disk says that it has kept what it was given."""

Story = Callable[[Console], Coroutine[Any, Any, None]]
Hear = Callable[[Stage], None]


def live(folder: Path, story: Story, hear: Hear, *, seed: int = 0) -> None:
    """Run `story` against a daemon that keeps its journal in `folder`; it ends in good order.

    `hear` is told every stage of every command, when it is told to clients.
    """
    virtual.run(_live(folder, story, hear, seed))


async def arm(console: Console) -> None:
    """The least that a daemon can be asked for."""
    console.send("arm")
    await asyncio.sleep(0.1)


async def drive_about(console: Console, rng: random.Random, orders: int) -> None:
    """An operator who is in a hurry, and not careful."""
    console.send("arm")
    for _ in range(orders):
        await asyncio.sleep(rng.choice((0.0, 0.001, 0.01, 0.05)))
        console.send(*rng.choice(ORDERS))
    await asyncio.sleep(1.0)


async def _live(folder: Path, story: Story, hear: Hear, seed: int) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    config = load(VICTIM)

    def open_journal(ids: Ids, clock: Clock, wall_clock: WallClock) -> Opened:
        store, beginning = DiskStore.open(folder, robot=config.robot, now_wall=NOON)
        writer = InstantWriter(store, delay_s=COMMIT_S)
        journal = Journal(
            store,
            writer,
            beginning,
            boot=ids.boot,
            clock=clock,
            wall_clock=wall_clock,
            no_trace=ids.new_trace_id(),
        )

        async def read(question: Callable[[Rows], Any]) -> Any:
            return question(open_rows(folder))

        return Opened(journal, beginning, read, folder, lambda: store.size_bytes)

    surroundings = Surroundings(
        rng=random.Random(seed),
        wall_clock=lambda: datetime.fromtimestamp(NOON / 1e6, UTC) + timedelta(seconds=loop.time()),
        listen=loop.network.listen,
        log=log.telling(None),
        watch=lambda engine: engine.ledger.observers.append(hear),
        journal=open_journal,
    )
    listening = replace(config, listen=Listen(None, Address(HOST, TCP_PORT), None))
    daemon = Daemon(listening, simulated=config.boards, surroundings=surroundings)
    stop, ready = asyncio.Event(), loop.create_future()

    def say_ready(said: Ready) -> None:
        ready.set_result(said)

    running = loop.create_task(daemon.run(say_ready, stop))
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        await story(await Console.connect("ann"))
        stop.set()
    await running
