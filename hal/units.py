"""Quantities with units, as people write them: `0.8 m/s`, `80 deg`, `200 ms`. Inside, everything is SI.

Not a unit algebra: a fixed table of what robots are described with. The base of an angle is the radian;
degrees Celsius, per cent and bytes are bases of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class UnitError(ValueError):
    """A text is not a quantity of the wanted kind. `sentence` says what is wrong, `hint` how to mend it."""

    def __init__(self, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Dimension(NamedTuple):
    """What one SI unit measures: the word for people, and an example of how to write it."""

    word: str
    example: str


DIMENSIONS: Mapping[str, Dimension] = {
    "m": Dimension("length", "0.30 m"),
    "m/s": Dimension("speed", "0.8 m/s"),
    "m/s2": Dimension("acceleration", "1.5 m/s2"),
    "rad": Dimension("angle", "80 deg"),
    "rad/s": Dimension("turn rate", "2 rad/s"),
    "rad/s2": Dimension("angular acceleration", "4 rad/s2"),
    "s": Dimension("duration", "200 ms"),
    "V": Dimension("voltage", "10.8 V"),
    "A": Dimension("current", "1.5 A"),
    "Hz": Dimension("frequency", "50 Hz"),
    "N": Dimension("force", "2 N"),
    "Nm": Dimension("torque", "0.5 Nm"),
    "degC": Dimension("temperature", "60 degC"),
    "%": Dimension("share", "20 %"),
    "kg": Dimension("mass", "1.2 kg"),
    "W": Dimension("power", "15 W"),
    "Pa": Dimension("pressure", "60 kPa"),
    "B": Dimension("size", "256 MiB"),
    "deg": Dimension("latitude or longitude", "48.1372 deg"),
}
"""By SI unit: every unit that a reading or a parameter can have.

The one that is not SI is the degree of a latitude or a longitude, since nobody writes these otherwise; every
other angle is in rad, also where a person writes degrees.
"""


class _Conversion(NamedTuple):
    """SI value = number * times / over: dividing by 1000 rounds once, multiplying by 0.001 twice."""

    si: str
    times: float = 1.0
    over: float = 1.0


_UNITS: Mapping[str, _Conversion] = {
    **{si: _Conversion(si) for si in DIMENSIONS},
    "mm": _Conversion("m", over=1000),
    "cm": _Conversion("m", over=100),
    "km": _Conversion("m", times=1000),
    "mm/s": _Conversion("m/s", over=1000),
    "km/h": _Conversion("m/s", over=3.6),
    "m/s^2": _Conversion("m/s2"),
    "m/s²": _Conversion("m/s2"),
    "deg": _Conversion("rad", times=math.pi, over=180),
    "deg/s": _Conversion("rad/s", times=math.pi, over=180),
    "rpm": _Conversion("rad/s", times=math.pi, over=30),
    "rad/s^2": _Conversion("rad/s2"),
    "rad/s²": _Conversion("rad/s2"),
    "deg/s2": _Conversion("rad/s2", times=math.pi, over=180),
    "deg/s^2": _Conversion("rad/s2", times=math.pi, over=180),
    "deg/s²": _Conversion("rad/s2", times=math.pi, over=180),
    "ms": _Conversion("s", over=1000),
    "us": _Conversion("s", over=1_000_000),
    "min": _Conversion("s", times=60),
    "h": _Conversion("s", times=3600),
    "mV": _Conversion("V", over=1000),
    "mA": _Conversion("A", over=1000),
    "kHz": _Conversion("Hz", times=1000),
    "g": _Conversion("kg", over=1000),
    "kPa": _Conversion("Pa", times=1000),
    "bar": _Conversion("Pa", times=100_000),
    "KiB": _Conversion("B", times=2**10),
    "MiB": _Conversion("B", times=2**20),
    "GiB": _Conversion("B", times=2**30),
}

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(\S*)\s*")

_SUFFIXES: tuple[tuple[str, str], ...] = (
    # The longer first: `accel_m_s2` does not end in metres, nor `speed_m_s` in seconds.
    ("_rad_s2", "rad/s2"),
    ("_rad_s", "rad/s"),
    ("_m_s2", "m/s2"),
    ("_m_s", "m/s"),
    ("_rad", "rad"),
    ("_m", "m"),
    ("_s", "s"),
    ("_v", "V"),
    ("_a", "A"),
    ("_hz", "Hz"),
    ("_nm", "Nm"),
    ("_n", "N"),
    ("_degc", "degC"),
    ("_percent", "%"),
    ("_kg", "kg"),
    ("_w", "W"),
    ("_pa", "Pa"),
    ("_bytes", "B"),
)


def to_si(text: str) -> tuple[float, str]:
    """Read a quantity in any known unit: its value in SI and the symbol of that SI unit.

    Raises:
        UnitError: no number, no unit, an unknown unit, or a value that is not finite.
    """
    return _convert(text, None)


def parse_quantity(text: str, unit: str) -> float:
    """Read a quantity that must be convertible to the SI unit `unit`, and return it in that unit.

    Raises:
        UnitError: as `to_si`, or a quantity of another dimension.
    """
    value, si = _convert(text, unit)
    if si != unit:
        raise UnitError(
            f"{text.strip()!r} is {_a(DIMENSIONS[si].word)}, but {_a(DIMENSIONS[unit].word)} is due here",
            _ways_to_write(unit),
        )
    return value


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def split_parameter(name: str) -> tuple[str, str | None]:
    """Take the unit off a Python name: `speed_m_s` is `speed` in m/s; `count` has no unit.

    Meant for the names of numbers: the last letter of `option_a` says nothing about a text.
    """
    for suffix, unit in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix), unit
    return name, None


def _convert(text: str, wanted: str | None) -> tuple[float, str]:
    """`to_si`, with hints for somebody who wants `wanted`."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"{text.strip()[:40]!r} is not a number with a unit", _ways_to_write(wanted))
    number, symbol = match.groups()
    if not symbol:
        raise UnitError(f"{number} needs a unit", _ways_to_write(wanted))
    conversion = _Conversion(symbol) if symbol == wanted else _UNITS.get(symbol)
    if conversion is None:
        raise UnitError(f"unknown unit {symbol[:40]!r}", _nearest(symbol, wanted))
    value = float(number) * conversion.times / conversion.over
    if not math.isfinite(value):
        raise UnitError(f"{text.strip()[:40]!r} is larger than any number robotd can hold")
    return value, conversion.si


def _nearest(symbol: str, wanted: str | None) -> str:
    candidates = [unit for unit, conversion in _UNITS.items() if wanted in (None, conversion.si)]
    by_case = [unit for unit in candidates if unit.lower() == symbol.lower()]
    close = by_case or get_close_matches(symbol, candidates, n=1)
    return f"did you mean {close[0]!r}?" if close else _ways_to_write(wanted)


def _ways_to_write(wanted: str | None) -> str:
    if wanted is None:
        return "write a number and a unit, for example '0.8 m/s'"
    word, example = DIMENSIONS[wanted]
    return f"{_a(word)} is written in {', '.join(_units_of(wanted))}, for example {example!r}"


def _units_of(si: str) -> list[str]:
    return [unit for unit, conversion in _UNITS.items() if conversion.si == si] or [si]


def _pattern(units: list[str]) -> str:
    return rf"^\s*{_NUMBER}\s*(?:{'|'.join(re.escape(unit) for unit in units)})\s*$"


def _schema_error(error: UnitError) -> PydanticCustomError:
    # The sentence goes through the context: pydantic would take braces in it for placeholders.
    return PydanticCustomError("unit", "{sentence}", {"sentence": error.sentence, "hint": error.hint})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Makes `Annotated[float, Quantity("m/s")]` a pydantic type: a text with a unit outside, SI inside.

    A bare number is refused, since nobody can see its unit. A model's own default is in SI. Dumped as
    JSON it is a text again.
    """

    unit: str
    """The SI unit, a key of `DIMENSIONS`."""
    positive: bool = False
    """Whether zero and less are refused."""

    def validate(self, value: object) -> float:
        """Read what the file says. Raises `PydanticCustomError` of type `unit` with `hint` in its context."""
        word, example = DIMENSIONS[self.unit]
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise UnitError(f"{_a(word)} is due here", f"for example {example!r}")
            if not isinstance(value, str):
                raise UnitError(f"{value} needs a unit, for example {example!r}", _ways_to_write(self.unit))
            quantity = parse_quantity(value, self.unit)
            if self.positive and quantity <= 0:
                raise UnitError(f"{value.strip()!r} must be more than zero")
        except UnitError as error:
            raise _schema_error(error) from None
        return quantity

    def write(self, value: float) -> str:
        """The text that `validate` reads back."""
        return f"{value!r} {self.unit}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.write, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": _pattern(_units_of(self.unit)),
            "x-unit": self.unit,
            "examples": [DIMENSIONS[self.unit].example],
        }


Length = Annotated[float, Quantity("m")]
Speed = Annotated[float, Quantity("m/s")]
Acceleration = Annotated[float, Quantity("m/s2")]
Angle = Annotated[float, Quantity("rad")]
TurnRate = Annotated[float, Quantity("rad/s")]
Duration = Annotated[float, Quantity("s")]
Voltage = Annotated[float, Quantity("V")]

PositiveLength = Annotated[float, Quantity("m", positive=True)]
PositiveSpeed = Annotated[float, Quantity("m/s", positive=True)]
PositiveAcceleration = Annotated[float, Quantity("m/s2", positive=True)]
PositiveAngle = Annotated[float, Quantity("rad", positive=True)]
PositiveTurnRate = Annotated[float, Quantity("rad/s", positive=True)]
PositiveAngularAcceleration = Annotated[float, Quantity("rad/s2", positive=True)]
PositiveDuration = Annotated[float, Quantity("s", positive=True)]
PositiveCurrent = Annotated[float, Quantity("A", positive=True)]
PositiveFrequency = Annotated[float, Quantity("Hz", positive=True)]
Mass = Annotated[float, Quantity("kg")]
PositiveMass = Annotated[float, Quantity("kg", positive=True)]
PositiveSize = Annotated[float, Quantity("B", positive=True)]


@dataclass(frozen=True, slots=True)
class Scale:
    """So much of a unit, whichever it is: `0.0157 V` (for each raw count), `-50 degC` (at a raw zero)."""

    factor: float
    unit: str
    """SI; empty for a plain number."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read what the file says. Raises `PydanticCustomError` of type `unit` with `hint` in its context."""
        if isinstance(value, cls):
            return value
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise UnitError("a number with a unit is due here", _ways_to_write(None))
            return cls(*to_si(str(value)))
        except UnitError as error:
            raise _schema_error(error) from None

    def __str__(self) -> str:
        return f"{self.factor!r} {self.unit}".rstrip()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": _pattern(list(_UNITS)),
            "x-unit": "any",
            "examples": ["0.0157 V", "0.004 m"],
        }


def write_defaults(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Put the defaults of a model's quantities into its JSON Schema as a file would write them.

    A model's own default is a number in SI, which its file may not say; an editor would offer it.
    """
    for described in schema.get("properties", {}).values():
        default = described.get("default")
        if "x-unit" in described and isinstance(default, float):
            described["default"] = f"{default!r} {described['x-unit']}"
        elif isinstance(default, Mapping):
            del described["default"]  # a scale of plain counts: what is meant by saying nothing
    return schema
