"""The language of a Gadget: bytes to frames and back. No I/O, no clock, no device is known here.

Source: "Gadget, serial protocol 1.0", sections 2 (frames) and 3 (words). A frame is a line: a word,
whole numbers, `*` and the CRC-16/CCITT-FALSE of what stands before it, in four hexadecimal digits.

    duty 1 -500*B712
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from collections.abc import Mapping
from typing import NamedTuple

LINE_LIMIT_BYTES = 64
"""A longer line is none: its end was lost."""
FULL_DUTY = 1000
MAJOR = 1
"""The version of the protocol that is spoken here."""

_LINE = re.compile(rb"([a-z?]+(?: -?\d{1,9})*)\*([0-9A-F]{4})")


class Hello(NamedTuple):
    """Who is there? Answered with an `Identity`."""


class Identity(NamedTuple):
    """The version of the firmware."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def trouble(self) -> str | None:
        """Why nobody here can talk to it, and the next step; None where all is well."""
        if self.major == MAJOR:
            return None
        return f"it speaks protocol {self}, not {MAJOR}.x; load another firmware"


class Booted(NamedTuple):
    """The board has started, and everything on it is off. Sent once, unasked."""


class Duty(NamedTuple):
    """To the board: what a channel shall do. From it: what the channel does."""

    channel: int
    per_mille: int
    """-1000 is full power backwards."""


class DutyQuery(NamedTuple):
    """What does this channel do? Answered with its `Duty`."""

    channel: int


class Voltage(NamedTuple):
    """What an analog input sees. Sent every 50 ms, unasked."""

    channel: int
    millivolts: int


Frame = Hello | Identity | Booted | Duty | DutyQuery | Voltage

_FRAMES: Mapping[str, type[Frame]] = {
    "hello": Hello,
    "version": Identity,
    "booted": Booted,
    "duty": Duty,
    "duty?": DutyQuery,
    "voltage": Voltage,
}
_WORDS = {frame: word for word, frame in _FRAMES.items()}

END_LINE = b"\n"
"""Ends what somebody before us left unfinished; an empty line means nothing."""


def encode(frame: Frame) -> bytes:
    """The line that says `frame`."""
    text = " ".join([_WORDS[type(frame)], *map(str, frame)]).encode()
    return b"%b*%04X\n" % (text, crc_hqx(text, 0xFFFF))


class Decoder:
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. Never raises; holds at most one unfinished line."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-LINE_LIMIT_BYTES:]
        return [frame for line in lines if (frame := _decode(line)) is not None]


def _decode(line: bytes) -> Frame | None:
    found = _LINE.fullmatch(line)
    if found is None or crc_hqx(found[1], 0xFFFF) != int(found[2], 16):
        return None
    word, *numbers = found[1].decode().split(" ")
    frame = _FRAMES.get(word)
    if frame is None or len(numbers) != len(frame._fields):
        return None
    return frame(*map(int, numbers))
