"""What an arm was shown by hand: its joints' angles over time, as a table that a spreadsheet reads. Pure.

time_s,shoulder_rad,elbow_rad
0.0,0.1,-0.5
0.02,0.1004,-0.4981
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
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
    """Writes down where joints are, within their limits, row by row: at the end nothing is left to do."""

    def __init__(self, joints: Sequence[str], limits: Sequence[tuple[float, float]], began: float) -> None:
        self._rows = [",".join(_columns(joints))]
        self._limits = limits
        self._began = began
        self.length_s = 0.0
        """From the begin to the last look."""

    def look(self, angles_rad: Sequence[float | None], now: float) -> None:
        """Where they are now; where one is not known, nothing is written down."""
        seen = [
            min(max(round(angle, DECIMALS), low), high)
            for angle, (low, high) in zip(angles_rad, self._limits, strict=True)
            if angle is not None
        ]
        if len(seen) == len(angles_rad):
            self.length_s = round(now - self._began, DECIMALS)
            self._rows.append(",".join(map(repr, (self.length_s, *seen))))

    @property
    def table(self) -> str:
        """What was written down."""
        return "\n".join([*self._rows, ""])


class NotARecording(ValueError):
    """A text is no such table. The message is a sentence that names the line."""


def read_table(text: str, joints: Sequence[str]) -> Iterator[Point | None]:
    """The points of a table of just these joints, in whichever order its columns are; None for an empty line.

    One after the other: to take a long file apart at once would hold up a stop. Raises `NotARecording`.
    """
    rows = io.StringIO(text, newline=None)
    due = _columns(joints)
    columns = [column.strip() for column in rows.readline().split(",", len(due))]
    if sorted(columns) != sorted(due):
        raise NotARecording(f"line 1 must name the columns {', '.join(due)}")
    order = [columns.index(column) for column in due]
    last_s: float | None = None
    for number, row in enumerate(rows, start=2):
        if not row.strip():
            yield None
            continue
        cells = row.split(",", len(columns))
        if len(cells) != len(columns):
            raise NotARecording(f"line {number} has {row.count(',') + 1} columns, not {len(columns)}")
        time_s, *angles_rad = (_number(cells[column], number) for column in order)
        _check_pause(time_s - (time_s if last_s is None else last_s), number)
        last_s = time_s
        yield Point(time_s, tuple(angles_rad))
    if last_s is None:
        raise NotARecording("it has no line with angles")


def _columns(joints: Sequence[str]) -> list[str]:
    return ["time_s", *(f"{joint}_rad" for joint in joints)]


def _number(cell: str, line: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NotARecording(f"line {line} says {cell.strip()[:20]!r} where a number is due")
    return value


def _check_pause(pause_s: float, line: int) -> None:
    if not 0 <= pause_s <= LONGEST_PAUSE_S:
        raise NotARecording(
            f"line {line} is {pause_s:g} s after the one before; 0 to {LONGEST_PAUSE_S:g} s are possible"
        )
