"""The only place where a servo is told anything: the last line before its wire."""

import math

import pytest

from hal.errors import DeviceRefused
from hal.kinds import JointSpec, StopValue
from hal.kinds.axis import UNTOUCHED, Axis

SPEC = JointSpec.model_validate({"min": "-1 rad", "max": "1 rad", "max_rate": "1 rad/s", "stale": "200 ms"})


class Line:
    """What a servo was told, in order."""

    def __init__(self) -> None:
        self.told: list[float | bool] = []

    def write(self, value: float) -> None:
        self.told.append(value)

    def torque(self, on: bool) -> None:
        self.told.append(on)


def axis(stands_at: float) -> tuple[Axis, Line]:
    line = Line()
    made = Axis("elbow", SPEC, line)
    made.present, made.present_at = stands_at, 10.0
    return made, line


def test_it_is_told_where_it_stands_before_it_gets_torque():
    elbow, line = axis(0.25)

    assert elbow.engage(10.1) == 0.25
    assert elbow.engage(99.0) == 0.25
    assert line.told == [0.25, True]


@pytest.mark.parametrize(("goal", "told"), [(0.03, 0.03), (0.5, 0.04), (-9.0, -0.04), (math.inf, 0.04)])
def test_no_goal_is_farther_than_a_step_from_the_last(goal, told):
    elbow, line = axis(0.0)
    elbow.engage(10.0)

    assert elbow.lead(goal) == pytest.approx(told)
    assert line.told[-1] == pytest.approx(told)


def test_no_goal_is_beyond_a_limit_nor_farther_beyond_than_the_last():
    within, _ = axis(0.99)
    within.engage(10.0)
    beyond, _ = axis(1.2)
    beyond.engage(10.0)

    assert within.lead(1.02) == 1.0
    assert beyond.lead(1.23) == 1.2
    assert beyond.lead(1.18) == 1.18


def test_what_is_limp_is_led_nowhere():
    elbow, line = axis(0.0)

    elbow.lead(0.01)

    assert line.told == []


def test_where_it_stood_a_while_ago_is_not_where_it_stands():
    elbow, line = axis(0.25)

    with pytest.raises(DeviceRefused, match="elbow: where it stands is not known"):
        elbow.hold(10.3)

    assert line.told == []


def test_what_stops_it():
    elbow, _ = axis(0.25)
    limp = elbow.stop_value("hold")
    elbow.engage(10.0)

    assert limp == UNTOUCHED
    assert elbow.stop_value("hold") == StopValue(0.25, True)
    assert elbow.stop_value("off") == StopValue(None, False)
    assert elbow.stop_value("keep") == UNTOUCHED
