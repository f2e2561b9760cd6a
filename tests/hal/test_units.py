import json
import math
import re
from typing import Annotated

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from hal.units import (
    DIMENSIONS,
    Duration,
    Length,
    PositiveLength,
    Quantity,
    Scale,
    Speed,
    UnitError,
    parse_quantity,
    split_parameter,
    to_si,
    write_defaults,
)
from tests.counts import cases


class Cart(BaseModel, frozen=True, extra="forbid"):
    speed: Speed
    track: PositiveLength = 0.3
    stale: Duration | None = None
    scale: Scale = Scale(1.0, "")


LENGTH_PATTERN = TypeAdapter(Length).json_schema()["pattern"]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("0.3 m/s", "m/s", 0.3),
        ("0.3m/s", "m/s", 0.3),
        ("  -1.5e-1 m ", "m", -0.15),
        ("80 deg", "rad", math.radians(80)),
        ("200 ms", "s", 0.2),
        ("35 us", "s", 0.000035),
        ("10 min", "s", 600.0),
        ("2 h", "s", 7200.0),
        ("36 km/h", "m/s", 10.0),
        ("30 mm", "m", 0.03),
        ("3 cm", "m", 0.03),
        (".5 km", "m", 500.0),
        ("60 rpm", "rad/s", 2 * math.pi),
        ("180 deg/s", "rad/s", math.pi),
        ("1.5 m/s2", "m/s2", 1.5),
        ("1.5 m/s^2", "m/s2", 1.5),
        ("1.5 m/s²", "m/s2", 1.5),
        ("90 deg/s2", "rad/s2", math.pi / 2),
        ("10.8 V", "V", 10.8),
        ("5 mV", "V", 0.005),
        ("250 mA", "A", 0.25),
        ("1 kHz", "Hz", 1000.0),
        ("500 g", "kg", 0.5),
        ("60 kPa", "Pa", 60_000.0),
        ("2 bar", "Pa", 200_000.0),
        ("20 %", "%", 20.0),
        ("-5 degC", "degC", -5.0),
        ("+1. m", "m", 1.0),
    ],
)
def test_a_quantity_is_read_in_si(text, unit, value):
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-15)
    assert to_si(text) == (parse_quantity(text, unit), unit)


def test_milliseconds_are_the_nearest_number_to_what_was_written():
    for number in range(1000):
        assert parse_quantity(f"{number} ms", "s") == float(f"0.{number:03}")


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("0.8", "0.8 needs a unit", "a speed is written in m/s, mm/s, km/h, for example '0.8 m/s'"),
        ("30 deg", "'30 deg' is an angle, but a speed is due here", "a speed is written in m/s"),
        ("0.8 m", "'0.8 m' is a length, but a speed is due here", "a speed is written in m/s"),
        ("0.8 m/sec", "unknown unit 'm/sec'", "did you mean 'm/s'?"),
        ("0.8 M/S", "unknown unit 'M/S'", "did you mean 'm/s'?"),
        ("0.8 parsec", "unknown unit 'parsec'", "a speed is written in"),
        ("fast", "'fast' is not a number with a unit", "for example '0.8 m/s'"),
        ("", "'' is not a number with a unit", "for example '0.8 m/s'"),
        ("nan m/s", "'nan m/s' is not a number with a unit", "for example"),
        ("inf m/s", "'inf m/s' is not a number with a unit", "for example"),
        ("0.8 m / s", "'0.8 m / s' is not a number with a unit", "for example"),
        ("1_000 m/s", "'1_000 m/s' is not a number with a unit", "for example"),
        ("٣ m/s", "'٣ m/s' is not a number with a unit", "for example"),
    ],
)
def test_what_is_no_speed_is_refused_with_a_way_to_mend_it(text, sentence, hint):
    with pytest.raises(UnitError) as refusal:
        parse_quantity(text, "m/s")

    assert sentence in refusal.value.sentence
    assert refusal.value.hint is not None
    assert hint in refusal.value.hint


@pytest.mark.parametrize("text", ["1e999 m", "-1e999 m", "1e308 km", "9" * 5000 + " m"])
def test_a_number_that_is_not_finite_is_refused(text):
    with pytest.raises(UnitError, match="larger than any number"):
        parse_quantity(text, "m")


@given(st.text(max_size=40) | st.from_regex(r"[0-9.e+-]{1,9} ?[a-zA-Z/%²^0-9]{0,6}", fullmatch=True))
@example("1 m\n")
@example("{sentence} m")
@settings(max_examples=cases(10_000, 30), deadline=None)
def test_any_text_is_a_finite_number_in_si_or_refused(text):
    try:
        value, unit = to_si(text)
    except UnitError:
        return

    assert math.isfinite(value)
    assert unit in DIMENSIONS


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(DIMENSIONS)))
@settings(max_examples=cases(10_000), deadline=None)
def test_what_a_quantity_writes_it_reads_back(value, unit):
    quantity = Quantity(unit)

    assert quantity.validate(quantity.write(value)) == value


@pytest.mark.parametrize("unit", sorted(DIMENSIONS))
def test_every_example_is_accepted_by_its_own_schema_and_reader(unit):
    schema = TypeAdapter(Annotated[float, Quantity(unit)]).json_schema()
    example_text = DIMENSIONS[unit].example

    assert schema["examples"] == [example_text]
    assert re.search(schema["pattern"], example_text)
    assert math.isfinite(parse_quantity(example_text, unit))


def test_degrees_are_degrees_only_where_a_latitude_or_longitude_is_due():
    assert parse_quantity("48.1372 deg", "deg") == 48.1372
    assert parse_quantity("180 deg", "rad") == math.pi
    assert to_si("180 deg") == (math.pi, "rad")

    with pytest.raises(UnitError, match="is an angle, but a latitude or longitude is due here"):
        parse_quantity("0.84 rad", "deg")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("speed_m_s", ("speed", "m/s")),
        ("rate_rad_s", ("rate", "rad/s")),
        ("angle_rad", ("angle", "rad")),
        ("accel_m_s2", ("accel", "m/s2")),
        ("window_s", ("window", "s")),
        ("distance_m", ("distance", "m")),
        ("level_percent", ("level", "%")),
        ("count", ("count", None)),
        ("times", ("times", None)),
        ("_s", ("_s", None)),
        ("s", ("s", None)),
        ("rad_s", ("rad", "s")),
    ],
)
def test_a_parameters_name_says_its_unit(name, parts):
    assert split_parameter(name) == parts


def test_a_model_takes_texts_and_holds_si():
    cart = Cart.model_validate({"speed": "36 km/h", "track": "30 cm", "stale": "200 ms", "scale": "5 mV"})

    assert cart == Cart.model_construct(speed=10.0, track=0.3, stale=0.2, scale=Scale(0.005, "V"))


def test_a_model_dumps_texts_that_it_reads_again():
    cart = Cart.model_validate({"speed": "36 km/h", "scale": "5 mV"})
    dumped = json.loads(cart.model_dump_json(exclude_defaults=True))

    assert dumped == {"speed": "10.0 m/s", "scale": "0.005 V"}
    assert Cart.model_validate(dumped) == cart


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("speed", 0.8, "0.8 needs a unit, for example '0.8 m/s'"),
        ("speed", 1, "1 needs a unit, for example '0.8 m/s'"),
        ("speed", True, "a speed is due here"),
        ("speed", None, "a speed is due here"),
        ("speed", ["0.8 m/s"], "a speed is due here"),
        ("speed", "{x} m/s", "'{x} m/s' is not a number with a unit"),
        ("track", "0 m", "'0 m' must be more than zero"),
        ("track", "-1 m", "'-1 m' must be more than zero"),
        ("scale", 0.5, "0.5 needs a unit"),
        ("scale", False, "a number with a unit is due here"),
        ("scale", {"factor": 1}, "a number with a unit is due here"),
    ],
)
def test_a_model_refuses_what_has_no_unit(field, value, sentence):
    with pytest.raises(ValidationError) as refusal:
        Cart.model_validate({"speed": "1 m/s"} | {field: value})

    (error,) = refusal.value.errors()
    assert error["loc"] == (field,)
    assert error["msg"] == sentence
    assert "hint" in error["ctx"]


def test_the_schema_says_the_unit_and_writes_defaults_as_a_file_would():
    properties = write_defaults(Cart.model_json_schema())["properties"]

    assert properties["speed"]["x-unit"] == "m/s"
    assert properties["track"]["default"] == "0.3 m"
    assert "default" not in properties["scale"]
    assert re.search(properties["speed"]["pattern"], "0.8 km/h")
    assert not re.search(properties["speed"]["pattern"], "0.8")
    assert not re.search(properties["speed"]["pattern"], "0.8 m")


@given(st.from_regex(r"[+-]?[0-9.]{1,5}(e[0-9])? ?(m|mm|cm|km|s|m/s)?", fullmatch=True))
@settings(max_examples=cases(2_000), deadline=None)
def test_the_schemas_pattern_and_the_reader_agree(text):
    try:
        parse_quantity(text, "m")
        read = True
    except UnitError:
        read = False

    assert read is (re.search(LENGTH_PATTERN, text) is not None)


def test_a_scale_may_be_given_as_one_in_python():
    assert Cart.model_validate({"speed": "1 m/s", "scale": Scale(2.0, "V")}).scale == Scale(2.0, "V")


def test_an_alias_can_be_used_for_a_plain_annotation():
    class Post(BaseModel):
        height: Length

    assert Post.model_validate({"height": "-2 m"}).height == -2.0
