"""Six servos on one wire, as the driver's tests and the benchmark have them."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from hal import TwinLink
from hal.drivers.bus_servo import BusServo, Heard
from hal.drivers.dynamixel import DRIVER, make_twin
from hal.drivers.dynamixel.board import DynamixelBoard
from hal.drivers.dynamixel.servo import SimulatedServo
from hal.drivers.dynamixel.twin import DynamixelTwin
from hal.kinds import Joint
from tests import virtual
from tests.hal.drivers.half_duplex import HalfDuplexWire

BOARD = {"driver": "dynamixel", "port": "/dev/servos"}
NAMES = ("base", "shoulder", "elbow", "wrist", "roll", "hand")


def joint(servo: int, **more: Any) -> dict[str, Any]:
    return {"kind": "joint", "board": "servos", "id": servo, "min": "-120 deg", "max": "120 deg"} | more


JOINTS = {name: joint(servo) for servo, name in enumerate(NAMES, start=1)}


def specs(devices: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: DRIVER.device_specs[data["kind"]].model_validate(data) for name, data in devices.items()}


def twin_of(devices: dict[str, dict[str, Any]]) -> DynamixelTwin:
    return make_twin("servos", DRIVER.board_spec.model_validate(BOARD), specs(devices), random.Random(0))


def board_on(link: Any, devices: dict[str, dict[str, Any]], **more: Any) -> DynamixelBoard:
    spec = DRIVER.board_spec.model_validate(BOARD | more)
    board = DynamixelBoard("servos", spec, lambda: link, random.Random(0))
    for name, device in specs(devices).items():
        board.add(name, device)
    return board


class Listening(BusServo):
    """Keeps when it said where it stands."""

    read_at: list[float]

    def hear(self, heard: Heard, now: float) -> None:
        if heard.position_rad is not None:
            self.read_at.append(now)
        super().hear(heard, now)


def listen_to(board: DynamixelBoard, servo: int) -> list[float]:
    """When it says where it stands, from now on."""
    heard = board.servos[servo]
    heard.__class__ = Listening
    assert isinstance(heard, Listening)
    heard.read_at = []
    return heard.read_at


class Arm:
    """A board with its servos at the far end of a half-duplex wire; the `real` ones may be others."""

    def __init__(
        self,
        devices: dict[str, dict[str, Any]] | None = None,
        board: dict[str, Any] | None = None,
        real: dict[str, dict[str, Any]] | None = None,
        **wire: Any,
    ) -> None:
        self.devices = devices or JOINTS
        self.twin = twin_of(real or self.devices)
        self.wire = HalfDuplexWire(self.twin, **wire)
        self.link = TwinLink("/dev/servos", self.wire)
        self.board = board_on(self.link, self.devices, **board or {})
        self.events: list[Any] = []
        self.board.listener = self.events.append

    def joint(self, name: str) -> Joint:
        device = self.board.devices[name]
        assert isinstance(device, Joint)
        return device

    def servo(self, name: str) -> SimulatedServo:
        return self.twin.joints[name].servo

    def angle(self, name: str) -> float:
        """Where its shaft really stands, in rad."""
        self.link.catch_up()
        return float(self.twin.world()[name])

    def activate(self) -> None:
        for device in self.board.devices.values():
            device.activate()

    @contextlib.asynccontextmanager
    async def online(self) -> AsyncIterator["Arm"]:
        task = asyncio.create_task(self.board.run())
        try:
            await self.board.online()
            yield self
        finally:
            task.cancel()
            await asyncio.wait({task})


def story(
    tell: Callable[[Arm], Coroutine[Any, Any, None]],
    devices: dict[str, dict[str, Any]] | None = None,
    *,
    holds: bool = False,
    **more: Any,
) -> None:
    """With the arm online and every joint active; if it `holds`, with torque for half a second already."""

    async def whole() -> None:
        arm = Arm(devices, **more)
        async with arm.online():
            arm.activate()
            if holds:
                for name in arm.devices:
                    arm.joint(name).hold()
                await asyncio.sleep(0.5)
            await tell(arm)

    virtual.run(whole())
