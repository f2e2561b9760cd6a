"""A Grbl machine in virtual time, with an ear on its wire."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hal import DeviceState, Gantry, Relay, Rig
from hal.drivers.grbl.board import GrblBoard
from hal.drivers.grbl.twin import GrblTwin
from tests import virtual

BOARD = {"driver": "grbl", "port": "/dev/cnc"}
GANTRY = {
    "kind": "gantry",
    "board": "cnc",
    "x": "300 mm",
    "y": "200 mm",
    "z": "80 mm",
    "max_speed": "80 mm/s",
}
VACUUM = {"kind": "relay", "board": "cnc", "on_stop": "keep"}
GRIPPED = {"kind": "digital_input", "board": "cnc", "pin": "probe"}

REAL_TIME = b"?!~\x18\x84\x85\xa0"


def now() -> float:
    return asyncio.get_running_loop().time()


class Machine:
    """The rig, and everything that went over its wire: when, which way, what."""

    def __init__(self, folder: Path | None = None, *, seed: int = 0, **board: Any) -> None:
        self.wire: list[tuple[float, str, bytes]] = []
        relay = board.pop("relay", VACUUM)
        spec = GANTRY | board.pop("gantry", {})
        devices = {"gantry": spec, "vacuum": relay, "gripped": GRIPPED}
        self.rig = Rig.of(
            {"cnc": BOARD | board}, devices, simulated=["cnc"], faults={}, seed=seed, tap=self._hear
        )
        gantry, vacuum, cnc = self.rig.devices["gantry"], self.rig.devices["vacuum"], self.rig.boards["cnc"]
        assert isinstance(gantry, Gantry)
        assert isinstance(vacuum, Relay)
        assert isinstance(cnc, GrblBoard)
        self.gantry, self.vacuum, self.board = gantry, vacuum, cnc
        gantry.folder = folder

    def _hear(self, _: str, way: str, data: bytes) -> None:
        self.wire.append((now(), way, data))

    async def ready(self, *, home: bool = True) -> None:
        """Online and active, and at home."""
        await self.rig.online()
        self.activate()
        await asyncio.sleep(0.3)
        if home:
            await self.gantry.home()

    def brakes_at(self, accel_mm_s2: float) -> None:
        """Let it accelerate and brake otherwise than its settings say."""
        twin = self.rig.twins["cnc"].twin
        assert isinstance(twin, GrblTwin)
        twin.firmware.path.accel_mm_s2 = accel_mm_s2

    def activate(self) -> None:
        for device in self.rig.devices.values():
            if device.state is DeviceState.INACTIVE:
                device.activate()

    def told(self, since: float = 0.0) -> bytes:
        """Everything that was written since then, the questions for a report left out."""
        return b"".join(data for at, way, data in self.wire if way == "to" and at >= since).replace(b"?", b"")

    def heard(self, since: float = 0.0) -> bytes:
        """Everything that it said since then."""
        return b"".join(data for at, way, data in self.wire if way == "from" and at >= since)

    def world(self, name: str) -> float | bool:
        return self.rig.world()[name]

    def value(self, reading: str) -> float | bool:
        known = self.gantry.reading(reading)
        assert known is not None
        return known.value

    def most_in_a_second(self, byte: bytes) -> int:
        times = [at for at, way, data in self.wire if way == "to" for _ in range(data.count(byte))]
        return max((sum(1 for at in times if begin <= at < begin + 1.0) for begin in times), default=0)

    def most_outstanding(self) -> int:
        """The most bytes of lines that were written and not answered, counted from the wire alone."""
        lines: list[int] = []
        most, size, heard = 0, 0, b""
        for _, way, data in self.wire:
            if way == "to":
                for byte in data:
                    if byte == 0x18:
                        lines, size = [], 0
                    if byte in REAL_TIME:
                        continue
                    size += 1
                    if byte == 0x0A:
                        lines.append(size)
                        size = 0
                    most = max(most, sum(lines) + size)
            else:
                *whole, heard = (heard + data).split(b"\n")
                for line in whole:
                    if lines and (line.strip() == b"ok" or line.startswith(b"error:")):
                        lines.pop(0)
        return most


def tell(story: Callable[[Machine], Coroutine[Any, Any, None]], *args: Any, **kwargs: Any) -> None:
    """A story of a machine that runs meanwhile."""

    async def told() -> None:
        machine = Machine(*args, **kwargs)
        async with machine.rig:
            await story(machine)

    virtual.run(told())
