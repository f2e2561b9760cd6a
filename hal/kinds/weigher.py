"""A scale: a mass, and doubt about numbers that no mass can be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import DeviceSpec, Sensor
from hal.units import Mass, PositiveDuration, PositiveMass

DOUBTS = 3
"""So many implausible samples in a row are no disturbance any more."""


class WeigherSpec(DeviceSpec, frozen=True):
    """What the file says about a weigher."""

    kind: Literal["weigher"] = "weigher"
    min: Mass = -1.0
    """The least that it can show: with a tare taken, something below zero..."""
    max: PositiveMass
    """...and the most. What lies beyond is not a mass but a fault."""
    resolution: PositiveMass = 1e-6
    """What it shows is zero or at least this: a number put together wrongly is often far smaller."""
    stale: PositiveDuration = 0.5
    """At which age its mass means nothing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min >= self.max:
            sentence = "max must be more than min"
            raise PydanticCustomError("limits", "{sentence}", {"sentence": sentence, "hint": None})
        return self

    def plausible(self, mass_kg: float) -> bool:
        """Whether this can be a mass that it shows. The comparison lets no NaN pass."""
        return self.min <= mass_kg <= self.max and (mass_kg == 0 or math.fabs(mass_kg) >= self.resolution)


class Weigher(Sensor):
    """A scale under a belt, a hopper or a table."""

    KIND = "weigher"
    READINGS: ClassVar[Mapping[str, str]] = {"mass": "kg"}

    spec: WeigherSpec

    def __init__(self, name: str, spec: WeigherSpec) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale
        self._doubts = 0

    def update(self, mass_kg: float, at: float, hint: str = "is its scale right?") -> str | None:
        """Its driver reports a mass. Listeners are told each time; what cannot be a mass is left out.

        Returns why it is faulted, if that is the third one in a row, with `hint` as the next step.
        """
        if not self.spec.plausible(mass_kg):
            self._doubts += 1
            if self._doubts < DOUBTS:
                return None
            range_kg = f"{self.spec.min:g} to {self.spec.max:g} kg"
            return f"it shows {mass_kg:g} kg, which it cannot: it weighs {range_kg}; {hint}"
        self._doubts = 0
        self._values["mass"] = (mass_kg, at)
        self._tell("mass")
        return None
