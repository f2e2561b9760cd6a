"""A wire of servos that nobody has to buy."""

import math

import pytest

from hal import UnknownQuantity
from hal.drivers.feetech import codec, models
from hal.drivers.feetech.codec import Packet
from hal.drivers.feetech.models import SCS0009, STS3215, Trouble
from hal.drivers.feetech.servo import SimulatedServo
from tests.hal.drivers.feetech.servos import answers, bus, joint


def goal(position: int, speed: int = 0) -> bytes:
    return STS3215.word(position) + STS3215.word(0) + STS3215.word(speed)


def position(twin, servo: int = 1, now: float = 0.0) -> int:
    (answer,) = answers(twin, codec.read(servo, models.PRESENT_POSITION, 2), now)
    return STS3215.number_at(answer.data, 0)


def test_it_answers_the_manuals_questions_with_the_manuals_answers() -> None:
    twin = bus(shoulder=joint(1, angle_rad=(1304 - 2048) * STS3215.step_rad))

    assert twin.receive(bytes.fromhex("ff ff 01 02 01 fb"), 0.0).hex(" ") == "ff ff 01 02 00 fc"
    assert twin.receive(bytes.fromhex("ff ff 01 04 02 38 02 be"), 0.0).hex(" ") == "ff ff 01 04 00 18 05 dd"
    assert twin.receive(bytes.fromhex("ff ff 01 09 03 2a 00 08 00 00 e8 03 d5"), 0.0).hex(" ") == (
        "ff ff 01 02 00 fc"
    )
    assert twin.receive(bytes.fromhex("ff ff fe 02 05 fa"), 0.0) == b""


def test_nobody_answers_for_a_servo_that_is_not_there() -> None:
    assert answers(bus(shoulder=joint(1)), codec.ping(2)) == []


def test_it_says_which_servo_it_is_and_in_which_order_its_bytes_come() -> None:
    twin = bus(shoulder=joint(1), hand=joint(7, SCS0009, angle_rad=0.5))

    assert answers(twin, codec.read(1, models.VERSION, 2)) == [Packet(1, 0, bytes([9, 3]))]
    assert answers(twin, codec.read(7, models.VERSION, 2)) == [Packet(7, 0, bytes([5, 4]))]
    (answer,) = answers(twin, codec.read(7, models.PRESENT_POSITION, 2))
    assert int.from_bytes(answer.data, "big") == 512 + round(0.5 / math.radians(300) * 1024)


def test_with_torque_it_goes_to_its_goal_at_the_speed_it_is_told() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.GOAL_POSITION, goal(3048, 1000)), 0.0)
    assert position(twin, now=1.0) == 2048
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 1.0)

    assert position(twin, now=1.5) == pytest.approx(2548, abs=15)
    assert answers(twin, codec.read(1, models.MOVING, 1), 1.5) == [Packet(1, 0, b"\x01")]
    assert position(twin, now=3.0) == 3048
    assert answers(twin, codec.read(1, models.MOVING, 1), 3.0) == [Packet(1, 0, b"\x00")]


def test_a_speed_towards_lower_positions_has_its_sign_in_bit_15() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.0)
    twin.receive(codec.write(1, models.GOAL_POSITION, goal(0, 500)), 0.0)

    (answer,) = answers(twin, codec.read(1, models.PRESENT_SPEED, 2), 1.0)
    assert STS3215.number_at(answer.data, 0) == 0x8000 + 500
    assert twin.world()["shoulder_speed"] == pytest.approx(-500 * STS3215.step_rad)


def test_torque_that_is_switched_on_goes_to_the_goal_that_was_written_last() -> None:
    twin = bus(shoulder=joint(1))
    twin.set_world("shoulder", 0.5)
    twin.advance(0.1)
    twin.set_world("shoulder", None)
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.1)

    assert position(twin, now=2.0) == 2048


def test_a_goal_beyond_its_own_limits_ends_at_the_limit() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.MAX_POSITION, STS3215.word(2500)), 0.0)
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.0)
    twin.receive(codec.write(1, models.GOAL_POSITION, goal(4000)), 0.0)

    assert position(twin, now=3.0) == 2500


def test_several_are_read_at_once_in_the_order_of_the_question() -> None:
    twin = bus(shoulder=joint(1), elbow=joint(2, angle_rad=0.1), hand=joint(3, SCS0009))
    asked = codec.sync_read(models.PRESENT_POSITION, 2, [2, 9, 3, 1])

    # An SCS does not know the instruction, and there is no servo 9.
    assert [answer.id for answer in answers(twin, asked)] == [2, 1]


def test_several_are_written_to_at_once_and_none_answers() -> None:
    twin = bus(shoulder=joint(1), elbow=joint(2))
    twin.receive(codec.sync_write(models.TORQUE_ENABLE, {1: b"\x01", 2: b"\x01"}), 0.0)
    request = codec.sync_write(models.GOAL_POSITION, {1: goal(2148), 2: goal(1948)})

    assert twin.receive(request, 0.0) == b""
    assert (position(twin, 1, 1.0), position(twin, 2, 1.0)) == (2148, 1948)


def test_a_registered_write_waits_for_its_action() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.0)
    assert answers(twin, codec.reg_write(1, models.GOAL_POSITION, goal(2148))) == [Packet(1, 0, b"")]
    assert position(twin, now=1.0) == 2048
    assert answers(twin, codec.read(1, models.REG_WRITTEN, 1), 1.0) == [Packet(1, 0, b"\x01")]
    twin.receive(codec.action(), 1.0)

    assert position(twin, now=2.0) == 2148


def test_what_can_only_be_read_is_not_written_and_beyond_the_memory_there_is_nothing() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.VERSION, b"\x00\x00"), 0.0)
    twin.receive(codec.write(1, models.PRESENT_VOLTAGE, b"\x00\x00"), 0.0)

    assert answers(twin, codec.read(1, models.VERSION, 2))[0].data == bytes([9, 3])
    assert answers(twin, codec.read(1, models.PRESENT_VOLTAGE, 2))[0].data == bytes([74, 25])
    assert answers(twin, codec.read(1, 120, 20))[0].data == bytes(20)


def test_a_quiet_servo_answers_questions_alone() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.STATUS_LEVEL, b"\x00"), 0.0)

    assert answers(twin, codec.write(1, models.TORQUE_ENABLE, b"\x01")) == []
    assert answers(twin, codec.ping(1)) == [Packet(1, 0, b"")]
    assert twin.world()["shoulder_torque"] is True


def test_two_with_one_id_cannot_be_read_but_where_they_agree() -> None:
    twin = bus(SimulatedServo(STS3215, 1, angle_rad=1.0), shoulder=joint(1))

    assert answers(twin, codec.ping(1)) == [Packet(1, 0, b"")]
    assert answers(twin, codec.read(1, models.VERSION, 2)) == [Packet(1, 0, bytes([9, 3]))]
    assert answers(twin, codec.read(1, models.PRESENT_POSITION, 2)) == []


@pytest.mark.parametrize(
    ("quantity", "value", "trouble"),
    [
        ("shoulder_temperature", 71.0, Trouble.TEMPERATURE),
        ("voltage", 3.5, Trouble.VOLTAGE),
        ("voltage", 15.0, Trouble.VOLTAGE),
    ],
)
def test_what_endangers_it_shows_in_every_answer_and_it_lets_go(
    quantity: str, value: float, trouble: Trouble
) -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.0)
    twin.set_world(quantity, value)

    assert answers(twin, codec.ping(1), 0.01) == [Packet(1, trouble, b"")]
    assert twin.world()["shoulder_torque"] is False
    twin.set_world(quantity, None)
    assert answers(twin, codec.ping(1), 0.02) == [Packet(1, 0, b"")]
    assert twin.world()["shoulder_torque"] is False


def test_what_blocks_it_for_two_seconds_makes_it_let_go_until_its_torque_is_switched_on_again() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.0)
    twin.set_world("shoulder", 0.0)
    twin.receive(codec.write(1, models.GOAL_POSITION, goal(2500)), 0.0)

    assert answers(twin, codec.ping(1), 1.9) == [Packet(1, 0, b"")]
    assert answers(twin, codec.ping(1), 2.1) == [Packet(1, Trouble.LOAD, b"")]
    twin.set_world("shoulder", None)
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 3.0)
    assert answers(twin, codec.ping(1), 3.1) == [Packet(1, 0, b"")]
    assert position(twin, now=5.0) == 2500


def test_a_servo_whose_plug_is_out_is_silent_and_the_others_go_on() -> None:
    twin = bus(shoulder=joint(1), elbow=joint(2))
    twin.set_world("elbow_plugged", False)

    assert [answer.id for answer in answers(twin, codec.sync_read(56, 2, [1, 2]))] == [1]
    twin.set_world("elbow_plugged", None)
    assert [answer.id for answer in answers(twin, codec.sync_read(56, 2, [1, 2]))] == [1, 2]


def test_a_runaway_turns_to_its_end_whatever_it_is_told() -> None:
    twin = bus(shoulder=joint(1))
    twin.run_away("shoulder", on=True)
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x00"), 0.0)

    assert position(twin, now=3.0) == 4095
    twin.run_away("shoulder", on=False)
    assert twin.world()["shoulder_torque"] is False


def test_one_that_refuses_says_so_and_does_nothing_but_answer() -> None:
    twin = bus(shoulder=joint(1))
    twin.refusing = True
    twin.receive(codec.sync_write(models.TORQUE_ENABLE, {1: b"\x01"}), 0.0)

    assert answers(twin, codec.write(1, models.TORQUE_ENABLE, b"\x01")) == [Packet(1, Trouble.LOAD, b"")]
    assert answers(twin, codec.read(1, models.TORQUE_ENABLE, 1)) == [Packet(1, 0, b"\x00")]


def test_switched_off_and_on_it_is_limp_with_its_goal_where_it_stands() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 0.0)
    twin.receive(codec.write(1, models.GOAL_POSITION, goal(2148)), 0.0)
    twin.advance(1.0)
    twin.power_on(1.0)

    assert answers(twin, codec.read(1, models.TORQUE_ENABLE, 1), 1.0)[0].data == b"\x00"
    twin.receive(codec.write(1, models.TORQUE_ENABLE, b"\x01"), 1.0)
    assert position(twin, now=3.0) == 2148


def test_what_is_written_while_it_is_locked_is_gone_without_power() -> None:
    twin = bus(shoulder=joint(1))
    twin.receive(codec.write(1, models.MAX_TEMPERATURE, b"\x3c"), 0.0)
    twin.power_on(1.0)
    assert answers(twin, codec.read(1, models.MAX_TEMPERATURE, 1), 1.0)[0].data == b"\x46"
    twin.receive(codec.write(1, STS3215.lock, b"\x00") + codec.write(1, models.ID, b"\x05"), 1.0)
    twin.power_on(2.0)

    assert [answer.id for answer in answers(twin, codec.ping(5), 2.0)] == [5]


def test_its_world_has_what_can_be_read_of_it_and_names_what_it_has_not() -> None:
    twin = bus(shoulder=joint(1))

    assert set(twin.world()) == {
        "shoulder",
        "shoulder_speed",
        "shoulder_current",
        "shoulder_temperature",
        "shoulder_torque",
        "shoulder_plugged",
        "voltage",
    }
    with pytest.raises(UnknownQuantity, match="no 'knee'; it has shoulder, shoulder_plugged"):
        twin.set_world("knee", 1.0)
    with pytest.raises(UnknownQuantity):
        twin.run_away("voltage", on=True)


@pytest.mark.parametrize("code", [codec.READ, codec.WRITE, codec.REG_WRITE, codec.SYNC_READ, 0x0A, 0x55])
def test_what_makes_no_sense_is_not_answered(code: int) -> None:
    twin = bus(shoulder=joint(1))

    assert answers(twin, codec.packet(1, code)) == []
    assert answers(twin, codec.packet(codec.BROADCAST, codec.SYNC_WRITE, b"\x2a")) == []
