"""Firmata 2.5: an Arduino with the StandardFirmata sketch, its pins in the hands of the host."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.firmata.board import FirmataBoard
from hal.drivers.firmata.probe import PROBES
from hal.drivers.firmata.specs import (
    FirmataAnalogInputSpec,
    FirmataBoardSpec,
    FirmataDigitalInputSpec,
    FirmataDigitalOutputSpec,
    FirmataMotorSpec,
    FirmataServoSpec,
)
from hal.drivers.firmata.twin import FirmataTwin
from hal.drivers.firmata.wiring import build_world

GARBAGE_LIMIT_BYTES = 8


def make_twin(
    name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random
) -> FirmataTwin:
    """The far end of the board `name` with a rover as the specs describe it; its line is noisy at first."""
    world, wiring = build_world(name, devices)
    return FirmataTwin(world, wiring, garbage=rng.randbytes(rng.randint(0, GARBAGE_LIMIT_BYTES)))


DRIVER = Driver(
    name="firmata",
    board_spec=FirmataBoardSpec,
    device_specs={
        "motor": FirmataMotorSpec,
        "servo": FirmataServoSpec,
        "digital_output": FirmataDigitalOutputSpec,
        "digital_input": FirmataDigitalInputSpec,
        "analog_input": FirmataAnalogInputSpec,
    },
    board=FirmataBoard,
    twin=make_twin,
    probes=PROBES,
)
