"""A stop outlives the daemon: what a start makes of it, and what leads out of it then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hal import DeviceState
from robotd.journal.memory import MemoryStore
from robotd.safety.latch import LatchInMemory
from robotd.sim.simulation import Disk
from tests.daemon.story import ROVER, Story, tell

DRIVE = {"linear": 0.3, "angular": 0.0}
Body = Callable[[Story], Coroutine[Any, Any, None]]


class Lives:
    """Daemons of one robot, one after the other, with the same journal and the same latch."""

    def __init__(self, file: Path = ROVER) -> None:
        self.latch = LatchInMemory()
        self.store = MemoryStore()
        self._file = file

    def live(self, body: Body) -> None:
        """One of them, from its start to its clean end."""
        tell(body, self._file, Disk(self.store, 0.0), self.latch)


async def stopped(story: Story) -> None:
    """Somebody stops it while it drives."""
    await story.arm()
    story.send("drive", DRIVE)
    await asyncio.sleep(0.1)
    await story.service.estop("smoke", "ws:ann")


def latch_id(lives: Lives) -> str:
    """What a client sees in `status` of the next daemon."""
    seen: list[str] = []

    async def look(story: Story) -> None:
        seen.append(story.service.status()["latch"]["latch_id"])

    lives.live(look)
    return seen[0]


def test_a_stop_holds_over_a_restart_and_says_whose_it_was():
    lives = Lives()
    lives.live(stopped)

    async def next_day(story: Story) -> None:
        said = story.service.status()

        assert story.state == "estopped"
        assert (said["latch"]["by"], said["latch"]["reason"], said["latch"]["kept"]) == (
            "ws:ann",
            "smoke",
            True,
        )
        assert said["epoch"] == 1
        refused = await story.do("arm")
        assert (refused.stage, refused.reason) == ("rejected", "latched")
        await asyncio.sleep(0.5)
        story.service.reset(said["latch"]["latch_id"], "ws:bob")
        await story.settle()
        assert story.state == "disarmed"
        assert not any(device.state is DeviceState.ACTIVE for device in story.rig.devices.values())

    async def day_after(story: Story) -> None:
        assert story.state == "disarmed"
        assert story.service.status()["latch"] is None

    lives.live(next_day)
    lives.live(day_after)
