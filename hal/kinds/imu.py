"""How it is tilted, turns and is pushed: accelerometer, gyroscope and what a board makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from hal.device import DeviceSpec
from hal.kinds.reporting import Reporting
from hal.units import PositiveDuration

IMU_STALE_S = 0.3
"""Default age at which a reading means nothing."""


class ImuSpec(DeviceSpec, frozen=True):
    """What the file says about an inertial measurement unit."""

    kind: Literal["imu"] = "imu"
    stale: PositiveDuration = IMU_STALE_S
    """At which age a reading means nothing."""


class Imu(Reporting):
    """An inertial measurement unit. x points forward, y to the left, z up (REP 103 of ROS).

    `roll`, `pitch` and `yaw` turn around x, y and z; the yaw's zero is the board's own. A board that does not
    measure a reading never reports it.
    """

    KIND = "imu"
    READINGS: ClassVar[Mapping[str, str]] = {
        "roll": "rad",
        "pitch": "rad",
        "yaw": "rad",
        "rate_x": "rad/s",
        "rate_y": "rad/s",
        "rate_z": "rad/s",
        "acceleration_x": "m/s2",
        "acceleration_y": "m/s2",
        "acceleration_z": "m/s2",
        "temperature": "degC",
    }

    spec: ImuSpec

    def __init__(self, name: str, spec: ImuSpec) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale
