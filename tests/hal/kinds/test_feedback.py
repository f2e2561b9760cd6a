"""What an actuator really does, sample by sample, against its limits: two in a row beyond them halt it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.device import SETTLED_S, Actuator
from hal.errors import OutOfRange
from hal.kinds import DigitalOutput, DigitalOutputSpec, Motor, MotorSpec, Servo, ServoSpec
from tests import virtual
from tests.counts import cases
from tests.hal.bench import Rover, Wire

Told = list[tuple[str, float, float, str]]
LATER = SETTLED_S + 0.01


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    virtual.run(body())


def motor(**spec: Any) -> tuple[Motor, Wire, Told]:
    wire = Wire()
    return (made := Motor("left", MotorSpec(**spec), wire)), wire, ready(made)


def servo() -> tuple[Servo, Wire, Told]:
    wire = Wire()
    return (
        (made := Servo("mast", ServoSpec.model_validate({"min": "-1 rad", "max": "1 rad"}), wire)),
        wire,
        ready(made),
    )


def lamp(**spec: Any) -> tuple[DigitalOutput, Wire, Told]:
    wire = Wire()
    return (made := DigitalOutput("lamp", DigitalOutputSpec(**spec), wire)), wire, ready(made)


def ready(device: Actuator) -> Told:
    """Present and active; what is told of its limits."""
    told: Told = []
    device.limit_listeners.append(lambda *violation: told.append(violation))
    device.present()
    device.activate()
    return told


def now() -> float:
    return asyncio.get_running_loop().time()


# -- two samples in a row -------------------------------------------------------------------------------


def test_the_second_sample_beyond_a_limit_is_told_with_value_limit_and_unit():
    async def body() -> None:
        mast, _, told = servo()

        assert mast.felt(1.25)
        assert told == []
        assert not mast.felt(1.25)

        assert told == [("angle", 1.25, 1.0, "rad")]
        assert mast.violations == {"angle": "its feedback says angle 1.25 rad, beyond the limit of 1 rad"}

    run(body)


def test_the_limit_that_is_told_is_the_one_that_was_passed():
    async def body() -> None:
        mast, _, told = servo()
        mast.felt(-1.5)
        mast.felt(-1.25)

        assert told == [("angle", -1.25, -1.0, "rad")]

    run(body)


def test_one_sample_alone_is_a_disturbance_however_often_there_is_one():
    async def body() -> None:
        mast, _, told = servo()
        for _ in range(100):
            assert mast.felt(1.25)
            assert not mast.felt(1.0)

        assert (told, mast.violations) == ([], {})

    run(body)


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf, 1e308])
def test_what_is_no_number_is_within_no_limit(garbage: float):
    async def body() -> None:
        mast, _, told = servo()
        mast.felt(garbage)
        mast.felt(garbage)

        assert len(told) == 1
        assert mast.violations

    run(body)


def test_it_is_told_once_and_again_only_after_a_sample_within():
    async def body() -> None:
        mast, _, told = servo()
        for _ in range(10):
            mast.felt(1.25)
        assert len(told) == 1

        mast.felt(0.0)
        assert mast.violations == {}
        mast.felt(1.25)
        mast.felt(1.25)
        assert len(told) == 2

    run(body)


def test_what_is_beyond_by_less_than_its_resolution_is_within():
    async def body() -> None:
        mast, _, told = servo()
        assert not mast.felt(1.001, slack=0.002)
        assert mast.felt(1.003, slack=0.002)

        assert told == []

    run(body)


def test_the_device_stands_when_it_is_told_and_whoever_waits_for_its_motion_hears_why():
    async def body() -> None:
        mast, _, told = servo()
        moving = asyncio.ensure_future(mast.move_to(0.9))
        await asyncio.sleep(0.1)
        mast.felt(1.25)
        mast.felt(1.25)

        with pytest.raises(OutOfRange, match="its feedback says angle") as error:
            await moving
        assert (error.value.limit, error.value.unit) == (1.0, "rad")
        assert mast.at_rest
        assert len(told) == 1

    run(body)


def bug(_what: str, _value: float, _limit: float, _unit: str) -> None:
    raise ZeroDivisionError


def test_a_listener_with_a_bug_keeps_nothing_from_standing(caplog: pytest.LogCaptureFixture):
    async def body() -> None:
        left, wire, _ = motor(max_duty=0.5)
        left.limit_listeners.append(bug)
        left.set_duty(0.5)
        left.felt(1.0, now())
        left.felt(1.0, now())

        assert left.at_rest
        assert wire.last == 0.0

    run(body)
    assert "ZeroDivisionError" in caplog.text


def test_a_board_that_is_lost_takes_what_was_felt_with_it():
    async def body() -> None:
        mast, _, told = servo()
        mast.felt(1.25)
        mast.vanish()
        mast.present()
        assert mast.felt(1.25)
        mast.felt(1.25)
        assert len(told) == 1

        mast.vanish()
        assert mast.violations == {}

    run(body)


@settings(max_examples=cases(500))
@given(st.lists(st.floats(-2, 2) | st.sampled_from([math.nan, math.inf, -math.inf])))
def test_it_is_told_exactly_when_two_in_a_row_are_beyond_for_the_first_time(samples: list[float]):
    mast, _, told = servo()
    row, expected = 0, 0
    for sample in samples:
        row = 0 if -1 <= sample <= 1 else row + 1
        expected += row == 2

        assert mast.felt(sample) == (row == 1)
        assert len(told) == expected
        assert bool(mast.violations) == (row >= 2)


# -- each kind ------------------------------------------------------------------------------------------


def test_a_motor_may_turn_as_fast_as_it_may_be_told_either_way_round():
    async def body() -> None:
        left, _, told = motor(max_duty=0.5)
        left.set_duty(0.1)
        for duty in (0.5, -0.5, 0.5, -0.5):
            assert not left.felt(duty, now())
        assert left.felt(0.51, now())
        left.felt(-0.51, now())

        assert told == [("duty", -0.51, -0.5, "")]

    run(body)


def test_a_motor_at_rest_may_not_turn_but_for_a_moment_after_it_was_told():
    async def body() -> None:
        left, _, told = motor()
        left.set_duty(0.3)
        await asyncio.sleep(0.1)
        left.halt()
        assert not left.felt(0.3, now())
        await asyncio.sleep(LATER)
        assert not left.felt(0.0, now())
        assert left.felt(0.3, now())
        left.felt(0.3, now())

        assert told == [("duty", 0.3, 0.0, "")]

    run(body)


def test_a_motor_that_a_stop_keeps_turning_may_turn():
    async def body() -> None:
        pump, _, _ = motor(on_stop="keep", max_duty=0.5)
        pump.set_duty(0.5)
        pump.halt()
        await asyncio.sleep(LATER)

        assert not pump.felt(0.5, now())
        assert pump.felt(0.6, now())

    run(body)


def test_a_lamp_may_be_on_if_it_was_told_and_for_a_moment_after_it_was_told_otherwise():
    async def body() -> None:
        light, _, told = lamp()
        light.write(True)
        assert not light.felt(1.0, now())
        light.write(False)
        assert not light.felt(1.0, now())
        await asyncio.sleep(LATER)
        assert not light.felt(0.0, now())
        assert light.felt(1.0, now())
        light.felt(1.0, now())

        assert told == [("level", 1.0, 0.0, "")]

    run(body)


def test_a_lamp_that_was_never_told_is_off():
    async def body() -> None:
        light, wire, told = lamp()
        light.felt(1.0, now())
        light.felt(1.0, now())

        assert len(told) == 1
        assert wire.last == 0.0

    run(body)


def test_a_lamp_that_a_stop_leaves_on_may_be_on():
    async def body() -> None:
        light, _, _ = lamp(on_stop="keep")
        light.write(True)
        light.halt()
        await asyncio.sleep(LATER)

        assert not light.felt(1.0, now())

    run(body)


def test_a_wheel_that_runs_away_stops_its_base():
    async def body() -> None:
        rover = Rover()
        rover.base.drive(0.3)
        rover.left.felt(1.5, now())
        rover.left.felt(1.5, now())

        assert rover.base.at_rest
        assert rover.duties == (0.0, 0.0)

    run(body)


# -- what comes back ------------------------------------------------------------------------------------


class EncodedMotorSpec(MotorSpec, frozen=True):
    """A driver's, that hears from an encoder."""

    FEEDBACK = "motion"


def test_an_actuator_says_what_comes_back_from_it():
    assert motor()[0].feedback == "none"
    assert Motor("left", EncodedMotorSpec(), Wire()).feedback == "motion"


@pytest.mark.parametrize(
    ("left", "right", "feedback"),
    [
        (MotorSpec(), MotorSpec(), "none"),
        (EncodedMotorSpec(), MotorSpec(), "none"),
        (EncodedMotorSpec(), EncodedMotorSpec(), "motion"),
    ],
)
def test_from_a_base_comes_back_what_comes_from_both_wheels(left: MotorSpec, right: MotorSpec, feedback: str):
    rover = Rover()
    rover.left.spec, rover.right.spec = left, right

    assert rover.base.feedback == feedback
