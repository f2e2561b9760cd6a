"""What the robot's file says about a board that speaks JSON lines: the kinds' specs, with channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.kinds import (
    AnalogInputSpec,
    DigitalInputSpec,
    DigitalOutputSpec,
    ImuSpec,
    MotorSpec,
    RangeSpec,
)
from hal.units import Duration, PositiveDuration

Channel = Annotated[str, StringConstraints(pattern=r"^\w{1,32}$")]
"""What the board calls it; its own name where nothing is said."""


class JsonBoardSpec(BoardSpec, frozen=True):
    """A microcontroller with a sketch that speaks one JSON object a line."""

    dialect: Literal["plain", "waveshare"] = "plain"
    baud: Annotated[int, Field(gt=0)] = 115200
    deadman: Annotated[Duration, Field(ge=0.2, le=10)] = 0.5
    """After how long without a setpoint the board stops its motors by itself; it is told so."""
    report: PositiveDuration = 0.05
    """How often it reports; it is told so."""


class OnChannel(DeviceSpec, frozen=True):
    """Something on a channel."""

    channel: Channel | None = None

    def resources(self) -> dict[str, str]:
        """Its channel."""
        return {} if self.channel is None else {"channel": self.channel}


class JsonMotorSpec(OnChannel, MotorSpec, frozen=True):
    """A motor; on a Waveshare board its channel is `L` or `R`."""


class JsonDigitalOutputSpec(OnChannel, DigitalOutputSpec, frozen=True):
    """A lamp or a relay."""


class JsonDigitalInputSpec(OnChannel, DigitalInputSpec, frozen=True):
    """A switch."""

    simulate: Literal["bumper", "constant"] = "bumper"
    """What the twin lets it feel: a touch of the front, or nothing until its world is told."""


class JsonAnalogInputSpec(OnChannel, AnalogInputSpec, frozen=True):
    """A number, such as volts; on a Waveshare board the battery, channel `v`."""


class JsonRangeSpec(OnChannel, RangeSpec, frozen=True):
    """A distance in m."""


class JsonImuSpec(OnChannel, ImuSpec, frozen=True):
    """Readings of the kind `imu`; on a Waveshare board channel `imu`."""


SPECS: Mapping[str, type[DeviceSpec]] = {
    "motor": JsonMotorSpec,
    "digital_output": JsonDigitalOutputSpec,
    "digital_input": JsonDigitalInputSpec,
    "analog_input": JsonAnalogInputSpec,
    "range": JsonRangeSpec,
    "imu": JsonImuSpec,
}
