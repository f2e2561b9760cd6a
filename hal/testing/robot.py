"""The robot with which a driver shows that it keeps its promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hal.device import DeviceState
from hal.errors import HalError
from hal.rig import Rig
from hal.twin import Twin, UnknownQuantity

PUSH_S = 0.05

World = Mapping[str, float | bool]
"""The quantities of a twin's world in SI, by name."""


def _nothing_moves(_: World) -> bool:
    return False


@dataclass(frozen=True)
class Robot:
    """One board of a driver with as much on it as it can carry, in the words of a robot's file."""

    board: Mapping[str, Any]
    devices: Mapping[str, Mapping[str, Any]]
    """All those with a board name the same one."""
    move: Callable[[Rig], object] | None = None
    """Sets something in motion, or keeps it so: it is called again and again. Raises what a verb raises; a
    verb that ends by itself is begun and not waited for. None: nothing on it moves."""
    moves: Callable[[World], bool] = _nothing_moves
    """Whether anything is driven now."""
    sensor: str | None = None
    """A quantity of its world that it reports. None: it reports nothing."""
    stops_within_s: float = 0.0
    """How long what moves goes on when a stop has arrived: a joint has to brake."""

    @property
    def name(self) -> str:
        """The board's."""
        (name,) = {data["board"] for data in self.devices.values() if "board" in data}
        return str(name)

    def simulated(
        self, faults: Sequence[str] = (), seed: int = 0, tap: Callable[[str, str, bytes], None] | None = None
    ) -> Rig:
        """The robot with a twin at the far end of a wire with `faults`; `SENSOR` in one stands for `sensor`.

        A fault of a sensor that it does not have is left out. `tap` is as that of `Rig.build`.
        """
        if self.sensor is None:
            faults = [fault for fault in faults if "SENSOR" not in fault]
        else:
            faults = [fault.replace("SENSOR", self.sensor) for fault in faults]
        boards, wires = {self.name: self.board}, {self.name: faults}
        return Rig.of(boards, self.devices, simulated=[self.name], faults=wires, seed=seed, tap=tap)

    def runaways(self, twin: Twin) -> list[str]:
        """The devices that can run away from it."""
        found = []
        for name in self.devices:
            with suppress(UnknownQuantity):
                twin.run_away(name, on=False)
                found.append(name)
        return found


class Pilot:
    """Somebody who wants the robot to move, whatever becomes of that."""

    def __init__(self, robot: Robot, rig: Rig) -> None:
        self._robot = robot
        self._rig = rig
        self._motions: dict[asyncio.Task[None], None] = {}

    @property
    def sees_motion(self) -> bool:
        """Whether it moves now."""
        return self._robot.moves(self._rig.world())

    def activate(self) -> None:
        """Activate what can be. What the hardware refuses is left so."""
        for device in self._rig.devices.values():
            if device.state is DeviceState.INACTIVE:
                with suppress(HalError):
                    device.activate()

    def move(self) -> None:
        """Move it once more. What the hardware refuses is left so."""
        if self._robot.move is None:
            return
        with suppress(HalError):
            motion = self._robot.move(self._rig)
            if isinstance(motion, Coroutine):
                task = asyncio.get_running_loop().create_task(_to_its_end(motion))
                self._motions[task] = None
                task.add_done_callback(self._motions.pop)

    async def push_for(self, duration_s: float, *, activate: bool = True) -> bool:
        """Activate and move it, twenty times a second; whether it moved meanwhile."""
        moved = False
        for _ in range(round(duration_s / PUSH_S)):
            if activate:
                self.activate()
            self.move()
            await asyncio.sleep(PUSH_S)
            moved = moved or self.sees_motion
        return moved

    async def push_until(
        self, reached: Callable[[], object], within_s: float, *, activate: bool = True
    ) -> bool:
        """As `push_for`, but no longer than until `reached` is true; whether it became so."""
        for _ in range(round(within_s / PUSH_S)):
            await self.push_for(PUSH_S, activate=activate)
            if reached():
                return True
        return False

    async def push_until_it_moves(self, within_s: float) -> bool:
        """Whether it did."""
        return await self.push_until(lambda: self.sees_motion, within_s)


async def _to_its_end(motion: Coroutine[Any, Any, object]) -> None:
    with suppress(HalError):
        await motion
