"""Modbus: drives, modules of inputs and outputs, and scales on one line, RTU on RS-485 or TCP."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.modbus.board import ModbusBoard
from hal.drivers.modbus.probe import PROBES
from hal.drivers.modbus.specs import (
    ModbusBeltSpec,
    ModbusBoardSpec,
    ModbusDigitalInputSpec,
    ModbusDigitalOutputSpec,
    ModbusRelaySpec,
    ModbusWeigherSpec,
)
from hal.drivers.modbus.twin import ModbusTwin
from hal.drivers.modbus.wiring import build_line


def make_twin(
    name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random
) -> ModbusTwin:
    """The far end of the line `name`: a conveyor cell, as the specs describe it."""
    framing = spec.frames if isinstance(spec, ModbusBoardSpec) else "rtu"
    watchdog_s = spec.deadman if isinstance(spec.deadman, float) else None
    return build_line(name, framing, watchdog_s, devices)


DRIVER = Driver(
    name="modbus",
    board_spec=ModbusBoardSpec,
    device_specs={
        "belt": ModbusBeltSpec,
        "relay": ModbusRelaySpec,
        "digital_output": ModbusDigitalOutputSpec,
        "digital_input": ModbusDigitalInputSpec,
        "weigher": ModbusWeigherSpec,
    },
    board=ModbusBoard,
    twin=make_twin,
    probes=PROBES,
)
