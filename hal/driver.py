"""What a driver brings: the one value by which the rig knows a product."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hal.board import Board, BoardSpec
from hal.device import DeviceSpec
from hal.link import Link
from hal.twin import Twin

MakeBoard = Callable[[str, BoardSpec, Callable[[], Link], random.Random], Board]
"""Name, spec, what opens the wire, and the source of chance."""
MakeTwin = Callable[[str, BoardSpec, Mapping[str, DeviceSpec], random.Random], Twin]
"""Name and spec of the board, the specs of all devices of the robot by name, and the source of chance."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One family of products. A module of the driver holds it, under any name."""

    name: str
    """As in the robot's file: `driver: firmata`."""
    board_spec: type[BoardSpec]
    device_specs: Mapping[str, type[DeviceSpec]]
    """For each kind of device that such a board can carry, what the file has to say about one."""
    board: MakeBoard
    twin: MakeTwin
