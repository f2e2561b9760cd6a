"""What the chart can run and what a client can send: parameters, their units, and how values are bound.

A parameter `speed_m_s` of a Python function is `speed` in YAML and on the wire, where it may be a number in
SI or a text with a unit. Everything is worked out once; binding a payload is a walk over a table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from math import isfinite
from types import GenericAlias
from typing import Any, Self, TypeVar, overload

from hal import split_parameter
from robotd.core.parameter import (
    NO_DEFAULT,
    Binder,
    BindError,
    Parameter,
    Value,
    described,
    object_schema,
    word,
)

__all__ = [
    "FINITE_VALID_FOR_S",
    "NO_DEFAULT",
    "STREAMED_VALID_FOR_S",
    "ActionInfo",
    "BindError",
    "CommandInfo",
    "HandlerInfo",
    "Parameter",
    "Signature",
    "SignatureError",
    "handler",
    "handler_info",
    "merge_parameters",
]

STREAMED_VALID_FOR_S = 0.4
"""How long a streamed setpoint counts where its sender does not say."""
FINITE_VALID_FOR_S = 30.0
"""How long a command for any other motion counts where its sender does not say."""
F = TypeVar("F", bound=Callable[..., Any])


class SignatureError(TypeError):
    """A function cannot be an action: the sentence names the function and the parameter."""

    def __init__(self, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Signature:
    """The parameters of one action."""

    __slots__ = ("_binder", "parameters")

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self._binder = Binder((parameter.name, parameter) for parameter in self.parameters)

    @classmethod
    def of(cls, function: Callable[..., Any], *, skip_first: bool) -> Self:
        """Read the parameters of `function`; `skip_first` leaves out a handler's `robot`, or a `self`.

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
        return self._binder.bind(arguments, partial=partial)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of an object with these parameters by wire name."""
        return object_schema(self.parameters)

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
    _binder: Binder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        binder = Binder((parameter.wire_name, parameter) for parameter in self.parameters)
        object.__setattr__(self, "_binder", binder)

    @property
    def valid_for_s(self) -> float:
        """How long it counts from its arrival where the sender does not say. Nothing is valid for ever."""
        return STREAMED_VALID_FOR_S if self.streamed else FINITE_VALID_FOR_S

    def bind(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """`payload` in SI, still by wire name, with defaults filled in so that guards see them too.

        Raises `BindError` for an unknown key, a missing one and a value that does not fit.
        """
        return self._binder.bind(payload, defaults=True)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its payload."""
        return object_schema(self.parameters)


def merge_parameters(groups: Iterable[Iterable[Parameter]]) -> tuple[Parameter, ...]:
    """The parameters of a command that may run several actions, one group for each of them.

    One is required where any action requires it, and keeps its default where all actions that have it agree.
    Raises `SignatureError` where the same wire name means two things.
    """
    merged: dict[str, Parameter] = {}
    for parameter in chain.from_iterable(groups):
        known = merged.setdefault(parameter.wire_name, parameter)
        if (known.type, known.unit) != (parameter.type, parameter.unit):
            one, other = described(known), described(parameter)
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


_TYPES: Mapping[str, type[Value]] = {
    "float": float,
    "int": int,
    "bool": bool,
    "str": str,
    "dict[str, float]": dict,
}
_OPTIONAL = " | None"
"""Behind a type: what is not given is None in Python, and there is nothing to write for it."""
_WITH_UNIT = (float, dict)


def _parameter(function: str, parameter: inspect.Parameter) -> Parameter:
    """One parameter of `function`, checked."""
    where = f"{function}: {parameter.name!r}"
    if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise SignatureError(f"{where} cannot be filled in by name", "give every parameter a name of its own")
    annotation = parameter.annotation
    # Under `from __future__ import annotations` it is a text; it is looked up, never evaluated.
    plain = isinstance(annotation, type) and not isinstance(annotation, GenericAlias)
    spelled = annotation.__name__ if plain else str(annotation)
    spelled = spelled.strip("'\"")
    kind = _TYPES.get(spelled.removesuffix(_OPTIONAL))
    if annotation is inspect.Parameter.empty or kind is None:
        found = "no type" if annotation is inspect.Parameter.empty else f"the type {spelled}"
        raise SignatureError(
            f"{where} has {found}", "a parameter is a float, int, bool, str or dict[str, float]"
        )
    wire_name, unit = split_parameter(parameter.name) if kind in _WITH_UNIT else (parameter.name, None)
    if parameter.default is inspect.Parameter.empty:
        return Parameter(parameter.name, wire_name, kind, unit)
    if kind is dict:
        raise SignatureError(f"{where} has a default", "numbers by name are always given")
    default = parameter.default
    if default is None and spelled.endswith(_OPTIONAL):
        return Parameter(parameter.name, wire_name, kind, unit, required=False)
    # A whole number is good enough for a float; `bool` is an `int` to Python only.
    fits = type(default) is kind or (kind is float and type(default) is int)
    if not fits or (kind is float and not isfinite(default)):
        raise SignatureError(f"{where} is {word(kind)}, but its default is {default!r}")
    return Parameter(parameter.name, wire_name, kind, unit, required=False, default=kind(default))
