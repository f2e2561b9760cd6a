"""What can be wrong with a wire, in words.

    corrupt 2%        each byte is changed in one bit, with this probability
    drop 1%           each byte is lost, with this probability
    delay 5..40 ms    each piece comes later by a time in between; the order is kept
    split             one byte at a time
    stall 800 ms      nothing passes for so long, then everything does
    full 500 ms       for so long the wire takes nothing more
    garbage 64 B      so many random bytes come as if from the far end
    unplug 5 s        the wire is pulled, and put back after so long

The first four last, and work both ways. The others happen once: when the wire is first opened, or later, as
`unplug 5 s after 10 s` says.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from hal.units import UnitError, parse_quantity

EXAMPLES = "corrupt 2%, drop 1%, delay 5..40 ms, split, stall 800 ms, full 500 ms, garbage 64 B, unplug 5 s"
GARBAGE_LIMIT_BYTES = 4096


class FaultError(ValueError):
    """A text that is no fault; the message names the word and shows the grammar."""


class FaultKind(StrEnum):
    """What can be wrong with a wire."""

    CORRUPT = "corrupt"
    DROP = "drop"
    DELAY = "delay"
    SPLIT = "split"
    STALL = "stall"
    FULL = "full"
    GARBAGE = "garbage"
    UNPLUG = "unplug"


ONCE = frozenset({FaultKind.STALL, FaultKind.FULL, FaultKind.GARBAGE, FaultKind.UNPLUG})
"""The faults that happen at a moment; the others last."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, in SI. `amount` is a probability, seconds or a number of bytes, as its kind asks."""

    kind: FaultKind
    amount: float = 0.0
    longest: float = 0.0
    """A delay's other end, in seconds."""
    after_s: float = 0.0


def parse_fault(text: str) -> Fault:
    """Read one fault of the grammar above. Raises `FaultError`."""
    words = text.split()
    try:
        kind = FaultKind(words[0])
    except (ValueError, IndexError):
        near = difflib.get_close_matches(words[0], FaultKind, 1) if words else []
        raise _error(text, f"did you mean '{near[0]}'?" if near else "no such fault") from None
    what, mark, after = text.partition(" after ")
    if mark and kind not in ONCE:
        raise _error(text, f"'{kind}' lasts, it takes no 'after'")
    amount = what.strip().removeprefix(kind).strip()
    low, high = _amounts(text, kind, amount)
    return Fault(kind, low, high, _time(text, after) if mark else 0.0)


def _amounts(text: str, kind: FaultKind, amount: str) -> tuple[float, float]:
    match kind:
        case FaultKind.SPLIT:
            if amount:
                raise _error(text, f"'split' takes nothing, so not '{amount}'")
            return 0.0, 0.0
        case FaultKind.CORRUPT | FaultKind.DROP:
            share = _quantity(text, amount, "%") / 100
            if share > 1:
                raise _error(text, f"'{amount}' is more than all")
            return share, 0.0
        case FaultKind.GARBAGE:
            count = _quantity(text, amount, "B")
            if count != int(count) or count > GARBAGE_LIMIT_BYTES:
                raise _error(text, f"'{amount}' is no whole number of bytes up to {GARBAGE_LIMIT_BYTES}")
            return count, 0.0
        case FaultKind.DELAY:
            span = re.fullmatch(r"(.+?)\.\.(.+?)\s*([a-z]+)", amount)
            if span is None:
                raise _error(text, f"'{amount}' is no span of times")
            shortest, longest = (_time(text, f"{end} {span[3]}") for end in (span[1], span[2]))
            if shortest > longest:
                raise _error(text, f"'{amount}' ends before it begins")
            return shortest, longest
    return _time(text, amount), 0.0


def _time(text: str, amount: str) -> float:
    return _quantity(text, amount, "s")


def _quantity(text: str, amount: str, unit: str) -> float:
    try:
        value = parse_quantity(amount, unit)
    except UnitError as error:
        raise _error(text, str(error)) from None
    if value < 0:
        raise _error(text, f"'{amount}' is less than nothing")
    return value


def _error(text: str, why: str) -> FaultError:
    return FaultError(f"'{text}' is no fault: {why}; write one of: {EXAMPLES} (or: unplug 5 s after 10 s)")
