"""What the chart can run and what a client can send: parameters, their units, and how values are bound.

A parameter `speed_m_s` of a Python function is `speed` in YAML and on the wire, where it may be a number in
SI or a text with a unit. Everything is worked out once; binding a payload is a walk over a table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from itertools import chain
from math import isfinite
from typing import Any, ClassVar, Final, NamedTuple, Self, TypeVar, overload

from hal import UnitError, parse_quantity, split_parameter

STREAMED_VALID_FOR_S = 0.4
"""How long a streamed setpoint counts where its sender does not say."""
FINITE_VALID_FOR_S = 30.0
"""How long a command for any other motion counts where its sender does not say."""
MAX_WHOLE = 2**53
"""The largest whole number that every JSON reader keeps exact."""

Value = float | int | bool | str
F = TypeVar("F", bound=Callable[..., Any])


class SignatureError(TypeError):
    """A function cannot be an action: the sentence names the function and the parameter."""

    def __init__(self, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


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
    """`float`, `int`, `bool` or `str`."""
    unit: str | None = None
    """SI; only a float has one."""
    required: bool = True
    default: Value | NoDefault = NO_DEFAULT

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its value on the wire; `x-unit` is what a bare number counts in."""
        schema: dict[str, Any] = {"type": _JSON_TYPES[self.type]}
        if self.unit is not None:
            schema = {"type": ["number", "string"], "x-unit": self.unit}
        if not isinstance(self.default, NoDefault):
            schema["default"] = self.default
        return schema


class Signature:
    """The parameters of one action."""

    __slots__ = ("_table", "parameters")

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self._table = _Table((parameter.name, parameter) for parameter in self.parameters)

    @classmethod
    def of(cls, function: Callable[..., Any], *, skip_first: bool) -> Self:
        """Read the parameters of `function`; `skip_first` leaves out a handler's `robot` or a method's `self`.

        Raises `SignatureError` for what YAML and JSON cannot fill in.
        """
        name = getattr(function, "__name__", repr(function))
        parameters = list(inspect.signature(function).parameters.values())
        if skip_first:
            if not parameters or parameters[0].kind not in (
                inspect.Parameter.POSITIONAL_ONLY,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
            ):
                raise SignatureError(
                    f"{name} takes no robot", f"write: async def {name}(robot: Robot) -> None"
                )
            del parameters[0]
        read = [_parameter(name, parameter) for parameter in parameters]
        by_wire_name: dict[str, Parameter] = {}
        for parameter in read:
            if other := by_wire_name.get(parameter.wire_name):
                both = f"{other.name!r} and {parameter.name!r}"
                raise SignatureError(f"{name}: {both} are the same on the wire: {parameter.wire_name!r}")
            by_wire_name[parameter.wire_name] = parameter
        return cls(read)

    def bind(self, arguments: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
        """Turn values by wire name into keyword arguments of the Python function, in SI, every number finite.

        Defaults are left to Python. `partial`: required ones may be missing, since a payload will bring them.
        Raises `BindError`.
        """
        return self._table.bind(arguments, partial=partial)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of an object with these parameters by wire name."""
        return _object_schema(self.parameters)

    def __repr__(self) -> str:
        return f"Signature({', '.join(parameter.name for parameter in self.parameters)})"


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """Something the chart can run: a handler (`patrol`) or a device's verb (`base.drive`)."""

    signature: Signature
    moves: bool
    """Whether it may set something in motion; every handler may."""
    streamed: bool = False
    """Whether it is a setpoint that is repeated and lapses by itself."""
    timeout_s: float | None = None
    """How long one call may take; None where its state's timeout bounds it."""
    blocking: bool = False
    """Whether it runs in a thread."""


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """Something a client can send."""

    type: str
    parameters: tuple[Parameter, ...]
    """All that the actions of its transitions take (`merge_parameters`) and its guards look at."""
    moves: bool
    streamed: bool
    _table: _Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = _Table((parameter.wire_name, parameter) for parameter in self.parameters)
        object.__setattr__(self, "_table", table)

    @property
    def valid_for_s(self) -> float | None:
        """How long it counts from its arrival where the sender does not say; None for what moves nothing."""
        if self.streamed:
            return STREAMED_VALID_FOR_S
        return FINITE_VALID_FOR_S if self.moves else None

    def bind(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """`payload` in SI, still by wire name, with defaults filled in so that guards see them too.

        Raises `BindError` for an unknown key, a missing one and a value that does not fit.
        """
        return self._table.bind(payload, defaults=True)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its payload."""
        return _object_schema(self.parameters)


def merge_parameters(groups: Iterable[Iterable[Parameter]]) -> tuple[Parameter, ...]:
    """The parameters of a command that may run several actions, one group for each of them.

    One is required where any action requires it, and keeps its default where all actions that have it agree.
    Raises `SignatureError` where the same wire name means two things.
    """
    merged: dict[str, Parameter] = {}
    for parameter in chain.from_iterable(groups):
        known = merged.setdefault(parameter.wire_name, parameter)
        if (known.type, known.unit) != (parameter.type, parameter.unit):
            one, other = _described(known), _described(parameter)
            raise SignatureError(f"{parameter.wire_name!r} is {one} for one action and {other} for another")
        required = known.required or parameter.required
        default = known.default if known.default == parameter.default else NO_DEFAULT
        merged[parameter.wire_name] = replace(known, required=required, default=default)
    return tuple(merged.values())


@dataclass(frozen=True, slots=True)
class HandlerInfo:
    """What `@handler` says about a function."""

    blocking: bool
    """A plain function that runs in a thread; it cannot be cancelled, only fenced."""


@overload
def handler(function: F, /) -> F: ...
@overload
def handler(*, blocking: bool = False) -> Callable[[F], F]: ...
def handler(function: F | None = None, /, *, blocking: bool = False) -> F | Callable[[F], F]:
    """Mark a function of the user as one that the chart may run.

    An async function, or with `blocking=True` a plain one that runs in a thread. It is only marked: the file
    says which modules are looked through. Raises `SignatureError` for the wrong sort of function.
    """
    if function is None:
        return partial(_mark, blocking)
    return _mark(blocking, function)


def handler_info(function: object) -> HandlerInfo | None:
    """What `@handler` said about `function`; None where it was not used."""
    info = getattr(function, "__robotd_handler__", None)
    return info if isinstance(info, HandlerInfo) else None


def _mark(blocking: bool, function: F) -> F:
    name = getattr(function, "__name__", repr(function))
    if inspect.iscoroutinefunction(function) is blocking:
        if blocking:
            raise SignatureError(
                f"{name} is async: it cannot be blocking too", "write @handler, or leave out `async`"
            )
        raise SignatureError(
            f"{name} is not an async function", "write `async def`, or @handler(blocking=True)"
        )
    function.__robotd_handler__ = HandlerInfo(blocking)  # type: ignore[attr-defined]  # a mark, read by handler_info
    return function


_TYPES: Mapping[str, type[Value]] = {"float": float, "int": int, "bool": bool, "str": str}
_JSON_TYPES: Mapping[type[Value], str] = {float: "number", int: "integer", bool: "boolean", str: "string"}
_WORDS: Mapping[type[Value], str] = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text",
}


def _parameter(function: str, parameter: inspect.Parameter) -> Parameter:
    """One parameter of `function`, checked."""
    where = f"{function}: {parameter.name!r}"
    if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise SignatureError(f"{where} cannot be filled in by name", "give every parameter a name of its own")
    annotation = parameter.annotation
    # Under `from __future__ import annotations` it is a text; it is looked up, never evaluated.
    spelled = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    kind = _TYPES.get(spelled.strip("'\""))
    if annotation is inspect.Parameter.empty or kind is None:
        found = "no type" if annotation is inspect.Parameter.empty else f"the type {spelled}"
        raise SignatureError(f"{where} has {found}", "a parameter is a float, int, bool or str")
    wire_name, unit = split_parameter(parameter.name) if kind is float else (parameter.name, None)
    if parameter.default is inspect.Parameter.empty:
        return Parameter(parameter.name, wire_name, kind, unit)
    accepted = (float, int) if kind is float else kind
    if not isinstance(parameter.default, accepted) or (
        isinstance(parameter.default, bool) and kind is not bool
    ):
        raise SignatureError(f"{where} is {_WORDS[kind]}, but its default is {parameter.default!r}")
    return Parameter(parameter.name, wire_name, kind, unit, required=False, default=kind(parameter.default))


def _described(parameter: Parameter) -> str:
    return _WORDS[parameter.type] + (f" in {parameter.unit}" if parameter.unit else "")


def _object_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
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


class _Table:
    """Binds values by wire name; about half a microsecond for two numbers."""

    __slots__ = ("_names", "_rows")

    def __init__(self, parameters: Iterable[tuple[str, Parameter]]) -> None:
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

    def _unknown(self, name: str) -> BindError:
        shown = name[:40]
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


def _misfit(parameter: Parameter, hint: str | None = None) -> BindError:
    return BindError(parameter.wire_name, f"{parameter.wire_name!r} must be {_WORDS[parameter.type]}", hint)


_READERS: Mapping[type[Value], Callable[[Parameter, Any], Value]] = {
    float: _read_number,
    int: _read_whole,
    bool: _read_flag,
    str: _read_text,
}
