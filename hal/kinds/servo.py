"""A positional servo without feedback: it goes where it is told, at a rate that is ours to keep."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import Actuator, ActuatorSpec, verb
from hal.errors import Halted
from hal.kinds.output import Output
from hal.kinds.ticker import PERIOD_S, Ticker
from hal.units import Angle, PositiveTurnRate


class ServoSpec(ActuatorSpec, frozen=True):
    """What the file says about a servo."""

    kind: Literal["servo"] = "servo"
    on_stop: Literal["hold", "zero", "keep"] = "hold"
    """`hold` and `keep` end the motion where it is; `zero` goes to 0 rad, or the nearest limit, at once."""
    min: Angle
    max: Angle
    max_rate: PositiveTurnRate = math.pi

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min >= self.max:
            sentence = "max must be more than min"
            raise PydanticCustomError("limits", "{sentence}", {"sentence": sentence, "hint": None})
        return self


class Servo(Actuator):
    """A servo that is led to its goal at `max_rate`, in steps of 50 Hz.

    Where it stands before its first move nobody knows, so that move is one step and takes as long as the
    whole range would.
    """

    KIND = "servo"
    READINGS: ClassVar[Mapping[str, str]] = {"angle": "rad", "moving": "bool"}
    INITIAL: ClassVar[Mapping[str, float | bool]] = {"moving": False}

    spec: ServoSpec

    def __init__(self, name: str, spec: ServoSpec, output: Output) -> None:
        super().__init__(name, spec)
        self.output = output
        self._ticker = Ticker(self._tick)
        self._angle: float | None = None
        self._goal = 0.0
        self._heading = 0.0
        """1 or -1 on the way up or down; 0 where it started from is not known."""
        self._arrives_at = 0.0

    @verb(moves=True, timeout_s=None)
    async def move_to(self, angle_rad: float) -> float:
        """Go to an angle and return it when, at `max_rate`, it must be there. The newest goal wins.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: beyond `min` or `max` (unless `on_limit: clamp`), or not a finite number.
            Halted: a stop or a newer goal ended it before.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        goal = self._limited("angle", angle_rad, self.spec.min, self.spec.max, "rad")
        self._end_motion(Halted(self.name, "a newer goal ended its motion"))
        self._ticker.stop()
        self._fresh_for_ever()
        now = asyncio.get_running_loop().time()
        way = abs(goal - self._angle) if self._angle is not None else self.spec.max - self.spec.min
        self._goal = goal
        self._heading = math.copysign(1.0, goal - self._angle) if self._angle is not None else 0.0
        self._arrives_at = now + way / self.spec.max_rate
        self._resting(now, False)
        self._ticker.start(now + PERIOD_S)
        try:
            self._lead(now)
            self._publish("moving", True, now)
        except Exception:
            self._rest(now)
            raise
        return await self._until_reached()

    def felt(self, angle_rad: float, slack: float = 0.0) -> bool:
        """Its driver says at which angle it really is, or is held; as `_felt`."""
        return self._felt("angle", angle_rad, self.spec.min, self.spec.max, "rad", slack)

    def vanish(self) -> None:
        """As for every actuator; where it stands when it is back, nobody knows."""
        super().vanish()
        self._angle = None

    def _tick(self, now: float) -> None:
        try:
            if now < self._arrives_at and self._ticker.running:
                self._lead(now)
            else:
                self._rest(now)
                self._reached(self._goal)
        except Exception as error:
            self._rest(now)
            self._broke(error)

    def _lead(self, now: float) -> None:
        """Write where it shall be at the next tick."""
        to_go = max(0.0, self._arrives_at - now - PERIOD_S) * self.spec.max_rate
        self._write(self._goal - self._heading * to_go, now)
        if self._arrives_at <= now + PERIOD_S:
            self._ticker.next_only_at(self._arrives_at)

    def _write(self, angle: float, now: float) -> None:
        angle = min(max(angle, self.spec.min), self.spec.max)  # rounding may lie beyond
        self.output.write(angle)
        self._angle = angle
        self._publish("angle", angle, now)

    def _rest(self, now: float) -> None:
        self._ticker.stop()
        self._resting(now, True)
        self._publish("moving", False, now)

    def _to_stop_value(self, now: float) -> None:
        self._ticker.stop()
        if self.spec.on_stop == "zero":
            self._surely(self._write, 0.0, now)
        elif self.spec.on_stop == "hold" and self._angle is not None:
            self._surely(self._write, self._angle, now)
        self._rest(now)
