"""What the file may say of a line and its units."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hal.drivers.modbus.specs import (
    ModbusBeltSpec,
    ModbusBoardSpec,
    ModbusWeigherSpec,
    float_of,
    registers_of,
)
from tests.hal.drivers.modbus import cell


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ({"actual": 90}, "lie more than 60 registers apart"),
        ({"scale": "0.001 V"}, "the scale of a belt is a speed"),
        ({"scale": "0.00001 m/s"}, "max_speed is more than a register can say"),
        ({"unit": 0}, "greater than or equal to 1"),
        ({"unit": 248}, "less than or equal to 247"),
        ({"control": 65536}, "less than or equal to 65535"),
        ({"on_stop": "keep"}, "zero"),
    ],
)
def test_a_belt_that_cannot_be_is_refused(says: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ModbusBeltSpec.model_validate(cell.CONVEYOR | says)


def test_a_line_speaks_as_the_standard_has_it_and_tcp_on_a_tcp_port() -> None:
    serial = ModbusBoardSpec(driver="modbus", port="/dev/ttyUSB0")
    tcp = ModbusBoardSpec(driver="modbus", port="tcp://192.0.2.1:502")
    gateway = ModbusBoardSpec(driver="modbus", port="tcp://192.0.2.1:4001", framing="rtu")

    assert (serial.baud, serial.parity, serial.frames) == (19200, "even", "rtu")
    assert (tcp.frames, gateway.frames) == ("tcp", "rtu")


def test_two_devices_cannot_write_one_register() -> None:
    belt = ModbusBeltSpec.model_validate(cell.CONVEYOR)

    assert belt.resources() == {
        "control": "register 0 of unit 1",
        "setpoint": "register 1 of unit 1",
        "watchdog": "register 8 of unit 1",
    }


@given(st.floats(width=32, allow_nan=False), st.sampled_from(["high_first", "low_first"]))
def test_a_float_in_two_registers_is_read_back(value: float, order: str) -> None:
    assert float_of(*registers_of(value, order), order) == value


def test_of_masses_with_their_halves_exchanged_nine_in_ten_are_found_out() -> None:
    spec, rng = ModbusWeigherSpec.model_validate(cell.SCALE), random.Random(1)
    masses = [rng.uniform(0.01, 20) for _ in range(1000)]
    exchanged = [float_of(*registers_of(mass, "high_first"), "low_first") for mass in masses]

    assert all(map(spec.plausible, masses))
    assert sum(map(spec.plausible, exchanged)) < 110
