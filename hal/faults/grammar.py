"""What can be wrong with a wire and its far end, in words: `KIND [amount] [for TIME] [after TIME]`.

    corrupt 2%              garbage 64 B          freeze battery        stuck bumper
    unplug 5 s after 10 s   drop 1% for 30 s      deaf for 500 ms       slow clock 20%
    runaway mast

`KINDS` has all of them. Some last until they are mended, or as long as `for` says; the others happen once.
`after` counts from when a fault is let happen; for those given from the start, from the first opening.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple

from hal.units import UnitError, parse_quantity

GARBAGE_LIMIT_BYTES = 4096
SLOWEST_CLOCK_PERCENT = 99.0
"""A clock that stands for ever is a board that is gone: `unplug` is for that."""
USUAL_SLOWNESS_PERCENT = 50.0


class FaultError(ValueError):
    """A text that is no fault, or none of this wire; the message says which word, and what to write."""


class FaultKind(StrEnum):
    """What can be wrong; the word of the grammar."""

    CORRUPT = "corrupt"
    DROP = "drop"
    DELAY = "delay"
    SPLIT = "split"
    STALL = "stall"
    FULL = "full"
    GARBAGE = "garbage"
    UNPLUG = "unplug"
    REBOOT = "reboot"
    FREEZE = "freeze"
    STUCK = "stuck"
    RUNAWAY = "runaway"
    NAK = "nak"
    DEAF = "deaf"
    SLOW_CLOCK = "slow clock"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `str` writes it so that `parse_fault` reads the same again."""

    kind: FaultKind
    amount: float = 0.0
    """Per cent, seconds or bytes, as its kind asks; the shorter end of a delay."""
    longest_s: float = 0.0
    """The other end of a delay."""
    name: str = ""
    """The quantity of the world that freezes or is stuck; the actuator that runs away."""
    for_s: float | None = None
    """How long one that lasts does; None: until it is mended."""
    after_s: float = 0.0

    def __str__(self) -> str:
        words = [self.kind, KINDS[self.kind].amount.write(self)]
        if self.for_s is not None:
            words += ["for", _write_time(self.for_s)]
        if self.after_s:
            words += ["after", _write_time(self.after_s)]
        return " ".join(filter(None, words))


class _Problem(Exception):
    """What is wrong with the words of a fault."""


class _Read(NamedTuple):
    """What the amount of a fault says."""

    amount: float = 0.0
    longest_s: float = 0.0
    name: str = ""


class _Amount(NamedTuple):
    """What stands between the kind of a fault and its times."""

    read: Callable[[str], _Read]
    """Raises `_Problem`."""
    write: Callable[[Fault], str]


def _quantity(text: str, unit: str) -> float:
    try:
        value = parse_quantity(text, unit)
    except UnitError as error:
        raise _Problem(str(error)) from None
    if value < 0:
        raise _Problem(f"'{text}' is less than nothing")
    return value + 0.0  # no -0


def _write_number(value: float) -> str:
    return repr(int(value)) if value == int(value) and value < 1e15 else repr(value)


def _write_time(time_s: float) -> str:
    """In milliseconds where that is shorter to read and loses nothing."""
    milliseconds = f"{_write_number(time_s * 1000)} ms"
    if time_s < 1 and parse_quantity(milliseconds, "s") == time_s:
        return milliseconds
    return f"{_write_number(time_s)} s"


def _read_nothing(text: str) -> _Read:
    if text:
        raise _Problem(f"it takes nothing, so not '{text}'")
    return _Read()


def _read_share(text: str) -> _Read:
    percent = _quantity(text, "%")
    if percent > 100:
        raise _Problem(f"'{text}' is more than all")
    return _Read(percent)


def _read_slowness(text: str) -> _Read:
    percent = _quantity(text, "%") if text else USUAL_SLOWNESS_PERCENT
    if not 0 < percent <= SLOWEST_CLOCK_PERCENT:
        raise _Problem(f"a clock goes more than 0 and at most {SLOWEST_CLOCK_PERCENT:g} % slower")
    return _Read(percent)


def _read_time(text: str) -> _Read:
    return _Read(_quantity(text, "s"))


def _read_span(text: str) -> _Read:
    span = re.fullmatch(r"(.+?)\s*\.\.(.+?)\s*([a-z]+)", text)
    if span is None:
        raise _Problem(f"'{text}' is no span of times")
    shortest_s, longest_s = (_quantity(f"{end} {span[3]}", "s") for end in (span[1], span[2]))
    if shortest_s > longest_s:
        raise _Problem(f"'{text}' ends before it begins")
    return _Read(shortest_s, longest_s)


def _write_span(fault: Fault) -> str:
    shortest, longest = _write_time(fault.amount), _write_time(fault.longest_s)
    if shortest.endswith("ms") and longest.endswith("ms"):
        return f"{shortest.removesuffix(' ms')}..{longest}"
    return f"{_write_number(fault.amount)}..{_write_number(fault.longest_s)} s"


def _read_count(text: str) -> _Read:
    count = _quantity(text, "B")
    if count != int(count) or count > GARBAGE_LIMIT_BYTES:
        raise _Problem(f"'{text}' is no whole number of bytes up to {GARBAGE_LIMIT_BYTES}")
    return _Read(count)


def _read_first_words(text: str) -> _Read:
    if not text:
        return _Read()
    noise, _, count = text.partition(" ")
    if noise != FaultKind.GARBAGE:
        raise _Problem(f"it may take 'garbage', so not '{text}'")
    return _read_count(count)


def _read_name(text: str) -> _Read:
    if not re.fullmatch(r"[A-Za-z_]\w*", text):
        raise _Problem(f"'{text}' is no name" if text else "it needs the name of what it happens to")
    return _Read(name=text)


_NOTHING = _Amount(_read_nothing, lambda _: "")
_SHARE = _Amount(_read_share, lambda fault: f"{_write_number(fault.amount)}%")
_SLOWNESS = _Amount(_read_slowness, lambda fault: f"{_write_number(fault.amount)}%")
_SPAN = _Amount(_read_span, _write_span)
_TIME = _Amount(_read_time, lambda fault: _write_time(fault.amount))
_COUNT = _Amount(_read_count, lambda fault: f"{fault.amount:.0f} B")
_FIRST_WORDS = _Amount(_read_first_words, lambda f: f"garbage {f.amount:.0f} B" if f.amount else "")
_NAME = _Amount(_read_name, lambda fault: fault.name)


@dataclass(frozen=True, slots=True)
class KindInfo:
    """What the grammar knows of one kind of fault."""

    example: str
    does: str
    """For people: what it does."""
    amount: _Amount
    lasts: bool = False
    """Until it is mended, or as long as `for` says; the others happen once."""
    of_wire: bool = True
    """Any wire can have it; the others are faults of a simulated far end."""


KINDS: Mapping[FaultKind, KindInfo] = {
    FaultKind.CORRUPT: KindInfo(
        "corrupt 2%", "each byte is changed in one bit, with this probability", _SHARE, lasts=True
    ),
    FaultKind.DROP: KindInfo("drop 1%", "each byte is lost, with this probability", _SHARE, lasts=True),
    FaultKind.DELAY: KindInfo(
        "delay 5..40 ms", "each piece comes later by a time in between; the order is kept", _SPAN, lasts=True
    ),
    FaultKind.SPLIT: KindInfo("split", "one byte at a time", _NOTHING, lasts=True),
    FaultKind.STALL: KindInfo("stall 800 ms", "nothing passes for so long, then everything does", _TIME),
    FaultKind.FULL: KindInfo("full 500 ms", "for so long the wire takes nothing more", _TIME),
    FaultKind.GARBAGE: KindInfo("garbage 64 B", "so many random bytes come as if from the far end", _COUNT),
    FaultKind.UNPLUG: KindInfo("unplug 5 s", "the wire is pulled, and put back after so long", _TIME),
    FaultKind.REBOOT: KindInfo(
        "reboot garbage 400 B",
        "the board restarts and has forgotten all; with or without garbage first",
        _FIRST_WORDS,
        of_wire=False,
    ),
    FaultKind.FREEZE: KindInfo(
        "freeze battery", "this quantity of the world stays as it is", _NAME, lasts=True, of_wire=False
    ),
    FaultKind.STUCK: KindInfo(
        "stuck bumper", "this switch stays pressed, this number zero", _NAME, lasts=True, of_wire=False
    ),
    FaultKind.RUNAWAY: KindInfo(
        "runaway mast",
        "this actuator goes as far as it can, whatever it is told",
        _NAME,
        lasts=True,
        of_wire=False,
    ),
    FaultKind.NAK: KindInfo(
        "nak", "the board refuses what it is told, as its product does", _NOTHING, lasts=True, of_wire=False
    ),
    FaultKind.DEAF: KindInfo(
        "deaf", "the board hears nothing and goes on reporting", _NOTHING, lasts=True, of_wire=False
    ),
    FaultKind.SLOW_CLOCK: KindInfo(
        "slow clock 20%",
        f"the board's time passes so much slower; {USUAL_SLOWNESS_PERCENT:g} % without a word",
        _SLOWNESS,
        lasts=True,
        of_wire=False,
    ),
}

EXAMPLES = ", ".join(info.example for info in KINDS.values())
TIMES = "with 'for 10 s' where it lasts, with 'after 5 s' where it begins later"


def parse_fault(text: str) -> Fault:
    """Read one fault. Raises `FaultError` with the word that is wrong and what to write."""
    examples = f"one of: {EXAMPLES} ({TIMES})"
    try:
        what, *clauses = re.split(r"(?:^|\s)(for|after)(?:\s|$)", " ".join(text.split()))
        kind = _kind(what)
        info = KINDS[kind]
        examples = f"for example: {info.example}"
        read = info.amount.read(what.removeprefix(kind).strip())
        times = _times(clauses)
        if "for" in times and not info.lasts:
            raise _Problem(f"'{kind}' happens once, it takes no 'for'")
    except _Problem as problem:
        raise FaultError(f"'{text}' is no fault: {problem}; write {examples}") from None
    return Fault(kind, *read, for_s=times.get("for"), after_s=times.get("after", 0.0))


def _times(clauses: list[str]) -> dict[str, float]:
    """`["for", "3 s", "after", "1 s"]`, in either order, to seconds by word."""
    times: dict[str, float] = {}
    for word, time in zip(clauses[::2], clauses[1::2], strict=True):
        if word in times:
            raise _Problem(f"'{word}' stands twice")
        times[word] = _quantity(time, "s")
    return times


def _kind(what: str) -> FaultKind:
    for kind in FaultKind:
        if what == kind or what.startswith(f"{kind} "):
            return kind
    words = what.split()
    meant = {word: kind for kind in FaultKind for word in (kind, kind.partition(" ")[0])}
    for attempt in (" ".join(words[:2]), " ".join(words[:1])):
        for word in get_close_matches(attempt, meant, 1):
            raise _Problem(f"did you mean '{meant[word]}'?")
    raise _Problem("there is no such kind")
