"""What knows two levels: lamps and relays, bumpers and switches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Literal

from hal.device import SETTLED_S, Actuator, ActuatorSpec, DeviceSpec, Sensor, verb
from hal.kinds.output import Output
from hal.units import PositiveDuration

DIGITAL_STALE_S = 0.5
"""Default age at which an input's level means nothing; its board must be heard more often than that."""


class SwitchSpec(ActuatorSpec, frozen=True):
    """What the file says about anything that is switched."""

    on_stop: Literal["off", "keep"] = "off"
    active: Literal["high", "low"] = "high"
    """The level that means on."""


class DigitalOutputSpec(SwitchSpec, frozen=True):
    """What the file says about a digital output."""

    kind: Literal["digital_output"] = "digital_output"


class DigitalOutput(Actuator):
    """A lamp, a valve: on or off. Switching moves nothing, and stays until it is switched again."""

    KIND = "digital_output"
    READINGS: ClassVar[Mapping[str, str]] = {"on": "bool"}

    spec: SwitchSpec

    def __init__(self, name: str, spec: SwitchSpec, output: Output) -> None:
        super().__init__(name, spec)
        self.output = output

    @verb(moves=False)
    def write(self, on: bool) -> bool:
        """Switch on or off; returns what was sent.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        self._switch(bool(on), asyncio.get_running_loop().time())
        self._stop_no_more()
        return bool(on)

    def update(self, on: bool, at: float) -> None:
        """Its driver knows that it was switched by something else: a reset, a program of its board."""
        self._publish("on", on, at)

    def felt(self, level: float, now: float) -> bool:
        """Its driver says whether it really is on, as 1 or 0; as `_felt`. On may be what was told so."""
        told = self.reading("on")
        may_be_on = told is not None and (bool(told.value) or now - told.at < SETTLED_S)
        return self._felt("level", level, 0.0, float(may_be_on), "")

    def _switch(self, on: bool, now: float) -> None:
        self.output.write(1.0 if on is (self.spec.active == "high") else 0.0)
        self._publish("on", on, now)

    def _to_stop_value(self, now: float) -> None:
        if self.spec.on_stop == "off":
            self._surely(self._switch, False, now)


class DigitalInputSpec(DeviceSpec, frozen=True):
    """What the file says about a digital input."""

    kind: Literal["digital_input"] = "digital_input"
    pull: Literal["up", "none"] = "none"
    """Whether the board's pull-up resistor is switched on."""
    active: Literal["high", "low"] = "high"
    """The level that means active: low for a switch to ground with a pull-up."""
    stale: PositiveDuration = DIGITAL_STALE_S
    """How long after its board was last heard the level means nothing."""


class DigitalInput(Sensor):
    """A bumper, a switch, a light barrier.

    Boards report edges only, so the age of its reading is that of the board's last word.
    """

    KIND = "digital_input"
    READINGS: ClassVar[Mapping[str, str]] = {"active": "bool"}

    spec: DigitalInputSpec

    def __init__(self, name: str, spec: DigitalInputSpec) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale

    def update(self, level: bool, at: float) -> None:
        """The board reports the level of the pin, high or low. Listeners are told of changes."""
        self._renew("active", level is (self.spec.active == "high"), at)

    def heard(self, at: float) -> None:
        """The board said something else: the level, if it is known, is still what it was."""
        known = self._values.get("active")
        if known is not None:
            self._renew("active", known[0], at)

    def _renew(self, name: str, value: float | bool, at: float) -> None:
        known = self._values.get(name)
        self._values[name] = (value, at)
        if known is None or known[0] != value or at - known[1] > self.spec.stale:
            self._tell(name)
