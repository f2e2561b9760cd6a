"""The manual's own bytes, and any bytes at all."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers.feetech import codec
from hal.drivers.feetech.codec import Decoder, Packet
from hal.drivers.feetech.models import SCS0009, STS3215
from tests.counts import cases

GOAL = bytes.fromhex("00 08 00 00 e8 03")
"""Position 2048, nothing, speed 1000."""


def decoded(data: bytes) -> list[Packet]:
    return Decoder().feed(data)


# "Servo SCS Communication Protocol", examples 1 to 8, and two of our own.
@pytest.mark.parametrize(
    ("said", "hexadecimal", "heard"),
    [
        (codec.ping(1), "ff ff 01 02 01 fb", Packet(1, codec.PING, b"")),
        (codec.read(1, 0x38, 2), "ff ff 01 04 02 38 02 be", Packet(1, codec.READ, b"\x38\x02")),
        (
            codec.write(codec.BROADCAST, 5, b"\x01"),
            "ff ff fe 04 03 05 01 f4",
            Packet(254, codec.WRITE, b"\5\1"),
        ),
        (
            codec.write(1, 42, STS3215.word(2048)),
            "ff ff 01 05 03 2a 00 08 c4",
            Packet(1, codec.WRITE, b"\x2a\x00\x08"),
        ),
        (
            codec.write(1, 0x2A, GOAL),
            "ff ff 01 09 03 2a 00 08 00 00 e8 03 d5",
            Packet(1, codec.WRITE, b"\x2a" + GOAL),
        ),
        (
            codec.reg_write(10, 0x2A, GOAL),
            "ff ff 0a 09 04 2a 00 08 00 00 e8 03 cb",
            Packet(10, codec.REG_WRITE, b"\x2a" + GOAL),
        ),
        (codec.action(), "ff ff fe 02 05 fa", Packet(254, codec.ACTION, b"")),
        (
            codec.sync_write(0x2A, dict.fromkeys((1, 2, 3, 4), GOAL)),
            "ff ff fe 20 83 2a 06 01 00 08 00 00 e8 03 02 00 08 00 00 e8 03 "
            "03 00 08 00 00 e8 03 04 00 08 00 00 e8 03 58",
            Packet(
                254,
                codec.SYNC_WRITE,
                b"\x2a\x06" + b"".join(bytes([servo]) + GOAL for servo in (1, 2, 3, 4)),
            ),
        ),
        (
            codec.sync_read(0x38, 8, [1, 2]),
            "ff ff fe 06 82 38 08 01 02 36",
            Packet(254, codec.SYNC_READ, b"\x38\x08\x01\x02"),
        ),
    ],
)
def test_what_a_host_says_is_what_a_servo_hears(said: bytes, hexadecimal: str, heard: Packet) -> None:
    assert said.hex(" ") == hexadecimal
    assert decoded(said) == [heard]


@pytest.mark.parametrize(
    ("hexadecimal", "heard"),
    [
        ("ff ff 01 02 00 fc", Packet(1, 0, b"")),
        ("ff ff 01 04 00 18 05 dd", Packet(1, 0, b"\x18\x05")),
        ("ff ff 01 0a 00 00 08 00 00 00 00 79 1e 55", Packet(1, 0, b"\x00\x08\x00\x00\x00\x00\x79\x1e")),
        ("ff ff 02 0a 00 ff 07 00 00 00 00 77 23 53", Packet(2, 0, b"\xff\x07\x00\x00\x00\x00\x77\x23")),
        ("ff ff 01 02 20 dc", Packet(1, 0x20, b"")),
    ],
)
def test_what_a_servo_answers_is_what_a_host_hears(hexadecimal: str, heard: Packet) -> None:
    assert decoded(bytes.fromhex(hexadecimal)) == [heard]
    assert codec.packet(heard.id, heard.code, heard.data) == bytes.fromhex(hexadecimal)


def test_the_position_in_the_manual_is_1304_low_byte_first() -> None:
    (answer,) = decoded(bytes.fromhex("ff ff 01 04 00 18 05 dd"))

    assert STS3215.number_at(answer.data, 0) == 1304
    assert SCS0009.number_at(answer.data, 0) == 0x1805


def test_an_angle_at_the_very_end_is_the_last_position_there_is() -> None:
    assert STS3215.word_at(math.pi) == (4095).to_bytes(2, "little")
    assert STS3215.word_at(-math.pi) == b"\x00\x00"
    assert SCS0009.word_at(math.radians(150)) == (1023).to_bytes(2, "big")
    assert STS3215.word_at(math.radians(90)) == (3072).to_bytes(2, "little")


@pytest.mark.parametrize(("word", "sign_bit", "number"), [(0x8005, 15, -5), (0x0405, 10, -5), (7, 15, 7)])
def test_a_negative_number_is_a_magnitude_with_a_sign_bit(word: int, sign_bit: int, number: int) -> None:
    assert codec.signed(word, sign_bit) == number
    assert codec.unsigned(number, sign_bit) == word


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="-1024 does not fit into 10 bits"):
        codec.unsigned(-1024, 10)
    with pytest.raises(ValueError, match="no packet of 251 bytes"):
        codec.write(1, 0, bytes(250))


def test_a_header_may_start_with_more_than_two_ff() -> None:
    assert decoded(b"\xff\xff\xff" + codec.ping(3)) == [Packet(3, codec.PING, b"")]


def test_a_packet_with_a_wrong_checksum_is_counted_and_the_next_is_heard() -> None:
    decoder = Decoder()

    assert decoder.feed(codec.ping(1)[:-1] + b"\x00" + codec.ping(2)) == [Packet(2, codec.PING, b"")]
    assert decoder.corrupt == 1
    assert decoder.discarded == 6


def test_a_servo_drops_a_packet_with_a_wrong_checksum_whole_and_with_it_what_its_length_took_in() -> None:
    servo, disturbed = Decoder(rescans=False), bytearray(codec.read(1, 56, 2))
    disturbed[3] += 6

    assert servo.feed(bytes(disturbed) + codec.ping(2) + codec.ping(3)) == [Packet(3, codec.PING, b"")]
    assert (servo.corrupt, servo.discarded) == (1, 14)


def test_a_length_that_was_disturbed_swallows_nothing_beyond_the_end_of_its_transaction() -> None:
    decoder = Decoder()
    disturbed = bytearray(codec.read(1, 56, 2))
    disturbed[3] = 0xF0

    assert decoder.feed(bytes(disturbed) + codec.ping(2)) == []
    assert decoder.end() == [Packet(2, codec.PING, b"")]
    assert decoder.feed(codec.ping(3)) == [Packet(3, codec.PING, b"")]


PACKETS = st.builds(Packet, st.integers(0, codec.LARGEST_ID), st.integers(0, 0x7F), st.binary(max_size=20))


@settings(max_examples=cases(1000))
@given(st.lists(PACKETS, max_size=5), st.lists(st.integers(0, 200), max_size=8))
def test_packets_come_whole_however_the_wire_cuts_them(packets: list[Packet], cuts: list[int]) -> None:
    stream = b"".join(codec.packet(*each) for each in packets)
    decoder, heard = Decoder(), list[Packet]()
    edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    for start, end in pairwise(edges):
        heard += decoder.feed(stream[start:end])

    assert heard == packets
    assert decoder.discarded == 0


@settings(max_examples=cases(1000))
@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=8))
def test_noise_never_raises_and_what_is_held_has_a_bound(noise: bytes, cuts: list[int]) -> None:
    whole, cut = Decoder(), Decoder()
    edges = sorted({0, *(min(at, len(noise)) for at in cuts), len(noise)})
    pieces = [noise[start:end] for start, end in pairwise(edges)]

    assert [packet for piece in pieces for packet in cut.feed(piece)] == whole.feed(noise)
    assert cut.discarded == whole.discarded
    cut.end()
    held = sum(len(each.data) + codec.OVERHEAD_BYTES for each in Decoder().feed(noise))
    assert cut.discarded + held <= len(noise)


@settings(max_examples=cases(1000))
@given(st.binary(max_size=300), PACKETS)
def test_after_the_end_of_any_noise_the_next_packet_is_heard(noise: bytes, packet: Packet) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    decoder.end()

    assert decoder.feed(codec.packet(*packet)) == [packet]
