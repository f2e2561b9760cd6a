"""One joint: it goes to its goal within limits, says where it really is, and never jumps."""

import asyncio
import math
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from hal.device import DeviceState
from hal.errors import (
    DeviceGone,
    DeviceRefused,
    DeviceUnavailable,
    Halted,
    Lapsed,
    LinkFull,
    OutOfRange,
)
from hal.kinds import Joint, JointSpec, StopValue
from hal.kinds.axis import UNTOUCHED
from tests.hal.arm import LIMITS, Arm, Shaft, deg, now, steps, story, value
from tests.virtual import spend

# -- torque -----------------------------------------------------------------------------------------------


def test_activating_moves_nothing_and_switches_nothing():
    arm = Arm()

    async def body() -> None:
        await asyncio.sleep(1)

    story(arm, body)

    assert arm.shaft.told == []
    assert arm.shaft.switched == []


def test_enabling_torque_never_jumps_since_the_first_goal_is_where_it_stands():
    arm = Arm(starts=(0.4, 0.0, 0.0))

    async def body() -> None:
        assert arm.a.hold() == 0.4
        assert value(arm.a, "torque") is True
        assert value(arm.a, "target") == 0.4

    story(arm, body)

    assert arm.shaft.told == [0.4]
    assert arm.shaft.switched == [True]


def test_a_joint_that_still_brakes_is_stopped_where_it_was_stopped_before():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        arm.a.follow(0.02, now())
        arm.a.update(0.01, 1.0, at=now())
        arm.a.halt()
        arm.a.update(0.015, 0.5, at=now())

        assert arm.a.stop_value() == StopValue(0.01, torque=True)

        arm.a.update(0.015, 0.0, at=now())

        assert arm.a.stop_value() == StopValue(0.015, torque=True)

    story(arm, body)


def test_a_joint_that_was_led_on_unseen_is_not_sent_back_by_its_stop():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        arm.a.update(0.0, 0.0, at=now())
        for goal in (0.02, 0.04, 0.06):
            arm.a.follow(goal, now())
        arm.a.halt()

        assert arm.a.stop_value() == StopValue(0.06, torque=True)

    story(arm, body)

    assert arm.shaft.told[-1] == 0.06


def test_motions_that_begin_one_after_the_other_lead_no_faster_than_one():
    arm = Arm()

    async def body() -> None:
        motions = [asyncio.create_task(arm.a.move_to(1.5))]
        await asyncio.sleep(0.41)
        told = len(arm.shaft.told)
        for turn in range(5):
            motions.append(asyncio.create_task(arm.a.move_to(1.2 + turn / 100)))
            await asyncio.sleep(0)
        led = arm.shaft.told[-1] - arm.shaft.told[told - 1]

        assert len(arm.shaft.told) == told + 5
        assert 0 < led <= arm.a.spec.rate * 0.01 + 1e-9
        arm.a.halt()
        await asyncio.gather(*motions, return_exceptions=True)

    story(arm, body)


def test_a_move_of_a_limp_joint_begins_where_it_stands():
    arm = Arm(starts=(0.4, 0.0, 0.0))

    async def body() -> None:
        await arm.a.move_to(-0.2)

    story(arm, body)

    assert arm.shaft.told[0] == 0.4
    assert max(steps(arm.shaft)) <= 0.02 + 1e-9
    assert arm.shaft.told[-1] == -0.2


def test_torque_stays_off_where_nobody_knows_where_the_joint_stands():
    arm = Arm()
    arm.silent.add("a")

    async def body() -> None:
        with pytest.raises(DeviceRefused, match="a: where it stands is not known"):
            await arm.a.move_to(0.1)
        with pytest.raises(DeviceRefused, match="a: where it stands is not known"):
            arm.a.hold()

    story(arm, body)

    assert arm.shaft.switched == []


def test_a_released_joint_is_limp_and_holds_where_it_was_moved_to_by_hand():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        arm.a.release()
        assert value(arm.a, "torque") is False
        arm.shaft.angle_rad = 0.7
        await asyncio.sleep(0.1)
        assert arm.a.hold() == 0.7

    story(arm, body)

    assert arm.shaft.switched == [True, False, True]
    assert arm.shaft.told == [0.0, 0.7]


def test_a_joint_that_holds_is_told_nothing_new_when_it_is_told_to_hold():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        arm.shaft.stops_at = lambda _: -0.05  # its load draws it down
        await asyncio.sleep(0.1)
        assert arm.a.hold() == 0.0

    story(arm, body)

    assert arm.shaft.told == [0.0]


def test_a_joint_that_lost_its_torque_by_itself_stops_all_of_its_group():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.group.move_to({"a": 1.0, "b": 1.0}))
        await asyncio.sleep(0.5)
        arm.a.update_torque(False, now())
        with pytest.raises(DeviceRefused, match="a: its torque went off by itself"):
            await move
        assert value(arm.a, "torque") is False
        assert value(arm.joints["b"], "torque") is True
        assert arm.group.at_rest

    story(arm, body)

    assert arm.shaft.switched == [True]


# -- move_to ----------------------------------------------------------------------------------------------


def test_a_move_ends_when_the_joint_is_really_there():
    arm = Arm()

    async def body() -> None:
        began = now()
        assert await arm.a.move_to(0.5) == 0.5
        assert now() - began == pytest.approx(0.75, abs=0.041)
        assert arm.a.at_rest
        assert value(arm.a, "moving") is False

    story(arm, body)

    assert arm.shaft.told[-1] == 0.5
    assert max(steps(arm.shaft)) <= 0.02 + 1e-9


def test_half_the_speed_takes_twice_as_long_or_more():
    arm = Arm()

    async def body() -> None:
        began = now()
        await arm.a.move_to(0.5, speed_percent=50)
        assert now() - began > 1.0

    story(arm, body)

    assert max(steps(arm.shaft)) <= 0.01 + 1e-9


@pytest.mark.parametrize("goal", [1.6, -1.6, math.nan, math.inf, 1e308])
def test_a_goal_beyond_a_limit_is_refused_with_the_limit_and_its_unit(goal):
    arm = Arm()

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"a: angle .* -?1\.5708 rad$") as refusal:
            await arm.a.move_to(goal)
        assert abs(refusal.value.limit) == deg(90)
        assert refusal.value.unit == "rad"

    story(arm, body)

    assert arm.shaft.told == []


@pytest.mark.parametrize("percent", [0, -1, 101, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused(percent):
    arm = Arm()

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"speed .* is not more than 0 % and at most 100 %"):
            await arm.a.move_to(0.1, speed_percent=percent)

    story(arm, body)

    assert arm.shaft.told == []


def test_a_soft_limit_cuts_the_goal():
    arm = Arm(on_limit="clamp")

    async def body() -> None:
        assert await arm.a.move_to(9.0) == pytest.approx(deg(90))

    story(arm, body)

    assert arm.shaft.told[-1] == deg(90)


def test_the_newest_goal_wins_and_no_change_is_beyond_the_acceleration():
    arm = Arm()

    async def body() -> None:
        older = asyncio.ensure_future(arm.a.move_to(1.0))
        await asyncio.sleep(0.5)
        newer = asyncio.ensure_future(arm.a.move_to(-0.1))
        with pytest.raises(Halted, match="a newer motion"):
            await older
        await asyncio.sleep(0.7)
        for _ in range(5):
            arm.a.jog(0.5)
            await asyncio.sleep(0.1)
        with pytest.raises(Halted, match="a newer motion"):
            await newer
        assert await arm.a.move_to(-0.1) == -0.1

    story(arm, body)

    newest = {round(at, 6): goal for at, goal in arm.shaft.goals}  # a newer motion says the last goal again
    speeds = [(after - before) / 0.02 for before, after in pairwise(newest.values())]
    changes = [abs(after - before) for before, after in pairwise([0.0, *speeds, 0.0])]
    assert max(map(abs, speeds)) <= 1.0 + 1e-9
    assert max(changes) <= 4.0 * 0.02 + 1e-6


def test_a_joint_that_is_blocked_is_told_so_and_holds_where_it_is():
    arm = Arm()
    arm.shaft.stops_at = lambda angle: min(angle, 0.25)

    async def body() -> None:
        with pytest.raises(DeviceRefused, match=r"stands at 14\.3 deg and does not come to 22\.9 deg"):
            await arm.a.move_to(0.4)

    story(arm, body)

    assert arm.shaft.told[-1] == 0.25


def test_a_joint_far_from_its_goal_twice_in_a_row_halts():
    arm = Arm()
    arm.shaft.stops_at = lambda angle: min(angle, 0.25)
    told: list[Any] = []
    arm.a.limit_listeners.append(lambda *violation: told.append(violation))

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"a: its feedback says distance from its goal -0\.3\d+ rad"):
            await arm.a.move_to(1.5)

    story(arm, body)

    assert [what for what, *_ in told] == ["distance from its goal"]
    assert arm.shaft.told[-1] == 0.25


def test_a_joint_that_runs_away_is_told_of_before_it_has_gone_far():
    arm = Arm()
    told: list[tuple[float, str]] = []
    arm.a.limit_listeners.append(lambda what, *_: told.append((arm.shaft.angle_rad, what)))

    async def body() -> None:
        arm.a.hold()
        arm.shaft.stops_at = lambda angle: arm.shaft.angle_rad + 0.08
        await asyncio.sleep(1)

    story(arm, body)

    angle, what = told[0]
    assert what == "distance from its goal"
    assert angle < deg(20) + 2 * 0.08


def test_a_joint_that_is_drawn_beyond_its_limit_halts():
    arm = Arm(starts=(deg(89), 0.0, 0.0))

    async def body() -> None:
        arm.a.hold()
        arm.shaft.stops_at = lambda _: deg(96)
        await asyncio.sleep(0.1)

    story(arm, body)

    assert arm.shaft.told == [deg(89), deg(96)]


def test_a_joint_that_stands_beyond_a_limit_may_hold_there_and_come_back():
    arm = Arm(starts=(deg(100), 0.0, 0.0))

    async def body() -> None:
        arm.a.hold()
        await asyncio.sleep(0.2)
        assert arm.a.violations == {}
        await arm.a.move_to(deg(60))

    story(arm, body)

    assert arm.shaft.told[0] == deg(100)
    assert max(arm.shaft.told) == deg(100)


@pytest.mark.parametrize("stall_s", [0.05, 0.5, 3.0])
def test_a_stall_of_the_loop_is_no_jump(stall_s):
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.a.move_to(1.0))
        await asyncio.sleep(0.5)
        spend(stall_s)
        arm.report()
        await move

    story(arm, body)

    assert max(steps(arm.shaft)) <= 0.04 + 1e-9


def test_the_longest_step_bounds_the_rate_too():
    arm = Arm(max_step="0.01 rad")

    async def body() -> None:
        await arm.a.move_to(0.5)

    story(arm, body)

    assert max(steps(arm.shaft)) <= 0.01 + 1e-9


# -- jog --------------------------------------------------------------------------------------------------


def test_a_jog_turns_at_its_rate_until_it_lapses_and_holds_then():
    arm = Arm()

    async def body() -> None:
        lapsed: list[float] = []
        arm.a.on_lapse = lambda: lapsed.append(now())
        began = now()
        for _ in range(10):
            assert arm.a.jog(0.5) == 0.5
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)
        assert [at - began for at in lapsed] == pytest.approx([1.3])
        assert arm.a.at_rest

    story(arm, body)

    assert arm.shaft.told[-1] == pytest.approx(arm.shaft.angle_rad)
    assert 0.5 < arm.shaft.angle_rad < 0.65
    assert max(steps(arm.shaft)) <= 0.01 + 1e-9


def test_a_jog_of_zero_comes_to_rest_on_a_ramp_and_lapses_no_more():
    arm = Arm()

    async def body() -> None:
        arm.a.on_lapse = lambda: pytest.fail("it rests already")
        arm.a.jog(0.8)
        await asyncio.sleep(0.35)
        arm.a.jog(0.0)
        assert not arm.a.at_rest
        await asyncio.sleep(0.3)
        assert arm.a.at_rest
        told = len(arm.shaft.goals)
        await asyncio.sleep(1)
        assert len(arm.shaft.goals) == told

    story(arm, body)


def test_a_jog_of_zero_at_rest_begins_nothing():
    arm = Arm()

    async def body() -> None:
        arm.a.jog(0.0)
        await asyncio.sleep(0.1)
        assert arm.a.at_rest

    story(arm, body)


def test_a_jog_ends_at_the_limit():
    arm = Arm(starts=(deg(80), 0.0, 0.0))

    async def body() -> None:
        for _ in range(20):
            arm.a.jog(1.0)
            await asyncio.sleep(0.1)

    story(arm, body)

    assert max(arm.shaft.told) == deg(90)


def test_a_jog_ends_a_move_and_a_move_a_jog():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.a.move_to(1.0))
        await asyncio.sleep(0.3)
        arm.a.jog(0.2)
        with pytest.raises(Halted):
            await move
        await asyncio.sleep(0.1)
        assert await arm.a.move_to(0.0) == 0.0

    story(arm, body)

    assert max(steps(arm.shaft)) <= 0.02 + 1e-9


# -- stops ------------------------------------------------------------------------------------------------


def test_a_stop_holds_where_the_joint_is_with_torque():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.a.move_to(1.0))
        await asyncio.sleep(0.505)
        arm.a.halt()
        assert arm.shaft.goal_rad == arm.shaft.angle_rad
        assert arm.a.at_rest
        with pytest.raises(Halted):
            await move
        told = len(arm.shaft.goals)
        await asyncio.sleep(1)
        assert len(arm.shaft.goals) == told

    story(arm, body)

    assert arm.shaft.switched[-1] is True


def test_a_stop_of_a_joint_that_shall_go_limp():
    arm = Arm(on_stop="off")

    async def body() -> None:
        arm.a.hold()
        arm.a.halt()
        assert value(arm.a, "torque") is False

    story(arm, body)

    assert arm.shaft.switched == [True, False]


def test_a_stop_gives_no_torque_to_what_is_limp():
    arm = Arm()

    async def body() -> None:
        arm.a.halt()

    story(arm, body)

    assert arm.shaft.told == []
    assert arm.shaft.switched == []


def test_what_a_driver_writes_past_the_kind_says_the_same():
    arm = Arm(starts=(0.4, 0.0, 0.0))

    async def body() -> None:
        assert arm.a.stop_value() == UNTOUCHED
        arm.a.hold()
        arm.shaft.stops_at = lambda _: 0.38  # its load draws it down
        await asyncio.sleep(0.1)
        assert arm.a.stop_value() == StopValue(0.38, True)

    story(arm, body)


def test_a_full_wire_is_told_the_stop_again():
    arm = Arm()

    async def body() -> None:
        arm.a.jog(0.5)
        await asyncio.sleep(0.3)
        arm.shaft.refusal = LinkFull("full")
        arm.a.halt()
        await asyncio.sleep(0.05)
        arm.shaft.refusal = None
        await asyncio.sleep(0.05)

    story(arm, body)

    assert arm.shaft.goal_rad == pytest.approx(arm.shaft.angle_rad, abs=0.02)


def test_leaving_a_state_in_which_it_holds_lets_it_hold_as_it_does():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        arm.shaft.stops_at = lambda _: -0.05
        await asyncio.sleep(0.1)
        arm.a.deactivate()

    story(arm, body)

    assert arm.shaft.told == [0.0]


def test_a_wire_that_breaks_in_the_middle_ends_the_move():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.a.move_to(1.0))
        await asyncio.sleep(0.3)
        arm.shaft.refusal = DeviceGone("bus", "its wire was lost")
        with pytest.raises(DeviceGone, match="bus: its wire was lost"):
            await move
        assert arm.a.at_rest

    story(arm, body)


def test_what_was_known_is_forgotten_with_the_wire():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        arm.silent.add("a")
        arm.a.vanish()
        assert arm.a.reading("position") is None
        assert arm.group.state is DeviceState.ABSENT
        arm.a.present()
        arm.a.activate()
        with pytest.raises(DeviceRefused, match="where it stands is not known"):
            arm.a.hold()

    story(arm, body)


async def test_an_inactive_joint_takes_nothing():
    joint = Joint("a", JointSpec.model_validate(LIMITS), Shaft())
    joint.present()

    for call in (joint.hold, joint.release, lambda: joint.jog(0.1)):
        with pytest.raises(DeviceUnavailable):
            call()
    with pytest.raises(DeviceUnavailable):
        await joint.move_to(0.1)


def test_a_motion_lapses_when_its_time_is_over():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.a.move_to(1.0))
        await asyncio.sleep(0)
        arm.a.motion_expires(now() + 0.3)
        with pytest.raises(Lapsed):
            await move

    story(arm, body)


# -- readings and the file --------------------------------------------------------------------------------


def test_what_was_commanded_is_as_fresh_as_the_last_word_of_the_servo():
    arm = Arm()

    async def body() -> None:
        arm.a.hold()
        await asyncio.sleep(1)
        for name in ("position", "target", "torque", "moving"):
            reading = arm.a.reading(name)
            assert reading is not None
            assert now() - reading.at < 0.021

    story(arm, body)


def test_what_is_not_finite_is_no_reading():
    arm = Arm()

    async def body() -> None:
        arm.a.update(math.nan, math.inf, None, 31.0, at=now())
        assert value(arm.a, "position") == 0.0
        assert value(arm.a, "temperature") == 31.0

    story(arm, body)


def test_the_calibration_turns_the_servos_count_into_the_angle_and_back():
    spec = JointSpec.model_validate(LIMITS | {"offset": "10 deg", "reversed": True})

    assert spec.from_servo(deg(40)) == pytest.approx(deg(-30))
    assert spec.to_servo(deg(-30)) == pytest.approx(deg(40))
    plain = JointSpec.model_validate(LIMITS | {"offset": "10 deg"})
    assert plain.from_servo(plain.to_servo(0.123)) == pytest.approx(0.123)
    assert plain.from_servo(deg(10)) == 0.0


def test_limits_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match="max must be more than min"):
        JointSpec.model_validate({"min": "10 deg", "max": "10 deg"})
