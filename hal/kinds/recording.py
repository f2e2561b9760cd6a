"""What an arm was shown by hand: its joints' angles over time, as a table that a spreadsheet reads. Pure.

time_s,shoulder_rad,elbow_rad
0.0,0.1,-0.5
0.02,0.1004,-0.4981
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

LIMIT_BYTES = 4 * 1024 * 1024
LONGEST_S = 300.0
"""A recording ends by itself then."""
LONGEST_PAUSE_S = 60.0
"""No two points of a table are further apart."""


DECIMALS = 4


class Point(NamedTuple):
    """Where the joints were at one time."""

    time_s: float
    angles_rad: tuple[float, ...]


class Recorder:
    """Writes down where joints are, within their limits."""

    def __init__(self, limits: Sequence[tuple[float, float]], began: float) -> None:
        self.points: list[Point] = []
        self._limits = limits
        self._began = began

    @property
    def length_s(self) -> float:
        """From the begin to the last look."""
        return self.points[-1].time_s if self.points else 0.0

    def look(self, angles_rad: Sequence[float | None], now: float) -> None:
        """Where they are now; where one is not known, nothing is written down."""
        seen = [
            min(max(round(angle, DECIMALS), low), high)
            for angle, (low, high) in zip(angles_rad, self._limits, strict=True)
            if angle is not None
        ]
        if len(seen) == len(angles_rad):
            self.points.append(Point(round(now - self._began, DECIMALS), tuple(seen)))


class NotARecording(ValueError):
    """A text is no such table. The message is a sentence that names the line."""


def write_table(joints: Sequence[str], points: Sequence[Point]) -> str:
    """The table of the points, whose times begin with 0."""
    head = ",".join(["time_s", *(f"{joint}_rad" for joint in joints)])
    rows = [",".join(map(repr, (time_s, *angles))) for time_s, angles in points]
    return "\n".join([head, *rows, ""])


def read_table(text: str, joints: Sequence[str]) -> list[Point]:
    """The points of a table of just these joints, in whichever order its columns are.

    Raises `NotARecording`.
    """
    head, *rows = text.splitlines() or [""]
    columns = [column.strip() for column in head.split(",")]
    due = ["time_s", *(f"{joint}_rad" for joint in joints)]
    if sorted(columns) != sorted(due):
        raise NotARecording(f"line 1 must name the columns {', '.join(due)}")
    order = [columns.index(column) for column in due]
    points: list[Point] = []
    for number, row in enumerate(rows, start=2):
        if row.strip():
            cells = row.split(",")
            if len(cells) != len(columns):
                raise NotARecording(f"line {number} has {len(cells)} columns, not {len(columns)}")
            values = [_number(cells[column], number) for column in order]
            points.append(Point(values[0], tuple(values[1:])))
            _check_time(points, number)
    if not points:
        raise NotARecording("it has no line with angles")
    return points


def _number(cell: str, line: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NotARecording(f"line {line} says {cell.strip()[:20]!r} where a number is due")
    return value


def _check_time(points: Sequence[Point], line: int) -> None:
    if len(points) > 1:
        pause_s = points[-1].time_s - points[-2].time_s
        if not 0 <= pause_s <= LONGEST_PAUSE_S:
            raise NotARecording(
                f"line {line} is {pause_s:g} s after the one before; 0 to {LONGEST_PAUSE_S:g} s are possible"
            )
