"""Edges with hysteresis, from readings that may be stale."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.core.message import Lane
from robotd.core.rules import Rule, Rules
from tests.core.making import AT_EASE, when

LOW = Rule("battery_low", when("battery.value < 10.8"), when("battery.value > 11.4"))
BUMP = Rule("bump", when("bumper.active"), lane=Lane.SAFETY)


def volts(rules: Rules, *values: float | None) -> list[int]:
    """After which of `values`, counted from 0, `battery_low` fired."""
    return [
        number
        for number, value in enumerate(values)
        if rules.reading_changed("battery.value", {"battery.value": value}, ()) == ["battery_low"]
    ]


def test_a_rule_fires_once_when_its_condition_begins_to_hold() -> None:
    assert volts(Rules([LOW]), 12, 11, 10.7, 10.6, 10.5) == [2]


def test_a_condition_that_holds_at_the_start_fires() -> None:
    assert volts(Rules([LOW]), 10) == [0]


def test_between_the_thresholds_nothing_happens_either_way() -> None:
    assert volts(Rules([LOW]), 12, 10.7, 10.9, 10.7, 11.4, 10.7, 11.5, 11, 10.7) == [1, 8]


def test_a_ramp_down_and_up_with_noise_fires_once() -> None:
    down = [12 - number / 20 + (0.2 if number % 2 else 0) for number in range(40)]

    assert len(volts(Rules([LOW]), *down, *reversed(down))) == 1


def test_without_a_clear_the_end_of_the_condition_clears() -> None:
    rules = Rules([BUMP])
    fired = [
        rules.reading_changed("bumper.active", {"bumper.active": pressed}, ())
        for pressed in (True, True, False, True)
    ]

    assert fired == [["bump"], [], [], ["bump"]]


def test_a_stale_reading_neither_sets_nor_clears() -> None:
    assert volts(Rules([LOW]), None, 10, None, 10, None, 12, None, 10) == [1, 7]


@pytest.mark.parametrize("text", ["bumper.active", "not bumper.active"])
def test_a_stale_reading_clears_nothing_where_there_is_no_clear_either(text: str) -> None:
    rules = Rules([Rule("r", when(text))])
    holds = not text.startswith("not")
    seen: list[Mapping[str, bool | None]] = [{"bumper.active": value} for value in (holds, None, holds)]

    assert [rules.reading_changed("bumper.active", readings, ()) for readings in seen] == [["r"], [], []]


def test_only_rules_that_mention_the_reading_are_looked_at() -> None:
    rules = Rules([LOW, BUMP])

    assert rules.reading_changed("range.value", {"bumper.active": True, "battery.value": 9.0}, ()) == []
    assert rules.reading_changed("bumper.active", {"bumper.active": True, "battery.value": 9.0}, ()) == [
        "bump"
    ]


def test_several_rules_fire_in_the_order_of_the_file() -> None:
    rules = Rules([Rule(name, when("bumper.active or cliff.active")) for name in "zay"])

    assert rules.reading_changed("cliff.active", {**AT_EASE, "cliff.active": True}, ()) == ["z", "a", "y"]


def test_a_reading_that_only_clears_is_looked_at_too() -> None:
    rules = Rules([Rule("bump", when("bumper.active"), when("range.value > 1"))])
    near = {"bumper.active": True, "range.value": 0.1}
    assert rules.reading_changed("bumper.active", near, ()) == ["bump"]

    assert rules.reading_changed("range.value", {"bumper.active": False, "range.value": 2.0}, ()) == []
    assert rules.reading_changed("bumper.active", near, ()) == ["bump"]


def test_where_both_conditions_hold_the_rule_does_not_flap() -> None:
    rules = Rules([Rule("warm", when("battery.value > 10"), when("battery.value > 5"))])

    assert [rules.reading_changed("battery.value", {"battery.value": 11.0}, ()) for _ in range(4)].count(
        ["warm"]
    ) == 1


def test_a_rule_may_depend_on_a_state() -> None:
    rules = Rules([Rule("lost", when("armed and range.value > 1", ("armed",)))])

    assert rules.reading_changed("range.value", {"range.value": 2.0}, ()) == []
    assert rules.reading_changed("range.value", {"range.value": 2.0}, ("armed",)) == ["lost"]


@given(st.lists(st.one_of(st.none(), st.floats(10, 12))))
def test_it_is_a_schmitt_trigger(values: list[float | None]) -> None:
    expected, low = [], False
    for number, value in enumerate(values):
        if value is None:
            continue
        if value < 10.8 and not low:
            expected.append(number)
        low = value < 10.8 or (low and value <= 11.4)

    assert volts(Rules([LOW]), *values) == expected
