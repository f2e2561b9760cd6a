"""A bus of Dynamixel servos, on a half-duplex wire on which every byte takes its time."""

import asyncio
import random
from itertools import count

import pytest

from hal import Actuator, DeviceRefused, DeviceState, Gripper, Halted
from hal.drivers.dynamixel import codec, models
from hal.drivers.dynamixel.servo import SimulatedServo
from hal.drivers.servo_bus import NUMBERS
from tests import virtual
from tests.hal.drivers.servo_arm import JOINTS, NAMES, Arm, joint, listen_to, story

STEP_RAD = models.STEP_RAD
PERIOD_S = 0.02


def now() -> float:
    return asyncio.get_running_loop().time()


def faults(arm: Arm) -> dict[str, str | None]:
    return {name: d.fault for name, d in arm.board.devices.items() if d.state is DeviceState.FAULTED}


# ---------------------------------------------------------------------------------- the line


def test_reads_leave_room_and_setpoints_are_on_it_within_eight_milliseconds() -> None:
    async def tell(arm: Arm) -> None:
        written: list[float] = []
        for pause in range(50):
            await asyncio.sleep(PERIOD_S + pause * 0.0007)
            began, arm.wire.requests = now(), []
            arm.joint("elbow").axis.output.write(0.001 * pause)
            await asyncio.sleep(0.01)
            sent = [at for at, request in arm.wire.requests if request[7] == codec.SYNC_WRITE]
            written.append(min(sent) - began)

        assert max(written) < 0.008

    story(tell, holds=True)


# ---------------------------------------------------------------------------------- silence and errors


def test_a_joint_that_is_silent_for_300_ms_is_faulted_by_name_and_the_others_hold() -> None:
    async def tell(arm: Arm) -> None:
        stood = {name: arm.angle(name) for name in NAMES}
        arm.twin.set_world("elbow_plugged", False)
        reads = listen_to(arm.board, 6)
        await asyncio.sleep(0.28)
        assert faults(arm) == {}
        assert len(reads) >= 13  # those behind it in the question are read as before, from the start
        await asyncio.sleep(0.08)

        assert list(faults(arm)) == ["elbow"]
        assert "servo 3 did not answer for 300 ms; is its plug in" in str(faults(arm)["elbow"])
        reads.clear()
        await asyncio.sleep(2)
        assert {name: arm.angle(name) for name in NAMES} == stood
        assert all(arm.twin.world()[f"{name}_torque"] for name in NAMES if name != "elbow")
        assert len(reads) >= 98

        arm.twin.set_world("elbow_plugged", None)
        await asyncio.sleep(0.3)
        assert arm.joint("elbow").state is DeviceState.INACTIVE
        assert arm.events == []

    story(tell, holds=True)


def test_two_silent_joints_are_both_named_and_nobody_else() -> None:
    async def tell(arm: Arm) -> None:
        arm.twin.set_world("shoulder_plugged", False)
        arm.twin.set_world("roll_plugged", False)
        await asyncio.sleep(2)

        assert list(faults(arm)) == ["shoulder", "roll"]

    story(tell)


def test_all_servos_silent_is_a_silent_board() -> None:
    async def tell(arm: Arm) -> None:
        for name in NAMES:
            arm.twin.set_world(f"{name}_plugged", False)
        await asyncio.sleep(0.4)

        assert [event.kind for event in arm.events] == ["silent"]
        assert "do they have power" in arm.events[0].detail
        for name in NAMES:
            arm.twin.set_world(f"{name}_plugged", None)
        await asyncio.sleep(0.5)
        assert [event.kind for event in arm.events] == ["silent", "back"]

    story(tell)


def test_a_hardware_error_is_told_with_the_joint_what_it_is_and_what_to_do() -> None:
    async def tell(arm: Arm) -> None:
        arm.twin.set_world("wrist_temperature", 75.0)
        await asyncio.sleep(0.25)

        assert list(faults(arm)) == ["wrist"]
        assert faults(arm)["wrist"] == (
            "it is too hot: let it cool, and lighten its load; then switch its supply off and on"
        )
        assert not arm.twin.world()["wrist_torque"]
        arm.twin.set_world("wrist_temperature", None)
        await asyncio.sleep(1)
        assert list(faults(arm)) == ["wrist"]  # it is kept until it starts anew

        arm.servo("wrist").power_on()
        await asyncio.sleep(1)
        assert arm.joint("wrist").state is DeviceState.INACTIVE

    story(tell, holds=True)


@pytest.mark.parametrize(
    ("errors", "words"),
    [(1, "supply"), (4, "too hot"), (8, "encoder"), (16, "shock"), (32, "overloaded"), (64, "0x40")],
)
def test_each_hardware_error_says_what_to_do(errors: int, words: str) -> None:
    sentence = models.explain(errors)

    assert sentence is not None
    assert words in sentence
    assert "switch its supply off and on" in sentence
    assert models.explain(0) is None


def test_a_servo_that_starts_anew_by_itself_stops_its_joint_and_gets_no_torque_back() -> None:
    async def tell(arm: Arm) -> None:
        motion = asyncio.create_task(arm.joint("base").move_to(2.0))
        await asyncio.sleep(0.5)
        arm.servo("base").power_on()

        with pytest.raises((DeviceRefused, Halted), match=r"torque went off by itself|distance"):
            await motion
        await asyncio.sleep(1)
        assert not arm.twin.world()["base_torque"]

    story(tell)


# ---------------------------------------------------------------------------------- torque and goals


def test_torque_never_jumps_wherever_it_was_turned_by_hand_and_whatever_goal_it_still_had() -> None:
    async def tell(arm: Arm) -> None:
        elbow = arm.joint("elbow")
        for angle in (0.8, -0.8, 0.3):
            elbow.release()
            await asyncio.sleep(0.1)
            arm.twin.set_world("elbow", angle)
            await asyncio.sleep(0.1)
            arm.twin.set_world("elbow", None)
            elbow.hold()
            for _ in range(60):
                await asyncio.sleep(0.01)
                assert arm.angle("elbow") == pytest.approx(angle, abs=2 * STEP_RAD)
            assert arm.twin.world()["elbow_torque"]

    story(tell, damaged=0.1)


def test_while_its_goal_does_not_reach_it_a_joint_gets_no_torque() -> None:
    async def tell(arm: Arm) -> None:
        arm.twin.set_world("elbow", 0.8)
        await asyncio.sleep(0.1)
        arm.twin.set_world("elbow", None)
        arm.wire.loses = lambda request: request[7:9] == bytes([codec.SYNC_WRITE, models.GOAL_POSITION])
        arm.joint("elbow").hold()
        await asyncio.sleep(0.5)
        assert not arm.twin.world()["elbow_torque"]
        arm.wire.loses = lambda request: False
        await asyncio.sleep(0.2)

        assert arm.twin.world()["elbow_torque"]
        assert arm.angle("elbow") == pytest.approx(0.8, abs=2 * STEP_RAD)

    story(tell)


def test_a_stop_gives_no_torque_to_what_waits_for_it() -> None:
    async def tell(arm: Arm) -> None:
        arm.wire.loses = lambda request: request[7:9] == bytes([codec.SYNC_WRITE, models.GOAL_POSITION])
        arm.joint("elbow").hold()
        await asyncio.sleep(0.01)
        told = codec.Decoder().feed(arm.board.stop_frames())

        assert [packet.data[0] for packet in told] == [models.GOAL_POSITION]

    story(tell)


def test_a_late_answer_never_looks_like_that_to_the_next_question_and_the_temperature_comes_too() -> None:
    async def tell(arm: Arm) -> None:
        arm.wire.requests.clear()
        await asyncio.sleep(1)
        counts = [request[10] for _, request in arm.wire.requests if request[7] == codec.SYNC_READ]

        for start in range(len(counts) - NUMBERS + 1):
            assert len({*counts[start : start + NUMBERS]}) == NUMBERS
        temperature = arm.joint("hand").reading("temperature")
        assert temperature is not None
        assert temperature.value == 25.0
        assert now() - temperature.at < 0.6

    story(tell)


def test_a_lost_goal_is_told_again_and_so_is_a_lost_release() -> None:
    async def tell(arm: Arm) -> None:
        elbow = arm.joint("elbow")
        elbow.hold()
        await asyncio.sleep(0.2)
        arm.twin.refusing = True
        elbow.axis.output.write(0.05)
        await asyncio.sleep(0.1)
        arm.twin.refusing = False
        await asyncio.sleep(0.2)
        assert arm.angle("elbow") == pytest.approx(0.05, abs=STEP_RAD)

        arm.twin.refusing = True
        elbow.release()
        await asyncio.sleep(0.1)
        arm.twin.refusing = False
        await asyncio.sleep(0.2)
        assert not arm.twin.world()["elbow_torque"]

    story(tell)


def test_offset_and_direction_are_those_of_the_file() -> None:
    async def tell(arm: Arm) -> None:
        await arm.joint("elbow").move_to(0.5)
        assert arm.angle("elbow") == pytest.approx(0.5, abs=2 * STEP_RAD)
        shaft = arm.servo("elbow").shaft

        assert shaft.angle_rad == pytest.approx(-0.5 + 0.5236, abs=2 * STEP_RAD)
        moving = asyncio.create_task(arm.joint("elbow").move_to(1.0))
        await asyncio.sleep(0.25)
        velocity = arm.joint("elbow").reading("velocity")
        assert velocity is not None
        assert velocity.value > 0.1
        await moving

    story(tell, {"elbow": joint(3, offset="30 deg", reversed=True)})


# ---------------------------------------------------------------------------------- stopping


def test_a_stop_past_the_bus_holds_every_joint_where_it_is_and_no_goal_of_before_comes_after_it() -> None:
    async def tell(arm: Arm) -> None:
        motions = [asyncio.create_task(arm.joint(name).move_to(1.5)) for name in NAMES]
        await asyncio.sleep(0.5137)
        at, there = now(), arm.angle("hand")
        arm.board.halt()
        for device in arm.board.devices.values():
            assert isinstance(device, Actuator)
            device.halt()
        await asyncio.sleep(0.1)
        proofs = await arm.board.confirm_stop()

        assert all(proof.confirmed for proof in proofs.values())
        assert now() - at < 0.2
        assert arm.angle("hand") == pytest.approx(there, abs=0.06)
        stood = arm.angle("hand")
        await asyncio.sleep(1)
        assert arm.angle("hand") == stood
        for motion in motions:
            with pytest.raises(Halted):
                await motion

    story(tell)


def test_what_turns_when_its_line_comes_back_is_held_where_it_is() -> None:
    async def tell(arm: Arm) -> None:
        arm.wire.loses = lambda request: True
        await asyncio.sleep(0.4)
        goal = models.position_of(1.9).to_bytes(4, "little", signed=True)
        arm.twin.receive(codec.write(3, models.GOAL_POSITION, goal), now())
        arm.wire.loses = lambda request: False
        await arm.board.online()
        await asyncio.sleep(0.5)
        stood = arm.angle("elbow")
        await asyncio.sleep(1)

        assert 0.01 < stood < 1.5
        assert arm.angle("elbow") == stood
        assert arm.twin.world()["elbow_torque"] is True
        assert (await arm.board.confirm_stop())["elbow"].confirmed

    story(tell, holds=True)


def test_where_the_stop_got_lost_it_is_not_told_again_once_the_joint_stands() -> None:
    async def tell(arm: Arm) -> None:
        elbow = arm.joint("elbow")
        motion = asyncio.create_task(elbow.move_to(1.5))
        await asyncio.sleep(0.5137)
        arm.wire.loses = lambda request: request[7:9] == bytes([codec.SYNC_WRITE, models.GOAL_POSITION])
        halted_at = arm.angle("elbow")
        elbow.halt()
        await asyncio.sleep(0.3)
        arm.wire.loses = lambda request: False
        stood = arm.angle("elbow")
        await asyncio.sleep(1)

        assert stood > halted_at + 0.005
        assert arm.angle("elbow") == stood
        assert elbow.axis.goal == pytest.approx(stood, abs=2 * STEP_RAD)
        with pytest.raises(Halted):
            await motion

    story(tell)


def test_a_joint_that_goes_limp_by_a_stop_is_confirmed_when_it_has_no_torque() -> None:
    async def tell(arm: Arm) -> None:
        arm.twin.refusing = True
        arm.board.halt()
        proofs = await arm.board.confirm_stop()
        assert proofs["elbow"].why == "servo 3 still has torque"
        assert proofs["hand"].confirmed
        arm.twin.refusing = False
        arm.board.halt()
        proofs = await arm.board.confirm_stop()

        assert proofs["elbow"].confirmed
        assert not arm.twin.world()["elbow_torque"]
        assert arm.twin.world()["hand_torque"]

    story(tell, {"elbow": joint(3, on_stop="off"), "hand": joint(6)}, holds=True)


def test_after_a_stop_past_the_bus_it_is_quiet_until_that_is_out_and_nothing_that_waited_follows() -> None:
    async def tell(arm: Arm) -> None:
        listen = listen_to(arm.board, 6)
        await asyncio.sleep(0.1)
        await asyncio.sleep(listen[-1] + PERIOD_S + 0.008 - now())  # between two reads
        arm.wire.requests.clear()
        arm.joint("elbow").axis.output.write(0.3)
        arm.board.halt()
        arm.joint("wrist").axis.output.write(0.001)
        await asyncio.sleep(0.1)

        assert arm.wire.collisions == 0
        goals = [codec.Decoder().feed(request)[0].data for _, request in arm.wire.requests[1:]]
        assert [data[4:] for data in goals if data[0] == models.GOAL_POSITION and len(data) == 9] == [
            bytes([4]) + models.position_of(0.001).to_bytes(4, "little")
        ]
        assert arm.angle("elbow") == 0.0

    story(tell, holds=True)


def test_a_grip_is_confirmed_to_be_kept_only_while_its_servo_has_torque() -> None:
    gripper = {"kind": "gripper", "board": "servos", "id": 6, "closed": "0 deg", "open": "60 deg"}

    async def tell(arm: Arm) -> None:
        hand = arm.board.devices["hand"]
        assert isinstance(hand, Gripper)
        await hand.open()
        arm.board.halt()
        kept = await arm.board.confirm_stop()
        arm.servo("hand").power_on()
        arm.board.halt()
        lost = await arm.board.confirm_stop()

        assert kept["hand"].confirmed
        assert lost["hand"].why == "servo 6 has no torque"

    story(tell, {"hand": gripper})


def test_what_runs_away_is_never_said_to_stand() -> None:
    async def tell(arm: Arm) -> None:
        arm.twin.run_away("elbow", on=True)
        await asyncio.sleep(0.05)
        proofs = await arm.board.confirm_stop()

        assert "servo 3 still turns" in str(proofs["elbow"].why)
        assert proofs["wrist"].confirmed

    story(tell)


def test_the_stop_frames_work_in_the_middle_of_any_request() -> None:
    async def tell(arm: Arm) -> None:
        motions = [asyncio.create_task(arm.joint(name).move_to(2.0)) for name in NAMES]
        await asyncio.sleep(0.4)
        requests = {request for _, request in arm.wire.requests[-200:]}
        stop = arm.board.stop_frames()
        for request in sorted(requests | {stop}):
            for cut in range(len(request)):
                for name in NAMES:  # as far from the goal of the stop as may be
                    servo = arm.servo(name)
                    servo.write(models.GOAL_POSITION, (4000).to_bytes(4, "little"))
                arm.twin.receive(request[:cut], now())
                arm.twin.receive(stop, now())

                goals = [arm.servo(name).read(models.GOAL_POSITION, 4) for name in NAMES]
                assert (4000).to_bytes(4, "little") not in goals, (request.hex(), cut)
        for motion in motions:
            motion.cancel()
        await asyncio.gather(*motions, return_exceptions=True)

    story(tell)


def test_what_is_limp_stays_limp_by_a_stop_and_what_holds_has_its_torque_written() -> None:
    async def tell(arm: Arm) -> None:
        arm.joint("elbow").hold()
        await asyncio.sleep(0.2)
        stop = arm.board.stop_frames()

        (goal, torque) = codec.Decoder().feed(stop)
        assert (goal.instruction, torque.instruction) == (codec.SYNC_WRITE, codec.SYNC_WRITE)
        assert goal.data == bytes([116, 0, 4, 0, 3]) + (2048).to_bytes(4, "little")
        assert torque.data == bytes([64, 0, 1, 0, 3, 1])
        arm.joint("elbow").release()
        await asyncio.sleep(0.2)
        assert codec.Decoder().feed(arm.board.stop_frames()) == []

    story(tell)


# ---------------------------------------------------------------------------------- who is there


async def refusal(arm: Arm, within_s: float = 5.0) -> str:
    task = asyncio.create_task(arm.board.run())
    await asyncio.sleep(within_s)
    task.cancel()
    await asyncio.wait({task})
    return str(arm.events[0].detail)


def test_its_own_limits_mean_nothing_where_it_turns_on_and_on() -> None:
    arm = Arm()
    arm.servo("base").write(models.OPERATING_MODE, b"\x04")
    arm.servo("base").write(models.MAX_POSITION_LIMIT, (3000).to_bytes(4, "little"))

    async def story() -> None:
        async with arm.online():
            arm.activate()
            assert await arm.joint("base").move_to(2.0) == pytest.approx(2.0, abs=0.02)

    virtual.run(story())


@pytest.mark.parametrize("lost", [0, 1], ids=["heard", "lost once"])
def test_a_profile_that_somebody_left_in_a_servo_makes_it_no_slower(lost: int) -> None:
    def is_profile(request: bytes) -> bool:
        return request[7:9] == bytes([codec.SYNC_WRITE, models.PROFILE_ACCELERATION])

    async def tell(arm: Arm) -> None:
        arm.wire.loses = lambda request: True
        await asyncio.sleep(0.4)
        arm.servo("base").write(models.PROFILE_VELOCITY, (5).to_bytes(4, "little"))
        arm.servo("base").write(models.PROFILE_ACCELERATION, (1).to_bytes(4, "little"))
        arm.events.clear()
        told = count()
        arm.wire.loses = lambda request: is_profile(request) and next(told) < lost
        await arm.board.online()
        arm.activate()
        began = now()
        assert await arm.joint("base").move_to(1.0) == pytest.approx(1.0, abs=0.02)
        assert now() - began < 3.0
        assert [event.kind for event in arm.events] == ["back"]
        assert next(told) >= len(arm.devices) + lost

    story(tell)


def test_a_servo_that_is_missing_another_model_and_a_wrong_mode_are_named_with_the_next_step() -> None:
    async def story() -> None:
        arm = Arm()
        arm.twin.set_world("wrist_plugged", False)
        assert "but not wrist (id 4); is the plug in" in await refusal(arm)

        arm = Arm(JOINTS | {"hand": joint(6, model="XM430-W350")}, real=JOINTS)
        assert await refusal(arm) == "id 6 of servos is an XL330-M288, not the XM430-W350 of the file"

        arm = Arm()
        arm.servo("base").write(models.OPERATING_MODE, b"\x01")
        assert "the operating mode of id 1 is 1, in which it takes no angles" in await refusal(arm)

        arm = Arm()
        arm.servo("base").write(models.MAX_POSITION_LIMIT, (3000).to_bytes(4, "little"))
        assert await refusal(arm) == (
            "servo 1 itself turns from -180.0 to 83.7 deg, but by the file it turns from -120.0 to 120.0 deg"
            "; change the one or the other"
        )

    virtual.run(story())


def test_a_kind_that_no_servo_has_and_an_id_that_is_taken_are_refused() -> None:
    with pytest.raises(DeviceRefused, match="id 1 of servos is used by base already"):
        Arm(JOINTS | {"other": joint(1)})


def test_a_deadman_in_the_file_sets_the_watchdogs_which_stop_an_arm_that_nobody_talks_to() -> None:
    async def tell(arm: Arm) -> None:
        motion = asyncio.create_task(arm.joint("base").move_to(2.0))
        await asyncio.sleep(0.5)
        servo = arm.servo("base")
        assert servo.read(models.BUS_WATCHDOG, 1) == b"\x0a"
        servo.advance(60)  # 300 ms in which nobody says anything

        assert servo.read(models.BUS_WATCHDOG, 1) == b"\xff"
        assert servo.shaft.speed_rad_s == 0
        motion.cancel()
        await asyncio.wait({motion})
        await asyncio.sleep(1)
        assert servo.read(models.BUS_WATCHDOG, 1) == b"\x0a"  # it is talked to again

    story(tell, board={"deadman": "200 ms"})


def test_ids_of_strangers_on_the_bus_disturb_nobody() -> None:
    async def tell(arm: Arm) -> None:
        arm.twin.servos.append(SimulatedServo(models.MODELS["XL330-M288"], 9))
        await arm.joint("elbow").move_to(random.Random(1).uniform(0.2, 0.4))

        assert arm.events == []

    story(tell, {"elbow": joint(3)})
