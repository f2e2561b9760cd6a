"""The pins of an Arduino Uno, as StandardFirmata 2.5 tells them (its `Boards.h`)."""

from __future__ import annotations

from collections.abc import Mapping

from hal.drivers.firmata import codec, words
from hal.drivers.firmata.words import PinMode

PINS = 20
FIRST_DIGITAL_PIN = 2
"""0 and 1 are the serial line itself."""
FIRST_ANALOG_PIN = 14
"""A0."""
PWM_PINS = frozenset({3, 5, 6, 9, 10, 11})
I2C_PINS = frozenset({18, 19})
PORTS = 3


def modes_of(pin: int) -> Mapping[int, int]:
    """What a pin of an Uno can be, each with its resolution in bits; empty for the serial line's pins."""
    if not FIRST_DIGITAL_PIN <= pin < PINS:
        return {}
    modes: dict[int, int] = {PinMode.INPUT: 1, PinMode.PULLUP: 1, PinMode.OUTPUT: 1}
    if pin >= FIRST_ANALOG_PIN:
        modes[PinMode.ANALOG] = 10
    if pin in PWM_PINS:
        modes[PinMode.PWM] = 8
    modes[PinMode.SERVO] = 14
    if pin in I2C_PINS:
        modes[PinMode.I2C] = 1
    return modes


FIRST_MODES = (
    *[PinMode.INPUT] * FIRST_DIGITAL_PIN,
    *[PinMode.OUTPUT] * (FIRST_ANALOG_PIN - FIRST_DIGITAL_PIN),
    *[PinMode.ANALOG] * (PINS - FIRST_ANALOG_PIN),
)
"""What the pins are after a reset; the sketch never touches the serial line's, which read as inputs."""
CAPABILITIES = codec.sysex(
    words.CAPABILITY_ANSWER,
    b"".join(b"".join(map(bytes, modes_of(pin).items())) + b"\x7f" for pin in range(PINS)),
)
MAPPING = codec.sysex(
    words.ANALOG_MAPPING_ANSWER,
    bytes(pin - FIRST_ANALOG_PIN if pin >= FIRST_ANALOG_PIN else words.NO_ANALOG for pin in range(PINS)),
)
