"""Servos on one wire, without the servos: what is alike for every maker's protocol. No I/O, no clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, Protocol, TypeVar

from hal.device import DeviceSpec
from hal.drivers.shaft import STEP_S, Shaft
from hal.kinds import AxisSpec
from hal.twin import UnknownQuantity


class Model(Protocol):
    """What is known of a servo by its model."""

    @property
    def nominal_v(self) -> float:
        """The supply that it is made for."""

    @property
    def top_speed_rad_s(self) -> float:
        """Without load, at that voltage."""


class SmartServo(ABC):
    """One servo, whatever it speaks. Its maker adds what it remembers, what it obeys and what protects it."""

    def __init__(self, model: Model, angle_rad: float) -> None:
        self.shaft = Shaft(model.top_speed_rad_s, angle_rad)
        """What moves."""
        self.plugged = True
        """Whether its plug is in: without it, it hears and says nothing."""
        self.nominal_v = model.nominal_v
        self.supply_v = model.nominal_v
        self.pinned_degc: float | None = None
        """A temperature that somebody saw to, whatever it does."""
        self._run_away = False

    @property
    @abstractmethod
    def id(self) -> int:
        """By which it is called."""

    @property
    @abstractmethod
    def has_torque(self) -> bool:
        """Whether it holds its goal."""

    @property
    def temperature_degc(self) -> float:
        """Of its winding."""
        return self.shaft.temperature_degc if self.pinned_degc is None else self.pinned_degc

    @abstractmethod
    def power_on(self) -> None:
        """Its supply comes: it is limp."""

    @abstractmethod
    def advance(self, steps: int) -> None:
        """Let its shaft move for so many `STEP_S`."""

    def run_away(self, *, on: bool) -> None:
        """Its position sensor fails: it turns to one end as fast as it can; or obeys again."""
        self._run_away = on
        self._obey()

    @abstractmethod
    def _obey(self) -> None:
        """Let the shaft feel what its memory says."""


ServoT = TypeVar("ServoT", bound=SmartServo)
SpecT = TypeVar("SpecT", bound=AxisSpec)
_Set = Callable[[float | bool | None], None]


@dataclass(frozen=True, slots=True)
class TwinJoint(Generic[ServoT]):
    """A servo as the robot's file has it: its angles there and those of its shaft."""

    servo: ServoT
    from_servo: Callable[[float], float]
    to_servo: Callable[[float], float]


class ServoBusTwin(ABC, Generic[ServoT]):
    """The far end of a servo bus: the file's servos by their names, and `strangers` that it does not know."""

    def __init__(self, joints: Mapping[str, TwinJoint[ServoT]], strangers: Sequence[ServoT] = ()) -> None:
        self.refusing = False
        self.joints = joints
        """By name."""
        self.servos = [*(joint.servo for joint in joints.values()), *strangers]
        """All on the wire."""
        self._epoch: float | None = None
        self._steps = 0
        self._settings = self._settable()
        self._forget()

    @abstractmethod
    def _forget(self) -> None:
        """What came so far begins no request any more."""

    @abstractmethod
    def _hear(self, data: bytes) -> bytes:
        """What the servos do with these bytes, and what they answer."""

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """The wire is opened, and the supply is switched on with it: every servo is limp."""
        if self._epoch is None:
            self._epoch = now
        self.advance(now)
        self._forget()
        for servo in self.servos:
            servo.power_on()
        return b""

    def receive(self, data: bytes, now: float) -> bytes:
        """What the servos do with these bytes, and what they answer."""
        return b"" if self._epoch is None else self._hear(data)

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

    def _present(self) -> Mapping[int, Sequence[ServoT]]:
        """The servos that hear, by the id that each has now."""
        found: dict[int, list[ServoT]] = {}
        for servo in self.servos:
            if servo.plugged:
                found.setdefault(servo.id, []).append(servo)
        return found

    # ------------------------------------------------------------------ what can be set

    def _settable(self) -> dict[str, _Set]:
        settings: dict[str, _Set] = {"voltage": self._set_supply}
        for name, joint in self.joints.items():
            settings[name] = _holds(joint)
            settings[f"{name}_temperature"] = _warms(joint.servo)
            settings[f"{name}_plugged"] = _plugs(joint.servo)
        return settings

    def _set_supply(self, value: float | bool | None) -> None:
        for servo in self.servos:
            servo.supply_v = servo.nominal_v if value is None else float(value)


def joints_on(
    board: str,
    devices: Mapping[str, DeviceSpec],
    kind: type[SpecT],
    servo: Callable[[SpecT, float], ServoT],
) -> dict[str, TwinJoint[ServoT]]:
    """The devices of this kind on `board`, each made where 0 is, or at the limit that is nearest to it."""
    joints = {}
    for name, spec in devices.items():
        if spec.board == board and isinstance(spec, kind):
            angle_rad = spec.to_servo(min(max(0.0, spec.low), spec.high))
            joints[name] = TwinJoint(servo(spec, angle_rad), spec.from_servo, spec.to_servo)
    return joints


def together(answers: Sequence[bytes]) -> bytes:
    """What is heard of several who speak at once: low wins, and who has more to say goes on alone."""
    if len(answers) == 1:
        return answers[0]
    longest = max(map(len, answers), default=0)
    padded = [answer.ljust(longest, b"\xff") for answer in answers]
    return bytes(reduce(lambda a, b: a & b, column) for column in zip(*padded, strict=True))


def _holds(joint: TwinJoint[ServoT]) -> _Set:
    return lambda value: joint.servo.shaft.hold(None if value is None else joint.to_servo(float(value)))


def _warms(servo: SmartServo) -> _Set:
    def warm(value: float | bool | None) -> None:
        servo.pinned_degc = None if value is None else float(value)

    return warm


def _plugs(servo: SmartServo) -> _Set:
    def plug(value: float | bool | None) -> None:
        servo.plugged = value is None or bool(value)

    return plug
