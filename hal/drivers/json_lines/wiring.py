"""What hangs on the channels of the simulated board, read from the specs of the robot's devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hal.device import DeviceSpec
from hal.drivers.json_lines.dialect import Value
from hal.drivers.json_lines.specs import JsonDigitalInputSpec
from hal.drivers.rover_world import World
from hal.kinds import AnalogInputSpec, DigitalOutputSpec, DriveBaseSpec, ImuSpec, MotorSpec, RangeSpec

GRAVITY_M_S2 = 9.81
CHIP_DEGC = 31.0


class Input(NamedTuple):
    """A sensor: what it sees in the world, in SI, and what the board says of that."""

    name: str
    see: Callable[[World], float | bool]
    say: Callable[[float], Value]


@dataclass
class Wiring:
    """By channel."""

    motors: dict[str, str] = field(default_factory=dict)
    """The devices..."""
    turns: dict[str, Callable[[World, float], None]] = field(default_factory=dict)
    """...and of those that are wheels: what gives the world their duty, -1..1."""
    lamps: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The devices, and the level that means on."""
    inputs: dict[str, Input] = field(default_factory=dict)
    imus: dict[str, str] = field(default_factory=dict)
    """The devices."""


def build(board: str, devices: Mapping[str, DeviceSpec]) -> tuple[World, Wiring]:
    """The world in which the board's robot stands, and how the board hangs together with it."""
    world, wiring = World(), Wiring()
    channels = {name: _channel(name, spec) for name, spec in devices.items() if spec.board == board}
    for name, channel in channels.items():
        match spec := devices[name]:
            case MotorSpec():
                wiring.motors[channel] = name
            case DigitalOutputSpec():
                wiring.lamps[channel] = (name, float(spec.active == "high"))
            case ImuSpec():
                wiring.imus[channel] = name
            case _:
                wiring.inputs[channel] = _input(name, spec)
    for base in devices.values():
        if isinstance(base, DriveBaseSpec):
            world.track_m = base.track
            for side, motor in (("left", base.left), ("right", base.right)):
                spec = devices[motor]
                if motor in channels and isinstance(spec, MotorSpec):
                    wiring.turns[channels[motor]] = _turn(side, base.max_speed / spec.max_duty)
    return world, wiring


def _channel(name: str, spec: DeviceSpec) -> str:
    return getattr(spec, "channel", None) or name


def _turn(side: str, full_duty_m_s: float) -> Callable[[World, float], None]:
    def turn(world: World, duty: float) -> None:
        setattr(world, f"{side}_goal_m_s", duty * full_duty_m_s)
        setattr(world, f"{side}_duty", duty)

    return turn


def _input(name: str, spec: DeviceSpec) -> Input:
    match spec:
        case RangeSpec():
            return Input(name, lambda world: world.range_m, lambda m: m if m <= spec.max else None)
        case JsonDigitalInputSpec():
            feels = spec.simulate == "bumper"
            high = spec.active == "high"
            return Input(
                name, lambda world: feels and world.front_pressed, lambda active: float(bool(active) is high)
            )
        case AnalogInputSpec():
            zero = spec.offset.factor if spec.offset is not None else 0.0
            is_battery = spec.scale.unit == "V"
            return Input(
                name,
                lambda world: world.battery_v if is_battery else zero,
                lambda value: (value - zero) / spec.scale.factor,
            )
        case _:
            raise TypeError(f"{name}: a {spec.kind} sees nothing")
