"""How a story is told: in virtual time, once for each seed, and no bug of the driver is taken for a loss."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ClassVar

from hal.board import Board
from hal.device import DeviceState
from hal.errors import HalError
from hal.rig import Rig
from hal.testing.robot import Robot
from hal.virtual import run

LONGEST_STORY_S = 600.0
"""Of virtual time: a driver that never comes online is tried for ever."""

LOOK_S = 0.1
STAYS_S = 1.0

Story = Callable[[int], Coroutine[Any, Any, None]]


class Stories:
    """Tests about one robot."""

    robot: ClassVar[Robot]
    seeds: ClassVar[Sequence[int]] = range(int(os.environ.get("HAL_SEEDS", "5")))
    """With which each story is told. One that fails names its seed: `seeds = [17]` tells it again."""

    def tell(self, story: Story) -> None:
        """Run `story(seed)` in virtual time for each seed. Raises what it raises, and the driver's bugs."""
        for seed in self.seeds:
            try:
                run(_watched(story, seed), seed=seed)
            except Exception as error:
                error.add_note(f"seed {seed}: with `seeds = [{seed}]` it is told again")
                raise

    def rig(
        self, seed: int, faults: Sequence[str] = (), tap: Callable[[str, str, bytes], None] | None = None
    ) -> Rig:
        """The simulated robot on a wire with `faults`."""
        rig = self.robot.simulated(faults, seed, tap)
        for board in rig.boards.values():
            report_bugs(board)
        return rig


def states(rig: Rig) -> set[DeviceState]:
    """Those that the devices are in."""
    return {device.state for device in rig.devices.values()}


async def comes_to_stay(reached: Callable[[], bool], within_s: float) -> bool:
    """Whether `reached` becomes true within `within_s`, and is true for `STAYS_S` from then on."""
    looks = 0
    for _ in range(round((within_s + STAYS_S) / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        looks = looks + 1 if reached() else 0
        if looks * LOOK_S > STAYS_S:
            return True
    return False


def report_bugs(board: Board) -> None:
    """Tell the loop what the driver raises upon bytes: its link would take that for the end of the wire."""
    received = board.received

    def listen(data: bytes, now: float) -> None:
        try:
            received(data, now)
        except HalError:
            raise
        except Exception as error:
            context = {"message": f"{board.name} received {data.hex(' ')}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            raise

    board.received = listen  # type: ignore[method-assign]  # the driver's own does the work


async def _watched(story: Story, seed: int) -> None:
    """The story, and then what nobody caught meanwhile."""
    bugs = list[tuple[str, Any]]()

    def report(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        bugs.append((context["message"], context.get("exception")))

    asyncio.get_running_loop().set_exception_handler(report)
    async with asyncio.timeout(LONGEST_STORY_S):
        await story(seed)
    for message, error in bugs:
        raise AssertionError(message) from error
