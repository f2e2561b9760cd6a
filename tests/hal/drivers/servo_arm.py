"""Six servos of either family on one wire, as the drivers' tests and the benchmark have them."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

from hal import BoardSpec, TwinLink
from hal.driver import Driver
from hal.drivers.bus_servo import BusServo, Heard
from hal.drivers.dynamixel import DRIVER as DYNAMIXEL
from hal.drivers.dynamixel import codec as dynamixel
from hal.drivers.feetech import DRIVER as FEETECH
from hal.drivers.feetech import codec as feetech
from hal.drivers.feetech import models as feetech_models
from hal.drivers.feetech.board import STATE_START
from hal.drivers.servo_bus import NUMBERS, ServoBusBoard
from hal.drivers.servo_twin import ServoBusTwin
from hal.kinds import Joint
from tests import virtual
from tests.hal.drivers.half_duplex import HalfDuplexWire

PORT = "/dev/servos"
Devices = Mapping[str, dict[str, Any]]
NAMES = ("base", "shoulder", "elbow", "wrist", "roll", "hand")


def joint(servo: int, **more: Any) -> dict[str, Any]:
    return {"kind": "joint", "board": "servos", "id": servo, "min": "-120 deg", "max": "120 deg"} | more


JOINTS = {name: joint(servo) for servo, name in enumerate(NAMES, start=1)}


class Family(NamedTuple):
    """Whose servos they are, and where things stand in what these are told and say."""

    driver: Driver
    split: Callable[[bytes], Sequence[bytes]]
    """What several servos said, packet by packet."""
    code: int
    """The index of the instruction, in a request."""
    sync_read: int
    sync_write: int
    goals_at: int
    """The address of the first goal."""
    address_bytes: int
    """Of an address, and of a count."""
    regular: Callable[[Any, Heard], bool]
    """Whether this answers the question to all, and not a look at one."""

    def specs(self, devices: Devices) -> dict[str, Any]:
        kinds = self.driver.device_specs
        return {name: kinds[data["kind"]].model_validate(data) for name, data in devices.items()}

    def board_spec(self, **more: Any) -> BoardSpec:
        return self.driver.board_spec.model_validate({"driver": self.driver.name, "port": PORT} | more)

    def twin(self, devices: Devices) -> ServoBusTwin[Any]:
        twin = self.driver.twin("servos", self.board_spec(), self.specs(devices), random.Random(0))
        assert isinstance(twin, ServoBusTwin)
        return twin

    def board(self, link: Any, devices: Devices, **more: Any) -> ServoBusBoard[Any]:
        board = self.driver.board("servos", self.board_spec(**more), lambda: link, random.Random(0))
        assert isinstance(board, ServoBusBoard)
        for name, device in self.specs(devices).items():
            board.add(name, device)
        return board

    def wire(self, devices: Devices, **wire: Any) -> HalfDuplexWire:
        return HalfDuplexWire(self.twin(devices), self.split, **wire)

    def reads(self, request: bytes) -> bool:
        """Whether it asks several servos at once."""
        return request[self.code] == self.sync_read

    def asks_for(self, request: bytes) -> bytes:
        """From where on, and how many bytes."""
        return request[self.code + 1 : self.code + 1 + 2 * self.address_bytes]

    def sets_goals(self, request: bytes) -> bool:
        return request[self.code] == self.sync_write and request[self.code + 1] == self.goals_at


def _at_each_start(said: bytes) -> list[bytes]:
    return [dynamixel.START + packet for packet in said.split(dynamixel.START)[1:]]


def _tells_where_it_stands(_frame: Any, heard: Heard) -> bool:
    return heard.position_rad is not None


def _is_short(frame: Any, _heard: Heard) -> bool:
    return len(frame.data) < feetech_models.PRESENT_CURRENT + 2 - STATE_START + NUMBERS


def _by_length(said: bytes) -> list[bytes]:
    packets = []
    while said:
        length = 4 + said[3]  # to the byte that says so, and as many as it says
        packets.append(said[:length])
        said = said[length:]
    return packets


FAMILIES = {
    "dynamixel": Family(
        DYNAMIXEL,
        _at_each_start,
        code=7,
        sync_read=dynamixel.SYNC_READ,
        sync_write=dynamixel.SYNC_WRITE,
        goals_at=116,
        address_bytes=2,
        regular=_tells_where_it_stands,
    ),
    "feetech": Family(
        FEETECH,
        _by_length,
        code=4,
        sync_read=feetech.SYNC_READ,
        sync_write=feetech.SYNC_WRITE,
        goals_at=feetech_models.GOAL_POSITION,
        address_bytes=1,
        regular=_is_short,
    ),
}


def listen_to(board: ServoBusBoard[Any], servo: int) -> list[float]:
    """When its position is read with that of all others, from now on."""
    read_at: list[float] = []
    regular, parse = FAMILIES[board.spec.driver].regular, board.parse

    def listen(who: BusServo, frame: Any) -> Heard:
        heard = parse(who, frame)
        if who.id == servo and regular(frame, heard):
            read_at.append(asyncio.get_running_loop().time())
        return heard

    board.parse = listen  # type: ignore[method-assign,assignment]  # the only door
    return read_at


class Arm:
    """A board with its servos at the far end of a half-duplex wire; the `real` ones may be others."""

    def __init__(
        self,
        devices: Devices | None = None,
        board: dict[str, Any] | None = None,
        real: Devices | None = None,
        family: str = "dynamixel",
        **wire: Any,
    ) -> None:
        self.family = FAMILIES[family]
        self.devices = devices or JOINTS
        self.wire = self.family.wire(real or self.devices, **wire)
        self.link = TwinLink(PORT, self.wire)
        self.board = self.family.board(self.link, self.devices, **board or {})
        self.events: list[Any] = []
        self.board.listener = self.events.append

    def joint(self, name: str) -> Joint:
        device = self.board.devices[name]
        assert isinstance(device, Joint)
        return device

    @property
    def twin(self) -> ServoBusTwin[Any]:
        twin = self.wire.twin
        assert isinstance(twin, ServoBusTwin)
        return twin

    def servo(self, name: str) -> Any:
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
    devices: Devices | None = None,
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
