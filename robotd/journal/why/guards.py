"""Which of the values that a condition looked at kept it from holding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotd.core.expression import Expression, ExpressionError, compile_expression
from robotd.core.parser import FLAG, PAYLOAD

FAR = (1e9, -1e9, 0.0)
"""What a number is tried as in place of what it was: a condition compares it with something in between."""


def said(values: Mapping[str, Any]) -> str:
    """`bumper.active true, battery.value 10.6`."""
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items())


def culprits(text: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of `values` because of which the condition `text` did not hold.

    Stale ones where there are such; else each reading with which alone changed it would have held; else such
    values of the payload. All of them where no single one decides, or where the text cannot be read.
    """
    readings = {name: value for name, value in values.items() if not _asked(name)}
    if stale := {name: value for name, value in readings.items() if value is None}:
        return stale
    if (condition := _compiled(text, values)) is None:
        return values
    asked = {name: value for name, value in values.items() if _asked(name)}
    for candidates in (readings, asked):
        deciding = {name: value for name, value in candidates.items() if _decides(condition, name, values)}
        if deciding:
            return deciding
    return values


def would_hold(text: str, values: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether `text` would have held with this one value changed."""
    condition = _compiled(text, values)
    return condition is not None and _holds(condition, {**values, name: value})


def _compiled(text: str, values: Mapping[str, Any]) -> Expression | None:
    units = {
        name: FLAG if isinstance(value, bool) else "" for name, value in values.items() if not _asked(name)
    }
    try:
        return compile_expression(text, readings=units)
    except ExpressionError:
        return None


def _asked(name: str) -> bool:
    return name.startswith(f"{PAYLOAD}.")


def _decides(condition: Expression, name: str, values: Mapping[str, Any]) -> bool:
    value = values[name]
    others = (not value,) if isinstance(value, bool) else FAR
    return any(_holds(condition, {**values, name: other}) for other in others)


def _holds(condition: Expression, values: Mapping[str, Any]) -> bool:
    payload = {name.partition(".")[2]: value for name, value in values.items() if _asked(name)}
    return condition.test(values, payload, ()).holds


def _value(value: Any) -> str:
    match value:
        case None:
            return "stale"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.4g}"
    return str(value)
