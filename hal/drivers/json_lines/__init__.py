"""One JSON object a line, as any sketch can speak it: the dialects `plain` and `waveshare`."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.json_lines.board import JsonBoard
from hal.drivers.json_lines.scan import PROBES
from hal.drivers.json_lines.specs import SPECS, JsonBoardSpec
from hal.drivers.json_lines.twin import JsonTwin
from hal.drivers.json_lines.wiring import build


def make_twin(name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random) -> JsonTwin:
    """A board with a rover as the specs describe it."""
    assert isinstance(spec, JsonBoardSpec)
    return JsonTwin(*build(name, devices), spec.dialect)


DRIVER = Driver(
    name="json_lines",
    board_spec=JsonBoardSpec,
    device_specs=SPECS,
    board=JsonBoard,
    twin=make_twin,
    probes=PROBES,
)
