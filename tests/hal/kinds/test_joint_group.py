"""Several joints as one arm: they go together, arrive together, and stop together."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hal.device import DeviceState
from hal.errors import DeviceGone, DeviceRefused, DeviceUnavailable, Halted, OutOfRange
from hal.kinds import JointGroup, JointGroupSpec, Motor, MotorSpec, compose
from tests.counts import cases
from tests.hal.arm import Arm, Shaft, now, steps, story, value
from tests.virtual import spend

inside = st.floats(-1.5, 1.5)


@settings(max_examples=cases(100), deadline=None)
@given(
    st.tuples(inside, inside, inside),
    st.tuples(inside, inside, inside),
    st.floats(5.0, 100.0),
    st.integers(1, 7),
)
def test_all_arrive_together_exactly_and_none_is_beyond_position_rate_or_step(starts, goals, percent, named):
    arm = Arm(starts=starts)
    asked = {
        name: goal for bit, (name, goal) in enumerate(zip("abc", goals, strict=True)) if named >> bit & 1
    }
    share = percent / 100

    async def body() -> None:
        found = await arm.group.move_to(asked, speed_percent=percent)
        assert found == pytest.approx({name: shaft.angle_rad for name, shaft in arm.shafts.items()})

    story(arm, body)

    for (name, shaft), start in zip(arm.shafts.items(), starts, strict=True):
        goal = asked.get(name, start)
        low, high = min(start, goal), max(start, goal)
        assert all(low - 1e-9 <= told <= high + 1e-9 for told in shaft.told)
        assert shaft.told[0] == start
        assert shaft.told[-1] == goal
        assert max(steps(shaft)) <= 0.02 * share + 1e-9
        assert shaft.goals[-1][0] == arm.shaft.goals[-1][0]


def test_joints_that_are_not_named_stay():
    arm = Arm()

    async def body() -> None:
        await arm.group.move_to({"b": 0.5})

    story(arm, body)

    assert set(arm.shafts["a"].told) == {0.0}
    assert arm.shafts["b"].told[-1] == 0.5


def test_a_goal_beyond_one_joints_limit_is_refused_before_any_has_torque():
    arm = Arm()

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"b: angle 2\.0 is beyond the limit of 1\.5708 rad"):
            await arm.group.move_to({"a": 0.1, "b": 2.0})

    story(arm, body)

    assert all(shaft.switched == [] and shaft.told == [] for shaft in arm.shafts.values())


def test_a_joint_that_it_does_not_have_is_refused_with_the_nearest():
    arm = Arm()

    async def body() -> None:
        with pytest.raises(DeviceRefused, match="arm: it has no joint 'x'; it has a, b, c"):
            await arm.group.move_to({"x": 0.1})
        with pytest.raises(DeviceRefused, match="did you mean 'a'"):
            arm.group.jog({"aa": 0.1})

    story(arm, body)


def test_a_stop_in_the_middle_holds_all_where_they_are():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.group.move_to({"a": 1.0, "b": -0.5}))
        await asyncio.sleep(0.505)
        arm.group.halt()
        for shaft in arm.shafts.values():
            assert shaft.goal_rad == shaft.angle_rad
            assert shaft.has_torque
        with pytest.raises(Halted):
            await move
        assert all(joint.at_rest for joint in arm.joints.values())

    story(arm, body)


def test_one_joint_that_is_halted_stops_all():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.group.move_to({"a": 1.0, "b": -0.5}))
        await asyncio.sleep(0.5)
        arm.joints["b"].halt()
        with pytest.raises(Halted):
            await move
        told = len(arm.shaft.goals)
        await asyncio.sleep(0.5)
        assert len(arm.shaft.goals) == told

    story(arm, body)


def test_a_joint_that_falls_silent_is_named_and_the_others_hold():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.group.move_to({"a": 1.0, "b": -0.5}))
        await asyncio.sleep(0.5)
        arm.silent.add("b")
        await asyncio.sleep(0.3)
        arm.joints["b"].fail("no answer from servo 2 for 300 ms")
        with pytest.raises(DeviceUnavailable, match="no answer from servo 2"):
            await move
        assert arm.group.state is DeviceState.FAULTED
        assert arm.group.fault == "its joint b is faulted: no answer from servo 2 for 300 ms"
        assert arm.joints["a"].state is DeviceState.ACTIVE
        assert arm.shaft.has_torque
        assert arm.shaft.goal_rad == arm.shaft.angle_rad
        arm.joints["b"].present()
        assert str(arm.group.state) == "inactive"

    story(arm, body)


def test_a_joint_moves_either_by_itself_or_with_its_group():
    arm = Arm()

    async def body() -> None:
        together = asyncio.ensure_future(arm.group.move_to({"a": 0.3}))
        await asyncio.sleep(0.1)
        with pytest.raises(DeviceRefused, match="b: it moves for arm now; halt arm first"):
            arm.joints["b"].jog(0.1)
        with pytest.raises(DeviceRefused, match="b: it moves for arm now"):
            arm.joints["b"].release()
        await together
        arm.joints["b"].jog(0.1)
        with pytest.raises(DeviceRefused, match="arm: its joint b moves by itself; halt that first"):
            await arm.group.move_to({"a": 0.0})
        with pytest.raises(DeviceRefused, match="arm: its joint b moves by itself"):
            arm.group.release()

    story(arm, body)


def test_a_stall_of_the_loop_bends_no_way():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.group.move_to({"a": 1.0, "b": -0.25}))
        await asyncio.sleep(0.5)
        spend(0.7)
        arm.report()
        await move

    story(arm, body)

    assert arm.shafts["b"].told == pytest.approx([-told / 4 for told in arm.shaft.told])


def test_a_jog_of_several_joints_ends_with_a_jog_of_none():
    arm = Arm()

    async def body() -> None:
        assert arm.group.jog({"a": 0.5, "b": -0.25}) == {"a": 0.5, "b": -0.25}
        await asyncio.sleep(0.3)
        arm.group.jog({"b": -0.25})
        await asyncio.sleep(0.3)
        held = arm.shaft.told[-1]
        arm.group.jog({})
        await asyncio.sleep(0.3)
        assert arm.group.at_rest
        assert arm.shaft.told[-1] == held

    story(arm, body)

    assert arm.shaft.told[-1] > 0.1
    assert arm.shafts["b"].told[-1] < -0.1
    assert set(arm.shafts["c"].told) == {0.0}


def test_a_rate_beyond_a_joints_limit_is_refused():
    arm = Arm()

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"a: rate 1\.5 is beyond the limit of 1 rad/s"):
            arm.group.jog({"a": 1.5})

    story(arm, body)


def test_holding_and_releasing_all():
    arm = Arm(starts=(0.1, 0.2, 0.3))

    async def body() -> None:
        assert arm.group.hold() == {"a": 0.1, "b": 0.2, "c": 0.3}
        assert value(arm.group, "torque") is True
        arm.joints["b"].release()
        assert value(arm.group, "torque") is False
        arm.group.hold()
        arm.group.release()
        assert [shaft.has_torque for shaft in arm.shafts.values()] == [False] * 3

    story(arm, body)


def test_the_group_says_how_hot_the_hottest_is_and_what_all_draw():
    arm = Arm()

    async def body() -> None:
        arm.group.hold()
        arm.joints["b"].update(temperature_degc=61.0, at=now())
        assert value(arm.group, "temperature") == 61.0
        await asyncio.sleep(0.05)
        assert value(arm.group, "current") == pytest.approx(0.3)

    story(arm, body)


def test_a_wire_that_breaks_for_one_holds_the_others():
    arm = Arm()

    async def body() -> None:
        move = asyncio.ensure_future(arm.group.move_to({"a": 1.0, "b": 1.0}))
        await asyncio.sleep(0.3)
        arm.shafts["b"].refusal = DeviceGone("bus", "its wire was lost")
        with pytest.raises(DeviceGone):
            await move
        assert arm.shaft.goal_rad == pytest.approx(arm.shaft.angle_rad, abs=0.021)
        assert arm.group.at_rest

    story(arm, body)


def test_a_group_without_its_joints_is_not_there():
    arm = Arm()

    async def body() -> None:
        arm.joints["c"].vanish()
        assert arm.group.state is DeviceState.ABSENT
        with pytest.raises(DeviceUnavailable):
            await arm.group.move_to({"a": 0.1})
        arm.joints["c"].present()
        assert str(arm.group.state) == "inactive"

    story(arm, body)


def test_a_group_is_made_of_joints():
    motor = Motor("m", MotorSpec(), Shaft())

    with pytest.raises(DeviceRefused, match="arm: its joint 'm' is no joint"):
        compose("arm", JointGroupSpec.model_validate({"joints": ("m",)}), {"m": motor})
    with pytest.raises(DeviceRefused, match="its joint 'n' is no joint"):
        compose("arm", JointGroupSpec.model_validate({"joints": ("n",)}), {"m": motor})
    with pytest.raises(ValidationError, match="the joint a is named twice"):
        JointGroupSpec.model_validate({"joints": ("a", "b", "a")})
    with pytest.raises(ValidationError):
        JointGroupSpec.model_validate({"joints": ()})


def test_a_composed_group_leads_the_joints_that_it_names():
    arm = Arm()

    made = compose("arm", JointGroupSpec.model_validate({"joints": ("a", "c")}), dict(arm.joints))

    assert isinstance(made, JointGroup)
    assert arm.joints["a"].group is made
    assert arm.joints["b"].group is arm.group
