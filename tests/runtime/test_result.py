"""Whatever a handler returns can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.json import encode
from robotd.runtime.result import DEPTH, ITEMS, TEXT, plain
from tests.counts import cases


class Twist(NamedTuple):
    linear_m_s: float
    angular_rad_s: float


@dataclass
class Find:
    distance_m: float
    what: str


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("not today")


class Odd:
    def __repr__(self) -> str:
        return "<odd>"


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, None),
        (True, True),
        (0.25, 0.25),
        (float("nan"), None),
        (Twist(0.3, 0.0), {"linear": 0.3, "angular": 0.0}),
        (Find(1.5, "barrel"), {"distance": 1.5, "what": "barrel"}),
        ([Twist(0.0, 1.0), "x"], [{"linear": 0.0, "angular": 1.0}, "x"]),
        ({3: Odd()}, {"3": "<odd>"}),
        ({1, 2} - {2}, "{1}"),
        (2**80, "0x100000000000000000000"),
        ("\ud800", "?"),
        ({Broken(): Broken()}, {"<Broken>": "<Broken>"}),
    ],
)
def test_a_result_is_told_by_the_names_of_the_wire(returned: Any, told: Any):
    assert plain(returned) == told


def test_a_result_that_contains_itself_is_told_to_a_bounded_depth():
    endless: list[Any] = []
    endless.append(endless)

    told = plain(endless)

    for _ in range(DEPTH):
        [told] = told
    assert isinstance(told, str)


def test_a_long_result_is_cut():
    assert len(plain(list(range(10_000)))) == ITEMS
    assert len(plain("x" * 10_000)) == TEXT


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.builds(Odd),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.integers() | st.text(), inner) | st.tuples(inner, inner)
    ),
)


@settings(max_examples=cases(1_000), deadline=None)
@given(ANYTHING)
def test_whatever_is_returned_is_json_in_the_end(returned: Any):
    encode(plain(returned))
