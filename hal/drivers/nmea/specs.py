"""What the robot's file says about a receiver that speaks NMEA 0183."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hal.board import BoardSpec
from hal.units import PositiveFrequency


class NmeaBoardSpec(BoardSpec, frozen=True):
    """A receiver of satellites that reports by itself and is never told anything."""

    baud: Annotated[int, Field(gt=0)] = 9600
    """What the standard says. Many newer receivers speak 38400 or 115200."""
    rate: PositiveFrequency = 1.0
    """How often it reports: how long is waited for its first sentence, and the pace of its twin."""
