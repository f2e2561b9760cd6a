"""The ways to work out what several regions do at one trigger all come to the same."""

from __future__ import annotations

import pytest

from robotd.check import guards
from robotd.check.context import Context
from robotd.check.subject import Subject
from robotd.core.chart import Transition
from tests.benchmarks.check import rings
from tests.core.making import UNITS, arrow, chart, region, when

SUBJECTS = {"two": rings(2, 6, coupled=True), "three": rings(3, 4, coupled=True)}


@pytest.mark.parametrize("name", SUBJECTS)
def test_by_values_that_stand_for_all_or_by_asking_for_each_combination(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_values = Context(SUBJECTS[name]).exploration
    monkeypatch.setattr(guards, "CELLS_AT_MOST", 0)
    by_asking = Context(SUBJECTS[name]).exploration

    assert set(by_values.order) == set(by_asking.order)
    assert {by_values.order[place]: len(by_values.way(place)) for place in range(len(by_values))} == {
        by_asking.order[place]: len(by_asking.way(place)) for place in range(len(by_asking))
    }


def test_guards_with_arithmetic_are_asked_one_by_one() -> None:
    sums = [when("battery.value + range.value > 20"), when("battery.value + range.value < 20")]
    pair = chart(
        region("a", "b", name="first", transitions=[arrow("go", "a", "b", sums[0]), arrow("rest", "b", "a")]),
        region(
            "c", "d", name="second", transitions=[arrow("go", "c", "d", sums[1]), arrow("rest", "d", "c")]
        ),
    )

    context = Context(Subject(chart=pair, readings=UNITS))

    reached = {context.space.leaves(one) for one in context.exploration.order}
    assert {("a", "c"), ("b", "c"), ("a", "d")} <= reached


def test_regions_at_one_trigger_see_the_same_readings() -> None:
    pair = chart(
        region("a", "b", name="first", transitions=[arrow("go", "a", "b", when("battery.value > 12"))]),
        region("c", "d", name="second", transitions=[arrow("go", "c", "d", when("battery.value < 11"))]),
    )
    context = Context(Subject(chart=pair, readings=UNITS))

    ways = {
        context.space.leaves(context.exploration.order[place]): len(context.exploration.way(place))
        for place in range(len(context.exploration))
    }

    assert (ways["b", "c"], ways["a", "d"], ways["b", "d"]) == (2, 2, 3)


def test_what_follows_without_a_trigger_sees_the_readings_of_the_trigger() -> None:
    """No battery is above 12 and below 11 at once, so it takes two messages to get to the end."""
    machine = chart(
        region(
            "a",
            "b",
            "c",
            transitions=[
                arrow("go", "a", "b", when("battery.value > 12")),
                Transition((), ("b",), "c", when("battery.value < 11")),
            ],
        )
    )
    context = Context(Subject(chart=machine, readings=UNITS))

    ways = {
        context.space.leaves(context.exploration.order[place])[0]: len(context.exploration.way(place))
        for place in range(len(context.exploration))
    }

    assert (ways["b"], ways["c"]) == (2, 3)
