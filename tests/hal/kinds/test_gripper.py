"""A gripper: it closes until it holds something, and keeps its grip."""

import asyncio

import pytest
from pydantic import ValidationError

from hal.errors import DeviceRefused, Halted, OutOfRange
from hal.kinds import GripperSpec
from hal.kinds.axis import UNTOUCHED
from tests.hal.arm import Arm, deg, steps, story, value


def test_it_opens_and_closes_all_the_way_where_nothing_is_between():
    arm = Arm()

    async def body() -> None:
        assert await arm.gripper.open() == pytest.approx(100.0)
        assert arm.fingers.angle_rad == pytest.approx(deg(60))
        assert await arm.gripper.close() is False
        assert value(arm.gripper, "holding") is False
        assert value(arm.gripper, "opening") == pytest.approx(0.0)

    story(arm, body)

    assert max(steps(arm.fingers)) <= deg(60) * 0.02 + 1e-9


def test_it_opens_to_a_share_of_its_way():
    arm = Arm()

    async def body() -> None:
        assert await arm.gripper.move_to(25.0) == pytest.approx(25.0)
        assert arm.fingers.angle_rad == pytest.approx(deg(15))

    story(arm, body)


def test_it_closes_until_it_holds_something_and_squeezes_no_further():
    arm = Arm()

    async def body() -> None:
        await arm.gripper.open()
        arm.fingers.stops_at = lambda angle: max(angle, deg(30))
        assert await arm.gripper.close() is True
        assert value(arm.gripper, "holding") is True
        assert arm.fingers.angle_rad == pytest.approx(deg(30))
        told = len(arm.fingers.goals)
        await asyncio.sleep(1)
        assert value(arm.gripper, "holding") is True
        assert len(arm.fingers.goals) == told

    story(arm, body)

    assert arm.fingers.told[-1] == pytest.approx(deg(30) - deg(2), abs=1e-9)


def test_what_slips_out_is_held_no_more():
    arm = Arm()

    async def body() -> None:
        await arm.gripper.open()
        arm.fingers.stops_at = lambda angle: max(angle, deg(30))
        assert await arm.gripper.close() is True
        arm.fingers.stops_at = lambda angle: angle
        await asyncio.sleep(0.1)
        assert value(arm.gripper, "holding") is False

    story(arm, body)


def test_a_stop_keeps_the_grip():
    arm = Arm()

    async def body() -> None:
        await arm.gripper.open()
        arm.fingers.stops_at = lambda angle: max(angle, deg(30))
        await arm.gripper.close()
        told = len(arm.fingers.goals)
        arm.gripper.halt()
        arm.gripper.deactivate()
        await asyncio.sleep(0.5)
        assert len(arm.fingers.goals) == told
        assert arm.fingers.has_torque
        assert value(arm.gripper, "holding") is True
        assert arm.gripper.stop_value() == UNTOUCHED

    story(arm, body)


def test_a_stop_while_it_closes_ends_that():
    arm = Arm()

    async def body() -> None:
        await arm.gripper.open()
        closing = asyncio.ensure_future(arm.gripper.close())
        await asyncio.sleep(0.3)
        arm.gripper.halt()
        with pytest.raises(Halted):
            await closing
        told = len(arm.fingers.goals)
        await asyncio.sleep(0.5)
        assert len(arm.fingers.goals) == told

    story(arm, body)


def test_one_that_cannot_open_says_so():
    arm = Arm()
    arm.fingers.stops_at = lambda angle: min(angle, deg(10))

    async def body() -> None:
        with pytest.raises(DeviceRefused, match=r"stands at 10\.0 deg and does not come to 60\.0 deg"):
            await arm.gripper.open()

    story(arm, body)


@pytest.mark.parametrize("opening", [-0.1, 100.1])
def test_an_opening_that_is_none_is_refused(opening):
    arm = Arm()

    async def body() -> None:
        with pytest.raises(OutOfRange, match=r"gripper: opening .* is beyond the limit of (0|100) %"):
            await arm.gripper.move_to(opening)

    story(arm, body)


def test_a_gripper_that_is_released_drops_what_it_holds():
    arm = Arm()

    async def body() -> None:
        await arm.gripper.open()
        arm.gripper.release()
        assert value(arm.gripper, "torque") is False

    story(arm, body)

    assert arm.fingers.has_torque is False


def test_a_gripper_that_shall_go_limp_on_a_stop_does():
    spec = GripperSpec.model_validate({"closed": "0 deg", "open": "-60 deg", "on_stop": "off"})

    assert (spec.low, spec.high) == (deg(-60), 0.0)
    with pytest.raises(ValidationError, match="open and closed are the same angle"):
        GripperSpec.model_validate({"closed": "5 deg", "open": "5 deg"})
