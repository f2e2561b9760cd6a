"""What stands behind a simulated Grbl board: its travel, its switches, and what hangs on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hal.drivers.grbl.codec import RECEIVE_BUFFER_BYTES
from hal.drivers.grbl.words import Point, Setting
from hal.drivers.grbl.world import PLANNER_BLOCKS

MAX_RATE_MM_S = 100.0
ACCEL_MM_S2 = 1000.0
SEEK_MM_S = 50.0
PULL_OFF_MM = 1.0
DEFAULTS: Mapping[int, float] = dict(
    [
        *(
            (0, 10),
            (1, 25),
            (2, 0),
            (3, 0),
            (4, 0),
            (5, 0),
            (6, 0),
            (10, 1),
            (11, 0.01),
            (12, 0.002),
            (13, 0),
        ),
        *((24, 25.0), (25, 500.0), (26, 250), (27, 1.0)),
        *((30, 1000), (31, 0), (32, 0), (100, 250.0), (101, 250.0), (102, 250.0)),
    ]
)
"""The settings that nobody here looks at, as the firmware comes (`settings.md`)."""


@dataclass(frozen=True)
class Bench:
    """What stands there: names as the robot's file has them, lengths in millimetres."""

    gantry: str = "gantry"
    low: Point = (-300.0, -200.0, -80.0)
    high: Point = (0.0, 0.0, 0.0)
    homes: bool = True
    start: Point = (-140.0, -90.0, -20.0)
    """Where it really is when it is switched on..."""
    output: str | None = None
    """...the name of what hangs on its coolant output..."""
    inputs: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """...and of what on its inputs: the letter of each, and whether it feels a part at the gripper."""
    part: Point = (-200.0, -150.0, -60.0)

    @classmethod
    def between(cls, gantry: str, low: Point, high: Point, **more: Any) -> Self:
        """A gantry with this travel, somewhere in its middle, and a part to pick at a quarter of its way."""

        def at(*shares: float) -> Point:
            x, y, z = (
                end + (begin - end) * share for begin, end, share in zip(low, high, shares, strict=True)
            )
            return x, y, z

        return cls(gantry, low, high, start=at(0.5, 0.5, 0.25), part=at(2 / 3, 0.75, 0.75), **more)

    @property
    def counts_up(self) -> bool:
        """Whether its switches are at the low ends, and 0 is there: a build with the letter Z."""
        return self.high != (0.0, 0.0, 0.0)

    def build(self) -> bytes:
        """What it answers to `$I`."""
        letters = "VZ" if self.counts_up else "V"
        return f"[VER:1.1h.20190825:]\r\n[OPT:{letters},{PLANNER_BLOCKS},{RECEIVE_BUFFER_BYTES}]\r\n".encode()

    def settings(self) -> bytes:
        """What it answers to `$$`."""
        travel = [high - low for low, high in zip(self.low, self.high, strict=True)]
        homes = int(self.homes)
        values: dict[int, float] = {
            **DEFAULTS,
            **dict.fromkeys((Setting.SOFT_LIMITS, Setting.HARD_LIMITS, Setting.HOMING), homes),
            Setting.HOMING_DIRECTIONS: 7 if self.counts_up else 0,
            25: SEEK_MM_S * 60,
            27: PULL_OFF_MM,
            **dict.fromkeys(Setting.MAX_RATE, MAX_RATE_MM_S * 60),
            **dict.fromkeys(Setting.ACCELERATION, ACCEL_MM_S2),
            **dict(zip(Setting.TRAVEL, travel, strict=True)),
        }
        return "".join(
            f"${number}={value}\r\n" if isinstance(value, int) else f"${number}={value:.3f}\r\n"
            for number, value in values.items()
        ).encode()
