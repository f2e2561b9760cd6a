"""Which unit of the simulated line has what at which address, read from the specs of the robot's devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hal.device import DeviceSpec
from hal.drivers.modbus.codec import Framing
from hal.drivers.modbus.specs import (
    ModbusBeltSpec,
    ModbusDigitalInputSpec,
    ModbusDigitalOutputSpec,
    ModbusRelaySpec,
    ModbusWeigherSpec,
    registers_of,
)
from hal.drivers.modbus.twin import Cell, ModbusTwin, Senses, UnitTwin, silence_of
from hal.drivers.modbus.world import Drive, World

CHANNELS = 16
"""A module has so many inputs and outputs, used or not."""
STATUS_BITS = (1 << 0, 1 << 1, 1 << 2, 1 << 4)
"""Of a drive: ready, running, at speed, stopped by its watchdog. The bit of a fault is the file's to say."""
NEAR_M_S = 0.001

_FEELS: Mapping[str, Callable[[World], bool]] = {
    "constant": lambda _: False,
    "curtain": lambda _: False,
    "jam": lambda world: world.jammed,
    "left": lambda world: world.arm == 1.0,
    "full": lambda world: world.chute_full,
}


def build_line(
    board: str, framing: Framing, watchdog_s: float | None, devices: Mapping[str, DeviceSpec]
) -> ModbusTwin:
    """The line of one board, from the specs of all devices of the robot.

    A drive whose watchdog has a register stops when that was not written for `watchdog_s`.
    """
    cell = _Line(watchdog_s)
    for name, spec in devices.items():
        if spec.board == board:
            cell.add(name, spec)
    return ModbusTwin(framing, cell.units, cell.world, cell.senses, cell.shows, cell.runaways)


class _Line:
    """What is built so far."""

    def __init__(self, watchdog_s: float | None) -> None:
        self.units: dict[int, UnitTwin] = {}
        self.world = World()
        self.senses = Senses()
        self.shows: dict[str, Callable[[], float | bool]] = {}
        self.runaways: dict[str, Callable[[bool], None]] = {}
        self._watchdog_s = watchdog_s

    def add(self, name: str, spec: DeviceSpec) -> None:
        """Let the device be on its unit."""
        match spec:
            case ModbusBeltSpec():
                self._add_belt(name, spec)
            case ModbusDigitalInputSpec():
                self._add_input(name, spec)
            case ModbusDigitalOutputSpec() | ModbusRelaySpec():
                self._add_output(name, spec)
            case ModbusWeigherSpec():
                self._add_weigher(name, spec)
            case _:
                raise ValueError(f"{name}: no unit on a Modbus line is a {spec.kind}")

    def _unit(self, number: int, product: str) -> UnitTwin:
        self.senses.seen.setdefault(silence_of(number), lambda: False)
        return self.units.setdefault(number, UnitTwin(product))

    def _add_belt(self, name: str, spec: ModbusBeltSpec) -> None:
        unit = self._unit(spec.unit, "drive")
        fed = self._watchdog_s if spec.watchdog is not None else None
        drive = self.world.drives[name] = Drive(spec.max_speed, spec.stop_time, fed)
        told = {spec.control: spec.stop_word, spec.setpoint: 0}
        directions = {spec.run_word: 1.0, spec.reverse_word: -1.0 if spec.reversible else 0.0}

        def tell(address: int, value: int) -> None:
            told[address] = value
            speed = min(told[spec.setpoint] * spec.scale.factor, spec.max_speed)
            drive.goal_m_s = speed * directions.get(told[spec.control], 0.0)

        def status() -> int:
            at_speed = abs(drive.speed_m_s - drive.goal_m_s) < NEAR_M_S
            bits = (not drive.faulted, drive.speed_m_s != 0.0, at_speed, drive.tripped)
            word = sum(bit for bit, is_set in zip(STATUS_BITS, bits, strict=True) if is_set)
            fault = 1 << spec.fault_bit
            return word | fault if drive.faulted else word & ~fault

        def run_away(on: bool) -> None:
            drive.runs_away = on

        def fail(value: float | bool | None) -> None:
            drive.faulted = bool(value)

        for address in (spec.control, spec.setpoint):
            unit.holding[address] = Cell(partial(told.__getitem__, address), partial(tell, address))
        unit.holding[spec.status] = Cell(status)
        unit.holding[spec.actual] = Cell(lambda: round(drive.speed_m_s / spec.scale.factor))
        if spec.watchdog is not None:
            unit.holding[spec.watchdog] = Cell(lambda: 0, lambda _: drive.feed())
        self._fill(unit.holding, *spec.block)
        self.senses.seen[f"{name}_faulted"] = lambda: drive.faulted
        self.senses.causes[f"{name}_faulted"] = fail
        self.shows |= {
            f"{name}_speed": lambda: drive.speed_m_s,
            f"{name}_goal": lambda: drive.goal_m_s,
            "parts": lambda: float(len(self.world.parts)),
            "sorted_left": lambda: float(self.world.left),
            "sorted_right": lambda: float(self.world.right),
        }
        self.runaways[name] = run_away

    def _add_input(self, name: str, spec: ModbusDigitalInputSpec) -> None:
        unit = self._unit(spec.unit, "inputs and outputs")
        feels, see, high = _FEELS[spec.simulate], self.senses.see, spec.active == "high"
        self.senses.seen[name] = partial(feels, self.world)

        def level() -> int:
            return bool(see(name)) is high

        def fill(value: float | bool | None) -> None:
            self.world.chute_full = bool(value)

        if spec.simulate == "full":
            self.senses.causes[name] = fill

        self._fill(unit.inputs, 0, CHANNELS - 1)
        unit.inputs[spec.input] = Cell(level)

    def _add_output(self, name: str, spec: ModbusDigitalOutputSpec | ModbusRelaySpec) -> None:
        unit = self._unit(spec.unit, "inputs and outputs")
        closed = spec.active == "high"
        state = {"level": not closed, "stuck": False}

        def level() -> bool:
            return closed if state["stuck"] else state["level"]

        def moved() -> None:
            if isinstance(spec, ModbusRelaySpec) and spec.simulate == "diverter":
                self.world.to_the_left = level() is closed

        def write(value: int) -> None:
            state["level"] = bool(value)
            moved()

        def run_away(on: bool) -> None:
            state["stuck"] = on
            moved()

        self._fill(unit.coils, 0, CHANNELS - 1)
        unit.coils[spec.coil] = Cell(lambda: int(level()), write)
        self.shows[name] = lambda: level() is closed
        self.runaways[name] = run_away

    def _add_weigher(self, name: str, spec: ModbusWeigherSpec) -> None:
        unit = self._unit(spec.unit, "scale")
        table = unit.input_registers if spec.table == "input" else unit.holding
        self.senses.seen[name] = lambda: self.world.weighed_kg

        def half(place: int) -> int:
            return registers_of(float(self.senses.see(name)), spec.word_order)[place]

        table[spec.address] = Cell(lambda: half(0))
        table[spec.address + 1] = Cell(lambda: half(1))

    @staticmethod
    def _fill(table: dict[int, Cell], first: int, last: int) -> None:
        """What lies between, and nobody uses, is there and says nothing."""
        for address in range(first, last + 1):
            table.setdefault(address, Cell(lambda: 0, lambda _: None))
