"""The protocol 2.0 on the bytes of the e-Manual, and on any noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.dynamixel import codec
from hal.drivers.dynamixel.codec import Decoder, Error, Packet


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


# What the e-Manual's "Instruction Details" show, and the two packets of our own with a header inside.
REQUESTS = {
    "ping 1": (codec.ping(1), "ff ff fd 00 01 03 00 01 19 4e"),
    "ping all": (codec.ping(codec.BROADCAST), "ff ff fd 00 fe 03 00 01 31 42"),
    "read 4 bytes at 132": (codec.read(1, 132, 4), "ff ff fd 00 01 07 00 02 84 00 04 00 1d 15"),
    "write 512 at 116": (
        codec.write(1, 116, (512).to_bytes(4, "little")),
        "ff ff fd 00 01 09 00 03 74 00 00 02 00 00 ca 89",
    ),
    "write a header at 116": (
        codec.write(1, 116, hexed("ff ff fd 01")),
        "ff ff fd 00 01 0a 00 03 74 00 ff ff fd fd 01 24 67",
    ),
    "reg write 200 at 104": (
        codec.packet(1, codec.REG_WRITE, hexed("68 00 c8 00 00 00")),
        "ff ff fd 00 01 09 00 04 68 00 c8 00 00 00 ae 8e",
    ),
    "action": (codec.packet(1, codec.ACTION), "ff ff fd 00 01 03 00 05 02 ce"),
    "factory reset but the id": (
        codec.packet(1, codec.FACTORY_RESET, b"\x01"),
        "ff ff fd 00 01 04 00 06 01 a1 e6",
    ),
    "reboot": (codec.reboot(1), "ff ff fd 00 01 03 00 08 2f 4e"),
    "clear": (
        codec.packet(1, codec.CLEAR, hexed("01 44 58 4c 22")),
        "ff ff fd 00 01 08 00 10 01 44 58 4c 22 b1 dc",
    ),
    "sync read 4 bytes at 132": (
        codec.sync_read(132, 4, [1, 2]),
        "ff ff fd 00 fe 09 00 82 84 00 04 00 01 02 ce fa",
    ),
    "sync write 150 and 170 at 116": (
        codec.sync_write(116, {1: hexed("96 00 00 00"), 2: hexed("aa 00 00 00")}),
        "ff ff fd 00 fe 11 00 83 74 00 04 00 01 96 00 00 00 02 aa 00 00 00 82 87",
    ),
}
ANSWERS = {
    "ping 1": (codec.status(1, hexed("06 04 26")), "ff ff fd 00 01 07 00 55 00 06 04 26 65 5d"),
    "ping 2": (codec.status(2, hexed("06 04 26")), "ff ff fd 00 02 07 00 55 00 06 04 26 6f 6d"),
    "position 166": (codec.status(1, hexed("a6 00 00 00")), "ff ff fd 00 01 08 00 55 00 a6 00 00 00 8c c0"),
    "position 2079": (codec.status(2, hexed("1f 08 00 00")), "ff ff fd 00 02 08 00 55 00 1f 08 00 00 ba be"),
    "done": (codec.status(1), "ff ff fd 00 01 04 00 55 00 a1 0c"),
    "voltage": (codec.status(1, hexed("77 00")), "ff ff fd 00 01 06 00 55 00 77 00 c3 69"),
    "temperature": (codec.status(2, hexed("24")), "ff ff fd 00 02 05 00 55 00 24 8b a9"),
}


@pytest.mark.parametrize("made", [*REQUESTS.values(), *ANSWERS.values()], ids=[*REQUESTS, *ANSWERS])
def test_packets_are_those_of_the_manual_and_are_read_back(made: tuple[bytes, str]) -> None:
    packet, manual = made
    assert packet == hexed(manual)
    (found,) = Decoder().feed(packet)

    assert codec.packet(*found) == packet


def test_an_answer_says_its_error_its_alert_and_what_was_asked_for() -> None:
    (answer,) = Decoder().feed(codec.status(3, b"\x01\x02", error=Error.ACCESS, alert=True))

    assert (answer.error, answer.alert, answer.params) == (Error.ACCESS, True, b"\x01\x02")
    assert answer.key == codec.answer_key(3, 2)
    assert "torque on" in codec.explain(answer.error)
    assert codec.explain(99) == "it reports error 99"


def test_a_header_in_a_packet_is_stuffed_on_the_way_out_and_unstuffed_on_the_way_in() -> None:
    for data in (
        hexed("ff ff fd"),
        hexed("ff ff fd fd"),
        hexed("ff ff ff fd"),
        hexed("ff ff fd ff ff fd 00"),
    ):
        packet = codec.packet(7, codec.STATUS, b"\x00" + data)

        assert codec.START not in packet[4:]
        assert Decoder().feed(packet) == [Packet(7, codec.STATUS, b"\x00" + data)]


def test_what_a_damaged_length_swallowed_is_found_again_by_the_host() -> None:
    damaged = bytearray(codec.status(1, b"\x01\x02\x03\x04"))
    damaged[5] = 60
    decoder = Decoder()
    found = decoder.feed(bytes(damaged) + codec.status(2, b"\x05\x06\x07\x08"))
    found += decoder.end()

    assert [packet.id for packet in found] == [2]


def test_the_host_looks_again_through_what_a_damaged_packet_had_in_it() -> None:
    damaged = bytearray(codec.status(1, b"\x01\x02\x03\x04"))
    damaged[5] += len(codec.status(2, b"\x05"))

    assert [packet.id for packet in Decoder().feed(bytes(damaged) + codec.status(2, b"\x05"))] == [2]
    assert Decoder(rescans=False).feed(bytes(damaged) + codec.status(2, b"\x05")) == []


def test_a_servo_drops_what_it_swallowed() -> None:
    half = codec.write(1, 116, bytes(4))[:-3]
    servo = Decoder(rescans=False)

    assert servo.feed(half + codec.ping(1)) == []
    assert servo.feed(codec.ping(1)) == [Packet(1, codec.PING, b"")]


def test_there_is_no_packet_for_an_id_or_a_length_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="id 255"):
        codec.ping(255)
    with pytest.raises(ValueError, match="300 bytes"):
        codec.packet(1, codec.WRITE, bytes(300))


packets = st.builds(
    Packet,
    st.integers(0, codec.BROADCAST),
    st.integers(0, 0xFE),
    st.one_of(st.binary(max_size=30), st.lists(st.sampled_from([0xFF, 0xFD, 0x00]), max_size=30).map(bytes)),
)


@given(st.lists(packets, max_size=6), st.data())
def test_any_packets_cut_anywhere_come_out_as_they_went_in(sent: list[Packet], data: st.DataObject) -> None:
    stream = b"".join(codec.packet(*packet) for packet in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = Decoder()
    found = [
        packet
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for packet in decoder.feed(stream[start:end])
    ]

    assert found == sent
    assert decoder.discarded == 0


@given(st.binary(max_size=80), packets)
def test_after_any_noise_a_packet_is_found_at_the_latest_when_the_line_is_quiet(
    noise: bytes, packet: Packet
) -> None:
    decoder = Decoder()
    found = decoder.feed(noise + codec.packet(*packet)) + decoder.end()

    assert packet in found
    assert not decoder.end()
