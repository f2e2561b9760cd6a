"""Voltages that stand for something: a battery, a distance, a temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import DeviceSpec, Sensor
from hal.units import PositiveDuration, Scale

STALE_PERIODS = 3
STALE_AT_LEAST_S = 0.1
"""A reading means nothing after three periods, but no sooner than this: hosts are late by themselves."""


class AnalogInputSpec(DeviceSpec, frozen=True):
    """What the file says about an analog input: value = raw * scale + offset."""

    kind: Literal["analog_input"] = "analog_input"
    scale: Scale = Scale(1.0, "")
    """What one raw count stands for; without it the reading is the raw count."""
    offset: Scale | None = None
    """What a raw zero stands for, in the unit of the scale."""
    sample: PositiveDuration = 0.05
    """How often the board reports it."""
    stale: PositiveDuration | None = None
    """At which age a reading means nothing; three periods, at least 100 ms, where nothing is said."""

    @property
    def stale_after_s(self) -> float:
        """`stale`, or its default."""
        return self.stale if self.stale is not None else max(STALE_PERIODS * self.sample, STALE_AT_LEAST_S)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.offset is not None and self.offset.unit != self.scale.unit:
            raise PydanticCustomError(
                "unit",
                "{sentence}",
                {
                    "sentence": f"the offset is in {self.offset.unit}, the scale in {self.scale.unit}",
                    "hint": f"write the offset in {self.scale.unit}",
                },
            )
        return self


class AnalogInput(Sensor):
    """One analog channel, in the unit of its scale."""

    KIND = "analog_input"
    READINGS: ClassVar[Mapping[str, str]] = {"value": ""}

    spec: AnalogInputSpec

    def __init__(self, name: str, spec: AnalogInputSpec) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale_after_s
        self.updated_at: float | None = None
        """When its board last reported it."""
        self._scale = spec.scale.factor
        self._offset = spec.offset.factor if spec.offset is not None else 0.0

    @classmethod
    def units_of(cls, spec: DeviceSpec) -> Mapping[str, str]:
        """The value has the unit of the scale."""
        return {"value": spec.scale.unit} if isinstance(spec, AnalogInputSpec) else cls.READINGS

    def update(self, raw: float, at: float) -> None:
        """The board reports a raw value. Listeners are told each time; what is not a number is left out."""
        value = raw * self._scale + self._offset
        if math.isfinite(value):
            self.updated_at = at
            self._values["value"] = (value, at)
            self._tell("value")
