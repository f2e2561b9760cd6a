"""A conveyor belt behind a drive with a ramp of its own: a speed in, and the speed that it really has out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Literal

from hal.device import SETTLED_S, Actuator, ActuatorSpec, Feedback, verb
from hal.errors import Halted
from hal.kinds.output import Output
from hal.units import PositiveDuration, PositiveSpeed

SLACK = 0.05
"""By so much of its limit a drive may overshoot at the end of its ramp."""


class BeltSpec(ActuatorSpec, frozen=True):
    """What the file says about a belt."""

    FEEDBACK: ClassVar[Feedback] = "motion"

    kind: Literal["belt"] = "belt"
    on_stop: Literal["zero"] = "zero"
    max_speed: PositiveSpeed
    reversible: bool = False
    """Whether it may run backwards."""
    stop_time: PositiveDuration = 1.0
    """How long its drive takes from full speed to a standstill."""
    stale: PositiveDuration = 0.5
    """At which age its speed means nothing."""


class Belt(Actuator):
    """A belt that runs until it is halted. Its drive makes the ramp."""

    KIND = "belt"
    READINGS: ClassVar[Mapping[str, str]] = {"speed": "m/s", "target": "m/s", "moving": "bool"}

    spec: BeltSpec

    def __init__(self, name: str, spec: BeltSpec, output: Output) -> None:
        super().__init__(name, spec)
        self.stale_after_s = spec.stale
        self.output = output
        self._target = 0.0

    @verb(moves=True, timeout_s=None)
    async def run(self, speed_m_s: float) -> float:
        """Run at a speed, until it is halted or told another one: it does not end by itself.

        In a state's `do` it runs as long as the robot is in that state; as a command, until its time is over.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: beyond `max_speed` (unless `on_limit: clamp`), backwards where it is not `reversible`,
                or not a finite number.
            Halted: the end, by a stop or by a newer speed.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        lowest = -self.spec.max_speed if self.spec.reversible else 0.0
        speed = self._limited("speed", speed_m_s, lowest, self.spec.max_speed, "m/s")
        self._end_motion(Halted(self.name, "it was told another speed"))
        self._fresh_for_ever()
        self._stop_no_more()
        now = asyncio.get_running_loop().time()
        try:
            self._write(speed, now)
        except Exception:
            self._show(0.0, now)
            raise
        return await self._until_reached()

    def update(self, speed_m_s: float, at: float) -> None:
        """Its drive says how fast it really runs. Listeners are told each time.

        More than it may, or any speed long enough after a stop, twice in a row halts it again.
        """
        rests = self.at_rest and at - self.rest_since >= self.spec.stop_time + SETTLED_S
        most = 0.0 if rests else self.spec.max_speed
        self._values |= {
            "speed": (speed_m_s, at),
            "target": (self._target, at),
            "moving": (speed_m_s != 0.0, at),
        }
        for name in self._units:
            self._tell(name)
        self._felt("speed", speed_m_s, -most, most, "m/s", slack=SLACK * self.spec.max_speed)

    def _write(self, speed_m_s: float, now: float) -> None:
        self._show(speed_m_s, now)
        self.output.write(speed_m_s)

    def _show(self, target_m_s: float, now: float) -> None:
        self._target = target_m_s
        self._resting(now, target_m_s == 0.0)
        self._publish("target", target_m_s, now)

    def _to_stop_value(self, now: float) -> None:
        self._surely(self._write, 0.0, now)
