"""What an expression says of readings, payload and states; compared with an evaluator written another way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.expression import FALSE, MISSING, STALE, TRUE, Verdict, compile_expression
from tests.core.making import AT_EASE, UNITS, when
from tests.counts import cases


def verdict(
    text: str,
    readings: Mapping[str, Any] = AT_EASE,
    payload: Mapping[str, Any] = {},
    present: tuple[str, ...] = (),
) -> Verdict:
    return when(text, ("armed", "armed.auto")).test(readings, payload, present)


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "not false",
        "not not true",
        "1 < 2",
        "2 <= 2 and 3 >= 3 and 3 > 2 and 1 != 2 and 1 == 1.0",
        "1 < 2 < 3",
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 4 - 3 == 3",
        "16 / 4 / 2 == 2",
        "-2 * -3 == 6",
        "- -2 == +2",
        "1 - -1 == 2",
        "abs(-3) == 3 and min(3, 1, 2) == 1 and max(3, 1, 2) == 3",
        "max(abs(-2), min(5, 4)) == 4",
        "true or false and false",
        "not false and true",
        "not 1 > 2",
        "(not true) == false",
        "1e3 == 1000 and .5 == 0.5 and 2. == 2 and 1.5e-1 == 0.15",
        "battery.value>10.8 and not\tbumper.active\n",
    ],
)
def test_the_language_means_what_it_looks_like(text: str) -> None:
    assert verdict(text) == TRUE


def test_it_knows_what_it_mentions() -> None:
    expression = when(
        "armed.auto and not bumper.active or payload.linear <= 0 and payload.slow", ("armed.auto",)
    )

    assert expression.readings == {"bumper.active"}
    assert expression.states == {"armed.auto"}
    assert expression.payload == {"linear", "slow"}
    assert expression.payload_flags == {"slow"}


def test_a_state_is_true_while_it_is_active() -> None:
    assert verdict("armed.auto", present=("armed", "armed.auto")) == TRUE
    assert verdict("armed.auto", present=("armed", "armed.teleop")) == FALSE


def test_the_limit_of_the_rover_holds_forwards_and_not_backwards() -> None:
    text = "not bumper.active or payload.linear <= 0"
    pressed = {**AT_EASE, "bumper.active": True}

    assert verdict(text, AT_EASE, {"linear": 0.3}) == TRUE
    assert verdict(text, pressed, {"linear": 0.3}) == FALSE
    assert verdict(text, pressed, {"linear": -0.3}) == TRUE


@pytest.mark.parametrize(
    "text", ["bumper.active", "not bumper.active", "true or bumper.active", "1 > 2 and bumper.active"]
)
@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_reading_without_a_value_makes_it_stale_wherever_it_stands(text: str, value: float | None) -> None:
    assert verdict(text, {**AT_EASE, "bumper.active": value}) == STALE


@pytest.mark.parametrize(
    "text", ["payload.linear > 0", "not payload.linear > 0", "true or payload.linear > 0"]
)
@pytest.mark.parametrize(
    "payload", [{}, *({"linear": v} for v in (None, "1", True, [1], math.nan, -math.inf, 10**400))]
)
def test_a_payload_value_that_is_no_finite_number_is_missing(text: str, payload: Mapping[str, Any]) -> None:
    assert verdict(text, AT_EASE, payload) == MISSING


@pytest.mark.parametrize("value", [None, 1, 0, "true", 1.0])
def test_a_payload_flag_that_is_no_flag_is_missing(value: object) -> None:
    assert verdict("payload.on", AT_EASE, {"on": value}) == MISSING


def test_a_payload_value_takes_the_kind_of_what_it_is_compared_with() -> None:
    assert verdict("payload.on == bumper.active", AT_EASE, {"on": False}) == TRUE
    assert verdict("payload.a == payload.b", AT_EASE, {"a": 1, "b": 1.0}) == TRUE
    assert verdict("payload.a == payload.b", AT_EASE, {"a": True, "b": True}) == MISSING


def test_a_stale_reading_counts_before_a_missing_value() -> None:
    assert verdict("bumper.active or payload.x > 1", {}) == STALE


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0 > 0",
        "not 1 / 0 > 0",
        "0 / 0 == 0",
        "1e308 * 10 > 0",
        "not 1e308 * 10 < 0",
        "1e308 + 1e308 > 0",
        "-1e308 - 1e308 < 0",
        "not 1e308 * 10 - 1e308 * 10 > 0",
        "max(1, 1 / 0) > 0",
    ],
)
def test_arithmetic_without_a_finite_result_makes_it_false_also_under_not(text: str) -> None:
    assert verdict(text) == FALSE


def test_what_is_not_needed_is_not_worked_out() -> None:
    assert verdict("range.value == 0 or 1 / range.value < 3", {**AT_EASE, "range.value": 0.0}) == TRUE


def test_it_tells_the_values_it_saw() -> None:
    expression = when("armed.auto and battery.value > payload.limit and not bumper.active", ("armed.auto",))
    readings = {"battery.value": math.nan, "bumper.active": True}

    assert expression.saw(readings, {"limit": 3}, ("armed",)) == {
        "battery.value": None,
        "bumper.active": True,
        "payload.limit": 3,
        "armed.auto": False,
    }


# The same, worked out another way: a tree is written as text for the language, and walked here.


@dataclass(frozen=True)
class Tree:
    sign: str
    parts: tuple[Any, ...]

    def __str__(self) -> str:
        match self.sign, self.parts:
            case "value", (value,):
                return str(value).lower() if isinstance(value, bool) else repr(value)
            case "name", (name, _):
                return str(name)
            case "not" | "-", (part,):
                return f"({self.sign} {part})"
            case "abs" | "min" | "max", parts:
                return f"{self.sign}({', '.join(map(str, parts))})"
            case _, (left, right):
                return f"({left} {self.sign} {right})"
        raise ValueError(self.sign)

    def names(self) -> dict[str, str]:
        if self.sign == "name":
            return {self.parts[0]: self.parts[1]}
        found: dict[str, str] = {}
        for part in self.parts:
            if isinstance(part, Tree):
                found |= part.names()
        return found


def walk(tree: Tree, values: Mapping[str, Any]) -> Any:
    match tree.sign, tree.parts:
        case "value", (value,):
            return value
        case "name", (name, _):
            return values[name]
        case "and", (left, right):
            return bool(walk(left, values)) and bool(walk(right, values))
        case "or", (left, right):
            return bool(walk(left, values)) or bool(walk(right, values))
    parts = [walk(part, values) for part in tree.parts]
    match tree.sign, parts:
        case "not", [flag]:
            return not flag
        case "-", [number]:
            return -number
        case "abs", [number]:
            return abs(number)
        case "min", numbers:
            return min(numbers)
        case "max", numbers:
            return max(numbers)
        case "<", [left, right]:
            return left < right
        case "<=", [left, right]:
            return left <= right
        case ">", [left, right]:
            return right < left
        case ">=", [left, right]:
            return right <= left
        case "==", [left, right]:
            return left == right
        case "!=", [left, right]:
            return left != right
    left, right = parts
    result = {"+": left + right, "-": left - right, "*": left * right}.get(tree.sign)
    if result is None:
        result = left / right
    if math.isnan(result) or math.isinf(result):
        raise ZeroDivisionError
    return result


def expected(tree: Tree, values: Mapping[str, Any]) -> Verdict:
    names = tree.names()
    for name, kind in sorted(names.items(), key=lambda item: item[0].startswith("payload.")):
        value = values[name]
        is_payload = name.startswith("payload.")
        absent = value is None or (not isinstance(value, str) and not -math.inf < value < math.inf)
        if is_payload and (absent or isinstance(value, str) or isinstance(value, bool) != (kind == "flag")):
            return MISSING
        if absent:
            return STALE
    try:
        return TRUE if walk(tree, values) else FALSE
    except ZeroDivisionError:
        return FALSE


FLAGS = ("bumper.active", "cliff.active", "armed", "payload.on", "payload.off")
NUMBERS = ("battery.value", "range.value", "payload.linear", "payload.angular")
some_number = st.one_of(
    st.integers(-3, 3).map(float), st.floats(-1e3, 1e3), st.sampled_from([1e308, -1e308, 1e-308, 0.0, -0.0])
)
number_leaf = st.one_of(
    st.floats(0, 1e9).map(lambda value: Tree("value", (value,))),
    st.sampled_from(NUMBERS).map(lambda name: Tree("name", (name, "number"))),
)
numbers = st.recursive(
    number_leaf,
    lambda inner: st.one_of(
        st.builds(lambda s, a, b: Tree(s, (a, b)), st.sampled_from("+-*/"), inner, inner),
        st.builds(lambda a: Tree("-", (a,)), inner),
        st.builds(lambda a: Tree("abs", (a,)), inner),
        st.builds(
            lambda s, a: Tree(s, tuple(a)),
            st.sampled_from(["min", "max"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    ),
    max_leaves=6,
)
EQUALITIES = st.sampled_from(["==", "!="])
COMPARISONS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
flags = st.recursive(
    st.one_of(
        st.booleans().map(lambda value: Tree("value", (value,))),
        st.sampled_from(FLAGS).map(lambda name: Tree("name", (name, "flag"))),
        st.builds(lambda s, a, b: Tree(s, (a, b)), COMPARISONS, numbers, numbers),
    ),
    lambda inner: st.one_of(
        st.builds(lambda s, a, b: Tree(s, (a, b)), st.sampled_from(["and", "or"]), inner, inner),
        # Two payload values alone would be taken for numbers; a `not` on one side says that they are flags.
        st.builds(lambda s, a, b: Tree(s, (Tree("not", (a,)), b)), EQUALITIES, inner, inner),
        st.builds(lambda a: Tree("not", (a,)), inner),
    ),
    max_leaves=8,
)
flag_reading = st.sampled_from([True, True, False, False, None])
number_reading = st.one_of(some_number, some_number, st.sampled_from([None, math.nan, math.inf]))
worlds = st.fixed_dictionaries(
    {
        "bumper.active": flag_reading,
        "cliff.active": flag_reading,
        "armed": st.booleans(),
        "battery.value": number_reading,
        "range.value": number_reading,
        "payload.on": st.sampled_from([True, False, True, False, None, 1.0, "x"]),
        "payload.off": st.booleans(),
        "payload.linear": st.one_of(some_number, st.sampled_from([None, True, "x", math.nan])),
        "payload.angular": some_number,
    }
)


@settings(max_examples=cases(10_000, 30), deadline=None)
@given(flags, worlds)
def test_it_agrees_with_an_evaluator_written_another_way(tree: Tree, world: dict[str, Any]) -> None:
    expression = compile_expression(str(tree), readings=UNITS, states=("armed",))
    payload = {name.removeprefix("payload."): value for name, value in world.items() if "payload" in name}
    present = ("armed",) if world["armed"] else ()

    assert expression.test(world, payload, present) == expected(tree, world)
