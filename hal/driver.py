"""What a driver brings: the one value by which the rig knows a product, and what a scan finds of it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hal.board import Board, BoardSpec
from hal.device import DeviceSpec
from hal.link import Link, Parity
from hal.twin import Twin

MakeBoard = Callable[[str, BoardSpec, Callable[[], Link], random.Random], Board]
"""Name, spec, what opens the wire, and the source of chance."""
MakeTwin = Callable[[str, BoardSpec, Mapping[str, DeviceSpec], random.Random], Twin]
"""Name and spec of the board, the specs of all devices of the robot by name, and the source of chance."""


class Found(NamedTuple):
    """One thing that answered a scan."""

    address: str
    """What the driver knows it by: `id 3`, `unit 2`; empty where a port holds just one."""
    model: str
    """`XL330-M288`, `Grbl 1.1h`; what it says of itself."""
    baud: int
    details: Mapping[str, str] = {}
    """More that a person would want to see, with units: `{"voltage": "5.0 V", "temperature": "31 degC"}`."""
    trouble: str | None = None
    """What is wrong with it and what to do, in a sentence: two devices at one address, a hardware error."""
    device: Mapping[str, Any] = {}
    """What a robot's file would say of it, without name and board: `{"kind": "joint", "id": 3}`."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One speed at which a scan looks for devices."""

    baud: int
    find: Callable[[Link], AsyncIterator[Found]]
    """Talks over a link that is not open yet, moves nothing, and closes it. Raises `HalError`."""
    parity: Parity = "none"


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
    probes: Sequence[Probe] = field(default=())
    """How `robotd scan` finds what hangs on a port, the likeliest speed first."""
