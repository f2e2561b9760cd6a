"""Feetech's servos on one wire, without the servos: what they answer, and how their shafts move.

Source of what they say: Feetech, "Servo SCS Communication Protocol". Each servo hears everything; answers
come at once and in order. Two with one id answer together, and the wire carries what both leave high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from hal.drivers.feetech import codec
from hal.drivers.feetech.codec import BROADCAST, Decoder, Packet
from hal.drivers.feetech.models import Trouble
from hal.drivers.feetech.servo import SimulatedServo
from hal.drivers.shaft import STEP_S
from hal.twin import UnknownQuantity

REFUSAL = Trouble.LOAD
"""The protocol has no refusal: a servo that does not obey says that it protects itself."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A servo as the robot's file has it: its angles there and those of its shaft."""

    servo: SimulatedServo
    from_servo: Callable[[float], float]
    to_servo: Callable[[float], float]


class FeetechTwin:
    """The far end of a servo bus: the file's servos by their names, and `strangers` that it does not know."""

    def __init__(self, joints: Mapping[str, Joint], strangers: Sequence[SimulatedServo] = ()) -> None:
        self.refusing = False
        self._joints = joints
        self._servos = [*(joint.servo for joint in joints.values()), *strangers]
        self._decoder = Decoder(rescans=False)
        self._epoch: float | None = None
        self._steps = 0
        self._settings = self._settable()

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """The wire is opened, and the supply is switched on with it: every servo is limp."""
        if self._epoch is None:
            self._epoch = now
        self.advance(now)
        self._decoder = Decoder(rescans=False)
        for servo in self._servos:
            servo.power_on()
        return b""

    def receive(self, data: bytes, now: float) -> bytes:
        """What the servos do with these bytes, and what they answer."""
        if self._epoch is None:
            return b""
        return b"".join([self._obey(packet) for packet in self._decoder.feed(data)])

    def advance(self, now: float) -> bytes:
        """Let the shafts move. A servo says nothing by itself."""
        if self._epoch is not None:
            due = int((now - self._epoch) / STEP_S + 1e-6)
            for servo in self._servos:
                servo.advance(due - self._steps)
            self._steps = due
        return b""

    def wakes_at(self) -> float | None:
        """Never: what happened meanwhile shows when somebody asks."""
        return None

    def world(self) -> dict[str, float | bool]:
        """By joint its angle (rad), speed, current, temperature and plug; the voltage of the supply."""
        found: dict[str, float | bool] = {}
        for name, joint in self._joints.items():
            shaft = joint.servo.shaft
            found[name] = joint.from_servo(shaft.angle_rad)
            found[f"{name}_speed"] = joint.from_servo(shaft.speed_rad_s) - joint.from_servo(0.0)
            found[f"{name}_current"] = shaft.current_a
            found[f"{name}_temperature"] = joint.servo.temperature_degc
            found[f"{name}_torque"] = joint.servo.has_torque
            found[f"{name}_plugged"] = joint.servo.plugged
        if self._servos:
            found["voltage"] = self._servos[0].supply_v
        return found

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Hold a joint somewhere, warm it, pull its plug; or change the voltage of the supply."""
        if name not in self._settings:
            raise UnknownQuantity(name, self._settings)
        self._settings[name](value)

    def run_away(self, name: str, *, on: bool) -> None:
        """The position sensor of a joint fails."""
        if name not in self._joints:
            raise UnknownQuantity(name, self._joints)
        self._joints[name].servo.run_away(on=on)

    # ------------------------------------------------------------------ what can be set

    def _settable(self) -> dict[str, Callable[[float | bool | None], None]]:
        settings: dict[str, Callable[[float | bool | None], None]] = {"voltage": self._set_supply}
        for name, joint in self._joints.items():
            settings[name] = _holds(joint)
            settings[f"{name}_temperature"] = _warms(joint.servo)
            settings[f"{name}_plugged"] = _plugs(joint.servo)
        return settings

    def _set_supply(self, value: float | bool | None) -> None:
        for servo in self._servos:
            servo.supply_v = servo.model.nominal_v if value is None else float(value)

    # ------------------------------------------------------------------ what the servos hear

    def _obey(self, packet: Packet) -> bytes:
        if packet.code == codec.SYNC_READ:
            return self._sync_read(packet.data)
        if packet.code == codec.SYNC_WRITE:
            self._sync_write(packet.data)
            return b""
        called = [s for s in self._servos if s.plugged and packet.id in (s.id, BROADCAST)]
        answers = [answer for servo in called if (answer := self._answer(servo, packet))]
        if packet.id == BROADCAST and packet.code != codec.PING:
            return b""
        return _together(answers)

    def _answer(self, servo: SimulatedServo, packet: Packet) -> bytes:
        """Let one servo do what it is told; what it says is for the one who called it alone."""
        data = packet.data
        who = servo.id
        if packet.code == codec.PING:
            return codec.packet(who, servo.trouble)
        if packet.code == codec.READ and len(data) == 2 and data[1] <= codec.LONGEST_DATA_BYTES:
            return codec.packet(who, servo.trouble, servo.read(data[0], data[1]))
        if self.refusing:
            return codec.packet(who, servo.trouble | REFUSAL) if servo.answers_writes else b""
        if packet.code == codec.WRITE and len(data) > 1:
            servo.write(data[0], data[1:])
        elif packet.code == codec.REG_WRITE and len(data) > 1:
            servo.reg_write(data[0], data[1:])
        elif packet.code == codec.ACTION:
            servo.action()
        else:
            return b""
        return codec.packet(who, servo.trouble) if servo.answers_writes else b""

    def _sync_read(self, data: bytes) -> bytes:
        if len(data) < 3 or data[1] > codec.LONGEST_DATA_BYTES:
            return b""
        answers = [
            _together([codec.packet(who, each.trouble, each.read(data[0], data[1])) for each in called])
            for who in data[2:]
            if (called := [s for s in self._servos if s.plugged and s.id == who and s.model.sync_read])
        ]
        return b"".join(answers)

    def _sync_write(self, data: bytes) -> None:
        if len(data) < 2 or self.refusing:
            return
        address, size = data[0], data[1] + 1
        for start in range(2, len(data) - size + 1, size):
            for servo in self._servos:
                if servo.plugged and servo.id == data[start]:
                    servo.write(address, data[start + 1 : start + size])


def _together(answers: Sequence[bytes]) -> bytes:
    """What is heard of several who speak at once: low wins, and who has more to say goes on alone."""
    if len(answers) < 2:
        return b"".join(answers)
    longest = max(map(len, answers))
    padded = [answer.ljust(longest, b"\xff") for answer in answers]
    return bytes(reduce(lambda a, b: a & b, column) for column in zip(*padded, strict=True))


def _holds(joint: Joint) -> Callable[[float | bool | None], None]:
    return lambda value: joint.servo.shaft.hold(None if value is None else joint.to_servo(float(value)))


def _warms(servo: SimulatedServo) -> Callable[[float | bool | None], None]:
    def warm(value: float | bool | None) -> None:
        servo.pinned_degc = None if value is None else float(value)

    return warm


def _plugs(servo: SimulatedServo) -> Callable[[float | bool | None], None]:
    def plug(value: float | bool | None) -> None:
        servo.plugged = value is None or bool(value)

    return plug
