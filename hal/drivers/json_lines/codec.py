"""Objects of JSON, one a line, to bytes and back. No I/O, no clock; their meaning is a dialect's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

LONGEST_LINE_BYTES = 512
DIGITS = 4
REMEMBERED = 256
"""So many lines are not read anew: one that rests says the same few again and again."""

Object = dict[str, Any]


class Lines:
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into objects."""

    def __init__(self) -> None:
        self.discarded = 0
        """How many lines were no object."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Object]:
        """The objects that `data` completes, in order. Never raises; holds at most one unfinished line."""
        *lines, rest = (self._rest + data).split(b"\n")
        # Of one that is too long so much is kept that its end is not taken for a line of its own.
        self._rest = rest[: LONGEST_LINE_BYTES + 1]
        objects = []
        for line in lines:
            found = _read(line)
            if found is not None:
                objects.append(found)
            else:
                self.discarded += bool(line.strip())
        return objects


@lru_cache(maxsize=REMEMBERED)
def _read(line: bytes) -> Object | None:
    """Whoever gets the object only looks at it: the next line that says the same is the same one."""
    if len(line) > LONGEST_LINE_BYTES:
        return None
    try:
        found = _decode(line.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse(constant: str) -> NoReturn:
    """JSON knows neither NaN nor Infinity, which Python reads all the same."""
    raise ValueError(constant)


# Made once: to make them takes longer than a line does.
_decode = json.JSONDecoder(parse_constant=_refuse).decode
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def write(found: Mapping[str, Any]) -> bytes:
    """One line."""
    return _encode(found).encode("ascii") + b"\n"


def short(value: float, digits: int = DIGITS) -> float:
    """With as many digits as a wire needs; a whole number is written without a point."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def number(value: object) -> float | None:
    """`value` if it is a number that a float can hold."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float) and abs(value) < 1e300:
        return float(value)
    return None
