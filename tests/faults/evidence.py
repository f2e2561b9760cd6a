"""What the far ends heard, and what that proves: when a robot stood still, and whether it stayed so.

The stop frames are written down here once more, byte by byte: a judge does not ask the accused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from hal.drivers.firmata import words
from hal.drivers.firmata.codec import Decoder

STOPS: Mapping[str, bytes] = {
    "wheels": bytes.fromhex("f7 e50000 e60000"),
    "mill": bytes.fromhex("f7 e50000"),
}
"""For each board of `robot.yaml`: the end of anything, then a duty of 0 for each motor (Firmata 2.5)."""
MOTORS: Mapping[str, tuple[int, ...]] = {"wheels": (5, 6), "mill": (5,)}
"""The PWM pins of each board."""


class Chunk(NamedTuple):
    """Bytes that a far end read at once."""

    at: float
    """On the clock of all processes."""
    data: bytes


Heard = Mapping[str, list[Chunk]]
"""By board, the oldest first."""


class Stopped(NamedTuple):
    """When a robot stood still after a fault, counted from that, in seconds."""

    first_s: float
    """The first byte of the last stop of the first board..."""
    last_s: float
    """...and the byte that stopped the last motor of the last board."""


class NotStopped(Exception):  # noqa: N818  # it is the verdict
    """Something was still turning at the end, or turned again."""


def duties(board: str, chunks: Iterable[Chunk]) -> Iterator[tuple[float, int, int]]:
    """Each duty that a board was told: when, the pin, and the value."""
    decoder = Decoder.of_requests()
    for at, data in chunks:
        for frame in decoder.feed(data):
            if isinstance(frame, words.Analog) and frame.pin in MOTORS[board]:
                yield at, frame.pin, frame.value


def turning(heard: Heard, at: float) -> list[str]:
    """The boards of which a motor was turning then."""
    found = []
    for board, chunks in heard.items():
        now = {pin: value for told_at, pin, value in duties(board, chunks) if told_at <= at}
        if any(now.values()):
            found.append(board)
    return found


def moved(heard: Heard, since: float) -> list[str]:
    """The boards that were told to turn something after that moment."""
    return [
        board
        for board, chunks in heard.items()
        if any(value for at, _, value in duties(board, chunks) if at > since)
    ]


def stopped(heard: Heard, fault_at: float) -> Stopped:
    """When every motor stood still for good. Raises `NotStopped`, with who turned on."""
    moments = [_board_stopped(board, chunks, fault_at) for board, chunks in heard.items()]
    return Stopped(min(moments) - fault_at, max(moments) - fault_at)


def _board_stopped(board: str, chunks: list[Chunk], fault_at: float) -> float:
    """The moment after which nothing turned any more, not before the fault."""
    now = dict.fromkeys(MOTORS[board], 0)
    still_at = fault_at
    for at, pin, value in duties(board, chunks):
        was_turning = any(now.values())
        now[pin] = value
        if was_turning and not any(now.values()):
            still_at = max(at, fault_at)
    if any(now.values()):
        raise NotStopped(f"{board} was still turning: {now}")
    return still_at


def strays(heard: Heard, fault_at: float) -> dict[str, bytes]:
    """By board, what came after the first whole stop that followed the fault and is no stop, if anything.

    A stop that was cut short counts only at the very end: whoever wrote it may be writing still.
    """
    return {
        board: rest
        for board, chunks in heard.items()
        if (rest := _strays(STOPS[board], b"".join(data for at, data in chunks if at >= fault_at)))
    }


def _strays(stop: bytes, data: bytes) -> bytes:
    _, found, rest = data.partition(stop)
    if not found:
        return data
    while rest.startswith(stop):
        rest = rest.removeprefix(stop)
    return b"" if stop.startswith(rest) else rest
