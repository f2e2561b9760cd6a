"""What a scenario's file says about numbers and switches: `10.2 V`, `> 0.1 m/s`, `1.0..1.2 m`, `pressed`."""

from __future__ import annotations

import re
from math import isfinite

from hal import UnitError, parse_quantity, to_si
from robotd.config.document import describe, resolve
from robotd.config.place import Place
from robotd.sim.scenario.model import Amount, Bound, Relation

FLAG = "bool"
"""The unit of what is true or false."""
SWITCHED = {"pressed": True, "on": True, "released": False, "off": False}
"""Words for true and false that suit a switch."""

_BOUND = re.compile(r"\s*(?P<relation>>=|<=|>|<|)\s*(?P<value>.*?)\s*", re.DOTALL)
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SPAN = re.compile(rf"(?P<low>{_NUMBER})\s*\.\.\s*(?P<high>{_NUMBER})(?P<unit>.*)", re.DOTALL)


class _MisfitError(ValueError):
    """Why a text is no such quantity; `hint` says what to write."""

    def __init__(self, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.hint = hint


def read_amount(place: Place, unit: str | None) -> Amount | bool | None:
    """The value at `place`, in SI. `unit`: of what it is, `bool` for a switch, None where nobody knows.

    None where it was refused.
    """
    try:
        value = place.value
        if _is_switch(value, unit):
            return _flag(value)
        return Amount(*_number(value, unit))
    except _MisfitError as misfit:
        place.refuse(str(misfit), misfit.hint)
    return None


def read_bound(place: Place, unit: str | None) -> Bound | bool | None:
    """What a value is expected to be, likewise."""
    try:
        value = place.value
        if _is_switch(value, unit):
            return _flag(value)
        return _bound(value, unit)
    except _MisfitError as misfit:
        place.refuse(str(misfit), misfit.hint)
    return None


def _is_switch(value: object, unit: str | None) -> bool:
    """Whether true or false is due: where nobody knows, the value itself says so."""
    if unit is not None:
        return unit == FLAG
    return isinstance(value, bool) or (isinstance(value, str) and value in SWITCHED)


def _flag(value: object) -> bool:
    if isinstance(value, str) and value in SWITCHED:
        return SWITCHED[value]
    if not isinstance(value, bool):
        words = ", ".join(SWITCHED)
        raise _MisfitError(f"true or false is due here, not {describe(value)}", f"or one of {words}")
    return value


def _bound(value: object, unit: str | None) -> Bound:
    if not isinstance(value, str):
        return Bound("=", *_number(value, unit))
    match = _BOUND.fullmatch(value)
    relation: Relation = match["relation"] if match else ""  # type: ignore[assignment]  # the pattern's own
    text = match["value"] if match else value
    span = _SPAN.fullmatch(text)
    if span is None:
        return Bound(relation or "=", *_number(text, unit))
    if relation:
        raise _MisfitError("a span has two ends already", f"leave '{relation}' out")
    low, si = _number(span["low"] + span["unit"], unit)
    high, _ = _number(span["high"] + span["unit"], si)
    if low > high:
        raise _MisfitError(f"'{text}' ends before it begins")
    return Bound("..", low, si, high)


def _number(value: object, unit: str | None) -> tuple[float, str]:
    """In SI, and the unit there."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _MisfitError(f"a number is due here, not {describe(value)}")
    if not unit:
        number = resolve(value) if isinstance(value, str) else value
        if isinstance(number, int | float) and not isinstance(number, bool) and isfinite(number):
            return float(number), ""
        if unit == "":
            raise _MisfitError(f"a plain number is due here, not {describe(value)}")
    try:
        return to_si(str(value)) if unit is None else (parse_quantity(str(value), unit), unit)
    except UnitError as error:
        raise _MisfitError(error.sentence, error.hint) from None
