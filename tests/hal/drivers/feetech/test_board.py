"""An arm of Feetech's servos on its bus, from the first question to the last stop. In virtual time."""

import asyncio
import math
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import pytest

from hal import (
    Board,
    BoardEvent,
    BoardState,
    DeviceRefused,
    DeviceSilent,
    DeviceState,
    Gripper,
    Joint,
    JointGroup,
    OutOfRange,
    Rig,
)
from hal.drivers.feetech import DRIVER, codec, models
from hal.drivers.feetech.board import FeetechBoard
from hal.drivers.feetech.models import SCS0009, STS3215, Model
from hal.drivers.feetech.servo import SimulatedServo
from hal.drivers.feetech.twin import FeetechTwin
from hal.drivers.servo_twin import TwinJoint
from hal.links.memory import TwinLink
from tests import virtual
from tests.hal.drivers.feetech.arm import BOARDS, DEVICES, NAMES, simulated_arm
from tests.hal.drivers.feetech.servos import joint

FIVE_DEG = math.radians(5)


def story(
    tell: Callable[[Rig], Coroutine[Any, Any, None]],
    devices: Mapping[str, Mapping[str, Any]] = DEVICES,
    *,
    faults: tuple[str, ...] = (),
    seed: int = 0,
) -> None:
    """With the arm online, and every device of it active."""

    async def whole() -> None:
        async with simulated_arm(devices, faults=faults, seed=seed) as rig:
            async with asyncio.timeout(5):
                await rig.online()
            for device in rig.devices.values():
                device.activate()
            await tell(rig)

    virtual.run(whole())


def joint_of(rig: Rig, name: str) -> Joint:
    joint = rig.devices[name]
    assert isinstance(joint, Joint)
    return joint


def group_of(rig: Rig) -> JointGroup:
    group = rig.devices["arm"]
    assert isinstance(group, JointGroup)
    return group


def tell_servo(rig: Rig, data: bytes) -> None:
    """Somebody else's word on the bus."""
    twin = rig.twins["bus"]
    twin.receive(data, asyncio.get_running_loop().time())


def read_servo(rig: Rig, servo: int, address: int, count: int) -> bytes:
    twin = rig.twins["bus"].twin
    assert isinstance(twin, FeetechTwin)
    said = twin.receive(codec.read(servo, address, count), asyncio.get_running_loop().time())
    (answer,) = codec.Decoder().feed(said)
    return answer.data


def test_it_says_which_servos_are_there_and_where_they_stand() -> None:
    async def tell(rig: Rig) -> None:
        assert rig.boards["bus"].detail == "5 STS3215, 1 SCS0009"
        reading = rig.devices["elbow"].reading("position")
        assert reading is not None
        assert reading.value == pytest.approx(0.0, abs=STS3215.step_rad)
        temperature = rig.devices["hand"].reading("temperature")
        assert temperature is not None
        assert temperature.value == 25.0
        assert not any(rig.world()[f"{name}_torque"] for name in (*NAMES, "hand"))

    story(tell)


def test_all_joints_arrive_together_and_the_readings_follow() -> None:
    async def tell(rig: Rig) -> None:
        await group_of(rig).move_to({"base": 0.6, "elbow": -0.3})

        assert rig.world()["base"] == pytest.approx(0.6, abs=FIVE_DEG)
        assert rig.world()["elbow"] == pytest.approx(-0.3, abs=FIVE_DEG)
        await asyncio.sleep(0.3)
        for name, angle in (("base", 0.6), ("elbow", -0.3)):
            reading = rig.devices[name].reading("position")
            assert reading is not None
            assert reading.value == pytest.approx(angle, abs=2 * STS3215.step_rad)

    story(tell)


def test_the_readings_of_a_joint_say_how_fast_it_turns_and_what_it_draws() -> None:
    async def tell(rig: Rig) -> None:
        joint_of(rig, "base").jog(-0.8)
        joint_of(rig, "elbow").jog(0.8)
        await asyncio.sleep(0.38)
        for name, rate in (("base", -0.8), ("elbow", 0.8)):
            velocity = rig.devices[name].reading("velocity")
            assert velocity is not None
            assert velocity.value == pytest.approx(rate, abs=0.4)
            current = rig.devices[name].reading("current")
            assert current is not None
            assert 0.1 < current.value < 1.0
        limp = rig.devices["roll"].reading("current")
        assert limp is not None
        assert limp.value == 0.0

    story(tell)


def test_those_that_did_not_answer_are_asked_again_alone() -> None:
    async def tell(rig: Rig) -> None:
        board = rig.boards["bus"]
        assert isinstance(board, FeetechBoard)
        (question, _) = board.read([*board.servos.values()], 0)
        assert question.narrow is not None
        missing = [(servo, 31) for servo in (2, 5)]

        assert codec.Decoder().feed(question.narrow(missing))[0].data[2:] == bytes([2, 5])

    story(tell)


def test_torque_never_jumps_wherever_the_shaft_was_turned_while_it_was_limp() -> None:
    async def tell(rig: Rig) -> None:
        rig.set_world("shoulder", 0.8)
        await asyncio.sleep(0.1)
        rig.set_world("shoulder", None)
        joint_of(rig, "shoulder").hold()
        for _ in range(100):
            await asyncio.sleep(0.01)
            assert rig.world()["shoulder"] == pytest.approx(0.8, abs=2 * STS3215.step_rad)

        assert rig.world()["shoulder_torque"] is True

    story(tell)


def test_a_goal_beyond_a_limit_is_refused_with_the_limit_and_its_unit() -> None:
    async def tell(rig: Rig) -> None:
        with pytest.raises(OutOfRange, match=r"angle 2\.0 is beyond the limit of 1\.74533 rad"):
            await joint_of(rig, "base").move_to(2.0)

    story(tell)


def test_a_gripper_of_the_other_series_holds_what_is_between_its_fingers() -> None:
    async def tell(rig: Rig) -> None:
        hand = rig.devices["hand"]
        assert isinstance(hand, Gripper)
        await hand.open()
        rig.set_world("hand", math.radians(25))

        assert await hand.close() is True
        rig.halt()
        await asyncio.sleep(0.2)
        assert rig.world()["hand_torque"] is True

    story(tell)


def test_a_stop_holds_what_has_torque_and_leaves_what_is_limp() -> None:
    async def tell(rig: Rig) -> None:
        motion = asyncio.ensure_future(joint_of(rig, "base").move_to(1.5))
        await asyncio.sleep(0.8)
        rig.halt()
        stood = rig.world()["base"]
        evidence = await rig.confirm_stop()
        await asyncio.wait({motion})
        await asyncio.sleep(0.5)

        assert evidence["base"].confirmed
        assert rig.world()["base"] == pytest.approx(stood, abs=FIVE_DEG)
        assert rig.world()["base_torque"] is True
        assert rig.world()["shoulder_torque"] is False

    story(tell)


def test_what_turns_when_its_line_comes_back_is_held_where_it_is() -> None:
    async def tell(rig: Rig) -> None:
        joint_of(rig, "base").hold()
        await asyncio.sleep(0.2)
        rig.inject("bus", "drop 100% for 400 ms")
        await asyncio.sleep(0.39)
        word = codec.sync_write(models.GOAL_POSITION, {1: STS3215.word_at(1.6)})
        rig.twins["bus"].twin.receive(word, asyncio.get_running_loop().time())
        rig.halt()
        await rig.online()
        await asyncio.sleep(0.3)
        stood = rig.world()["base"]
        await asyncio.sleep(1)

        assert 0.01 < stood < 1.2
        assert rig.world()["base"] == stood
        assert rig.world()["base_torque"] is True
        assert all(proof.confirmed for proof in (await rig.confirm_stop()).values())
        assert joint_of(rig, "base").state is DeviceState.INACTIVE
        joint_of(rig, "base").activate()
        assert joint_of(rig, "base").hold() == pytest.approx(stood, abs=2 * STS3215.step_rad)

    story(tell)


def test_one_joint_that_is_silent_is_named_and_the_others_hold() -> None:
    async def tell(rig: Rig) -> None:
        motion = asyncio.ensure_future(group_of(rig).move_to({"base": 1.5, "elbow": 1.0}))
        await asyncio.sleep(0.6)
        rig.set_world("elbow_plugged", False)
        await asyncio.wait({motion})
        await asyncio.sleep(0.3)

        elbow = rig.devices["elbow"]
        assert elbow.fault is not None
        assert "servo 3 did not answer for 300 ms" in elbow.fault
        assert rig.boards["bus"].state is BoardState.ONLINE
        assert rig.devices["base"].state is DeviceState.ACTIVE
        assert rig.world()["base_speed"] == 0.0
        assert rig.world()["base_torque"] is True
        rig.set_world("elbow_plugged", None)
        await asyncio.sleep(0.5)
        assert elbow.state is DeviceState.INACTIVE

    story(tell)


@pytest.mark.parametrize(
    ("quantity", "value", "cure"),
    [
        ("base_temperature", 75.0, "it is too hot and has let go; let it cool"),
        ("voltage", 3.8, "measure the voltage at its plug"),
    ],
)
def test_what_ails_a_servo_is_told_with_what_to_do(quantity: str, value: float, cure: str) -> None:
    async def tell(rig: Rig) -> None:
        joint_of(rig, "base").hold()
        await asyncio.sleep(0.3)
        rig.set_world(quantity, value)
        await asyncio.sleep(0.2)

        base = rig.devices["base"]
        assert base.fault is not None
        assert cure in base.fault
        rig.set_world(quantity, None)
        await asyncio.sleep(0.5)
        assert base.state is DeviceState.INACTIVE

    story(tell)


def test_what_blocks_a_joint_ends_its_motion() -> None:
    async def tell(rig: Rig) -> None:
        joint_of(rig, "base").hold()
        await asyncio.sleep(0.3)
        rig.set_world("base", 0.0)

        with pytest.raises(DeviceRefused, match="base"):
            await joint_of(rig, "base").move_to(1.0)

    story(tell)


def test_its_own_profile_is_kept_whatever_somebody_left_there() -> None:
    async def tell(rig: Rig) -> None:
        tell_servo(rig, codec.write(1, models.ACCELERATION, b"\x05"))
        tell_servo(rig, codec.write(1, models.GOAL_SPEED, STS3215.word(20)))
        tell_servo(rig, codec.write(6, models.GOAL_TIME, SCS0009.word(3000)))
        await asyncio.sleep(0.2)

        cap = math.ceil(1.5 * math.radians(60) / STS3215.step_rad)
        assert read_servo(rig, 1, models.ACCELERATION, 1) == b"\x00"
        assert read_servo(rig, 1, models.GOAL_SPEED, 2) == STS3215.word(cap)
        cap = math.ceil(1.5 * math.radians(60) / SCS0009.step_rad)
        assert read_servo(rig, 6, models.GOAL_TIME, 4) == SCS0009.word(0) + SCS0009.word(cap)

    story(tell)


def refusal(change: Callable[[Rig], None]) -> BoardEvent:
    """What the board says when it comes back to servos that were changed meanwhile."""
    events: list[BoardEvent] = []

    async def tell(rig: Rig) -> None:
        rig.listen(events.append)
        change(rig)
        rig.inject("bus", "unplug 100 ms")
        await asyncio.sleep(2.0)

    story(tell)
    return events[-1]


@pytest.mark.parametrize(
    ("address", "data", "sentence"),
    [
        (models.MODE, b"\x01", "servo 2 is in mode 1 and holds no position; set its mode, at 33, to 0"),
        (
            models.MAX_POSITION,
            STS3215.word(3000),
            "servo 2 itself turns from -180.0 to 83.7 deg, but by the file it turns from -100.0 to 100.0 deg",
        ),
    ],
)
def test_a_servo_that_cannot_do_what_the_file_asks_is_refused(
    address: int, data: bytes, sentence: str
) -> None:
    unlock = codec.write(2, STS3215.lock, b"\x00")
    event = refusal(lambda rig: tell_servo(rig, unlock + codec.write(2, address, data)))

    assert event.kind == "refused"
    assert sentence in event.detail


@pytest.mark.parametrize(
    ("servo", "limits", "sentence"),
    [
        (2, STS3215.word(3000) + STS3215.word(1000), "servo 2 itself turns from 83.7 to -92.1 deg, but"),
        (6, bytes(4), "servo 6 turns on and on, and holds no position; set its limits, at 9 and 11, which"),
    ],
)
def test_limits_that_were_nonsense_before_are_refused_and_nothing_is_written(
    servo: int, limits: bytes, sentence: str
) -> None:
    events: list[BoardEvent] = []

    async def whole() -> None:
        async with simulated_arm() as rig:
            rig.listen(events.append)
            twin = rig.twins["bus"].twin
            assert isinstance(twin, FeetechTwin)
            set_before = next(each for each in twin.servos if each.id == servo)
            set_before.write(set_before.model.lock, b"\x00")
            set_before.write(models.MIN_POSITION, limits)
            await asyncio.sleep(3.0)
            assert read_servo(rig, servo, models.MIN_POSITION, 4) == limits

    virtual.run(whole())

    assert {event.kind for event in events} == {"refused"}
    assert sentence in events[-1].detail


def test_limits_of_zero_are_none() -> None:
    async def tell(rig: Rig) -> None:
        unlock = codec.write(1, STS3215.lock, b"\x00")
        tell_servo(rig, unlock + codec.write(1, models.MIN_POSITION, bytes(4)))
        rig.inject("bus", "unplug 100 ms")
        await asyncio.sleep(2.0)
        joint_of(rig, "base").activate()
        await joint_of(rig, "base").move_to(1.0)

        assert rig.world()["base"] == pytest.approx(1.0, abs=FIVE_DEG)
        assert read_servo(rig, 1, models.MIN_POSITION, 4) == bytes(4)

    story(tell)


def test_a_servo_that_a_damaged_word_made_a_motor_gets_its_limits_back() -> None:
    async def tell(rig: Rig) -> None:
        events: list[BoardEvent] = []
        rig.listen(events.append)
        before = read_servo(rig, 6, models.MIN_POSITION, 4)
        tell_servo(rig, codec.write(6, models.MIN_POSITION, bytes(4)))
        rig.inject("bus", "drop 100% for 400 ms")
        await asyncio.sleep(0.4)
        await rig.online()

        assert read_servo(rig, 6, models.MIN_POSITION, 4) == before
        assert "refused" not in {event.kind for event in events}

    story(tell)


def test_limits_that_a_damaged_word_made_nonsense_are_put_back() -> None:
    async def tell(rig: Rig) -> None:
        joint_of(rig, "base").hold()
        await asyncio.sleep(0.2)
        before = read_servo(rig, 1, models.MIN_POSITION, 4)
        goal = codec.sync_write(models.GOAL_POSITION, {1: STS3215.word_at(0.5)})
        one_bit_later = codec.sync_write(models.GOAL_POSITION ^ 32, {1: goal[-3:-1]})
        rig.twins["bus"].twin.receive(one_bit_later, asyncio.get_running_loop().time())
        assert read_servo(rig, 1, models.MIN_POSITION, 4) != before
        rig.inject("bus", "drop 100% for 400 ms")
        await asyncio.sleep(0.4)
        await rig.online()
        joint_of(rig, "base").activate()

        assert read_servo(rig, 1, models.MIN_POSITION, 4) == before
        await joint_of(rig, "base").move_to(0.5)
        assert rig.world()["base"] == pytest.approx(0.5, abs=FIVE_DEG)

    story(tell)


def test_an_adapter_that_hears_itself_is_as_good_as_any() -> None:
    async def tell(rig: Rig) -> None:
        twin = rig.twins["bus"]
        answer = twin.twin.receive
        twin.twin.receive = lambda data, now: data + answer(data, now)  # type: ignore[method-assign]  # the adapter
        await joint_of(rig, "base").move_to(0.5)
        await asyncio.sleep(1)

        assert {device.state for device in rig.devices.values()} == {DeviceState.ACTIVE}

    story(tell)


def told_of(servo: TwinJoint[SimulatedServo], seconds: float = 1.0) -> Board:
    """The board of the file's `base` after so long with this servo at the far end."""
    spec = {**DEVICES["base"], "id": 1}
    board = DRIVER.board(
        "bus",
        DRIVER.board_spec.model_validate(BOARDS["bus"]),
        lambda: TwinLink("bus", FeetechTwin({"base": servo})),
        random.Random(0),
    )
    board.add("base", DRIVER.device_specs["joint"].model_validate(spec))
    board.add("elbow", DRIVER.device_specs["joint"].model_validate(spec | {"id": 2}))

    async def whole() -> None:
        task = asyncio.create_task(board.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait({task})

    virtual.run(whole())
    return board


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (models.STS3250, "servo 1 is a STS3250, but the file says STS3215; correct `model` or `id`"),
        (replace(STS3215, version=(8, 8)), "servo 1 is no STS3215 (its version is 8.8), but the file says"),
    ],
)
def test_another_model_than_the_files_is_refused(other: Model, sentence: str) -> None:
    trouble = told_of(joint(1, other)).trouble

    assert isinstance(trouble, DeviceRefused)
    assert sentence in str(trouble)


def test_a_servo_that_does_not_answer_at_the_start_is_named() -> None:
    trouble = told_of(joint(1), seconds=15.0).trouble

    assert isinstance(trouble, DeviceSilent)
    assert "the others answer, but not elbow (id 2)" in str(trouble)
