"""What the signs and functions of an expression do: a table for each level of the grammar in `parser.py`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from robotd.core.tokens import MAX_TOKENS

Values = Mapping[str, Any]
"""The values of all names of an expression: `battery.value`, `payload.linear`, `armed.auto`."""
Run = Callable[[Values], Any]
"""Works a part of an expression out."""
Join = Callable[[Run, Run], Run]
"""Makes one part of two."""


def _exact(calculate: Callable[[float, float], float]) -> Join:
    """Two operands, calculated; raises where the result is not finite, since NaN would compare as false."""

    def join(left: Run, right: Run) -> Run:
        def run(values: Values) -> float:
            result = calculate(left(values), right(values))
            if isfinite(result):
                return result
            raise OverflowError

        return run

    return join


def _comparing(compare: Callable[[Any, Any], bool]) -> Join:
    return lambda left, right: lambda values: compare(left(values), right(values))


def both(left: Run, right: Run) -> Run:
    """What holds where both hold."""
    return lambda values: left(values) and right(values)


def _either(left: Run, right: Run) -> Run:
    return lambda values: left(values) or right(values)


OR: Mapping[str, Join] = {"or": _either}
AND: Mapping[str, Join] = {"and": both}
COMPARE: Mapping[str, Join] = {
    "<": _comparing(operator.lt),
    "<=": _comparing(operator.le),
    ">": _comparing(operator.gt),
    ">=": _comparing(operator.ge),
    "==": _comparing(operator.eq),
    "!=": _comparing(operator.ne),
}
EQUALITY = ("==", "!=")
"""Those of them that compare flags as well as numbers."""
ADD: Mapping[str, Join] = {"+": _exact(operator.add), "-": _exact(operator.sub)}
MULTIPLY: Mapping[str, Join] = {"*": _exact(operator.mul), "/": _exact(operator.truediv)}


class Function(NamedTuple):
    """One that may be called, and how many values it takes."""

    calculate: Callable[..., float]
    fewest: int
    most: int


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(abs, 1, 1),
    "min": Function(min, 2, MAX_TOKENS),
    "max": Function(max, 2, MAX_TOKENS),
}
FLAGS: Mapping[str, bool] = {"true": True, "false": False}
WORDS = ("and", "or", "not", *FLAGS, *FUNCTIONS)
"""What no name may be."""
