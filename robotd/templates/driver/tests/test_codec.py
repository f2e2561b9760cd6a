"""The manual's own examples, and any noise."""

import random

import pytest

from robotd_gadget.codec import (
    LINE_LIMIT_BYTES,
    Booted,
    Decoder,
    Duty,
    DutyQuery,
    Frame,
    Hello,
    Identity,
    Voltage,
    encode,
)

EXAMPLES: list[tuple[Frame, bytes]] = [
    (Hello(), b"hello*D26E\n"),
    (Identity(1, 0), b"version 1 0*231C\n"),
    (Booted(), b"booted*F764\n"),
    (Duty(1, -500), b"duty 1 -500*B712\n"),
    (DutyQuery(2), b"duty? 2*596E\n"),
    (Voltage(1, 11850), b"voltage 1 11850*A1B2\n"),
]


@pytest.mark.parametrize(("frame", "line"), EXAMPLES)
def test_a_frame_is_the_line_that_the_manual_shows(frame: Frame, line: bytes) -> None:
    assert encode(frame) == line
    assert Decoder().feed(line) == [frame]


def test_a_stream_may_be_cut_anywhere() -> None:
    stream = b"".join(line for _, line in EXAMPLES)
    for size in range(1, len(stream)):
        decoder = Decoder()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]

        assert [frame for piece in pieces for frame in decoder.feed(piece)] == [f for f, _ in EXAMPLES]


@pytest.mark.parametrize(
    "line",
    [
        b"duty 1 -500\n",
        b"duty 1 -501*B712\n",
        b"duty 1*87F1\n",
        b"dutyy 1 0*8C47\n",
        b"\xff" * (LINE_LIMIT_BYTES + 1) + b"\n",
    ],
)
def test_a_line_that_is_damaged_or_unknown_is_none(line: bytes) -> None:
    assert Decoder().feed(line + encode(Hello())) == [Hello()]


def test_no_noise_raises() -> None:
    rng, decoder = random.Random(1), Decoder()
    for _ in range(1000):
        decoder.feed(rng.randbytes(rng.randrange(100)))

    assert decoder.feed(b"\n" + encode(Hello())) == [Hello()]
