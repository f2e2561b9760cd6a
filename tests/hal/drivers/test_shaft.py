"""A shaft that goes where it is told, as far as physics lets it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.shaft import AMBIENT_DEGC, HOLD_A, PUSH_A, STEP_S, WARMING_S, WARMTH_DEGC_A2, Shaft


def steps(duration_s: float) -> int:
    return round(duration_s / STEP_S)


def test_it_goes_to_its_goal_in_the_time_of_a_trapezoid() -> None:
    shaft = Shaft(4.7)
    shaft.drive(1.5, speed_rad_s=1.0, acceleration_rad_s2=2.0)
    shaft.advance(steps(1.0))

    assert shaft.speed_rad_s == 1.0
    assert shaft.angle_rad == pytest.approx(0.75, abs=0.01)
    shaft.advance(steps(1.02))
    assert (shaft.angle_rad, shaft.speed_rad_s) == (1.5, 0.0)


@given(st.floats(-3, 3), st.floats(0.05, 10), st.floats(0.5, 100), st.floats(-3, 3), st.integers(0, 200))
def test_whatever_it_is_told_meanwhile_it_ends_on_its_last_goal_and_never_beyond_both(
    first: float, speed: float, acceleration: float, last: float, after: int
) -> None:
    shaft = Shaft(4.7)
    shaft.drive(first, speed, acceleration)
    shaft.advance(after)
    shaft.drive(last, speed, acceleration)
    shaft.advance(steps(600))

    assert shaft.angle_rad == pytest.approx(last)
    assert shaft.speed_rad_s == 0.0
    assert shaft.current_a == HOLD_A


def test_it_never_goes_beyond_a_goal_from_rest() -> None:
    for speed, acceleration in ((1.0, 3.0), (math.inf, 3.0), (math.inf, 15.0), (math.inf, math.inf)):
        shaft = Shaft(4.7)
        shaft.drive(1.0, speed, acceleration)
        most = 0.0
        for _ in range(1000):
            shaft.advance(1)
            most = max(most, shaft.angle_rad)

        assert most == 1.0


@given(st.lists(st.integers(0, 60), max_size=20))
def test_it_does_not_matter_how_its_steps_come(pieces: list[int]) -> None:
    at_once, in_pieces = Shaft(4.7), Shaft(4.7)
    for shaft in (at_once, in_pieces):
        shaft.drive(0.8, 2.0, 10.0)
    at_once.advance(sum(pieces))
    for piece in pieces:
        in_pieces.advance(piece)

    assert at_once.angle_rad == in_pieces.angle_rad
    assert at_once.temperature_degc == in_pieces.temperature_degc


def test_without_torque_it_stays_until_somebody_moves_it() -> None:
    shaft = Shaft(4.7, 0.3)
    shaft.release()
    shaft.advance(100)
    shaft.hold(0.7)
    shaft.advance(1)
    shaft.hold(None)
    shaft.advance(100)

    assert (shaft.angle_rad, shaft.current_a) == (0.7, 0.0)


def test_what_holds_it_makes_it_push_grow_warm_and_in_the_end_be_overloaded() -> None:
    shaft = Shaft(4.7)
    shaft.hold(0.0)
    shaft.drive(0.5)
    shaft.advance(steps(1.99))
    assert shaft.current_a == PUSH_A
    assert not shaft.overloaded
    shaft.advance(steps(WARMING_S))

    assert shaft.overloaded
    expected = AMBIENT_DEGC + WARMTH_DEGC_A2 * PUSH_A**2 * (1 - math.exp(-(WARMING_S + 1.99) / WARMING_S))
    assert shaft.temperature_degc == pytest.approx(expected, abs=0.01)


def test_what_lets_it_go_ends_its_push() -> None:
    shaft = Shaft(4.7)
    shaft.hold(0.0)
    shaft.drive(0.5)
    shaft.advance(steps(1))
    shaft.hold(None)
    shaft.advance(steps(2))

    assert (shaft.angle_rad, shaft.current_a, shaft.overloaded) == (0.5, HOLD_A, False)
