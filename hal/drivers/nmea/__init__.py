"""NMEA 0183: a receiver of satellites that talks, and only talks."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.nmea.board import NmeaBoard
from hal.drivers.nmea.scan import PROBES
from hal.drivers.nmea.specs import NmeaBoardSpec
from hal.drivers.nmea.twin import NmeaTwin
from hal.kinds import GnssSpec


def make_twin(name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random) -> NmeaTwin:
    """A receiver that reports as often as the board's spec says."""
    assert isinstance(spec, NmeaBoardSpec)
    return NmeaTwin(1 / spec.rate, rng)


DRIVER = Driver(
    name="nmea",
    board_spec=NmeaBoardSpec,
    device_specs={"gnss": GnssSpec},
    board=NmeaBoard,
    twin=make_twin,
    probes=PROBES,
)
