"""The protocol's own bytes, and any bytes at all."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers.firmata import codec, words
from hal.drivers.firmata.codec import Decoder
from hal.drivers.firmata.words import PinMode
from tests.counts import cases


def reports(data: bytes) -> list[words.Frame]:
    return Decoder.of_reports().feed(data)


def requests(data: bytes) -> list[words.Frame]:
    return Decoder.of_requests().feed(data)


# The tables of protocol.md, one line for each.
@pytest.mark.parametrize(
    ("said", "hexadecimal", "heard"),
    [
        (codec.analog(5, 255), "e5 7f 01", words.Analog(5, 255)),
        (codec.digital(2, 0b1000_0001), "92 01 01", words.Digital(2, 129)),
        (codec.report_analog(1, on=True), "c1 01", words.ReportAnalog(1, True)),
        (codec.report_digital(1, on=False), "d1 00", words.ReportDigital(1, False)),
        (codec.pin_mode(2, PinMode.PULLUP), "f4 02 0b", words.SetPinMode(2, 11)),
        (codec.pin_value(13, high=True), "f5 0d 01", words.SetPin(13, True)),
        (codec.VERSION_QUERY, "f9", words.VersionQuery()),
        (codec.FIRMWARE_QUERY, "f0 79 f7", words.Sysex(0x79, b"")),
        (codec.CAPABILITIES_QUERY, "f0 6b f7", words.Sysex(0x6B, b"")),
        (codec.MAPPING_QUERY, "f0 69 f7", words.Sysex(0x69, b"")),
        (codec.pin_state_query(9), "f0 6d 09 f7", words.Sysex(0x6D, b"\x09")),
        (codec.analog(16, 255), "f0 6f 10 7f 01 f7", words.Sysex(0x6F, b"\x10\x7f\x01")),
        (
            codec.servo_config(9, 544, 2400),
            "f0 70 09 20 04 60 12 f7",
            words.Sysex(0x70, b"\x09\x20\x04\x60\x12"),
        ),
        (codec.sampling_interval(50), "f0 7a 32 00 f7", words.Sysex(0x7A, b"\x32\x00")),
        (bytes([words.RESET]), "ff", words.SystemReset()),
    ],
)
def test_what_a_host_says_is_what_a_board_hears(said: bytes, hexadecimal: str, heard: words.Frame) -> None:
    assert said.hex(" ") == hexadecimal
    assert requests(said) == [heard]


def test_a_board_reports_its_version_with_two_bytes() -> None:
    assert reports(bytes.fromhex("f9 02 05")) == [words.Version(2, 5)]
    assert codec.version(2, 5) == bytes.fromhex("f9 02 05")


def test_a_board_reports_an_analog_channel_least_significant_bits_first() -> None:
    assert reports(bytes.fromhex("e1 1f 06")) == [words.Analog(1, 799)]


def test_the_firmware_report_names_the_sketch() -> None:
    (frame,) = reports(bytes.fromhex("f0 79 02 05 53 00 74 00 64 00 f7"))

    assert isinstance(frame, words.Sysex)
    assert codec.parse_firmware(frame.data) == codec.Firmware(2, 5, "Std")
    assert codec.firmware(2, 5, "Std") == bytes.fromhex("f0 79 02 05 53 00 74 00 64 00 f7")


def test_capabilities_list_each_pins_modes_and_a_pin_without_any() -> None:
    (frame,) = reports(bytes.fromhex("f0 6c 7f 00 01 01 01 03 08 7f 02 0a 7f f7"))

    assert isinstance(frame, words.Sysex)
    assert codec.parse_capabilities(frame.data) == ({}, {0: 1, 1: 1, 3: 8}, {2: 10})


def test_a_pin_state_has_as_many_bits_as_it_needs() -> None:
    assert codec.parse_pin_state(b"\x05\x03\x00") == codec.PinState(5, PinMode.PWM, 0)
    assert codec.parse_pin_state(b"\x09\x04\x5c\x0b") == codec.PinState(9, PinMode.SERVO, 1500)
    assert codec.parse_pin_state(b"\x63") == codec.PinState(99, None, 0)
    assert codec.parse_pin_state(b"") is None


def test_a_mutilated_firmware_report_is_no_firmware() -> None:
    assert codec.parse_firmware(b"\x02") is None
    assert codec.parse_firmware(b"\x02\x05\x53") is None


def test_a_text_leaves_out_what_cannot_be_printed() -> None:
    assert codec.parse_text(b"O\x00k\x00\x07\x00") == "Ok"


@pytest.mark.parametrize("number", [-1, 16384])
def test_a_number_beyond_14_bits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="14 bits"):
        codec.two_sevens(number)


def test_power_up_garbage_before_the_version_report_is_ignored() -> None:
    decoder = Decoder.of_reports()

    assert decoder.feed(b"\x00\x12\xfe\x80\xf0\x33\x44" + bytes.fromhex("f9 02 05")) == [words.Version(2, 5)]
    assert decoder.discarded == 7


def test_a_host_starts_anew_when_a_message_is_cut_short() -> None:
    assert reports(bytes.fromhex("e1 1f e2 01 00")) == [words.Analog(2, 1)]
    assert reports(bytes.fromhex("f0 6e 05 e2 01 00")) == [words.Analog(2, 1)]


def test_an_unterminated_sysex_swallows_all_that_follows_at_the_board_until_f7() -> None:
    decoder = Decoder.of_requests()

    assert decoder.feed(bytes.fromhex("f0 6d e5 00 00 f9")) == []
    assert decoder.feed(codec.END_ANYTHING + codec.analog(5, 0)) == [words.Analog(5, 0)]


def test_an_empty_sysex_is_nothing() -> None:
    assert reports(bytes.fromhex("f0 f7 f9 02 05")) == [words.Version(2, 5)]


def test_a_sysex_beyond_the_bound_is_dropped_whole_and_holds_no_memory() -> None:
    decoder = Decoder.of_reports()

    assert decoder.feed(b"\xf0\x6c" + b"\x01" * 1_000_000) == []
    assert len(decoder._body) <= codec.REPORT_SYSEX_LIMIT_BYTES
    assert decoder.feed(b"\xf7\xf9\x02\x05") == [words.Version(2, 5)]


fragments = st.one_of(
    st.binary(max_size=8),
    st.builds(codec.analog, st.integers(0, 15), st.integers(0, 16383)),
    st.builds(codec.digital, st.integers(0, 15), st.integers(0, 255)),
    st.builds(codec.version, st.integers(0, 127), st.integers(0, 127)),
    st.builds(codec.sysex, st.integers(0, 127), st.binary(max_size=12)),
    st.sampled_from([codec.VERSION_QUERY, codec.FIRMWARE_QUERY, b"\xf0", b"\xf7", b"\xff"]),
)
streams = st.lists(fragments, max_size=12).map(b"".join)


@settings(max_examples=cases(10_000), deadline=None)
@given(streams, st.lists(st.integers(0, 200)), st.sampled_from([Decoder.of_reports, Decoder.of_requests]))
def test_frames_do_not_depend_on_where_the_bytes_were_split(stream, cuts, make) -> None:
    whole, pieces = make(), make()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    frames = [frame for start, stop in pairwise(edges) for frame in pieces.feed(stream[start:stop])]

    assert frames == whole.feed(stream)
    assert pieces.discarded == whole.discarded


@settings(max_examples=cases(10_000), deadline=None)
@given(st.binary(max_size=200), st.integers(0, 15), st.integers(0, 16383))
def test_after_any_bytes_a_host_hears_the_second_report_at_the_latest(noise, pin, value) -> None:
    decoder = Decoder.of_reports()
    decoder.feed(noise)

    assert decoder.feed(codec.analog(pin, value) * 2)[-1] == words.Analog(pin, value)


@settings(max_examples=cases(10_000), deadline=None)
@given(st.binary(max_size=200), st.integers(0, 127))
def test_after_any_bytes_f7_makes_a_board_hear_what_follows(noise, pin) -> None:
    decoder = Decoder.of_requests()
    decoder.feed(noise)

    assert decoder.feed(codec.END_ANYTHING + codec.analog(pin, 0))[-1] in (
        words.Analog(pin, 0),
        words.Sysex(words.EXTENDED_ANALOG, bytes([pin, 0, 0])),
    )


@settings(max_examples=cases(10_000), deadline=None)
@given(st.binary(max_size=300))
def test_the_meaning_of_any_sysex_is_found_or_refused_without_an_exception(data) -> None:
    codec.parse_firmware(data)
    codec.parse_text(data)
    codec.parse_capabilities(data)
    codec.parse_pin_state(data)
