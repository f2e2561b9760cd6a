"""What the firmware of a simulated machine makes of a block of G-code: modes, targets, outputs. Pure.

The part of Grbl 1.1's dialect that a pick-and-place machine or a router needs, with the firmware's error
numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from hal.drivers.grbl.gcode import BlockError, Word, parse_block
from hal.drivers.grbl.words import Point
from hal.drivers.grbl.world import arc

INCH_MM = 25.4
SUPPORTED_G = frozenset({0, 1, 2, 3, 4, 10, 17, 20, 21, 40, 49, 53, 54, 61, 80, 90, 91, 91.1, 92, 92.1, 94})
SUPPORTED_M = frozenset({0, 1, 2, 3, 4, 5, 8, 9, 30})
"""Without M7: mist is an option of the firmware's build."""


class Way(NamedTuple):
    """Where to go, and how fast; infinite for a rapid."""

    target: Point
    feed_mm_s: float


class Done(NamedTuple):
    """What a block asks for, in this order."""

    coolant: bool | None = None
    dwell_s: float | None = None
    ways: tuple[Way, ...] = ()
    pause: bool = False
    end: bool = False

    @property
    def waits(self) -> bool:
        """Whether everything before it has to be done first."""
        return self.coolant is not None or self.dwell_s is not None or self.pause or self.end


@dataclass(slots=True)
class Modes:
    """The modal state of the parser."""

    motion: int | None = 0
    absolute: bool = True
    scale_mm: float = 1.0
    feed_mm_s: float | None = None
    offset: Point = (0.0, 0.0, 0.0)
    """Machine minus work position: G54 and G92 together."""
    position: Point = (0.0, 0.0, 0.0)
    """Where the last block ends, in machine coordinates."""
    values: dict[str, float] = field(default_factory=dict)

    def run(self, block: str) -> Done:
        """Carry out a stripped block. Raises `BlockError`, and then has changed nothing but modes."""
        words = parse_block(block)
        g = {word.value for word in words if word.letter == "G"}
        m = {word.value for word in words if word.letter == "M"}
        for word in words:
            known = {"G": SUPPORTED_G, "M": SUPPORTED_M}.get(word.letter)
            if known is not None and word.value not in known:
                raise BlockError(20, f"{word.letter}{word.value:g}")
        values = {word.letter: word.value for word in words if word.letter not in "GM"}
        self._set_modes(g, values)
        coolant = True if 8 in m else False if 9 in m or m & {2, 30} else None
        if 4 in g:
            if "P" not in values:
                raise BlockError(28, "P")
            return Done(coolant, dwell_s=values["P"])
        if g & {10, 92, 92.1}:
            self._shift(g, values)
            return Done(coolant)
        ways = self._ways(g, words, values)
        if m & {2, 30}:
            self.motion, self.absolute, self.scale_mm = 1, True, 1.0
        return Done(coolant, None, ways, pause=bool(m & {0, 1}), end=bool(m & {2, 30}))

    def _set_modes(self, g: set[float], values: dict[str, float]) -> None:
        for code, scale in ((20, INCH_MM), (21, 1.0)):
            if code in g:
                self.scale_mm = scale
        for code, absolute in ((90, True), (91, False)):
            if code in g:
                self.absolute = absolute
        if "F" in values:
            if values["F"] < 0:
                raise BlockError(4, "F")
            self.feed_mm_s = values["F"] * self.scale_mm / 60
        motions = g & {0, 1, 2, 3}
        if len(motions) > 1:
            raise BlockError(21, "G")
        if motions:
            self.motion = int(motions.pop())
        if 80 in g:
            self.motion = None

    def _shift(self, g: set[float], values: dict[str, float]) -> None:
        told = [values.get(axis) for axis in "XYZ"]
        if 92.1 in g:
            self.offset = (0.0, 0.0, 0.0)
        elif 10 in g and values.get("L") not in (2, 20):
            raise BlockError(28, "L")
        else:
            direct = 10 in g and values["L"] == 2
            x, y, z = (
                old if value is None else value * self.scale_mm if direct else at - value * self.scale_mm
                for value, old, at in zip(told, self.offset, self.position, strict=True)
            )
            self.offset = x, y, z

    def _ways(self, g: set[float], words: list[Word], values: dict[str, float]) -> tuple[Way, ...]:
        if not any(word.letter in "XYZ" for word in words):
            return ()
        if self.motion is None:
            raise BlockError(31, "axis words")
        start = self.position
        target = self.target(values, machine=53 in g)
        if self.motion == 0:
            feed = math.inf
        elif self.feed_mm_s is None or self.feed_mm_s == 0:
            raise BlockError(22, "F")
        else:
            feed = self.feed_mm_s
        if self.motion in (2, 3):
            if "I" not in values and "J" not in values:
                raise BlockError(35, "I and J")
            center = (
                start[0] + values.get("I", 0.0) * self.scale_mm,
                start[1] + values.get("J", 0.0) * self.scale_mm,
            )
            points = arc(start, target, center, clockwise=self.motion == 2)
        else:
            points = [target]
        self.position = target
        return tuple(Way(point, feed) for point in points)

    def target(self, values: dict[str, float], *, machine: bool) -> Point:
        """Where the axis words lead, in machine coordinates."""
        x, y, z = (
            at
            if (value := values.get(axis)) is None
            else value * self.scale_mm
            if machine
            else value * self.scale_mm + (off if self.absolute else at)
            for axis, at, off in zip("XYZ", self.position, self.offset, strict=True)
        )
        return x, y, z
