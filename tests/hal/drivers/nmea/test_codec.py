"""NMEA 0183: the sentences of its manuals, and lines that are none."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers.nmea import codec
from hal.drivers.nmea.codec import LONGEST_SENTENCE_BYTES, Sentences
from hal.kinds import Gnss
from tests.counts import cases

GGA = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
RMC = b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"
GSA = b"$GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1*39\r\n"
VTG = b"$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48\r\n"


def meant(data: bytes) -> list[codec.Values]:
    return [codec.parse(sentence) for sentence in Sentences().feed(data)]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (
            GGA,
            {
                "fix": True,
                "latitude": 48.1173,
                "longitude": 11 + 31 / 60,
                "altitude": 545.4,
                "satellites": 8,
                "hdop": 0.9,
            },
        ),
        (
            RMC,
            {
                "fix": True,
                "latitude": 48.1173,
                "longitude": 11 + 31 / 60,
                "speed": 22.4 * 1852 / 3600,
                "course": math.radians(84.4),
            },
        ),
        (GSA, {"hdop": 1.3}),
        (VTG, {"speed": 10.2 / 3.6, "course": math.radians(54.7)}),
    ],
)
def test_the_usual_examples_are_read_in_si(data: bytes, values: dict[str, float]) -> None:
    assert [pytest.approx(values)] == meant(data)


@pytest.mark.parametrize(
    ("address", "fields", "values"),
    [
        ("GNGGA", "123519.00,,,,,0,00,99.99,,,,,,", {"fix": False, "satellites": 0}),
        ("GNRMC", "123519.00,V,,,,,,,230394,,,N", {"fix": False}),
        ("GNGSA", "A,1,,,,,,,,,,,,,99.99,99.99,99.99,1", {}),
        ("GNVTG", ",,,,,,,,N", {}),
        ("GPGGA", "123519,4807.038,N,01131.000,E,6,08,0.9,545.4,M,46.9,M,,", {"fix": False, "satellites": 8}),
        ("GNRMC", "123519,A,4807.038,N,01131.000,E,1.0,84.4,230394,,,E,V", {"fix": False}),
        ("GNVTG", "84.4,T,,M,1.0,N,1.9,K,E", {}),
        ("GPRMC", "123519,A,4807.038,,01131.000,E,0.0,,230394,,", {"fix": True, "speed": 0.0}),
        ("GPRMC", "123519,A,9907.038,N,01131.000,E,0.0,,230394,,", {"fix": True, "speed": 0.0}),
        ("GPGGA", "12,34", {}),
        ("GPGGA", "ab,cd,N,x,E,q,08,0.9,54x.4,M,46.9,M,,", {}),
        ("GPGSV", "1,1,01,05,45,180,40", {}),
    ],
)
def test_what_is_not_known_is_left_out(address: str, fields: str, values: dict[str, float]) -> None:
    assert meant(codec.write(address, *fields.split(","))) == [values]


def test_south_and_west_are_negative_and_come_back_as_they_were_written() -> None:
    place = (*codec.write_latitude(-33.856784), *codec.write_longitude(-70.5))
    data = codec.write("GNGGA", "0", *place, "1", "08", "0.9", "0.0", "M", "0.0", "M", "", "")

    assert place == ("3351.40704", "S", "07030.00000", "W")
    (values,) = meant(data)
    assert (values["latitude"], values["longitude"]) == pytest.approx((-33.856784, -70.5), abs=1e-7)


def test_no_minute_becomes_sixty() -> None:
    assert codec.write_latitude(47.9999999999) == ("4800.00000", "N")


@pytest.mark.parametrize(
    "noise", [b"\x00\xff\xb5\x62", GGA[20:], GGA[:-9], b"$$$", b"$GPGGA,1*00\r\n", b"x" * 1000 + b"\n"]
)
def test_noise_and_half_sentences_are_passed_over(noise: bytes) -> None:
    sentences = Sentences()

    assert [one.kind for one in sentences.feed(noise + RMC) + sentences.feed(VTG)] == ["RMC", "VTG"]


def test_a_sentence_with_one_wrong_byte_is_none() -> None:
    for place in range(1, len(GGA) - 2):
        wrong = bytearray(GGA)
        wrong[place] ^= 0x01

        assert [one for one in meant(bytes(wrong)) if one] == []


@given(st.lists(st.sampled_from([GGA, RMC, GSA, VTG]), max_size=8), st.data())
@settings(max_examples=cases(500), deadline=None)
def test_however_a_stream_is_cut_the_same_sentences_come_out(parts: list[bytes], data: st.DataObject) -> None:
    whole, sentences, found = b"".join(parts), Sentences(), list[codec.Sentence]()
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        found += sentences.feed(whole[:size])
        whole = whole[size:]

    assert found == Sentences().feed(b"".join(parts))


@given(st.binary(max_size=400))
@settings(max_examples=cases(2000), deadline=None)
def test_no_bytes_raise_anything(data: bytes) -> None:
    meant(data)
    meant(b"$" + data + b"*00\r\n")


@given(
    st.sampled_from(["GPGGA", "GNRMC", "GPVTG", "GPGSA"]),
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="$*,"), max_size=12)
    ),
)
@settings(max_examples=cases(2000), deadline=None)
def test_any_fields_are_finite_readings_in_range_or_nothing(address: str, fields: list[str]) -> None:
    data = codec.write(address, *fields)
    for values in meant(data):
        assert values.keys() <= Gnss.READINGS.keys()
        assert all(math.isfinite(value) for value in values.values())
        assert abs(values.get("latitude", 0)) <= 90
        assert abs(values.get("longitude", 0)) <= 180
    assert len(data) > LONGEST_SENTENCE_BYTES + 6 or meant(data)
