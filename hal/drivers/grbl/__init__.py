"""Grbl 1.1: a controller for machines with straight axes, on an Arduino or on anything else."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.grbl.bench import Bench
from hal.drivers.grbl.board import GrblBoard
from hal.drivers.grbl.probe import PROBES
from hal.drivers.grbl.specs import (
    PIN_LETTERS,
    GrblBoardSpec,
    GrblDigitalInputSpec,
    GrblDigitalOutputSpec,
    GrblGantrySpec,
    GrblRelaySpec,
)
from hal.drivers.grbl.twin import GrblTwin

GARBAGE_LIMIT_BYTES = 8


def make_twin(name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random) -> GrblTwin:
    """The far end of the board `name`, with the machine of the specs; its line is noisy at first."""
    own = {device: one for device, one in devices.items() if one.board == name}
    inputs = {
        device: (PIN_LETTERS[one.pin], one.simulate == "gripped")
        for device, one in own.items()
        if isinstance(one, GrblDigitalInputSpec)
    }
    output = next(
        (device for device, one in own.items() if isinstance(one, GrblDigitalOutputSpec | GrblRelaySpec)),
        None,
    )
    bench = Bench(output=output, inputs=inputs)
    for device, one in own.items():
        if isinstance(one, GrblGantrySpec):
            low_x, low_y, low_z = (span.low_m * 1000 for span in one.spans)
            high_x, high_y, high_z = (span.high_m * 1000 for span in one.spans)
            low, high = (low_x, low_y, low_z), (high_x, high_y, high_z)
            bench = Bench.between(device, low, high, homes=one.homing, output=output, inputs=inputs)
    garbage = rng.randbytes(rng.randint(0, GARBAGE_LIMIT_BYTES))
    return GrblTwin(bench, garbage=garbage)


DRIVER = Driver(
    name="grbl",
    board_spec=GrblBoardSpec,
    device_specs={
        "gantry": GrblGantrySpec,
        "relay": GrblRelaySpec,
        "digital_output": GrblDigitalOutputSpec,
        "digital_input": GrblDigitalInputSpec,
    },
    board=GrblBoard,
    twin=make_twin,
    probes=PROBES,
)
