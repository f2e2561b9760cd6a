"""What the servos of the X series have in their control tables: addresses, units, models.

Source: ROBOTIS e-Manual, XL330-M288 and XM430-W350, "Control Table"; every table of the X series is alike in
what stands here. Numbers lie least significant byte first, negative ones as two's complement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

# Kept without power; written only while the torque is off.
MODEL_NUMBER = 0
FIRMWARE = 6
ID = 7
BAUD_RATE = 8
"""An index into `BAUD_RATES`."""
RETURN_DELAY = 9
"""In units of 2 us: 250 as it comes."""
OPERATING_MODE = 11
TEMPERATURE_LIMIT = 31
MAX_VOLTAGE_LIMIT = 32
MIN_VOLTAGE_LIMIT = 34
MAX_POSITION_LIMIT = 48
MIN_POSITION_LIMIT = 52
"""Both mean something in `POSITION_CONTROL` alone."""
SHUTDOWN = 63
"""Which hardware errors switch the torque off."""

# Forgotten without power.
TORQUE_ENABLE = 64
LED = 65
STATUS_RETURN_LEVEL = 68
"""0: only a ping is answered; 1: and questions; 2, as it comes: everything."""
REGISTERED = 69
HARDWARE_ERROR = 70
BUS_WATCHDOG = 98
"""After so many times 20 ms without an instruction it stops, shows 255 here and takes no goal until 0 is
written; 0: never."""
PROFILE_ACCELERATION = 108
PROFILE_VELOCITY = 112
GOAL_POSITION = 116
REALTIME_TICK = 120
MOVING = 122
PRESENT_CURRENT = 126
PRESENT_VELOCITY = 128
PRESENT_POSITION = 132
PRESENT_VOLTAGE = 144
PRESENT_TEMPERATURE = 146

POSITION_CONTROL = 3
"""The operating mode in which a goal is an angle within one turn."""
WATCHDOG_S = 0.02
WATCHDOG_TRIPPED = 0xFF

STEPS = 4096
STEP_RAD = math.tau / STEPS
CENTRE = STEPS // 2
"""The position in the middle of its turn, which is 0 rad."""
VELOCITY_RAD_S = 0.229 * math.tau / 60
ACCELERATION_RAD_S2 = 214.577 * math.tau / 3600
VOLT = 0.1

BAUD_RATES = (9_600, 57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 4_500_000)
"""By the number at `BAUD_RATE`; 57,600 as it comes."""


class HardwareError(IntFlag):
    """The bits at `HARDWARE_ERROR` and `SHUTDOWN`."""

    INPUT_VOLTAGE = 1
    OVERHEATING = 4
    ENCODER = 8
    ELECTRICAL_SHOCK = 16
    OVERLOAD = 32


CURES: Mapping[HardwareError, str] = {
    HardwareError.INPUT_VOLTAGE: "its supply is beyond its limits: measure the voltage at its plug",
    HardwareError.OVERHEATING: "it is too hot: let it cool, and lighten its load",
    HardwareError.ENCODER: "its motor's encoder fails: it needs a repair",
    HardwareError.ELECTRICAL_SHOCK: "its circuit had a shock, or too little power: check its supply",
    HardwareError.OVERLOAD: "it is overloaded: look for what blocks it, or lighten its load",
}
"""By error bit: what is wrong, and what to do."""


def explain(errors: int) -> str | None:
    """A sentence for the byte at `HARDWARE_ERROR`; None where nothing is wrong."""
    if not errors:
        return None
    found = [cure for bit, cure in CURES.items() if errors & bit] or [f"hardware error {errors:#04x}"]
    return f"{'; '.join(found)}; then switch its supply off and on"


@dataclass(frozen=True, slots=True)
class Model:
    """One product."""

    name: str
    number: int
    """What it says at `MODEL_NUMBER` and in a ping's answer."""
    current_a: float | None
    """One count at `PRESENT_CURRENT`; None where a load stands there."""
    top_speed_rad_s: float
    """Without load at its nominal voltage."""
    nominal_v: float
    lowest_v: float
    highest_v: float
    hottest_degc: int
    shutdown: HardwareError
    """As it comes."""


_XL330_SHUTDOWN = HardwareError(0x35)
_X430_SHUTDOWN = HardwareError(0x34)


def _xl330(name: str, number: int, rpm: float) -> Model:
    return Model(name, number, 0.001, rpm * math.tau / 60, 5.0, 3.5, 7.0, 70, _XL330_SHUTDOWN)


def _x430(name: str, number: int, rpm: float, current_a: float | None = 0.00269) -> Model:
    return Model(name, number, current_a, rpm * math.tau / 60, 12.0, 9.5, 16.0, 80, _X430_SHUTDOWN)


MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        _xl330("XL330-M077", 1190, 383),
        _xl330("XL330-M288", 1200, 104),
        _x430("XL430-W250", 1060, 61, None),
        _x430("XM430-W350", 1020, 46),
        _x430("XM430-W210", 1030, 77),
        _x430("XH430-W350", 1000, 30),
        _x430("XH430-W210", 1010, 50),
        _x430("XM540-W270", 1120, 30),
        _x430("XM540-W150", 1130, 53),
    )
}
"""By the name on the case."""
BY_NUMBER: Mapping[int, Model] = {model.number: model for model in MODELS.values()}


def name_of(number: int) -> str:
    """What a model number is called, also one that is not known here."""
    model = BY_NUMBER.get(number)
    return model.name if model is not None else f"model {number}"


def signed(data: bytes) -> int:
    """A number as it lies in the table."""
    return int.from_bytes(data, "little", signed=True)


def angle_of(position: int) -> float:
    """The angle of a position, from the middle."""
    return (position - CENTRE) * STEP_RAD


def position_of(servo_rad: float) -> int:
    """The position nearest to an angle from the middle."""
    return CENTRE + round(servo_rad / STEP_RAD)
