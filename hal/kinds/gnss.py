"""Where on earth it is, by satellites: GPS and its sisters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from hal.device import DeviceSpec
from hal.kinds.reporting import Reporting
from hal.units import PositiveDuration

GNSS_STALE_S = 3.0
"""Default age at which a position means nothing: three reports of a receiver that reports once a second."""


class GnssSpec(DeviceSpec, frozen=True):
    """What the file says about a receiver of satellites."""

    kind: Literal["gnss"] = "gnss"
    stale: PositiveDuration = GNSS_STALE_S
    """At which age a reading means nothing."""


class Gnss(Reporting):
    """A receiver. Latitude and longitude are in degrees (WGS 84), north and east positive, as all write them.

    `fix` says whether the position is known now. Without one the last position stands until it is stale.
    `altitude` is above mean sea level; `course` is clockwise from north, and unknown to one that stands.
    """

    KIND = "gnss"
    READINGS: ClassVar[Mapping[str, str]] = {
        "latitude": "deg",
        "longitude": "deg",
        "altitude": "m",
        "speed": "m/s",
        "course": "rad",
        "satellites": "",
        "hdop": "",
        "fix": "bool",
    }

    spec: GnssSpec

    def __init__(self, name: str, spec: GnssSpec) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale
