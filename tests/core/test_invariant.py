"""`never` and `always`: when they are broken, and when nobody can say."""

from __future__ import annotations

import pytest

from robotd.core.chart import NOWHERE
from robotd.core.expression import ExpressionError
from robotd.core.invariant import Invariant, Kind, compile_invariant
from tests.core.making import AT_EASE, UNITS

STATES = ("armed", "armed.auto", "docked")


def invariant(text: str, kind: Kind = "never") -> Invariant:
    return compile_invariant(text, kind, NOWHERE, readings=UNITS, states=STATES)


def test_never_is_broken_when_it_holds():
    never = invariant("armed.auto and bumper.active")

    assert not never.broken(AT_EASE, {"armed", "armed.auto"})
    assert not never.broken({**AT_EASE, "bumper.active": True}, {"armed"})
    assert never.broken({**AT_EASE, "bumper.active": True}, {"armed", "armed.auto"})


def test_always_is_broken_when_it_does_not_hold():
    always = invariant("battery.value > 10 or docked", "always")

    assert not always.broken(AT_EASE, {"armed"})
    assert not always.broken({**AT_EASE, "battery.value": 9.0}, {"docked"})
    assert always.broken({**AT_EASE, "battery.value": 9.0}, {"armed"})


@pytest.mark.parametrize("kind", ["never", "always"])
@pytest.mark.parametrize("text", ["battery.value > 10", "battery.value <= 10", "not battery.value > 10"])
def test_a_stale_reading_breaks_neither_kind(text: str, kind: Kind):
    assert not invariant(text, kind).broken({**AT_EASE, "battery.value": None}, {"armed"})


@pytest.mark.parametrize("state", ["estopped", "down"])
def test_the_built_in_states_may_stand_in_it(state: str):
    assert invariant(f"{state} and bumper.active").broken({**AT_EASE, "bumper.active": True}, {state})


@pytest.mark.parametrize("text", ["payload.linear > 0", "flying", "battery.value"])
def test_it_is_over_states_and_readings_and_true_or_false(text: str):
    with pytest.raises(ExpressionError):
        invariant(text)
