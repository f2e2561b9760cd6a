"""What Feetech's servos have in their memory, model by model: addresses, units, limits.

Source: Feetech, "Magnetic encoder STS memory table" and "Potentiometer SCSCL memory table". Numbers of two
bytes lie as `Model.order` says; signed ones have a sign bit (`codec.signed`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from hal.drivers.feetech.codec import ByteOrder

# Kept without power, if `Model.lock` was open when they were written.
FIRMWARE = 0
"""Major and minor, a byte each."""
VERSION = 3
"""Which servo it is: major and minor version, a byte each. Other programs read one number there."""
ID = 5
BAUD = 6
"""An index into `BAUDS`."""
STATUS_LEVEL = 8
"""0: only questions are answered; 1, from the factory: every packet to one servo."""
MIN_POSITION = 9
MAX_POSITION = 11
"""With both at zero, one with an encoder turns to any position, and one without becomes a mere motor."""
MAX_TEMPERATURE = 13
MAX_VOLTAGE = 14
MIN_VOLTAGE = 15
MODE = 33
"""0 holds a position, 1 a speed; only servos with an encoder have it."""

# Forgotten without power.
TORQUE_ENABLE = 40
"""0 lets the shaft turn freely, 1 holds it. Writing 128 declares where it stands the middle: never used."""
ACCELERATION = 41
GOAL_POSITION = 42
GOAL_TIME = 44
GOAL_SPEED = 46
"""How fast it goes to its goal, in steps a second; 0 is as fast as it can."""
PRESENT_POSITION = 56
PRESENT_SPEED = 58
PRESENT_LOAD = 60
PRESENT_VOLTAGE = 62
PRESENT_TEMPERATURE = 63
REG_WRITTEN = 64
STATUS = 65
MOVING = 66
PRESENT_CURRENT = 69

SIGN_BIT = 15
"""Of positions, speeds and currents."""
LOAD_SIGN_BIT = 10
VOLT = 0.1
LOAD_SHARE = 0.001

BAUDS = (1_000_000, 500_000, 250_000, 128_000, 115_200, 76_800, 57_600, 38_400)
"""By the number at `BAUD`."""


class Trouble(IntEnum):
    """The error bits of an answer, and of the byte at `STATUS` ("servo status")."""

    VOLTAGE = 1
    SENSOR = 2
    TEMPERATURE = 4
    CURRENT = 8
    LOAD = 32


CURES: Mapping[Trouble, str] = {
    Trouble.VOLTAGE: "its supply is beyond its limits; measure the voltage at its plug",
    Trouble.SENSOR: "its position sensor fails; it needs a repair",
    Trouble.TEMPERATURE: "it is too hot and has let go; let it cool, then lighten its load",
    Trouble.CURRENT: "it draws too much current and has let go; look for what blocks it",
    Trouble.LOAD: "it is overloaded and has let go; look for what blocks it, or lighten its load",
}
"""By error bit: what is wrong, and what to do."""


def explain(code: int) -> str | None:
    """What the error bits of an answer say, and what to do; None without any."""
    return "; ".join(cure for bit, cure in CURES.items() if bit & code) or None if code else None


@dataclass(frozen=True, slots=True)
class Model:
    """One product."""

    name: str
    version: tuple[int, int]
    """What it says at `VERSION`."""
    order: ByteOrder
    steps: int
    """How many positions there are, from 0 on..."""
    range_rad: float
    """...over this angle."""
    lock: int
    """Where 0 lets what is written below `TORQUE_ENABLE` survive a power-off; it begins as 1."""
    sync_read: bool
    """Whether it answers to `SYNC_READ`; otherwise it is asked alone."""
    current_a: float | None
    """One count at `PRESENT_CURRENT`; None where there is no such number."""
    acceleration_rad_s2: float | None
    """One count at `ACCELERATION`; None where there is no such number."""
    nominal_v: float
    top_speed_rad_s: float
    """Without load at that voltage."""

    @property
    def step_rad(self) -> float:
        """One step of a position; one step a second is the unit of a speed."""
        return self.range_rad / self.steps

    @property
    def centre(self) -> int:
        """The position in the middle of its travel, which is 0 rad."""
        return self.steps // 2

    @property
    def has_modes(self) -> bool:
        """Whether it can do something else than hold positions: one with an encoder can."""
        return self.order == "little"

    def angle_rad(self, position: int) -> float:
        """The angle of a position, from its middle."""
        return (position - self.centre) * self.step_rad

    def word_at(self, angle_rad: float) -> bytes:
        """The position that is nearest to an angle from its middle, as it lies in memory."""
        position = self.centre + round(angle_rad / self.step_rad)
        return self.word(min(max(position, 0), self.steps - 1))

    def word(self, number: int) -> bytes:
        """A number of two bytes as it lies in memory."""
        return number.to_bytes(2, self.order)

    def number_at(self, data: bytes | bytearray, at: int) -> int:
        """The inverse of `word`, at index `at` of what was read."""
        return int.from_bytes(data[at : at + 2], self.order)


_STS_STEP_S2_RAD = 100 * math.tau / 4096
_STS_CURRENT_A = 0.0065


def _sts(name: str, version: tuple[int, int], nominal_v: float, top_speed_rad_s: float) -> Model:
    return Model(
        name=name,
        version=version,
        order="little",
        steps=4096,
        range_rad=math.tau,
        lock=55,
        sync_read=True,
        current_a=_STS_CURRENT_A,
        acceleration_rad_s2=_STS_STEP_S2_RAD,
        nominal_v=nominal_v,
        top_speed_rad_s=top_speed_rad_s,
    )


STS3215 = _sts("STS3215", (9, 3), 7.4, 4.7)
STS3250 = _sts("STS3250", (9, 11), 12.0, 7.9)
SCS0009 = Model(
    name="SCS0009",
    version=(5, 4),
    order="big",
    steps=1024,
    range_rad=math.radians(300),
    lock=48,
    sync_read=False,
    current_a=None,
    acceleration_rad_s2=None,
    nominal_v=5.0,
    top_speed_rad_s=10.5,
)

MODELS: Mapping[str, Model] = {model.name: model for model in (STS3215, STS3250, SCS0009)}
"""By the name on the case."""
