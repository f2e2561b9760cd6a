"""A motor behind a power stage: duty in, turning out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hal.device import SETPOINT_FRESHNESS_S, SETTLED_S, Actuator, ActuatorSpec, verb
from hal.errors import DeviceRefused, HalError
from hal.kinds.output import Output

RENEW_S = 0.1
"""An unchanged duty is written again only after this long: enough for a deadman, little for the wire."""


class MotorSpec(ActuatorSpec, frozen=True):
    """What the file says about a motor."""

    kind: Literal["motor"] = "motor"
    on_stop: Literal["zero", "off", "keep"] = "zero"
    """`keep` is for what holds something by running, a vacuum pump; the others are the same for a motor."""
    max_duty: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The largest share of full power, either way round."""


class Motor(Actuator):
    """A motor that is told a duty from -1 (full power backwards) to 1."""

    KIND = "motor"
    READINGS: ClassVar[Mapping[str, str]] = {"duty": "", "moving": "bool"}
    INITIAL: ClassVar[Mapping[str, float | bool]] = {"duty": 0.0, "moving": False}

    spec: MotorSpec

    def __init__(self, name: str, spec: MotorSpec, output: Output) -> None:
        super().__init__(name, spec)
        self.max_duty = spec.max_duty
        self.wheel_of: Actuator | None = None
        """The drive base that this motor is a wheel of."""
        self.output = output
        self._duty = 0.0
        self._renew_at = 0.0

    @property
    def has_own_setpoint(self) -> bool:
        """It was told a duty by itself, not through its base, and that has not lapsed."""
        return self._lapses_at < math.inf

    @verb(moves=True, streamed=True)
    def set_duty(self, duty: float) -> float:
        """Turn with a share of full power; returns the duty that was sent. Lapses after 400 ms.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: beyond `max_duty` (unless `on_limit: clamp`), or not a finite number.
            DeviceRefused: it is a wheel of a base that moves.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        duty = self._limited("duty", duty, -self.max_duty, self.max_duty, "")
        base = self.wheel_of
        if base is not None and not base.at_rest:
            raise DeviceRefused(self.name, f"it turns for {base.name} now; halt {base.name} first")
        loop = asyncio.get_running_loop()
        now = loop.time()
        self.apply(duty, now)
        self._fresh_until(now + SETPOINT_FRESHNESS_S, loop)
        return duty

    def apply(self, duty: float, now: float) -> None:
        """Write a duty within the limit, whatever the state: for the base that this motor is a wheel of.

        A duty that rounding put beyond `max_duty` is cut; an unchanged one is written once in `RENEW_S`.
        Raises what the wire raises.
        """
        if duty == self._duty and now < self._renew_at:
            return
        if not -self.max_duty <= duty <= self.max_duty:
            duty = 0.0 if math.isnan(duty) else math.copysign(self.max_duty, duty)
        self.output.write(duty)
        self._renew_at = now + RENEW_S
        self._show(duty, now)

    def felt(self, duty: float, now: float, slack: float = 0.0) -> bool:
        """Its driver says with which duty it really runs; as `_felt`. At rest, any is too much."""
        rests = self.at_rest and self.spec.on_stop != "keep" and now - self.rest_since >= SETTLED_S
        limit = 0.0 if rests else self.max_duty
        return self._felt("duty", duty, -limit, limit, "", slack)

    def cut(self, now: float) -> None:
        """Write zero now, whatever was written before; the readings say so even if the wire refused."""
        try:
            self.output.write(0.0)
        finally:
            self._renew_at = now
            self._show(0.0, now)

    def vanish(self) -> None:
        """As for every actuator; a board that comes back stands still, whatever was kept before."""
        super().vanish()
        self._duty = 0.0

    def stop_because(self, reason: HalError) -> None:
        """Stop its base too: one wheel that stops alone would turn the robot on the spot."""
        if self.wheel_of is not None and not self.wheel_of.at_rest:
            self.wheel_of.stop_because(reason)
        super().stop_because(reason)

    def _show(self, duty: float, now: float) -> None:
        self._resting(now, duty == 0.0)
        if duty != self._duty:
            self._duty = duty
            self._publish("duty", duty, now)
            self._publish("moving", duty != 0.0, now)

    def _halt_own(self) -> None:
        if self.wheel_of is None or self.wheel_of.at_rest:
            self.halt()

    def _to_stop_value(self, now: float) -> None:
        if self.spec.on_stop == "keep":
            self._renew_at = now
        else:
            self._surely(self.cut, now)
