"""A G-code file on its way: read through before it begins, then one line after the other. Pure.

What Grbl would refuse wherever it stands, a word it does not know or a number that is none, is found here,
and so is a target beyond the travel as long as it is known which coordinates it is in.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hal.drivers.grbl.gcode import BlockError, Word, parse_block, strip
from hal.drivers.grbl.words import AXES, ERRORS, Point
from hal.kinds.three_axes import Span

INCH_MM = 25.4
ROUNDING_MM = 0.0015
"""So far beyond the travel a target is on its end: files and firmware round."""
MOTIONS = frozenset({0, 1, 2, 3})
UNFOLLOWED = frozenset({10, 28, 28.1, 30, 30.1, 38.2, 38.3, 38.4, 38.5, 43.1, 55, 56, 57, 58, 59, 92, 92.1})
"""After one of these nobody knows here which place a target means."""


class JobLine(NamedTuple):
    """One line that is sent."""

    number: int
    """In the file, from 1; comments and empty lines count."""
    block: str
    dwell_s: float

    @property
    def data(self) -> bytes:
        """As it is sent."""
        return f"{self.block}\n".encode()


class BadLine(Exception):
    """A line that cannot be run. The message names it and says why."""

    def __init__(self, number: int, block: str, why: str) -> None:
        super().__init__(f"line {number}: {why}: {block[:40]!r}")
        self.number = number


class Job(NamedTuple):
    """A file that was read through."""

    file: str
    lines: Sequence[JobLine]
    length: int
    """How many lines the file has."""


def read_job(text: str, spans: Sequence[Span], offset_mm: Point | None) -> Iterator[JobLine | None]:
    """The lines to send, one for each line of `text`, None where there is nothing to send.

    `spans`: how far the axes go, in machine coordinates; `offset_mm`: machine minus work position of G54,
    None where that is not known. Raises `BadLine`.
    """
    reader = _Reader(spans, offset_mm)
    # One after the other: to cut a long file in lines at once would hold up a stop.
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        block = strip(line)
        if not block or block == "%":
            yield None
        else:
            yield JobLine(number, block, reader.read(number, block))


class _Reader:
    """Follows the modes that say where a target is."""

    def __init__(self, spans: Sequence[Span], offset_mm: Point | None) -> None:
        self._spans = spans
        self._offset = offset_mm
        self._scale_mm = 1.0
        self._absolute = True
        self._followed = offset_mm is not None

    def read(self, number: int, block: str) -> float:
        """Check a block; returns how long it dwells, in seconds."""
        if block.startswith("$"):
            raise BadLine(number, block, "a job has no '$' commands")
        if not block.isascii() or any(letter in block for letter in "!~?"):
            raise BadLine(number, block, "a letter that no block may have")
        try:
            words = parse_block(block)
        except BlockError as error:
            why = ERRORS.get(error.code, f"error:{error.code}")
            raise BadLine(number, block, f"{why}, {error.what}") from None
        codes = {word.value for word in words if word.letter == "G"}
        self._follow(codes)
        if self._followed:
            self._check_target(number, block, words, codes)
        dwells = 4 in codes
        return next((word.value for word in words if word.letter == "P"), 0.0) if dwells else 0.0

    def _follow(self, codes: set[float]) -> None:
        if 20 in codes:
            self._scale_mm = INCH_MM
        if 21 in codes:
            self._scale_mm = 1.0
        if 90 in codes:
            self._absolute = True
        if 91 in codes:
            self._absolute = False
        if codes & UNFOLLOWED:
            self._followed = False

    def _check_target(self, number: int, block: str, words: list[Word], codes: set[float]) -> None:
        if 53 not in codes and not self._absolute:
            return  # where it starts from is not followed
        for axis, span, offset in zip(AXES, self._spans, self._offset or (0.0, 0.0, 0.0), strict=True):
            for word in words:
                if word.letter == axis.upper():
                    target_mm = word.value * self._scale_mm + (0.0 if 53 in codes else offset)
                    low_mm, high_mm = span.low_m * 1000, span.high_m * 1000
                    if not low_mm - ROUNDING_MM <= target_mm <= high_mm + ROUNDING_MM:
                        raise BadLine(
                            number,
                            block,
                            f"{axis} would be {target_mm:g} mm in machine coordinates, beyond its travel of "
                            f"{low_mm:g} to {high_mm:g} mm",
                        )
