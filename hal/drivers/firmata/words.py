"""The words of Firmata 2.5: numbers of the protocol and its messages as data.

Source: github.com/firmata/protocol, `protocol.md` (messages) and `servos.md`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

DIGITAL = 0x90
REPORT_ANALOG = 0xC0
REPORT_DIGITAL = 0xD0
ANALOG = 0xE0
SYSEX_START = 0xF0
PIN_MODE = 0xF4
PIN_VALUE = 0xF5
SYSEX_END = 0xF7
VERSION = 0xF9
RESET = 0xFF

ANALOG_MAPPING_QUERY = 0x69
ANALOG_MAPPING_ANSWER = 0x6A
CAPABILITY_QUERY = 0x6B
CAPABILITY_ANSWER = 0x6C
PIN_STATE_QUERY = 0x6D
PIN_STATE_ANSWER = 0x6E
EXTENDED_ANALOG = 0x6F
SERVO_CONFIG = 0x70
STRING = 0x71
FIRMWARE = 0x79
SAMPLING_INTERVAL = 0x7A

NO_ANALOG = 0x7F
"""In the analog mapping: this pin has no analog channel."""


class PinMode(IntEnum):
    """What a pin does (`protocol.md`, "Supported Modes")."""

    INPUT = 0
    OUTPUT = 1
    ANALOG = 2
    PWM = 3
    SERVO = 4
    I2C = 6
    PULLUP = 11


class Analog(NamedTuple):
    """0xE0. From the board: an analog channel and its counts. To it: a pin and its duty or pulse."""

    pin: int
    value: int


class Digital(NamedTuple):
    """0x90. The levels of the eight pins `8 * port ...` as bits."""

    port: int
    levels: int


class Version(NamedTuple):
    """0xF9 with two bytes: the protocol that the board speaks."""

    major: int
    minor: int


class Sysex(NamedTuple):
    """0xF0 ... 0xF7 whose meaning is decoded by the functions below."""

    command: int
    data: bytes


class ReportAnalog(NamedTuple):
    """0xC0: report this analog channel at every sampling interval, or no more."""

    channel: int
    on: bool


class ReportDigital(NamedTuple):
    """0xD0: report this port when it changes, or no more."""

    port: int
    on: bool


class SetPinMode(NamedTuple):
    """0xF4."""

    pin: int
    mode: int


class SetPin(NamedTuple):
    """0xF5: the level of one output pin (since Firmata 2.5)."""

    pin: int
    high: bool


class VersionQuery(NamedTuple):
    """0xF9 without data."""


class SystemReset(NamedTuple):
    """0xFF: the board forgets every pin."""


Frame = (
    Analog
    | Digital
    | Version
    | Sysex
    | ReportAnalog
    | ReportDigital
    | SetPinMode
    | SetPin
    | VersionQuery
    | SystemReset
)
