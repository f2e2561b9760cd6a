"""One parameter of an action or a command: how its value is written on the wire, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from math import isfinite
from typing import Any, ClassVar, Final, NamedTuple

from hal import UnitError, parse_quantity

MAX_WHOLE = 2**53
"""The largest whole number that every JSON reader keeps exact."""

MOST_ENTRIES = 64
"""Of one mapping."""

Value = float | int | bool | str | dict[str, float]


class BindError(ValueError):
    """Values do not fit the parameters. `parameter` is the name as the sender wrote, or should write, it."""

    reason: ClassVar[str] = "invalid_params"

    def __init__(self, parameter: str, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.parameter = parameter
        self.sentence = sentence
        self.hint = hint


class NoDefault:
    """The type of `NO_DEFAULT`."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Final = NoDefault()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an action or one key of a command's payload."""

    name: str
    """In Python: `speed_m_s`."""
    wire_name: str
    """In YAML and on the wire: `speed`."""
    type: type[Value]
    """`float`, `int`, `bool`, `str`, or `dict` for numbers by name."""
    unit: str | None = None
    """SI; only a float has one, and the numbers of a mapping."""
    required: bool = True
    default: Value | NoDefault = NO_DEFAULT

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its value on the wire; `x-unit` is what a bare number counts in."""
        schema: dict[str, Any] = {"type": _JSON_TYPES[self.type]}
        if self.unit is not None:
            schema = {"type": ["number", "string"], "x-unit": self.unit}
        if self.type is dict:
            return {"type": "object", "additionalProperties": schema, "maxProperties": MOST_ENTRIES}
        if not isinstance(self.default, NoDefault):
            schema["default"] = self.default
        return schema


_JSON_TYPES: Mapping[type[Value], str] = {
    float: "number",
    dict: "number",
    int: "integer",
    bool: "boolean",
    str: "string",
}
_WORDS: Mapping[type[Value], str] = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text",
    dict: "numbers by name",
}


def word(kind: type[Value]) -> str:
    """For people: `a whole number`."""
    return _WORDS[kind]


def described(parameter: Parameter) -> str:
    """For people: `a number in m/s`."""
    return word(parameter.type) + (f" in {parameter.unit}" if parameter.unit else "")


def object_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The JSON Schema of an object that holds `parameters` by wire name, and nothing else."""
    parameters = tuple(parameters)
    return {
        "type": "object",
        "properties": {parameter.wire_name: parameter.json_schema() for parameter in parameters},
        "required": [parameter.wire_name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


class _Row(NamedTuple):
    wire_name: str
    key: str
    """Under which the value is handed on."""
    read: Callable[[Any], Value]
    required: bool
    default: Value | NoDefault


class Binder:
    """Reads values by wire name; about half a microsecond for two numbers."""

    __slots__ = ("_names", "_rows")

    def __init__(self, parameters: Iterable[tuple[str, Parameter]]) -> None:
        """Each parameter comes with the key under which its value is handed on."""
        self._rows = tuple(
            _Row(
                parameter.wire_name,
                key,
                partial(_READERS[parameter.type], parameter),
                parameter.required,
                parameter.default,
            )
            for key, parameter in parameters
        )
        self._names = [row.wire_name for row in self._rows]

    def bind(
        self, arguments: Mapping[str, Any], *, partial: bool = False, defaults: bool = False
    ) -> dict[str, Any]:
        """The values under their keys. `partial`: none is required. `defaults`: fill in what is not given.

        Raises `BindError`.
        """
        bound: dict[str, Any] = {}
        given = 0
        for wire_name, key, read, required, default in self._rows:
            if wire_name in arguments:
                bound[key] = read(arguments[wire_name])
                given += 1
            elif required and not partial:
                raise BindError(wire_name, f"{wire_name!r} is missing")
            elif defaults and default is not NO_DEFAULT:
                bound[key] = default
        if given != len(arguments):
            raise self._unknown(next(name for name in arguments if name not in self._names))
        return bound

    def _unknown(self, name: object) -> BindError:
        shown = str(name)[:40]
        close = get_close_matches(shown, self._names, n=1, cutoff=0.5)
        if close:
            hint = f"did you mean {close[0]!r}?"
        else:
            hint = f"it takes {', '.join(self._names)}" if self._names else "it takes no parameters"
        return BindError(shown, f"there is no parameter {shown!r}", hint)


def _read_number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, (float, int)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
        raise BindError(parameter.wire_name, f"{parameter.wire_name!r} is not a finite number")
    if isinstance(value, str) and parameter.unit is not None:
        try:
            return parse_quantity(value, parameter.unit)
        except UnitError as error:
            raise BindError(
                parameter.wire_name, f"{parameter.wire_name!r}: {error.sentence}", error.hint
            ) from None
    hint = f"a number in {parameter.unit} or a text with a unit" if parameter.unit else None
    raise _misfit(parameter, hint)


def _read_whole(parameter: Parameter, value: Any) -> int:
    # JSON does not tell 2 from 2.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _misfit(parameter)
    if abs(value) > MAX_WHOLE:
        raise BindError(parameter.wire_name, f"{parameter.wire_name!r} is beyond {MAX_WHOLE}")
    return value


def _read_flag(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _misfit(parameter, "write true or false")


def _read_text(parameter: Parameter, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _misfit(parameter)


def _read_mapping(parameter: Parameter, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise _misfit(parameter, f"for example {parameter.wire_name}: {{name: ...}}")
    if len(value) > MOST_ENTRIES:
        raise BindError(parameter.wire_name, f"{parameter.wire_name!r} has more than {MOST_ENTRIES} entries")
    read: dict[str, float] = {}
    for name, number in value.items():
        entry = f"{parameter.wire_name}.{str(name)[:40]}"
        read[str(name)] = _read_number(replace(parameter, wire_name=entry, type=float), number)
    return read


def _misfit(parameter: Parameter, hint: str | None = None) -> BindError:
    return BindError(parameter.wire_name, f"{parameter.wire_name!r} must be {word(parameter.type)}", hint)


_READERS: Mapping[type[Value], Callable[[Parameter, Any], Value]] = {
    float: _read_number,
    int: _read_whole,
    bool: _read_flag,
    str: _read_text,
    dict: _read_mapping,
}
