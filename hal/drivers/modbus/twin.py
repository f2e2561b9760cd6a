"""The units of a line without the line: what each answers, and the world behind their registers.

It follows the specification (MODBUS Application Protocol V1.1b3, section 7: what is refused, and how) with
the habits of such products: opening the port resets none of them, closing it stops none, a request that is
damaged or for nobody is not answered, and a broadcast is obeyed in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hal.drivers.modbus import codec
from hal.drivers.modbus.codec import Decoder, Framing
from hal.drivers.modbus.words import (
    BITS,
    BROADCAST,
    MOST_BITS,
    MOST_REGISTERS,
    READS,
    Answer,
    Function,
    Refusal,
    Request,
)
from hal.drivers.modbus.world import STEP_S, World
from hal.twin import UnknownQuantity


class Cell(NamedTuple):
    """A coil, an input or a register: what it says, and what writing it does."""

    read: Callable[[], int]
    write: Callable[[int], None] | None = None


class UnitTwin:
    """One product on the line: four tables of cells, by address."""

    def __init__(self, product: str) -> None:
        self.texts = ("robotd", product, "1.0")
        """Vendor, product, version: what it says of itself."""
        self.coils: dict[int, Cell] = {}
        self.inputs: dict[int, Cell] = {}
        self.holding: dict[int, Cell] = {}
        self.input_registers: dict[int, Cell] = {}
        self._tables: Mapping[Function, Mapping[int, Cell]] = {
            Function.READ_COILS: self.coils,
            Function.READ_INPUTS: self.inputs,
            Function.READ_HOLDING: self.holding,
            Function.READ_INPUT_REGISTERS: self.input_registers,
            Function.WRITE_COIL: self.coils,
            Function.WRITE_REGISTER: self.holding,
            Function.WRITE_COILS: self.coils,
            Function.WRITE_REGISTERS: self.holding,
        }

    def obey(self, request: Request, *, refusing: bool) -> Answer:
        """Do what it is asked, or say why not."""
        unit, function, address, quantity, values = request
        if function is Function.IDENTIFY:
            return Answer(unit, function, texts=self.texts)
        most = MOST_BITS if function in BITS else MOST_REGISTERS
        if not 1 <= quantity <= most:
            return Answer(unit, function, refusal=Refusal.ILLEGAL_DATA_VALUE)
        table = self._tables[function]
        cells = [table[one] for one in range(address, address + quantity) if one in table]
        if not table:
            return Answer(unit, function, refusal=Refusal.ILLEGAL_FUNCTION)
        if len(cells) < quantity:
            return Answer(unit, function, refusal=Refusal.ILLEGAL_DATA_ADDRESS)
        if function in READS:
            return Answer(unit, function, tuple([cell.read() & 0xFFFF for cell in cells]))
        if refusing:
            return Answer(unit, function, refusal=Refusal.SERVER_DEVICE_FAILURE)
        for cell, value in zip(cells, values, strict=True):
            if cell.write is not None:
                cell.write(value)
        return Answer(unit, function, values, address, quantity)


def silence_of(unit: int) -> str:
    """The quantity of the world that says whether this unit is off, or its plug pulled."""
    return f"unit_{unit}_silent"


class Senses:
    """What the sensors see, by name and in SI. Somebody may have pinned that."""

    def __init__(self) -> None:
        self.seen: dict[str, Callable[[], float | bool]] = {}
        self.causes: dict[str, Callable[[float | bool | None], None]] = {}
        """Of some: what else becomes so in the world when somebody pins them, or lets them go (None)."""
        self._pinned: dict[str, float | bool] = {}

    def see(self, name: str) -> float | bool:
        """What the sensor `name` sees now."""
        return self._pinned[name] if name in self._pinned else self.seen[name]()

    def pin(self, name: str, value: float | bool | None) -> None:
        """Let it see that; None gives it back to the world."""
        if value is None:
            self._pinned.pop(name, None)
        else:
            self._pinned[name] = value
        if name in self.causes:
            self.causes[name](value)


class ModbusTwin:
    """The far end of a Modbus line: the units by address, and what is behind them.

    `shows` are the world's other quantities, by name; `runaways` let an actuator go, or obey again.
    """

    def __init__(
        self,
        framing: Framing,
        units: Mapping[int, UnitTwin],
        world: World,
        senses: Senses,
        shows: Mapping[str, Callable[[], float | bool]],
        runaways: Mapping[str, Callable[[bool], None]],
    ) -> None:
        self.refusing = False
        self._framing = framing
        self._units = units
        self._world = world
        self._senses = senses
        self._shows = shows
        self._runaways = runaways
        self._decoder = Decoder.of_requests(framing)
        self._epoch: float | None = None
        self._steps = 0

    def power_on(self, now: float) -> bytes:
        """Somebody opened the port: of that the units know nothing."""
        if self._epoch is None:
            self._epoch = now
        self._decoder = Decoder.of_requests(self._framing)
        return self.advance(now)

    def receive(self, data: bytes, now: float) -> bytes:
        """What the units answer to these bytes."""
        return b"".join([self._answer(frame) for frame in self._decoder.feed(data)])

    def advance(self, now: float) -> bytes:
        """Take all steps that are due by `now`. A unit says nothing by itself."""
        if self._epoch is not None:
            due = int((now - self._epoch) / STEP_S + 1e-6)
            if due > self._steps:
                self._world.advance(due - self._steps)
                self._steps = due
        return b""

    def wakes_at(self) -> float | None:
        """Never: what has happened is worked out when somebody asks."""
        return None

    def world(self) -> dict[str, float | bool]:
        """Speeds (m/s), masses (kg), what inputs see and outputs do, what went where, who is silent."""
        return {name: show() for name, show in self._shows.items()} | {
            name: self._senses.see(name) for name in self._senses.seen
        }

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin what the sensor `name` sees."""
        if name not in self._senses.seen:
            raise UnknownQuantity(name, self._senses.seen)
        self._senses.pin(name, value)

    def run_away(self, name: str, *, on: bool) -> None:
        """A fault of the output stage, or of the drive: it does its most, whatever its registers say."""
        if name not in self._runaways:
            raise UnknownQuantity(name, self._runaways)
        self._runaways[name](on)

    def _answer(self, frame: codec.Frame) -> bytes:
        request = codec.parse_request(frame)
        if frame.unit == BROADCAST:
            if request is not None:
                for unit in self._units.values():
                    unit.obey(request, refusing=self.refusing)
            return b""
        if frame.unit not in self._units or self._senses.see(silence_of(frame.unit)):
            return b""
        if request is None:
            answer = Answer(frame.unit, Function(frame.pdu.function_code), refusal=Refusal.ILLEGAL_DATA_VALUE)
        else:
            answer = self._units[frame.unit].obey(request, refusing=self.refusing)
        return codec.encode_answer(answer, self._framing, frame.transaction)
