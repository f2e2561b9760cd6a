"""The simulated servos: what they answer, refuse and protect."""

import math

import pytest

from hal import UnknownQuantity
from hal.drivers.dynamixel import codec, models
from hal.drivers.dynamixel.codec import BROADCAST, Decoder, Error, Packet
from hal.drivers.dynamixel.models import MODELS, HardwareError
from hal.drivers.dynamixel.servo import SimulatedServo
from hal.drivers.dynamixel.twin import DynamixelTwin
from hal.drivers.servo_twin import TwinJoint

XL330 = MODELS["XL330-M288"]


def word(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "little")


class Bus:
    """Servos on a wire, powered on at 0 s, and a clock."""

    def __init__(self, *strangers: SimulatedServo, **joints: int) -> None:
        self.servos = {name: SimulatedServo(XL330, servo) for name, servo in joints.items()}
        self.twin = DynamixelTwin(
            {name: TwinJoint(servo, float, float) for name, servo in self.servos.items()}, strangers
        )
        self.now = 0.0
        self.twin.power_on(0.0)

    def say(self, request: bytes) -> list[Packet]:
        return Decoder().feed(self.heard(request))

    def heard(self, request: bytes) -> bytes:
        return self.twin.advance(self.now) + self.twin.receive(request, self.now)

    def wait(self, duration_s: float) -> None:
        self.now += duration_s
        self.twin.advance(self.now)

    def value(self, servo: int, address: int, size: int = 1) -> int:
        (answer,) = self.say(codec.read(servo, address, size))
        return models.signed(answer.params)


def test_a_ping_to_all_is_answered_in_the_order_of_ids() -> None:
    bus = Bus(elbow=7, shoulder=2)
    answers = bus.say(codec.ping(BROADCAST))

    assert [(answer.id, answer.params) for answer in answers] == [
        (2, word(1200, 2) + b"\x34"),
        (7, word(1200, 2) + b"\x34"),
    ]


def test_what_may_not_be_written_is_refused_with_the_error_of_the_manual() -> None:
    bus = Bus(elbow=1)

    def refused(request: bytes) -> int:
        (answer,) = bus.say(request)
        return answer.error

    assert refused(codec.write(1, models.GOAL_POSITION, word(4096))) == Error.DATA_LIMIT
    assert refused(codec.write(1, models.GOAL_POSITION, b"\x00\x08")) == Error.DATA_LENGTH
    assert refused(codec.write(1, models.PRESENT_POSITION, word(1))) == Error.ACCESS
    assert refused(codec.write(1, models.TORQUE_ENABLE, b"\x02")) == Error.DATA_RANGE
    assert refused(codec.read(1, 146, 10)) == Error.ACCESS
    assert refused(codec.packet(1, codec.ACTION)) == Error.INSTRUCTION
    assert refused(codec.packet(1, 0x77)) == Error.INSTRUCTION
    assert refused(codec.write(1, models.TORQUE_ENABLE, b"\x01")) == Error.NONE
    assert refused(codec.write(1, models.RETURN_DELAY, b"\x00")) == Error.ACCESS
    bus.twin.refusing = True
    assert refused(codec.write(1, models.GOAL_POSITION, word(2000))) == Error.ACCESS


def test_who_answers_what_follows_the_status_return_level() -> None:
    bus = Bus(elbow=1)
    assert bus.say(codec.write(1, models.STATUS_RETURN_LEVEL, b"\x01")) == []
    assert bus.value(1, models.STATUS_RETURN_LEVEL) == 1
    bus.say(codec.write(1, models.STATUS_RETURN_LEVEL, b"\x00"))

    assert bus.say(codec.read(1, 0, 2)) == []
    assert len(bus.say(codec.ping(1))) == 1


def test_a_goal_is_reached_with_acceleration_and_within_the_top_speed() -> None:
    bus = Bus(elbow=1)
    bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
    bus.say(codec.write(1, models.GOAL_POSITION, word(models.CENTRE + 1024)))
    speeds = []
    for _ in range(60):
        bus.wait(0.005)
        speeds.append(float(bus.twin.world()["elbow_speed"]))
    assert 0 < speeds[0] < speeds[3] < max(speeds) <= XL330.top_speed_rad_s + 1e-9
    bus.wait(1.0)

    assert bus.twin.world()["elbow"] == pytest.approx(math.pi / 2)
    assert bus.value(1, models.PRESENT_POSITION, 4) == models.CENTRE + 1024


def test_without_torque_a_goal_is_kept_and_nothing_moves() -> None:
    bus = Bus(elbow=1)
    bus.say(codec.write(1, models.GOAL_POSITION, word(3000)))
    bus.wait(1.0)
    assert bus.twin.world()["elbow"] == 0.0

    bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
    bus.wait(1.0)
    assert bus.value(1, models.PRESENT_POSITION, 4) == 3000  # which is why nobody may switch it on like that


def test_a_registered_write_waits_for_action() -> None:
    bus = Bus(elbow=1)
    bus.say(codec.packet(1, codec.REG_WRITE, word(models.LED, 2) + b"\x01"))
    assert (bus.value(1, models.LED), bus.value(1, models.REGISTERED)) == (0, 1)
    bus.say(codec.packet(BROADCAST, codec.ACTION))

    assert (bus.value(1, models.LED), bus.value(1, models.REGISTERED)) == (1, 0)


def test_in_a_sync_read_nobody_answers_behind_one_that_is_silent() -> None:
    bus = Bus(shoulder=1, elbow=2, wrist=3)
    ask = codec.sync_read(models.PRESENT_POSITION, 4, [1, 2, 3])
    assert [answer.id for answer in bus.say(ask)] == [1, 2, 3]
    bus.twin.set_world("elbow_plugged", False)

    assert [answer.id for answer in bus.say(ask)] == [1]


def test_a_hardware_error_raises_the_alert_takes_the_torque_and_is_kept_until_a_reboot() -> None:
    bus = Bus(elbow=1)
    bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
    bus.twin.set_world("voltage", 8.2)
    bus.wait(0.2)
    bus.twin.set_world("voltage", None)
    bus.wait(0.2)
    (pong,) = bus.say(codec.ping(1))
    assert pong.alert
    assert bus.value(1, models.HARDWARE_ERROR) == HardwareError.INPUT_VOLTAGE
    assert bus.value(1, models.TORQUE_ENABLE) == 0
    (refused,) = bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
    assert refused.error == Error.RESULT_FAIL

    bus.say(codec.reboot(1))
    (pong,) = bus.say(codec.ping(1))
    assert not pong.alert


def test_what_pushes_against_something_too_long_is_overloaded() -> None:
    bus = Bus(elbow=1)
    bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
    bus.twin.set_world("elbow", 0.0)
    bus.say(codec.write(1, models.GOAL_POSITION, word(3000)))
    bus.wait(3.0)

    assert bus.value(1, models.HARDWARE_ERROR) & HardwareError.OVERLOAD
    assert not bus.twin.world()["elbow_torque"]


def test_a_watchdog_stops_what_nobody_talks_to_and_takes_no_goal_until_it_is_cleared() -> None:
    bus = Bus(elbow=1)
    bus.say(codec.write(1, models.BUS_WATCHDOG, b"\x05"))
    bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
    bus.say(codec.write(1, models.GOAL_POSITION, word(4000)))
    bus.wait(2.0)
    assert bus.twin.world()["elbow_speed"] == 0.0
    assert bus.value(1, models.BUS_WATCHDOG) == -1
    (refused,) = bus.say(codec.write(1, models.GOAL_POSITION, word(2000)))
    assert refused.error == Error.DATA_RANGE
    bus.say(codec.write(1, models.BUS_WATCHDOG, b"\x00"))

    (taken,) = bus.say(codec.write(1, models.GOAL_POSITION, word(2000)))
    assert taken.error == Error.NONE


def test_two_with_one_id_destroy_each_others_answers() -> None:
    bus = Bus(SimulatedServo(XL330, 3, angle_rad=1.0), elbow=3)

    assert bus.heard(codec.read(3, models.PRESENT_POSITION, 4))
    assert bus.say(codec.read(3, models.PRESENT_POSITION, 4)) == []


def test_the_world_has_what_a_scenario_needs_and_says_what_it_has_not() -> None:
    bus = Bus(elbow=1)
    assert set(bus.twin.world()) == {
        *("elbow", "elbow_speed", "elbow_current", "elbow_temperature", "elbow_torque", "elbow_plugged"),
        "voltage",
    }
    with pytest.raises(UnknownQuantity, match="it has elbow, elbow_plugged, elbow_temperature, voltage"):
        bus.twin.set_world("knee", 1.0)
    with pytest.raises(UnknownQuantity):
        bus.twin.run_away("knee", on=True)
    bus.twin.run_away("elbow", on=True)
    bus.wait(1.0)

    assert bus.twin.world()["elbow"] == pytest.approx(math.pi)


def test_how_time_is_cut_into_steps_changes_nothing() -> None:
    def world(cuts: int) -> dict[str, float | bool]:
        bus = Bus(elbow=1)
        bus.say(codec.write(1, models.TORQUE_ENABLE, b"\x01"))
        bus.say(codec.write(1, models.GOAL_POSITION, word(3500)))
        for _ in range(cuts):
            bus.wait(3.0 / cuts)
        return bus.twin.world()

    assert world(1) == world(600)
