"""What the robot's file says about a Modbus line and the units on it: the kinds' specs, with addresses.

Addresses count from 0, as on the wire; manuals that call their first register 1, 30001 or 40001 count from 1.
"""

from __future__ import annotations

import struct
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hal.board import BoardSpec
from hal.device import Feedback
from hal.drivers.modbus.words import UNITS
from hal.kinds import BeltSpec, DigitalInputSpec, DigitalOutputSpec, RelaySpec, WeigherSpec
from hal.link import Parity
from hal.units import PositiveDuration, Scale

WIDEST_BLOCK = 60
"""Registers of one device that are read together lie no farther apart."""

Unit = Annotated[int, Field(ge=UNITS[0], le=UNITS[-1], strict=True)]
"""The address of one product on the line."""
Address = Annotated[int, Field(ge=0, le=0xFFFF, strict=True)]
"""Of a coil, an input or a register, from 0."""
Word = Annotated[int, Field(ge=0, le=0xFFFF, strict=True)]
"""What is written into a register."""


class ModbusBoardSpec(BoardSpec, frozen=True):
    """A line with up to 247 units: RS-485 with Modbus RTU, or a TCP port with Modbus TCP."""

    baud: Annotated[int, Field(gt=0)] = 19200
    parity: Parity = "even"
    framing: Literal["rtu", "tcp"] | None = None
    """How a request is framed. Without a word: as Modbus TCP on a `tcp://` port, as RTU elsewhere."""
    thinks: PositiveDuration = 0.03
    """How long the slowest unit takes before it begins to answer."""

    @property
    def frames(self) -> Literal["rtu", "tcp"]:
        """`framing`, or its default."""
        return self.framing or ("tcp" if self.port.startswith("tcp://") else "rtu")


class ModbusBeltSpec(BeltSpec, frozen=True):
    """A belt on a frequency drive: a control word, a speed, a status word, and the speed that it has."""

    unit: Unit
    control: Address
    """The register that takes the control word."""
    setpoint: Address
    """The register that takes the speed. Right behind `control`, both are written in one go."""
    status: Address
    """The register with the status word..."""
    actual: Address
    """...and that with the speed that it has: a number with a sign."""
    watchdog: Address | None = None
    """The register that must be written every 500 ms, or the drive stops: the line's `deadman` says when."""
    scale: Scale
    """What one count of speed stands for, in m/s."""
    run_word: Word = 1
    """The control word for forwards..."""
    reverse_word: Word = 2
    """...for backwards, with a speed without a sign..."""
    stop_word: Word = 0
    """...and for a ramp to a standstill."""
    fault_bit: Annotated[int, Field(ge=0, le=15, strict=True)] = 3
    """The bit of the status word that tells a fault."""
    sample: PositiveDuration = 0.1
    """How often it is asked what it does."""

    def resources(self) -> dict[str, str]:
        """The registers that are written."""
        written = {"control": self.control, "setpoint": self.setpoint}
        if self.watchdog is not None:
            written["watchdog"] = self.watchdog
        return {key: f"register {address} of unit {self.unit}" for key, address in written.items()}

    @property
    def block(self) -> tuple[int, int]:
        """The first and the last of the registers that are read together."""
        together = (self.control, self.setpoint, self.status, self.actual)
        return min(together), max(together)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        first, last = self.block
        if last - first >= WIDEST_BLOCK:
            _refuse(f"control, setpoint, status and actual lie more than {WIDEST_BLOCK} registers apart")
        if self.scale.unit != "m/s":
            _refuse("the scale of a belt is a speed", "for example: 0.001 m/s")
        if self.max_speed / self.scale.factor > 0x7FFF:
            _refuse("max_speed is more than a register can say with this scale")
        return self


class ModbusDigitalInputSpec(DigitalInputSpec, frozen=True):
    """A switch on a module with inputs (function 2)."""

    unit: Unit
    input: Address
    sample: PositiveDuration = 0.05
    """How often it is asked for; the inputs of one unit are read together, as often as the fastest."""
    simulate: Literal["curtain", "jam", "left", "full", "constant"] = "constant"
    """What the twin lets it see: a light curtain, a jam before the sorter, the diverter at its left end, a
    chute that is full, or nothing until its world is told."""

    def resources(self) -> dict[str, str]:
        """Its input."""
        return {"input": f"input {self.input} of unit {self.unit}"}


class ModbusDigitalOutputSpec(DigitalOutputSpec, frozen=True):
    """A lamp or valve on a module with outputs (functions 1 and 5)."""

    FEEDBACK: ClassVar[Feedback] = "output"

    unit: Unit
    coil: Address
    sample: PositiveDuration = 0.2
    """How often it is asked what it puts out."""

    def resources(self) -> dict[str, str]:
        """Its coil."""
        return {"coil": f"coil {self.coil} of unit {self.unit}"}


class ModbusRelaySpec(RelaySpec, frozen=True):
    """A relay on a module with outputs (functions 1 and 5)."""

    FEEDBACK: ClassVar[Feedback] = "output"

    unit: Unit
    coil: Address
    sample: PositiveDuration = 0.2
    """How often it is asked what it puts out."""
    simulate: Literal["diverter", "nothing"] = "nothing"
    """What the twin lets it move."""

    def resources(self) -> dict[str, str]:
        """Its coil."""
        return {"coil": f"coil {self.coil} of unit {self.unit}"}


class ModbusWeigherSpec(WeigherSpec, frozen=True):
    """A scale with a float32 in two registers."""

    unit: Unit
    address: Address
    """Of the first of the two."""
    table: Literal["input", "holding"] = "input"
    """Which registers it means: input registers (function 4) or holding registers (function 3)."""
    word_order: Literal["high_first", "low_first"] = "high_first"
    """Which half comes first. Each half is in the order of Modbus, the high byte first."""
    sample: PositiveDuration = 0.1
    """How often it is asked for."""


def float_of(first: int, second: int, word_order: str) -> float:
    """The float32 in two registers."""
    words = (first, second) if word_order == "high_first" else (second, first)
    return float(struct.unpack(">f", struct.pack(">HH", *words))[0])


def registers_of(value: float, word_order: str) -> tuple[int, int]:
    """The two registers of a float32."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return (high, low) if word_order == "high_first" else (low, high)


def _refuse(sentence: str, hint: str | None = None) -> None:
    raise PydanticCustomError("modbus", "{sentence}", {"sentence": sentence, "hint": hint})
