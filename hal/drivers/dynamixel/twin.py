"""Dynamixel servos on one wire, without the servos: what they answer, and how their shafts move.

Source of what they say: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0". Each servo hears everything; answers come
at once and in order. In a sync read a servo speaks when it has heard the one before it. Two with one id speak
together, and the wire carries what both leave high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from hal.drivers.dynamixel import codec
from hal.drivers.dynamixel.codec import BROADCAST, Decoder, Error, Packet
from hal.drivers.dynamixel.servo import FIRMWARE, SimulatedServo
from hal.drivers.shaft import STEP_S
from hal.twin import UnknownQuantity

LONGEST_REQUEST = 140
"""A servo's buffer: it takes no packet whose length is more than this."""


@dataclass(frozen=True, slots=True)
class TwinJoint:
    """A servo as the robot's file has it: its angles there and those of its shaft."""

    servo: SimulatedServo
    from_servo: Callable[[float], float]
    to_servo: Callable[[float], float]


class DynamixelTwin:
    """The far end of a servo bus: the file's servos by their names, and `strangers` that it does not know."""

    def __init__(self, joints: Mapping[str, TwinJoint], strangers: Sequence[SimulatedServo] = ()) -> None:
        self.refusing = False
        self.joints = joints
        """By name."""
        self.servos = [*(joint.servo for joint in joints.values()), *strangers]
        """All on the wire."""
        self._decoder = _decoder()
        self._epoch: float | None = None
        self._steps = 0
        self._settings = self._settable()

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """The wire is opened, and the supply is switched on with it: every servo is limp."""
        if self._epoch is None:
            self._epoch = now
        self.advance(now)
        self._decoder = _decoder()
        for servo in self.servos:
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
            if due != self._steps:
                for servo in self.servos:
                    servo.advance(due - self._steps)
                self._steps = due
        return b""

    def wakes_at(self) -> float | None:
        """Never: what happened meanwhile shows when somebody asks."""
        return None

    def world(self) -> dict[str, float | bool]:
        """By joint its angle (rad), speed, current, temperature, torque and plug; the supply's voltage."""
        found: dict[str, float | bool] = {}
        for name, joint in self.joints.items():
            servo = joint.servo
            found[name] = joint.from_servo(servo.shaft.angle_rad)
            found[f"{name}_speed"] = joint.from_servo(servo.shaft.speed_rad_s) - joint.from_servo(0.0)
            found[f"{name}_current"] = servo.shaft.current_a
            found[f"{name}_temperature"] = servo.temperature_degc
            found[f"{name}_torque"] = servo.has_torque
            found[f"{name}_plugged"] = servo.plugged
        if self.servos:
            found["voltage"] = self.servos[0].supply_v
        return found

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Hold a joint somewhere, warm it, pull its plug; or change the voltage of the supply."""
        if name not in self._settings:
            raise UnknownQuantity(name, self._settings)
        self._settings[name](value)

    def run_away(self, name: str, *, on: bool) -> None:
        """The position sensor of a joint fails."""
        if name not in self.joints:
            raise UnknownQuantity(name, self.joints)
        self.joints[name].servo.run_away(on=on)

    # ------------------------------------------------------------------ what can be set

    def _settable(self) -> dict[str, Callable[[float | bool | None], None]]:
        settings: dict[str, Callable[[float | bool | None], None]] = {"voltage": self._set_supply}
        for name, joint in self.joints.items():
            settings[name] = _holds(joint)
            settings[f"{name}_temperature"] = _warms(joint.servo)
            settings[f"{name}_plugged"] = _plugs(joint.servo)
        return settings

    def _set_supply(self, value: float | bool | None) -> None:
        for servo in self.servos:
            servo.supply_v = servo.model.nominal_v if value is None else float(value)

    # ------------------------------------------------------------------ what the servos hear

    def _obey(self, packet: Packet) -> bytes:
        for servo in self.servos:
            servo.heard()
        if packet.instruction == codec.SYNC_READ:
            return self._sync_read(packet.data)
        if packet.instruction == codec.SYNC_WRITE:
            self._sync_write(packet.data)
            return b""
        called = [s for s in self.servos if s.plugged and packet.id in (s.id, BROADCAST)]
        if packet.id == BROADCAST and packet.instruction == codec.PING:
            ids = sorted({servo.id for servo in called})
            return b"".join(_together([_pong(s) for s in called if s.id == who]) for who in ids)
        answers = [answer for servo in called if (answer := self._answer(servo, packet))]
        return b"" if packet.id == BROADCAST else _together(answers)

    def _answer(self, servo: SimulatedServo, packet: Packet) -> bytes:
        """Let one servo do what it is told; what it says is for the one who called it alone."""
        data = packet.data
        if packet.instruction == codec.PING:
            return _pong(servo)
        if packet.instruction == codec.READ:
            return _shown(servo, data) if servo.status_level >= 1 and len(data) == 4 else b""
        error = Error.ACCESS if self.refusing else _do(servo, packet.instruction, data)
        if error is None or servo.status_level < 2:
            return b""
        return codec.status(servo.id, error=error, alert=servo.alert)

    def _sync_read(self, data: bytes) -> bytes:
        said: list[bytes] = []
        for who in data[4:]:
            called = [s for s in self.servos if s.plugged and s.id == who and s.status_level >= 1]
            if not called:
                break  # those behind it in the question wait for its answer, and it never comes
            said.append(_together([_shown(servo, data[:4]) for servo in called]))
        return b"".join(said)

    def _sync_write(self, data: bytes) -> None:
        if len(data) < 4 or self.refusing:
            return
        address, size = _word(data, 0), _word(data, 2) + 1
        for start in range(4, len(data) - size + 1, size):
            for servo in self.servos:
                if servo.plugged and servo.id == data[start]:
                    servo.write(address, data[start + 1 : start + size])


def _decoder() -> Decoder:
    return Decoder(rescans=False, longest_length=LONGEST_REQUEST)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _pong(servo: SimulatedServo) -> bytes:
    about = servo.model.number.to_bytes(2, "little") + bytes([FIRMWARE])
    return codec.status(servo.id, about, alert=servo.alert)


def _shown(servo: SimulatedServo, question: bytes) -> bytes:
    found = servo.read(_word(question, 0), _word(question, 2))
    if found is None:
        return codec.status(servo.id, error=Error.ACCESS, alert=servo.alert)
    return codec.status(servo.id, found, alert=servo.alert)


def _do(servo: SimulatedServo, instruction: int, data: bytes) -> Error | None:
    """None: it has no answer to that."""
    if instruction == codec.WRITE:
        return servo.write(_word(data, 0), data[2:])
    if instruction == codec.REG_WRITE:
        return servo.register(_word(data, 0), data[2:])
    if instruction == codec.ACTION:
        return servo.action()
    if instruction == codec.REBOOT:
        servo.power_on()
        return Error.NONE
    return None if instruction == codec.STATUS else Error.INSTRUCTION


def _together(answers: Sequence[bytes]) -> bytes:
    """What is heard of several who speak at once: low wins, and who has more to say goes on alone."""
    if len(answers) < 2:
        return b"".join(answers)
    longest = max(map(len, answers))
    padded = [answer.ljust(longest, b"\xff") for answer in answers]
    return bytes(reduce(lambda a, b: a & b, column) for column in zip(*padded, strict=True))


def _holds(joint: TwinJoint) -> Callable[[float | bool | None], None]:
    return lambda value: joint.servo.shaft.hold(None if value is None else joint.to_servo(float(value)))


def _warms(servo: SimulatedServo) -> Callable[[float | bool | None], None]:
    def warm(value: float | bool | None) -> None:
        servo.pinned_degc = None if value is None else float(value)

    return warm


def _plugs(servo: SimulatedServo) -> Callable[[float | bool | None], None]:
    def plug(value: float | bool | None) -> None:
        servo.plugged = value is None or bool(value)

    return plug
