"""Firmata 2.5, bytes to frames and back. No I/O, no clock, no pin is known here.

Source: github.com/firmata/protocol, `protocol.md` (messages) and `servos.md`. A message starts with a byte
above 0x7F and carries bytes of 7 bits; a number of 14 bits is two of them, least significant first.

The two directions differ: 0xF9 asks the board without data and answers with two bytes, and a sysex that lost
its end swallows everything at the board's parser, while this side starts anew at the next byte above 0x7F.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from hal.drivers.firmata import words
from hal.drivers.firmata.words import (
    Analog,
    Digital,
    Frame,
    PinMode,
    ReportAnalog,
    ReportDigital,
    SetPin,
    SetPinMode,
    Sysex,
    SystemReset,
    Version,
    VersionQuery,
)

REPORT_SYSEX_LIMIT_BYTES = 4096
"""The longest sysex a host listens to: the capabilities of a board with 128 pins need about half of it."""
BOARD_SYSEX_LIMIT_BYTES = 64
"""What a board's parser holds (`MAX_DATA_BYTES`); a longer sysex is dropped."""

REMEMBERED = 4096
"""So many readings are not written anew: a twin says the same few again and again."""

_Make = Callable[[int, int, int], Frame]

# First byte (without its channel) -> how many bytes follow, and the frame made of channel and bytes.
_REPORTS: Mapping[int, tuple[int, _Make]] = {
    words.ANALOG: (2, lambda channel, low, high: Analog(channel, low | high << 7)),
    words.DIGITAL: (2, lambda channel, low, high: Digital(channel, low | high << 7)),
    words.VERSION: (2, lambda _, major, minor: Version(major, minor)),
}
_REQUESTS: Mapping[int, tuple[int, _Make]] = {
    words.ANALOG: _REPORTS[words.ANALOG],
    words.DIGITAL: _REPORTS[words.DIGITAL],
    words.REPORT_ANALOG: (1, lambda channel, on, _: ReportAnalog(channel, on > 0)),
    words.REPORT_DIGITAL: (1, lambda channel, on, _: ReportDigital(channel, on > 0)),
    words.PIN_MODE: (2, lambda _, pin, mode: SetPinMode(pin, mode)),
    words.PIN_VALUE: (2, lambda _, pin, level: SetPin(pin, level > 0)),
    words.VERSION: (0, lambda *_: VersionQuery()),
    words.RESET: (0, lambda *_: SystemReset()),
}


class Decoder:
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into frames.

    Use `Decoder.of_reports()` for what a board says and `Decoder.of_requests()` for what it hears.
    """

    def __init__(
        self, messages: Mapping[int, tuple[int, _Make]], *, sysex_limit_bytes: int, swallows: bool
    ) -> None:
        self.discarded = 0
        """How many bytes belonged to no frame."""
        self._messages = messages
        self._sysex_limit_bytes = sysex_limit_bytes
        self._swallows = swallows
        self._in_sysex = False
        self._size = 0
        self._make: _Make | None = None
        self._channel = 0
        self._body = bytearray()

    @classmethod
    def of_reports(cls) -> Decoder:
        """The host's side. A byte above 0x7F in a sysex: its end was lost, and a message starts there."""
        return cls(_REPORTS, sysex_limit_bytes=REPORT_SYSEX_LIMIT_BYTES, swallows=False)

    @classmethod
    def of_requests(cls) -> Decoder:
        """The board's side, as its firmware does it: a sysex without an end swallows all that follows."""
        return cls(_REQUESTS, sysex_limit_bytes=BOARD_SYSEX_LIMIT_BYTES, swallows=True)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. Never raises; holds at most one unfinished frame."""
        frames: list[Frame] = []
        at, end = 0, len(data)
        while at < end:
            byte = data[at]
            at += 1
            if self._make is None and not self._in_sysex and byte >= 0x80:
                # Nearly all that comes is whole: one frame after the other, without a state in between.
                message = self._messages.get(byte & 0xF0) if byte < 0xF0 else None
                if message is not None and message[0] == 2 and at + 2 <= end:
                    low, high = data[at], data[at + 1]
                    if low < 0x80 and high < 0x80:
                        frames.append(message[1](byte & 0x0F, low, high))
                        at += 2
                        continue
            if self._in_sysex and (byte == words.SYSEX_END or byte < 0x80 or self._swallows):
                self._continue_sysex(byte, frames)
            elif byte >= 0x80:
                self._start(byte, frames)
            elif self._make is None:
                self.discarded += 1
            else:
                self._body.append(byte)
                if len(self._body) == self._size:
                    frames.append(self._make(self._channel, self._body[0], self._body[-1]))
                    self._forget()
        return frames

    def _start(self, byte: int, frames: list[Frame]) -> None:
        self.discarded += len(self._body) + (self._make is not None or self._in_sysex)
        self._forget()
        if byte == words.SYSEX_START:
            self._in_sysex = True
            return
        message = self._messages.get(byte if byte >= 0xF0 else byte & 0xF0)
        if message is None:
            self.discarded += 1
        elif message[0] == 0:
            frames.append(message[1](0, 0, 0))
        else:
            self._size, self._make = message
            self._channel = byte & 0x0F

    def _continue_sysex(self, byte: int, frames: list[Frame]) -> None:
        if byte != words.SYSEX_END:
            if len(self._body) < self._sysex_limit_bytes:
                self._body.append(byte)
            else:
                self.discarded += 1
                self._size = -1  # too long: dropped whole when it ends
            return
        if self._body and self._size == 0 and max(self._body) < 0x80:
            frames.append(Sysex(self._body[0], bytes(self._body[1:])))
        else:
            self.discarded += len(self._body) + 2
        self._forget()

    def _forget(self) -> None:
        self._in_sysex = False
        self._size = 0
        self._make = None
        self._body.clear()


# ---------------------------------------------------------------------------------- what a sysex means


class Firmware(NamedTuple):
    """The sketch on the board and its version, from a `FIRMWARE` sysex."""

    major: int
    minor: int
    name: str


class PinState(NamedTuple):
    """What was last written to a pin, and its mode; None for a pin that the board does not have."""

    pin: int
    mode: int | None
    state: int


def parse_firmware(data: bytes) -> Firmware | None:
    """The answer to `FIRMWARE_QUERY`; None when it is mutilated."""
    if len(data) < 2 or len(data) % 2:
        return None
    return Firmware(data[0], data[1], parse_text(data[2:]))


def parse_text(data: bytes) -> str:
    """Characters of 14 bits, as in `STRING` and `FIRMWARE`; what is not printable is left out."""
    text = "".join(chr(low | high << 7) for low, high in zip(data[::2], data[1::2], strict=False))
    return "".join(letter for letter in text if letter.isprintable())


def parse_capabilities(data: bytes) -> tuple[Mapping[int, int], ...]:
    """For each pin its modes, each with its resolution in bits. A pin without modes cannot be used."""
    pins = data.split(b"\x7f")[:-1]
    return tuple(dict(zip(modes[::2], modes[1::2], strict=False)) for modes in pins)


def parse_pin_state(data: bytes) -> PinState | None:
    """The answer to `pin_state_query`; None when it is mutilated."""
    if not data:
        return None
    if len(data) == 1:
        return PinState(data[0], None, 0)
    return PinState(data[0], data[1], sum(bits << 7 * place for place, bits in enumerate(data[2:])))


# ---------------------------------------------------------------------------------- what is said to a board

END_ANYTHING = bytes([words.SYSEX_END])
"""Ends a sysex that someone before us left open; means nothing elsewhere. First on every connection."""
VERSION_QUERY = bytes([words.VERSION])


def sysex(command: int, data: bytes = b"") -> bytes:
    """One sysex message; `data` are bytes of 7 bits."""
    return bytes([words.SYSEX_START, command, *data, words.SYSEX_END])


FIRMWARE_QUERY = sysex(words.FIRMWARE)
CAPABILITIES_QUERY = sysex(words.CAPABILITY_QUERY)
MAPPING_QUERY = sysex(words.ANALOG_MAPPING_QUERY)


def two_sevens(number: int) -> bytes:
    """A number of 14 bits as two bytes of 7, least significant first. ValueError beyond 0..16383."""
    if not 0 <= number < 1 << 14:
        raise ValueError(f"{number} does not fit into 14 bits")
    return bytes([number & 0x7F, number >> 7])


def version(major: int, minor: int) -> bytes:
    """What a board answers to 0xF9."""
    return bytes([words.VERSION, major, minor])


def firmware(major: int, minor: int, name: str) -> bytes:
    """What a board answers to `FIRMWARE_QUERY`."""
    return sysex(words.FIRMWARE, bytes([major, minor]) + b"".join(two_sevens(ord(letter)) for letter in name))


@lru_cache(maxsize=REMEMBERED)
def analog(pin: int, value: int) -> bytes:
    """A duty (0..255), a servo pulse (us) or, from a board, a reading. A pin above 15 takes the long form."""
    if pin > 0x0F:
        return sysex(words.EXTENDED_ANALOG, bytes([pin]) + two_sevens(value))
    return bytes([words.ANALOG | pin]) + two_sevens(value)


def digital(port: int, levels: int) -> bytes:
    """The levels of a port's eight pins as bits."""
    return bytes([words.DIGITAL | port]) + two_sevens(levels)


def pin_mode(pin: int, mode: PinMode) -> bytes:
    """What the pin is from now on."""
    return bytes([words.PIN_MODE, pin, mode])


def pin_value(pin: int, *, high: bool) -> bytes:
    """The level of one output pin."""
    return bytes([words.PIN_VALUE, pin, high])


def report_analog(channel: int, *, on: bool) -> bytes:
    """Start or stop the reports of an analog channel (A0 is 0)."""
    return bytes([words.REPORT_ANALOG | channel, on])


def report_digital(port: int, *, on: bool) -> bytes:
    """Start or stop the reports of eight pins. The present levels come at once."""
    return bytes([words.REPORT_DIGITAL | port, on])


def sampling_interval(period_ms: int) -> bytes:
    """How often analog channels are reported; boards take 10 ms at least."""
    return sysex(words.SAMPLING_INTERVAL, two_sevens(period_ms))


def servo_config(pin: int, min_pulse_us: int, max_pulse_us: int) -> bytes:
    """The pulses that mean 0 and 180 degrees; attaches the servo (`servos.md`)."""
    return sysex(words.SERVO_CONFIG, bytes([pin]) + two_sevens(min_pulse_us) + two_sevens(max_pulse_us))


def pin_state_query(pin: int) -> bytes:
    """Ask what was last written to `pin`."""
    return sysex(words.PIN_STATE_QUERY, bytes([pin]))
