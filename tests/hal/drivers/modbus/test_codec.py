"""The specification's own bytes, and any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers.modbus import codec
from hal.drivers.modbus.codec import Decoder, Framing
from hal.drivers.modbus.words import READS, Answer, Function, Refusal, Request, explain
from tests.counts import cases


def requests(data: bytes, framing: Framing = "rtu") -> list[Request | None]:
    return [codec.parse_request(frame) for frame in Decoder.of_requests(framing).feed(data)]


def answers(data: bytes, framing: Framing = "rtu") -> list[Answer | None]:
    return [codec.parse_answer(frame) for frame in Decoder.of_answers(framing).feed(data)]


# The messages are the examples of MODBUS Application Protocol V1.1b3, section 6, with unit and checksum;
# the first is that of the field's textbooks.
@pytest.mark.parametrize(
    ("request_", "hexadecimal"),
    [
        (Request(1, Function.READ_HOLDING, 0, 10), "01 03 00 00 00 0a c5 cd"),
        (Request(17, Function.READ_COILS, 0x13, 0x13), "11 01 00 13 00 13 8e 92"),
        (Request(17, Function.READ_INPUTS, 0xC4, 0x16), "11 02 00 c4 00 16 ba a9"),
        (Request(17, Function.READ_HOLDING, 0x6B, 3), "11 03 00 6b 00 03 76 87"),
        (Request(17, Function.READ_INPUT_REGISTERS, 8, 1), "11 04 00 08 00 01 b2 98"),
        (Request(17, Function.WRITE_COIL, 0xAC, 1, (1,)), "11 05 00 ac ff 00 4e 8b"),
        (Request(17, Function.WRITE_REGISTER, 1, 1, (3,)), "11 06 00 01 00 03 9a 9b"),
        (
            Request(17, Function.WRITE_COILS, 0x13, 10, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)),
            "11 0f 00 13 00 0a 02 cd 01 bf 0b",
        ),
        (
            Request(17, Function.WRITE_REGISTERS, 1, 2, (10, 0x102)),
            "11 10 00 01 00 02 04 00 0a 01 02 c6 f0",
        ),
        (Request(1, Function.IDENTIFY), "01 2b 0e 01 00 70 77"),
    ],
)
def test_a_request_is_these_bytes_and_is_read_back(request_: Request, hexadecimal: str) -> None:
    data = bytes.fromhex(hexadecimal)

    assert codec.encode_request(request_) == data
    assert requests(data) == [request_]


@pytest.mark.parametrize(
    ("answer", "hexadecimal"),
    [
        (
            Answer(17, Function.READ_HOLDING, (0xAE41, 0x5652, 0x4340), 0, 3),
            "11 03 06 ae 41 56 52 43 40 49 ad",
        ),
        (Answer(17, Function.READ_INPUT_REGISTERS, (10,), 0, 1), "11 04 02 00 0a f8 f4"),
        (Answer(17, Function.WRITE_COIL, (1,), 0xAC, 1), "11 05 00 ac ff 00 4e 8b"),
        (Answer(17, Function.WRITE_REGISTER, (3,), 1, 1), "11 06 00 01 00 03 9a 9b"),
        (Answer(17, Function.WRITE_COILS, (), 0x13, 10), "11 0f 00 13 00 0a 26 99"),
        (Answer(17, Function.WRITE_REGISTERS, (), 1, 2), "11 10 00 01 00 02 12 98"),
        (Answer(10, Function.READ_COILS, refusal=Refusal.ILLEGAL_DATA_ADDRESS), "0a 81 02 b0 53"),
    ],
)
def test_an_answer_is_these_bytes_and_is_read_back(answer: Answer, hexadecimal: str) -> None:
    data = bytes.fromhex(hexadecimal)

    assert codec.encode_answer(answer) == data
    assert answers(data) == [answer]


def test_bits_come_in_whole_bytes_the_first_in_the_lowest_place() -> None:
    data = codec.encode_answer(Answer(2, Function.READ_INPUTS, (1, 0, 0, 0, 0, 0, 0, 0, 1)))

    (answer,) = answers(data)

    assert data[2:5] == b"\x02\x01\x01"
    assert answer is not None
    assert answer.values == (1, *[0] * 7, 1, *[0] * 7)


def test_a_unit_says_who_it_is() -> None:
    said = Answer(5, Function.IDENTIFY, texts=("Acme", "ZX-80", "V1.2"))

    assert answers(codec.encode_answer(said)) == [said]
    assert answers(codec.encode_answer(said, "tcp", 9), "tcp") == [said]


def test_on_tcp_a_frame_has_a_number_and_a_length_and_no_checksum() -> None:
    data = codec.encode_request(Request(1, Function.READ_HOLDING, 0, 10), "tcp", 0x1234)
    (frame,) = Decoder.of_requests("tcp").feed(data)

    assert data == bytes.fromhex("12 34 00 00 00 06 01 03 00 00 00 0a")
    assert (frame.unit, frame.transaction) == (1, 0x1234)


@pytest.mark.parametrize(
    "request_",
    [
        Request(1, Function.READ_HOLDING, 0x10000),
        Request(1, Function.READ_HOLDING, 0, 126),
        Request(1, Function.READ_COILS, 0, 2001),
        Request(1, Function.WRITE_REGISTER, 0, 1, (-1,)),
        Request(1, Function.WRITE_REGISTERS, 0, 1, (0x10000,)),
    ],
)
def test_what_modbus_cannot_say_is_refused(request_: Request) -> None:
    with pytest.raises(ValueError, match="Request"):
        codec.encode_request(request_)


def test_an_exception_has_a_name_and_a_next_step() -> None:
    assert explain(2) == "ILLEGAL_DATA_ADDRESS (it has nothing at this address; its manual may count from 1)"
    assert explain(0x63) == "exception 99 (of its maker's own; look into its manual)"


units = st.integers(1, 247)
words = st.integers(0, 0xFFFF)
reads = st.builds(Request, units, st.sampled_from(sorted(READS)), words, st.integers(1, 125), st.just(()))
writes = st.builds(
    lambda unit, address, values: Request(
        unit, Function.WRITE_REGISTERS, address, len(values), tuple(values)
    ),
    units,
    words,
    st.lists(words, min_size=1, max_size=20),
)


@settings(max_examples=cases(500))
@given(st.lists(reads | writes, min_size=1, max_size=5), st.data(), st.sampled_from(["rtu", "tcp"]))
def test_requests_are_read_however_they_are_cut(
    asked: list[Request], data: st.DataObject, framing: Framing
) -> None:
    stream = b"".join(codec.encode_request(request, framing, 7) for request in asked)
    decoder, found = Decoder.of_requests(framing), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += [codec.parse_request(frame) for frame in decoder.feed(stream[:size])]
        stream = stream[size:]

    assert found == asked
    assert decoder.discarded == 0


@settings(max_examples=cases(500))
@given(st.binary(max_size=40), reads)
def test_a_request_behind_any_noise_is_read(noise: bytes, request_: Request) -> None:
    found = requests(noise + codec.encode_request(request_))

    assert found[-1] == request_


@settings(max_examples=cases(500))
@given(reads | writes, st.data())
def test_a_request_with_a_wrong_bit_is_nothing(request_: Request, data: st.DataObject) -> None:
    sent = bytearray(codec.encode_request(request_))
    place = data.draw(st.integers(0, 8 * len(sent) - 1))
    sent[place // 8] ^= 1 << place % 8

    assert request_ not in requests(bytes(sent))


@settings(max_examples=cases(500))
@given(st.binary(max_size=600), st.sampled_from(["rtu", "tcp"]))
def test_any_bytes_raise_nothing_and_are_not_hoarded(data: bytes, framing: Framing) -> None:
    for decoder in (Decoder.of_requests(framing), Decoder.of_answers(framing)):
        frames = decoder.feed(data)
        kept = decoder.end()

        assert kept <= codec.FRAME_LIMIT_BYTES
        assert decoder.discarded + sum(frame.size for frame in frames) == len(data)
