"""A gripper with one servo: it opens, it closes until it holds something, and it keeps its grip on a stop."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hal.device import verb
from hal.kinds.axis import AxisSpec, JointOutput
from hal.kinds.leading import FULL_PERCENT
from hal.kinds.servoed import READINGS, Servoed
from hal.kinds.ticker import PERIOD_S
from hal.units import Angle, PositiveAngle

STALL_S = 0.1
"""So long it does not get on, and something is between its fingers."""
STALL_SHARE = 0.1
"""It does not get on: so little of its way in that time, as a share of what its rate would make of it."""
LOOSE_SHARE = 0.5
"""What it held is gone when its fingers are so near their goal, as a share of `squeeze`."""


class GripperSpec(AxisSpec, frozen=True):
    """What the file says about a gripper."""

    kind: Literal["gripper"] = "gripper"
    on_stop: Literal["keep", "off"] = "keep"
    """`keep` keeps its grip; `off` goes limp and drops what it holds."""
    closed: Angle
    """Its angle with nothing between the fingers; `open` may be more or less than that."""
    open: Angle
    squeeze: PositiveAngle = math.radians(2)
    """So far behind what it holds its goal lies: how firmly it grips. Too much is an overload in seconds."""

    @property
    def low(self) -> float:
        """The lesser of the two ends."""
        return min(self.closed, self.open)

    @property
    def high(self) -> float:
        """The greater of the two ends."""
        return max(self.closed, self.open)

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        if self.closed == self.open:
            sentence = "open and closed are the same angle"
            raise PydanticCustomError("limits", "{sentence}", {"sentence": sentence, "hint": None})
        return self


class Gripper(Servoed):
    """Two fingers and a servo. `opening` is 0 % where they meet and 100 % where they are farthest apart."""

    KIND = "gripper"
    READINGS: ClassVar[Mapping[str, str]] = {**READINGS, "opening": "%", "holding": "bool"}
    INITIAL: ClassVar[Mapping[str, float | bool]] = {"moving": False, "holding": False}

    spec: GripperSpec

    def __init__(self, name: str, spec: GripperSpec, line: JointOutput) -> None:
        super().__init__(name, spec, line)
        self._passed: deque[float] = deque(maxlen=round(STALL_S / PERIOD_S) + 1)
        """Where it stood at the last ticks of a motion."""

    @verb(moves=True, timeout_s=None)
    async def open(self) -> float:
        """Open all the way, and return the opening in per cent. Raises: as `move_to`."""
        return await self.move_to(FULL_PERCENT)

    @verb(moves=True, timeout_s=None)
    async def close(self) -> bool:
        """Close until something is held or the fingers meet; returns whether it holds something.

        Raises: as `move_to`.
        """
        await self.move_to(0.0)
        return self._holds

    @verb(moves=True, timeout_s=None)
    async def move_to(self, opening_percent: float) -> float:
        """Open or close to so much of its way, or until something is held; returns the opening then.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: not within 0 to 100 (unless `on_limit: clamp`), or not a finite number.
            DeviceRefused: where it stands is not known, or it does not come there.
            Halted: a stop or something newer ended it before.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        opening = self._limited("opening", opening_percent, 0.0, FULL_PERCENT, "%")
        spec = self.spec
        goal = spec.closed + (spec.open - spec.closed) * opening / FULL_PERCENT
        self._passed.clear()
        await self._travel([goal])
        reading = self.reading("opening")
        return opening if reading is None else float(reading.value)

    @verb(moves=True)
    def release(self) -> None:
        """Go limp, and drop what it holds.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self.go_limp(self._stand("it was told to release"))

    def _step(self, now: float, elapsed_s: float) -> None:
        """As for every motion, but closing, its goal waits for the fingers; what stops them, it holds."""
        pressing = self._pressing()
        super()._step(now, 0.0 if pressing else elapsed_s)
        axis, spec = self.axis, self.spec
        if axis.present is None or self.at_rest:
            return
        self._passed.append(axis.present)
        stuck = len(self._passed) == self._passed.maxlen and (
            abs(self._passed[-1] - self._passed[0]) < STALL_SHARE * STALL_S * spec.rate
        )
        if stuck and pressing:
            axis.lead(axis.present + self._closing * spec.squeeze)
            self._renew([("holding", True)], now)
            self._rest(now)
            self._reached(0.0)

    def _pressing(self) -> bool:
        """Whether its goal is farther inside of where the fingers are than it is to squeeze."""
        axis = self.axis
        if axis.goal is None or axis.present is None:
            return False
        return (axis.goal - axis.present) * self._closing > self.spec.squeeze

    @property
    def _closing(self) -> float:
        """1 or -1: which way round it closes."""
        return math.copysign(1.0, self.spec.closed - self.spec.open)

    @property
    def _holds(self) -> bool:
        reading = self.reading("holding")
        return reading is not None and bool(reading.value)

    def _heard(self, at: float) -> None:
        """Its opening follows from its angle; what slipped out is held no more."""
        axis, spec = self.axis, self.spec
        if axis.present is None:
            return
        opening = (axis.present - spec.closed) / (spec.open - spec.closed) * FULL_PERCENT
        gone = axis.goal is None or abs(axis.goal - axis.present) < LOOSE_SHARE * spec.squeeze
        self._renew([("opening", opening), ("holding", self._holds and not gone)], at)
