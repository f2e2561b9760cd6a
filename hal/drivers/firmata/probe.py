"""What a scan finds on a port: the board with its sketch and its pins. Asks, and sets nothing.

Source: github.com/firmata/protocol, `protocol.md` ("Query Firmware Name and Version", "Capability Query").
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from hal.driver import Found, Probe
from hal.drivers.ear import Ear
from hal.drivers.firmata import codec, words
from hal.drivers.firmata.board import OLDEST_PROTOCOL
from hal.drivers.firmata.codec import Decoder, Firmware
from hal.drivers.firmata.words import Frame, PinMode
from hal.link import Link

BAUDS = (57600, 115200)
"""StandardFirmata's own, and that of sketches for faster boards."""
ASK_AGAIN_S = 0.25
GREETINGS = 16
"""How often the version is asked for: opening the port resets an Arduino, which then takes 2 s to listen."""
QUESTIONS = 12
"""How often each later question is put, to hear the same twice."""

_T = TypeVar("_T")
_Meant = Callable[[Frame], _T | None]
"""What a question is answered by: it makes something of such a frame, and nothing of any other."""


async def find(link: Link, baud: int) -> AsyncIterator[Found]:
    """The board on `link`, if one speaks Firmata. Takes 4 s where none does."""
    ear = Ear(link, Decoder.of_reports().feed)
    await link.open(ear)
    try:
        link.write(codec.END_ANYTHING)
        if await _ask(ear, codec.VERSION_QUERY, _version, GREETINGS) is None:
            return
        version = await _agree(ear, codec.VERSION_QUERY, _version)
        if version is None:  # noise, as of a board at another speed
            return
        firmware = await _agree(ear, codec.FIRMWARE_QUERY, _firmware)
        capabilities = await _agree(ear, codec.CAPABILITIES_QUERY, _capabilities)
        yield _found(baud, version, firmware, capabilities or b"")
    finally:
        link.close()


PROBES: Sequence[Probe] = tuple(Probe(baud, partial(find, baud=baud)) for baud in BAUDS)


async def _ask(ear: Ear[Frame], question: bytes, meant: _Meant[_T], times: int) -> _T | None:
    """An answer, asked for up to `times` times."""
    for _ in range(times):
        if (answer := await ear.ask(question, meant, ASK_AGAIN_S)) is not None:
            return answer
    return None


async def _agree(ear: Ear[Frame], question: bytes, meant: _Meant[_T]) -> _T | None:
    """An answer that came twice, since a bad wire seldom tells one lie again; or None."""
    heard: list[_T] = []
    for _ in range(QUESTIONS):
        answer = await ear.ask(question, meant, ASK_AGAIN_S)
        if answer is not None and answer in heard:
            return answer
        if answer is not None:
            heard.append(answer)
    return None


def _found(baud: int, version: words.Version, firmware: Firmware | None, capabilities: bytes) -> Found:
    protocol = f"{version.major}.{version.minor}"
    pins = codec.parse_capabilities(capabilities)
    details = {"protocol": protocol, "pins": str(sum(1 for modes in pins if modes))}
    for mode in (PinMode.ANALOG, PinMode.PWM, PinMode.SERVO):
        able = [number for number, modes in enumerate(pins) if mode in modes]
        details[mode.name.lower()] = _spans(able)
    if firmware is None:
        model = "Firmata"
    else:
        model = f"{firmware.name.removesuffix('.ino')} {firmware.major}.{firmware.minor}"
    trouble = None
    if version < OLDEST_PROTOCOL:
        trouble = (
            f"it speaks Firmata {protocol}, too old for robotd; "
            "upload StandardFirmata 2.5 or newer from the examples of the Arduino IDE"
        )
    elif firmware is None or not pins:
        trouble = "it does not answer all questions, or not twice the same; is the wire disturbed?"
    return Found("", model, baud, details, trouble)


def _spans(numbers: Sequence[int]) -> str:
    """`3, 5, 6, 9..11`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(
        f"{span[0]}..{span[-1]}" if len(span) > 2 else ", ".join(map(str, span)) for span in spans
    )


def _version(frame: Frame) -> words.Version | None:
    return frame if isinstance(frame, words.Version) else None


def _firmware(frame: Frame) -> Firmware | None:
    if isinstance(frame, words.Sysex) and frame.command == words.FIRMWARE:
        return codec.parse_firmware(frame.data)
    return None


def _capabilities(frame: Frame) -> bytes | None:
    if isinstance(frame, words.Sysex) and frame.command == words.CAPABILITY_ANSWER:
        return frame.data
    return None
