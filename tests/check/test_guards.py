"""Whether guards can hold together: values are found where there are some, and a no is a proof."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.check.guards import Literal, Solver, Unsolved, shape
from robotd.core.action import Parameter
from robotd.core.expression import compile_expression
from tests.counts import cases

UNITS = {"a.value": "V", "b.value": "V", "c.value": "V", "x.on": "bool", "y.on": "bool"}
PAYLOAD: Mapping[str, Parameter] = {
    "linear": Parameter("linear_m_s", "linear", float, "m/s"),
    "count": Parameter("count", "count", int),
    "on": Parameter("on", "on", bool),
    "name": Parameter("name", "name", str),
    "extra": Parameter("extra", "extra", float, required=False),
}


def literal(text: str, *, holds: bool = True, states: tuple[str, ...] = ()) -> Literal:
    guard = compile_expression(text, readings=UNITS, states=("armed", "docked"))
    return Literal(text, frozenset(states), holds, guard)


def solve(*texts: str) -> Mapping[str, float | bool | None] | Unsolved:
    """A text that begins with `!` is not to hold."""
    literals = [literal(text.removeprefix("!"), holds=not text.startswith("!")) for text in texts]
    found = Solver(UNITS).solve(literals, PAYLOAD)
    if not isinstance(found, Unsolved):
        assert all(one.test(found) for one in literals)
    return found


@pytest.mark.parametrize(
    "texts",
    [
        ("a.value > 10.8",),
        ("a.value > 10.8", "a.value < 10.9"),
        ("a.value >= 10.8", "a.value <= 10.8"),
        ("a.value != 3", "a.value > 2.9", "a.value < 3.1"),
        ("!a.value > 10", "!a.value <= 10"),  # a stale one does neither
        ("x.on", "!y.on"),
        ("a.value < b.value", "b.value < c.value", "a.value > 3"),
        ("10.8 < a.value < b.value < 11.4",),
        ("10.8 < a.value < b.value < c.value < 11.4",),
        ("abs(a.value) > 3", "a.value < 0"),
        ("-3 < a.value < -2",),
        ("payload.linear < 0", "payload.on", "payload.count > 2"),
        ("!payload.extra > 1", "!payload.extra <= 1"),  # it may be left out
        ("a.value + b.value < 20",),
        ("a.value * 2 > 10",),
        ("max(a.value, b.value) < 1", "x.on or y.on"),
        (),
    ],
)
def test_values_are_found_where_there_are_some(texts: tuple[str, ...]) -> None:
    assert not isinstance(solve(*texts), Unsolved)


@pytest.mark.parametrize(
    "texts",
    [
        ("a.value < 10", "a.value > 11"),
        ("a.value < 10", "a.value > 10"),
        ("a.value < 10 and x.on", "!x.on"),
        ("!payload.linear > 0", "!payload.linear <= 0"),  # it must be there
        ("payload.count > 2", "payload.count < 3"),  # whole numbers
        ("payload.name > 2",),  # a text is no number
        ("payload.missing",),
        ("a.value < b.value", "b.value < a.value"),
        ("a.value < b.value", "b.value < c.value", "c.value < a.value"),
        ("abs(a.value) < 1", "abs(a.value) > 2"),
        ("x.on == y.on", "x.on != y.on"),
        ("false",),
        ("!true",),
    ],
)
def test_where_there_are_none_it_is_a_proof(texts: tuple[str, ...]) -> None:
    assert solve(*texts) is Unsolved.NO


@pytest.mark.parametrize(
    "texts", [("a.value + b.value < 20", "a.value + b.value > 22"), ("a.value * a.value < 0",)]
)
def test_with_arithmetic_nobody_knows_what_was_not_found(texts: tuple[str, ...]) -> None:
    assert solve(*texts) is Unsolved.UNKNOWN


def test_what_cannot_hold_stays_so_beside_what_nobody_knows() -> None:
    assert solve("a.value * a.value < 0", "x.on", "!x.on", "!y.on", "y.on == true") is Unsolved.NO


def test_states_are_what_the_literal_says() -> None:
    solver = Solver(UNITS)

    assert solver.solve([literal("armed and x.on", states=("armed",))], {}) == {"x.on": True}
    assert solver.solve([literal("armed and x.on")], {}) is Unsolved.NO


def test_values_lie_well_inside_what_is_asked_for() -> None:
    assert solve("a.value > 10.8") == {"a.value": 11.8}
    assert solve("a.value < 10.8") == {"a.value": 9.8}
    assert solve("a.value > 10.8", "a.value < 11.4") == {"a.value": 11}
    assert solve("payload.linear <= 0") == {"payload.linear": -0.1}


def test_very_many_names_end_as_unknown_and_soon() -> None:
    names = [f"a{number}.value" for number in range(12)]
    text = " and ".join(f"{one} < {other}" for one, other in zip(names, [*names[1:], names[0]], strict=True))
    guard = compile_expression(text, readings=dict.fromkeys(names, "V"))

    found = Solver(dict.fromkeys(names, "V")).solve([Literal(text, frozenset(), True, guard)], {})

    assert found is Unsolved.UNKNOWN


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a.value > 10 and not x.on", True),
        ("10 < a.value", True),
        ("a.value > -10", True),
        ("a.value < b.value", True),
        ("abs(a.value) > 2", True),
        ("(a.value) > (2)", True),
        ("-a.value > 2", False),
        ("a.value - 2 > 3", False),
        ("a.value > 2 - 1", False),
        ("abs(a.value - 2) > 3", False),
        ("abs(a.value) > b.value", False),
        ("min(a.value, b.value) > 3", False),
    ],
)
def test_what_counts_as_plain(text: str, *, plain: bool) -> None:
    assert shape(text).plain is plain


numbers = st.sampled_from(["1", "2", "2.5", "-1"])
names = st.sampled_from(["a.value", "b.value"])
comparisons = st.one_of(
    st.builds("{} {} {}".format, names, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers),
    st.builds("{} {} {}".format, names, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), names),
    st.sampled_from(["x.on", "not x.on"]),
)
expressions = st.recursive(
    comparisons, lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
)
GRID = [-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 1.2, 1.5, 2.0, 2.2, 2.3, 2.5, 3.0, 4.0, None]


@settings(max_examples=cases(2_000), deadline=None)
@given(st.lists(st.tuples(expressions, st.booleans()), min_size=1, max_size=3))
def test_a_grid_fine_enough_finds_the_same(asked: list[tuple[str, bool]]) -> None:
    literals = [literal(text, holds=holds) for text, holds in asked]

    found = Solver(UNITS).solve(literals, {})

    there_are = any(
        all(one.test({"a.value": a, "b.value": b, "x.on": on}) for one in literals)
        for a, b, on in product(GRID, GRID, (True, False, None))
    )
    assert (found is not Unsolved.NO) == there_are
    assert found is not Unsolved.UNKNOWN
