"""Grbl 1.1, bytes to messages and back. No I/O, no clock.

Source: github.com/gnea/grbl, `doc/markdown/interface.md`. What comes is lines of ASCII; what goes is lines,
of 80 characters at most, and single real-time bytes (`words`) that may stand anywhere between their letters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from hal.drivers.grbl.words import (
    Alarm,
    Answer,
    Banner,
    Build,
    Frame,
    MachineState,
    Message,
    Options,
    Point,
    SettingValue,
    Status,
)

REPORT_LIMIT_BYTES = 256
"""A report with every field has about 150; a longer line is noise."""
LINE_LIMIT_BYTES = 80
"""With its end; a longer one is answered with error:11."""
RECEIVE_BUFFER_BYTES = 128
"""What its receive buffer holds, where it does not say: one byte more would be lost without a word."""

_BANNER = re.compile(r"Grbl (\d\S*) \['\$' for help\]")
_SETTING = re.compile(r"\$(\d{1,3})=(-?\d+(?:\.\d+)?)")
_BUILD = re.compile(r"\[VER:v?([^:\]]*):([^\]]*)\]")
_OPTIONS = re.compile(r"\[OPT:([^,\]]*),(\d{1,5}),(\d{1,5})\]")
_MESSAGE = re.compile(r"\[MSG:([^\]]*)\]")
_STATUS = re.compile(r"<([A-Z][a-z]+)(?::(\d))?((?:\|[^|<>]*)*)>")
_STATES = {str(state): state for state in MachineState}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class Decoder:
    """Cuts what Grbl says, split anywhere and with noise anywhere, into messages."""

    def __init__(self) -> None:
        self.discarded = 0
        """How many lines said nothing that a host needs, or were noise."""
        self._line = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that `data` completes, in order. Never raises; holds at most one unfinished line."""
        frames: list[Frame] = []
        *ends, rest = data.split(b"\n")
        for piece in ends:
            self._hold(piece)
            frame = None if self._too_long else parse_line(bytes(self._line))
            if frame is not None:
                frames.append(frame)
            elif self._line.strip():
                self.discarded += 1
            self._line.clear()
            self._too_long = False
        self._hold(rest)
        return frames

    def _hold(self, piece: bytes) -> None:
        if len(self._line) + len(piece) > REPORT_LIMIT_BYTES:
            self._too_long = True
        else:
            self._line += piece


def parse_line(line: bytes) -> Frame | None:
    """What one line says; None for noise, an echo, and what a host has no use for."""
    try:
        text = line.strip(b"\r \x00").decode("ascii")
    except UnicodeDecodeError:
        return None
    if text == "ok":
        return Answer(None)
    for start, read in _READERS.items():
        if text.startswith(start):
            return read(text)
    return None


def _read_number(text: str, make: Callable[[int], Frame]) -> Frame | None:
    code = text.partition(":")[2]
    return make(int(code)) if code.isdecimal() and len(code) < 4 else None


def _read_banner(text: str) -> Banner | None:
    # What a wire said before its far end was up may stand in the same line.
    found = _BANNER.fullmatch(text)
    return Banner(found[1]) if found else None


def _read_bracket(text: str) -> Frame | None:
    if found := _MESSAGE.fullmatch(text):
        return Message(found[1])
    if found := _BUILD.fullmatch(text):
        return Build(found[1], found[2])
    if found := _OPTIONS.fullmatch(text):
        return Options(found[1], int(found[2]), int(found[3]))
    return None


def _read_setting(text: str) -> SettingValue | None:
    found = _SETTING.fullmatch(text)
    return SettingValue(int(found[1]), float(found[2])) if found else None


def _read_status(text: str) -> Status | None:
    found = _STATUS.fullmatch(text)
    if found is None:
        return None
    told: dict[str, Any] = {}
    for field in found[3].split("|")[1:]:
        name, _, values = field.partition(":")
        read = _FIELDS.get(name)
        if read is None:
            continue
        try:
            told |= read(values)
        except ValueError:
            return None  # one disturbed field makes the whole report doubtful
    if "overrides" in told:
        told.setdefault("accessories", "")
    if "machine_mm" not in told and "work_mm" not in told:
        return None
    state = _STATES.get(found[1])
    return None if state is None else Status(state, int(found[2]) if found[2] else None, **told)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _point(text: str) -> Point:
    x, y, z = map(_number, text.split(",")[:3])
    return x, y, z


def _rates(text: str) -> dict[str, Any]:
    feed, spindle = text.split(",")
    return {"feed_mm_min": _number(feed), "spindle_rpm": _number(spindle)}


def _buffers(text: str) -> dict[str, Any]:
    blocks, received = map(int, text.split(","))
    return {"free_blocks": blocks, "free_bytes": received}


def _overrides(text: str) -> dict[str, Any]:
    feed, rapid, spindle = map(int, text.split(","))
    return {"overrides": (feed, rapid, spindle)}


def _letters(text: str, known: str) -> str:
    if not text or not set(text) <= set(known):
        raise ValueError(text)
    return text


_FIELDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "MPos": lambda text: {"machine_mm": _point(text)},
    "WPos": lambda text: {"work_mm": _point(text)},
    "WCO": lambda text: {"offset_mm": _point(text)},
    "FS": _rates,
    "F": lambda text: {"feed_mm_min": _number(text)},
    "Bf": _buffers,
    "Ov": _overrides,
    "A": lambda text: {"accessories": _letters(text, "SCFM")},
    "Pn": lambda text: {"pins": _letters(text, "XYZPDHRS")},
}
"""By the name of the field: what it tells."""

_READERS: Mapping[str, Callable[[str], Frame | None]] = {
    "<": _read_status,
    "error:": lambda text: _read_number(text, Answer),
    "ALARM:": lambda text: _read_number(text, Alarm),
    "Grbl ": _read_banner,
    "[": _read_bracket,
    "$": _read_setting,
}
"""By how the line starts."""


def millimetres(value_m: float) -> str:
    """A length as Grbl reads it, to its last digit: `-12.5`. The number is finite."""
    if not math.isfinite(value_m):
        raise ValueError(f"{value_m} is no length")
    text = f"{value_m * 1000:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def jog_line(target_m: Point, speed_m_s: float) -> bytes:
    """A straight way to `target_m` in machine coordinates, which changes no mode of the parser."""
    words = "".join(f"{axis}{millimetres(value)}" for axis, value in zip("XYZ", target_m, strict=True))
    feed_mm_min = max(1.0, speed_m_s * 60_000)
    return f"$J=G53G21{words}F{feed_mm_min:.0f}\n".encode()
