"""What the robot's file says about a Firmata board and what hangs on it: the kinds' specs, with pins."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from hal.board import BoardSpec
from hal.device import Feedback
from hal.kinds import AnalogInputSpec, DigitalInputSpec, DigitalOutputSpec, MotorSpec, ServoSpec
from hal.units import Angle, Duration, PositiveDuration

Pin = Annotated[int, Field(ge=0, le=127, strict=True)]
"""A digital pin by its number on the board."""
AnalogPin = Annotated[str, StringConstraints(pattern=r"^A(\d|1[0-5])$")]
"""An analog pin as printed on the board: `A0` to `A15`."""


class FirmataBoardSpec(BoardSpec, frozen=True):
    """An Arduino, or anything else that runs StandardFirmata 2.5 or newer."""

    baud: Annotated[int, Field(gt=0)] = 57600
    deadman: Duration | Literal["none"] | None = "none"
    """StandardFirmata has none: it goes on doing what it was told last."""


class FirmataMotorSpec(MotorSpec, frozen=True):
    """A motor on an H-bridge: duty on one pin, backwards while the other is high."""

    FEEDBACK: ClassVar[Feedback] = "output"

    pwm_pin: Pin
    direction_pin: Pin

    def resources(self) -> dict[str, str]:
        """Both pins."""
        return {"pwm_pin": str(self.pwm_pin), "direction_pin": str(self.direction_pin)}


class FirmataServoSpec(ServoSpec, frozen=True):
    """A hobby servo. Angle 0 is the middle of its travel."""

    FEEDBACK: ClassVar[Feedback] = "output"

    pin: Pin
    min_pulse: PositiveDuration = 544e-6
    """The pulse at one end of its travel (the defaults are those of Arduino's servo library)..."""
    max_pulse: PositiveDuration = 2400e-6
    """...and at the other."""
    travel: Angle = math.pi
    """The angle between the two."""

    def resources(self) -> dict[str, str]:
        """Its pin."""
        return {"pin": str(self.pin)}

    @model_validator(mode="after")
    def _within_travel(self) -> Self:
        if max(-self.min, self.max) > self.travel / 2 + 1e-9:
            raise PydanticCustomError(
                "range",
                "a servo with a travel of {travel} rad turns half of it to either side",
                {"travel": self.travel},
            )
        return self


class FirmataDigitalOutputSpec(DigitalOutputSpec, frozen=True):
    """A lamp or relay on one pin."""

    FEEDBACK: ClassVar[Feedback] = "output"

    pin: Pin

    def resources(self) -> dict[str, str]:
        """Its pin."""
        return {"pin": str(self.pin)}


class FirmataDigitalInputSpec(DigitalInputSpec, frozen=True):
    """A switch on one pin."""

    pin: Pin
    simulate: Literal["bumper", "rear_bumper", "constant"] = "bumper"
    """What the twin lets it feel: a touch of the front, of the rear, or nothing until its world is told."""

    def resources(self) -> dict[str, str]:
        """Its pin."""
        return {"pin": str(self.pin)}


class FirmataAnalogInputSpec(AnalogInputSpec, frozen=True):
    """A voltage on one analog pin, in counts of 0 to 1023 before the scale."""

    pin: AnalogPin
    simulate: Literal["battery", "range", "cliff", "constant"] | None = None
    """What the twin lets it see; without a word, volts are the battery and metres the range ahead."""

    @property
    def channel(self) -> int:
        """The number behind the `A`."""
        return int(self.pin[1:])

    def resources(self) -> dict[str, str]:
        """Its pin."""
        return {"pin": self.pin}
