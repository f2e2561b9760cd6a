"""Whether guards can hold together: by trying values, which is a proof where they compare names plainly.

A comparison of a name with a constant changes its truth only at that constant, so one value at it and one on
each side of it stand for all values. Where names are compared with one another, as many values in each gap
between constants as there are names are enough. Beyond that (arithmetic between names) the values are
guesses: what they find is found, and what they do not find is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from itertools import pairwise, product
from math import ceil, floor, isfinite, log10, prod
from typing import Any, NamedTuple, TypeAlias

from robotd.core.action import NO_DEFAULT, Parameter
from robotd.core.expression import Expression
from robotd.core.parser import FLAG, PAYLOAD
from robotd.core.tokens import Token, tokens

TESTS_AT_MOST = 20_000
"""Guards tested for one question; with more it is unknown."""
CELLS_AT_MOST = 64
POINTS_AT_MOST = 3
"""Values tried in one gap between two constants."""
GUESSES = (0.0, 1.0, -1.0)
"""Values tried besides where a guard does arithmetic."""

Value: TypeAlias = float | bool | None
"""None: a reading that is stale, a payload value that is absent."""
Assignment: TypeAlias = Mapping[str, Value]
"""By the names of the text: `battery.value`, `payload.linear`."""


class Unsolved(Enum):
    """Why there are no values."""

    NO = "no"
    """There are none: proven."""
    UNKNOWN = "unknown"
    """None was found."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A guard that holds, or does not, while of the states that it mentions just these are present.

    Equal where the texts are: they are of one file.
    """

    text: str
    states: frozenset[str]
    holds: bool
    guard: Expression = field(compare=False)
    fresh: bool = False
    """Not to hold is to be false then: no value is stale or absent."""

    @property
    def names(self) -> tuple[str, ...]:
        """The readings and payload values that it looks at, sorted."""
        payload = (f"{PAYLOAD}.{name}" for name in self.guard.payload)
        return tuple(sorted([*self.guard.readings, *payload]))

    def test(self, values: Assignment) -> bool:
        """Whether it is as it says, for values of all its names."""
        payload = {name: values[f"{PAYLOAD}.{name}"] for name in self.guard.payload}
        verdict = self.guard.test(values, payload, self.states)
        return verdict.holds is self.holds and not (self.fresh and verdict.reason not in ("", "false"))


Payload: TypeAlias = Mapping[str, Parameter]
"""What a command carries, by the name on the wire. An event carries nothing that a guard could use."""


class Solver:
    """Finds values of readings and payload for which guards hold or do not. Remembers its answers."""

    def __init__(self, readings: Mapping[str, str]) -> None:
        """`readings`: the unit of each, `bool` for a flag."""
        self._units = readings
        self._known: dict[tuple[tuple[Literal, ...], int], Assignment | Unsolved] = {}

    def solve(self, literals: Sequence[Literal], payload: Payload) -> Assignment | Unsolved:
        """Values for which all `literals` are as they say, or why there are none."""
        key = (tuple(dict.fromkeys(literals)), id(payload))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._solve(key[0], payload)
        return found

    def cells(self, guards: Iterable[Expression], payload: Payload) -> Sequence[Assignment] | None:
        """Values that stand for all there are, as far as these guards look at them.

        None: there are too many, or some guard does arithmetic.
        """
        literals = [Literal(guard.text, frozenset(), True, guard) for guard in guards]
        names = tuple(dict.fromkeys(name for literal in literals for name in literal.names))
        if not _complete(literals, names, payload):
            return None
        candidates = [self._candidates(name, names, literals, payload) for name in names]
        if prod(map(len, candidates)) > CELLS_AT_MOST:
            return None
        return [dict(zip(names, values, strict=True)) for values in product(*candidates)]

    def _solve(self, literals: tuple[Literal, ...], payload: Payload) -> Assignment | Unsolved:
        found: dict[str, Value] = {}
        unknown = False
        for together in _components(literals):
            values = self._search(together, payload)
            if values is Unsolved.NO:
                return Unsolved.NO  # whatever else is unknown, these cannot hold together
            if isinstance(values, Unsolved):
                unknown = True
            else:
                found |= values
        return Unsolved.UNKNOWN if unknown else found

    def _search(self, literals: Sequence[Literal], payload: Payload) -> Assignment | Unsolved:
        """Try the candidates of all names, each guard as soon as its names have values."""
        names = tuple(dict.fromkeys(name for literal in literals for name in literal.names))
        candidates = {name: self._candidates(name, names, literals, payload) for name in names}
        due: dict[int, list[Literal]] = {}
        for literal in literals:
            last = max((names.index(name) for name in literal.names), default=-1)
            due.setdefault(last, []).append(literal)
        values: dict[str, Value] = {}
        tests = 0

        def place(number: int) -> bool:
            nonlocal tests
            for literal in due.get(number - 1, ()):
                tests += 1
                if not literal.test(values):
                    return False
            if number == len(names):
                return True
            for value in candidates[names[number]]:
                if tests >= TESTS_AT_MOST:
                    return False
                values[names[number]] = value
                if place(number + 1):
                    return True
            return False

        if place(0):
            return values
        complete = tests < TESTS_AT_MOST and _complete(literals, names, payload)
        return Unsolved.NO if complete else Unsolved.UNKNOWN

    def _candidates(
        self, name: str, names: Sequence[str], literals: Sequence[Literal], payload: Payload
    ) -> Sequence[Value]:
        whole = False
        optional = True
        if name.startswith(f"{PAYLOAD}."):
            parameter = payload.get(name.removeprefix(f"{PAYLOAD}."))
            if parameter is None or parameter.type is str:
                return (None,)
            optional = not parameter.required and parameter.default is NO_DEFAULT
            is_flag, whole = parameter.type is bool, parameter.type is int
        else:
            is_flag = self._units.get(name) == FLAG
        absent: list[Value] = [None] if optional else []
        if is_flag:
            return [False, True, *absent]
        numbers = sorted({number for literal in literals for number in shape(literal.guard.text).numbers})
        points = list(_points(numbers, min(len(names), POINTS_AT_MOST)))
        if not all(shape(literal.guard.text).plain for literal in literals):
            shares = [number / len(names) for number in numbers]
            points = list(dict.fromkeys([*points, *GUESSES, *shares, *(-share for share in shares)]))
        if whole:
            points = list(dict.fromkeys(float(near) for point in points for near in _whole(point)))
        return [*points, *absent]


class Shape(NamedTuple):
    """What matters of an expression's text for choosing values."""

    numbers: tuple[float, ...]
    """Where a comparison may change its truth."""
    plain: bool
    """Each comparison is between names, constants, and the `abs` of a name and a constant: nothing else."""
    relates: bool
    """Some comparison may be between two names."""


@cache
def shape(text: str) -> Shape:
    """Look through the text of an expression that was compiled."""
    found = tokens(text)
    numbers: dict[float, None] = {}
    plain, relates, mirrored = True, False, False
    for place, token in enumerate(found):
        before = found[place - 1] if place else None
        after = found[min(place + 1, len(found) - 1)]
        if token.kind == "number":
            negative = before is not None and before.text == "-"
            numbers[-float(token.text) if negative else float(token.text)] = None
        elif token.text == "-":
            plain = plain and after.kind == "number" and not (before and _ends_operand(before))
        elif token.text in ("+", "*", "/", "min", "max"):
            plain = False
        elif token.text == "abs":
            mirrored = True
            plain = plain and found[place + 2].kind == "name" and found[place + 3].text == ")"
        elif token.text in ("<", "<=", ">", ">=", "==", "!="):
            constant = (before and before.kind == "number") or after.kind == "number" or after.text == "-"
            relates = relates or not constant
    if mirrored:
        numbers |= {-number: None for number in tuple(numbers)}
    return Shape(tuple(numbers), plain and not (mirrored and relates), relates)


def _ends_operand(token: Token) -> bool:
    return token.kind == "number" or token.text == ")" or (token.kind == "name" and token.text not in _JOINS)


_JOINS = ("and", "or", "not")


def _complete(literals: Sequence[Literal], names: Sequence[str], payload: Payload) -> bool:
    """Whether the candidates stand for all values there are."""
    shapes = [shape(literal.guard.text) for literal in literals]
    if not all(one.plain for one in shapes):
        return False
    if not any(one.relates for one in shapes):
        return True
    integers = [name for name, parameter in payload.items() if parameter.type is int]
    return len(names) <= POINTS_AT_MOST and not any(f"{PAYLOAD}.{name}" in names for name in integers)


def _components(literals: Sequence[Literal]) -> Iterator[list[Literal]]:
    """Guards that share a name, directly or by way of others, have to be looked at together."""
    left = list(literals)
    while left:
        together = [left.pop(0)]
        names = set(together[0].names)
        while near := [literal for literal in left if not names.isdisjoint(literal.names)]:
            together += near
            names.update(name for literal in near for name in literal.names)
            left = [literal for literal in left if literal not in near]
        yield together


def _points(numbers: Sequence[float], each: int) -> Iterator[float]:
    """Values between the numbers, beyond them, and the numbers: what is well inside a range comes first."""
    ends = numbers or (0.0,)
    low, high = ends[0], ends[-1]
    beyond = [high + part * _step(high) for part in range(1, each + 1)]
    below = [
        low - min(part * _step(low), part * low / (each + 1) if low > 0 else part * _step(low))
        for part in range(1, each + 1)
    ]
    between = [
        # Each inside a slot of its own, so that no two become one by rounding.
        _short(one + gap * part, one + gap * (part - 0.5), one + gap * (part + 0.5))
        for one, gap in ((one, (other - one) / (each + 1)) for one, other in pairwise(ends))
        for part in range(1, each + 1)
    ]
    for point in [*between, *beyond, *below, *ends]:
        if isfinite(point):
            yield point


def _step(number: float) -> float:
    """A tenth of the number's order of magnitude, at least a tenth."""
    return float(10.0 ** (floor(log10(max(abs(number), 1.0))) - 1))


def _short(number: float, low: float, high: float) -> float:
    """With few digits, if that is still between."""
    for digits in range(6):
        rounded = round(number, digits)
        if low < rounded < high:
            return rounded
    return number


def _whole(number: float) -> tuple[Any, ...]:
    return (floor(number), ceil(number), floor(number) - 1, ceil(number) + 1)
