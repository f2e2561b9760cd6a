"""The Gadget: four motors and four analog inputs on a serial port."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal import BoardSpec, DeviceSpec, Driver, Twin

from robotd_gadget.board import GadgetBoard
from robotd_gadget.probe import PROBES
from robotd_gadget.specs import (
    GadgetAnalogInputSpec,
    GadgetBoardSpec,
    GadgetMotorSpec,
)
from robotd_gadget.twin import GadgetTwin


def make_twin(name: str, _: BoardSpec, devices: Mapping[str, DeviceSpec], __: random.Random) -> Twin:
    """The far end of the board `name`, with what the specs hang on it."""
    motors: dict[int, str] = {}
    inputs: dict[int, str] = {}
    for device, spec in devices.items():
        if spec.board == name and isinstance(spec, GadgetMotorSpec):
            motors[spec.channel] = device
        elif spec.board == name and isinstance(spec, GadgetAnalogInputSpec):
            inputs[spec.channel] = device
    return GadgetTwin(motors, inputs)


DRIVER = Driver(
    name="gadget",
    board_spec=GadgetBoardSpec,
    device_specs={"motor": GadgetMotorSpec, "analog_input": GadgetAnalogInputSpec},
    board=GadgetBoard,
    twin=make_twin,
    probes=PROBES,
)
