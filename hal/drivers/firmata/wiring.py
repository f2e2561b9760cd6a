"""What is soldered to which pin of the simulated board, read from the specs of the robot's devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hal.device import DeviceSpec
from hal.drivers.firmata.specs import (
    FirmataAnalogInputSpec,
    FirmataDigitalInputSpec,
    FirmataDigitalOutputSpec,
    FirmataMotorSpec,
    FirmataServoSpec,
)
from hal.drivers.firmata.words import PinMode
from hal.drivers.rover_world import Joint, World
from hal.kinds import DriveBaseSpec

FULL_DUTY = 255
LARGEST_COUNT = 1023
FLOOR_M = 0.03
"""What a cliff sensor sees where there is no cliff."""


class Wheel(NamedTuple):
    """An H-bridge with a motor: duty on one pin, backwards while the other is high."""

    pwm_pin: int
    direction_pin: int
    turns: Callable[[World, float], None]
    """Gives the world the wheel's duty, -1..1."""


class Shaft(NamedTuple):
    """A servo: which pulses turn it how far from its middle."""

    joint: Joint
    min_pulse_us: int
    max_pulse_us: int
    travel_rad: float

    def angle_rad(self, pulse_us: float) -> float:
        """Where a pulse of this length turns it."""
        middle_us = (self.min_pulse_us + self.max_pulse_us) / 2
        return (pulse_us - middle_us) / (self.max_pulse_us - self.min_pulse_us) * self.travel_rad


class Probe(NamedTuple):
    """A sensor: what it sees in the world, in SI, and what that is at the pin (a level, or counts)."""

    name: str
    see: Callable[[World], float | bool]
    at_pin: Callable[[float], int]


class End(NamedTuple):
    """The most that an actuator can do: a pin, the mode in which it can, and its state then."""

    pin: int
    mode: PinMode
    state: int


@dataclass(frozen=True)
class Wiring:
    """What hangs on which pin. Gauges stand by analog channel (A0 is 0), shafts and switches by pin."""

    wheels: Sequence[Wheel] = ()
    shafts: Mapping[int, Shaft] = field(default_factory=dict)
    switches: Mapping[int, Probe] = field(default_factory=dict)
    gauges: Mapping[int, Probe] = field(default_factory=dict)
    lamps: Mapping[str, tuple[int, bool]] = field(default_factory=dict)
    """By name: the pin, and the level that means on."""
    ends: Mapping[str, End] = field(default_factory=dict)
    """By the name of each actuator."""


def build_world(board: str, devices: Mapping[str, DeviceSpec]) -> tuple[World, Wiring]:
    """The world of one board, from the specs of all devices of the robot.

    The wheels are the motors of the robot's drive base; other motors turn nothing.
    """
    own = {name: spec for name, spec in devices.items() if spec.board == board}
    world = World()
    wheels: list[Wheel] = []
    for base in devices.values():
        if isinstance(base, DriveBaseSpec):
            world.track_m = base.track
            sides = {"left": own.get(base.left), "right": own.get(base.right)}
            wheels += [
                _wheel(side, motor, base.max_speed)
                for side, motor in sides.items()
                if isinstance(motor, FirmataMotorSpec)
            ]
    shafts = {
        spec.pin: _shaft(world, name, spec)
        for name, spec in own.items()
        if isinstance(spec, FirmataServoSpec)
    }
    switches = {
        spec.pin: _switch(name, spec)
        for name, spec in own.items()
        if isinstance(spec, FirmataDigitalInputSpec)
    }
    gauges = {
        spec.channel: _gauge(name, spec)
        for name, spec in own.items()
        if isinstance(spec, FirmataAnalogInputSpec)
    }
    lamps = {
        name: (spec.pin, spec.active == "high")
        for name, spec in own.items()
        if isinstance(spec, FirmataDigitalOutputSpec)
    }
    ends = {name: end for name, spec in own.items() if (end := _end(spec)) is not None}
    return world, Wiring(wheels, shafts, switches, gauges, lamps, ends)


def _end(spec: DeviceSpec) -> End | None:
    if isinstance(spec, FirmataMotorSpec):
        return End(spec.pwm_pin, PinMode.PWM, FULL_DUTY)
    if isinstance(spec, FirmataServoSpec):
        return End(spec.pin, PinMode.SERVO, round(spec.max_pulse * 1e6))
    if isinstance(spec, FirmataDigitalOutputSpec):
        return End(spec.pin, PinMode.OUTPUT, int(spec.active == "high"))
    return None


def _wheel(side: str, motor: FirmataMotorSpec, max_speed_m_s: float) -> Wheel:
    full_duty_m_s = max_speed_m_s / motor.max_duty

    def turn(world: World, duty: float) -> None:
        if side == "left":
            world.left_goal_m_s, world.left_duty = duty * full_duty_m_s, duty
        else:
            world.right_goal_m_s, world.right_duty = duty * full_duty_m_s, duty

    return Wheel(motor.pwm_pin, motor.direction_pin, turn)


def _shaft(world: World, name: str, servo: FirmataServoSpec) -> Shaft:
    joint = world.joints[name] = Joint()
    return Shaft(joint, round(servo.min_pulse * 1e6), round(servo.max_pulse * 1e6), servo.travel)


def _switch(name: str, spec: FirmataDigitalInputSpec) -> Probe:
    return Probe(name, _FEELS[spec.simulate], lambda active: int(bool(active) is (spec.active == "high")))


def _gauge(name: str, spec: FirmataAnalogInputSpec) -> Probe:
    zero = spec.offset.factor if spec.offset is not None else 0.0

    def counts(value: float) -> int:
        return min(max(round((value - zero) / spec.scale.factor), 0), LARGEST_COUNT)

    middle = spec.scale.factor * LARGEST_COUNT / 2 + zero
    simulate = spec.simulate or {"V": "battery", "m": "range"}.get(spec.scale.unit, "constant")
    return Probe(name, _SEES.get(simulate, lambda _: middle), counts)


_FEELS: Mapping[str, Callable[[World], bool]] = {
    "bumper": lambda world: world.front_pressed,
    "rear_bumper": lambda world: world.rear_pressed,
    "constant": lambda _: False,
}
_SEES: Mapping[str, Callable[[World], float]] = {
    "battery": lambda world: world.battery_v,
    "range": lambda world: world.range_m,
    "cliff": lambda _: FLOOR_M,
}
