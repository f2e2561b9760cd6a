"""A joint of an arm: a servo with feedback that is led to its goals within limits."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import verb
from hal.kinds.axis import AxisSpec
from hal.kinds.leading import FULL_PERCENT
from hal.kinds.servoed import Servoed
from hal.units import Angle, PositiveAngle


class JointSpec(AxisSpec, frozen=True):
    """What the file says about a joint."""

    kind: Literal["joint"] = "joint"
    on_stop: Literal["hold", "off"] = "hold"
    """`hold` stays where it is, with torque; `off` goes limp."""
    min: Angle
    max: Angle
    max_error: PositiveAngle = math.radians(20)
    """So far from its goal, twice in a row, it is blocked or runs away: it halts."""

    @property
    def low(self) -> float:
        """`min`."""
        return self.min

    @property
    def high(self) -> float:
        """`max`."""
        return self.max

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min >= self.max:
            sentence = "max must be more than min"
            raise PydanticCustomError("limits", "{sentence}", {"sentence": sentence, "hint": None})
        return self


class Joint(Servoed):
    """A joint with a servo that says where it stands. It has torque from its first `hold` or motion on.

    Torque never jumps: what it holds first is where it stands.
    """

    KIND = "joint"

    spec: JointSpec

    @verb(moves=True, timeout_s=None)
    async def move_to(self, angle_rad: float, speed_percent: float = FULL_PERCENT) -> float:
        """Go to an angle, and return the angle where it stands when it has arrived. The newest goal wins.

        At `speed_percent` of its rate and acceleration. For a newer goal it brakes first.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: beyond `min` or `max` (unless `on_limit: clamp`), or not a finite number.
            DeviceRefused: its group moves, where it stands is not known, or it does not come there.
            Halted: a stop or something newer ended it before.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        goal = self.limited(angle_rad)
        share = self._share(speed_percent)
        await self._travel([goal], share)
        return goal if self.axis.present is None else self.axis.present

    @verb(moves=True, streamed=True)
    def jog(self, rate_rad_s: float) -> float:
        """Turn at this rate and stop before a limit; returns the rate. Lapses after 400 ms.

        Raises: as `move_to`, except that it waits for nothing.
        """
        self._require_active()
        rate = self.limited_rate(rate_rad_s)
        self._require_free()
        self._jog((rate,))
        return rate

    @verb(moves=True)
    def hold(self) -> float:
        """Have torque and stay: where it stands, if it was limp or moved. Returns the angle.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: its group moves, or where it stands is not known.
            DeviceGone, LinkFull: the wire did not take it.
        """
        return self.engage(self._stand("it was told to hold"))

    @verb(moves=True)
    def release(self) -> None:
        """Go limp, whatever it carries.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: its group moves.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self.go_limp(self._stand("it was told to release"))

    def limited(self, angle_rad: float) -> float:
        """The angle, within its limits. Raises `OutOfRange`, as its verbs do."""
        return self._limited("angle", angle_rad, self.spec.min, self.spec.max, "rad")

    def limited_rate(self, rate_rad_s: float) -> float:
        """The rate, within its limit. Raises `OutOfRange`, as its verbs do."""
        return self._limited("rate", rate_rad_s, -self.spec.rate, self.spec.rate, "rad/s")

    def _heard(self, at: float) -> None:
        """It must be within its limits, or where it is held beyond them, and near its goal."""
        spec, goal, position_rad = self.spec, self.axis.goal, self.axis.present
        if goal is not None and position_rad is not None:
            low, high = min(spec.min, goal), max(spec.max, goal)
            self._felt("angle", position_rad, low, high, "rad", spec.tolerance)
            error = spec.max_error
            self._felt("distance from its goal", position_rad - goal, -error, error, "rad")
