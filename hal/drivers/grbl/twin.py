"""A pick-and-place machine with Grbl 1.1h on an Arduino Uno, without the Uno and the machine.

Opening the port resets it, and what its receive buffer has no room for is lost. What it does is its
`firmware`'s.
"""

from __future__ import annotations

from hal.drivers.grbl.bench import Bench
from hal.drivers.grbl.firmware import Firmware
from hal.drivers.grbl.motion import SWITCHES
from hal.drivers.grbl.world import STEP_S
from hal.twin import UnknownQuantity

BOOT_S = 0.05
"""Kept short, so that a simulation starts at once; a real bootloader takes about a second and a half."""


class GrblTwin:
    """The far end of a Grbl wire. `garbage` is what its serial line says while it starts."""

    def __init__(self, bench: Bench, *, garbage: bytes = b"") -> None:
        self.firmware = Firmware(bench)
        self._bench = bench
        self._garbage = garbage
        self._epoch: float | None = None
        self._steps = 0
        self._boots_at: float | None = None

    @property
    def refusing(self) -> bool:
        """Whether it takes no line that would do anything."""
        return self.firmware.refusing

    @refusing.setter
    def refusing(self, refusing: bool) -> None:
        self.firmware.refusing = refusing

    def power_on(self, now: float) -> bytes:
        """The port is opened: the Uno resets, and greets when its bootloader is done."""
        if self._epoch is None:
            self._epoch = now
        self.advance(now)
        self._boots_at = now + BOOT_S
        self.firmware.power_up()
        return self._garbage

    def receive(self, data: bytes, now: float) -> bytes:
        """What the firmware does with these bytes. While the bootloader runs they are lost."""
        if self._epoch is None or self._boots_at is not None:
            return b""
        return self.firmware.receive(data)

    def advance(self, now: float) -> bytes:
        """Take all steps that are due by `now`."""
        if self._epoch is None:
            return b""
        said = bytearray()
        if self._boots_at is not None:
            if now < self._boots_at:
                return b""
            self._boots_at = None
            said += self.firmware.greet()
        due = int((now - self._epoch) / STEP_S + 1e-6)
        while self._steps < due and self.firmware.active:
            self._steps += 1
            said += self.firmware.step()
        self._steps = max(self._steps, due)
        return bytes(said)

    def wakes_at(self) -> float | None:
        """The next step while something happens by itself."""
        if self._epoch is None or self._boots_at is not None:
            return self._boots_at
        return self._epoch + (self._steps + 1) * STEP_S if self.firmware.active else None

    def world(self) -> dict[str, float | bool]:
        """Where it really is (m), its speed (m/s), what hangs on it, its switches, the part, its buffers."""
        machine = self.firmware
        x, y, z = (value / 1000 for value in machine.place)
        part_x, part_y, part_z = (value / 1000 for value in machine.part.place)
        known: dict[str, float | bool] = {
            "x": x,
            "y": y,
            "z": z,
            "speed": machine.path.speed_mm_s / 1000,
            "driven": machine.driven,
            "part_x": part_x,
            "part_y": part_y,
            "part_z": part_z,
            "part_held": machine.part.held,
            "planned": float(len(machine.path.blocks)),
            "overruns": float(machine.overruns),
            **machine.switched,
            **{name: machine.feels(name) for name in self._bench.inputs},
        }
        if self._bench.output is not None:
            known[self._bench.output] = machine.coolant
        return known

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin what an input feels, or press a limit switch."""
        machine = self.firmware
        if name in machine.switched:
            machine.switched[name] = bool(value)
        elif name not in self._bench.inputs:
            raise UnknownQuantity(name, [*self._bench.inputs, *SWITCHES])
        elif value is None:
            machine.pinned.pop(name, None)
        else:
            machine.pinned[name] = value

    def run_away(self, name: str, *, on: bool) -> None:
        """Its x axis goes to its far end and beyond, and is counted."""
        if name != self._bench.gantry:
            raise UnknownQuantity(name, [self._bench.gantry])
        self.firmware.runs_away = on
