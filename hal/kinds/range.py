"""How far away the next thing is: ultrasound, infrared, a single laser beam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import DeviceSpec
from hal.kinds.reporting import Reporting
from hal.units import Length, PositiveDuration, PositiveLength

RANGE_STALE_S = 0.3
"""Default age at which a reading means nothing."""


class RangeSpec(DeviceSpec, frozen=True):
    """What the file says about a range sensor."""

    kind: Literal["range"] = "range"
    min: Length = 0.02
    """What is nearer is measured as this..."""
    max: PositiveLength = 4.0
    """...and what is further, or nothing at all, as this. The defaults are those of an HC-SR04."""
    stale: PositiveDuration = RANGE_STALE_S
    """At which age a reading means nothing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= self.min < self.max:
            sentence = "max must be more than min, and min no less than 0 m"
            raise PydanticCustomError("limits", "{sentence}", {"sentence": sentence, "hint": None})
        return self


class Range(Reporting):
    """The distance to whatever is in front of it."""

    KIND = "range"
    READINGS: ClassVar[Mapping[str, str]] = {"distance": "m"}

    spec: RangeSpec

    def __init__(self, name: str, spec: RangeSpec) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale

    def measured(self, distance_m: float | None, at: float) -> None:
        """The board reports a distance, or None where no echo came back."""
        if distance_m is None:
            distance_m = self.spec.max
        self.update({"distance": min(max(distance_m, self.spec.min), self.spec.max)}, at)
