"""The small language of `when` and `clear`: comparisons and arithmetic over readings, payload and states.

Names are `device.reading`, `payload.parameter` and the path of a state; numbers are SI; there are `and`,
`or`, `not`, comparisons, `+ - * /`, `abs`, `min`, `max`, `true` and `false`: `robotd.core.parser` has the
grammar. A text is read and checked once, when the file is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from math import isfinite
from typing import Any, Literal, NamedTuple, Protocol

from robotd.core.parser import PAYLOAD, Parsed, parse
from robotd.core.tokens import MAX_LENGTH, ExpressionError

__all__ = [
    "FALSE",
    "MAX_LENGTH",
    "MISSING",
    "STALE",
    "TRUE",
    "Expression",
    "ExpressionError",
    "Readings",
    "Verdict",
    "compile_expression",
]


class Readings(Protocol):
    """The latest readings of all devices."""

    def get(self, name: str, /) -> float | bool | None:
        """The reading `name` (`battery.value`), in SI; None while it is stale or was never heard."""


class Verdict(NamedTuple):
    """Whether an expression holds, and if not, why not."""

    holds: bool
    reason: Literal["", "false", "stale", "missing"]
    """`stale`: a reading has no value now. `missing`: a payload value is absent or of another kind."""


TRUE = Verdict(True, "")
FALSE = Verdict(False, "false")
STALE = Verdict(False, "stale")
MISSING = Verdict(False, "missing")


class Expression:
    """A checked expression. Testing one costs about a microsecond, allocates little and never raises."""

    __slots__ = (
        "_payload",
        "_readings",
        "_run",
        "_states",
        "payload",
        "payload_flags",
        "readings",
        "states",
        "text",
        "units",
    )

    def __init__(self, text: str, parsed: Parsed) -> None:
        self.text = text
        self.readings = frozenset(parsed.readings)
        """The readings that it mentions: `bumper.active`..."""
        self.units = parsed.readings
        """...and the unit of each, `bool` for a flag, in the order of the text."""
        self.payload = frozenset(parsed.payload)
        """The payload parameters that it mentions, without `payload.`..."""
        self.payload_flags = frozenset(name for name, kind in parsed.payload.items() if kind == "flag")
        """...and those of them that it takes for true or false; the others are numbers."""
        self.states = frozenset(parsed.states)
        """The states that it mentions, by path."""
        self._readings = tuple(parsed.readings)
        self._payload = tuple(
            (name, f"{PAYLOAD}.{name}", kind == "flag") for name, kind in parsed.payload.items()
        )
        self._states = parsed.states
        self._run = parsed.run

    def test(self, readings: Readings, payload: Mapping[str, Any], states: Container[str]) -> Verdict:
        """Whether it holds now. Never raises.

        A reading without a value, or with one that is not finite, makes it `STALE` wherever in the text it
        stands, also under `not` or behind an `or` that is already true. A payload value that is absent, not
        finite or of another kind makes it `MISSING` likewise. A division by zero or an overflow on the way
        makes it `FALSE`.
        """
        values: dict[str, Any] = {}
        for name in self._readings:
            value = _finite(readings.get(name))
            if value is None:
                return STALE
            values[name] = value
        for name, full_name, is_flag in self._payload:
            value = _finite(payload.get(name))
            if value is None or isinstance(value, bool) is not is_flag:
                return MISSING
            values[full_name] = value
        for name in self._states:
            values[name] = name in states
        try:
            return TRUE if self._run(values) else FALSE
        except ArithmeticError:
            return FALSE

    def saw(self, readings: Readings, payload: Mapping[str, Any], states: Container[str]) -> dict[str, Any]:
        """What `test` looks at, by the names of the text; None for what has no value."""
        seen: dict[str, Any] = {name: _finite(readings.get(name)) for name in self._readings}
        seen |= {full_name: payload.get(name) for name, full_name, _ in self._payload}
        seen |= {name: name in states for name in self._states}
        return seen

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def compile_expression(
    text: str, *, readings: Mapping[str, str], states: Collection[str] = (), payload: bool = True
) -> Expression:
    """Read and check `text`, which must be true or false as a whole.

    `readings` maps each known name (`battery.value`) to its unit, `bool` for a flag. `states` are the paths
    that may stand in it. `payload`: whether there is a message whose payload it may look at.
    Raises `ExpressionError`.
    """
    return Expression(text, parse(text, readings=readings, states=states, payload=payload))


def _finite(value: Any) -> float | bool | None:
    """`value` where it is a flag or a finite number; None for anything else."""
    if not isinstance(value, (float, int)):
        return None
    try:
        return value if isfinite(value) else None
    except OverflowError:  # a whole number beyond every float
        return None
