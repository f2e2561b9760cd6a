"""What the tests of the kinds stand on: a wire that writes down, and a base on two such wires."""

import asyncio
import math
from typing import Any

from hal.errors import HalError
from hal.kinds import DriveBase, DriveBaseSpec, Motor, MotorSpec

TRACK_M = 0.3
MAX_SPEED_M_S = 0.8
MAX_TURN_RAD_S = 2.0
ACCEL_M_S2 = 1.5


class Wire:
    """The far end of one actuator: keeps what came and when, or refuses everything with `refusal`."""

    def __init__(self) -> None:
        self.log: list[tuple[float, float]] = []
        self.refusal: Exception | None = None

    def write(self, value: float) -> None:
        if self.refusal is not None:
            raise self.refusal
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:
            now = math.nan
        self.log.append((now, value))

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.log]

    @property
    def last(self) -> float:
        return self.log[-1][1]


class Rover:
    """A base and its motors, present and active; the wheels' speeds as the wires heard them."""

    def __init__(self, **spec: Any) -> None:
        self.left_wire, self.right_wire = Wire(), Wire()
        self.left = Motor("left", MotorSpec(), self.left_wire)
        self.right = Motor("right", MotorSpec(), self.right_wire)
        written = {
            "left": "left",
            "right": "right",
            "track": f"{TRACK_M} m",
            "max_speed": f"{MAX_SPEED_M_S} m/s",
            "max_turn": f"{MAX_TURN_RAD_S} rad/s",
        }
        self.base = DriveBase("base", DriveBaseSpec.model_validate(written | spec), self.left, self.right)
        self.left.present()
        self.right.present()
        self.base.activate()

    @property
    def duties(self) -> tuple[float, float]:
        return self.left_wire.last, self.right_wire.last

    def refuse(self, refusal: HalError | None) -> None:
        self.left_wire.refusal = self.right_wire.refusal = refusal

    def value(self, reading: str) -> float:
        known = self.base.reading(reading)
        assert known is not None
        return known.value


def travelled_m(wire: Wire, until: float) -> float:
    """How far a wheel came by what its wire was told."""
    ends = [at for at, _ in wire.log[1:]] + [until]
    return sum((end - at) * duty * MAX_SPEED_M_S for (at, duty), end in zip(wire.log, ends, strict=True))


def now() -> float:
    return asyncio.get_running_loop().time()
