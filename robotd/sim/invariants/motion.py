"""What is promised about actuators: judged where a value leaves its kind, before a wire can harm it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import isfinite, nan

from hal import (
    SETPOINT_FRESHNESS_S,
    Actuator,
    AxisSpec,
    BeltSpec,
    Device,
    DeviceState,
    DigitalOutputSpec,
    DriveBaseSpec,
    GantrySpec,
    Joint,
    Motor,
    MotorSpec,
    RelaySpec,
    ServoSpec,
    verbs,
)
from robotd.core.chart import ESTOP
from robotd.core.decision import Decision, Outcome
from robotd.core.stage import STARTED, Stage
from robotd.sim.invariants.promise import ROUNDING_S, Promise
from robotd.sim.simulation import Simulation

HELD = 8
"""What holds on a stop may say one of so many last values again: a full wire did not take all of them."""
ROUNDING = 1e-9
"""Of a value, as a share of its limit."""
RENEWED_S = 0.1
"""A device that is renewed says the same value again after this time at the latest."""
LAPSES_S = SETPOINT_FRESHNESS_S + RENEWED_S + 0.02
"""So long after its last write an output that streams is at its stop value."""


class Moves:
    """Tells a value that sets something in motion from one that stops it, or keeps it where it is."""

    def __init__(self) -> None:
        self._last: dict[Actuator, deque[float]] = {}

    def told(self, device: Actuator, value: float) -> bool:
        """Whether `value` moves `device`: it is not its stop value nor, where it holds, a recent one."""
        last = self._last.get(device)
        if last is None:
            last = self._last[device] = deque(maxlen=HELD)
        # The values of a gantry are speeds: the same one again is no hold.
        holds = device.spec.on_stop in ("hold", "keep") and value in last and device.KIND != "gantry"
        moves = not holds and value != _rest(device)
        if not last or last[-1] != value:
            last.append(value)
        return moves


class Standing(Promise):
    """Looks at every value that an actuator is told, and at every action that begins."""

    name = "standing"
    sentence = "nothing moves while the robot is stopped, and nothing does that no present state activated"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._moves = Moves()
        self._actuators = [d for d in self.engine.rig.devices.values() if isinstance(d, Actuator)]
        self._moving = {name for name, info in simulation.config.commands.items() if info.moves}

    def output(self, device: Actuator, value: float) -> None:
        """A value that moves needs an active device and no latch."""
        self.checked += 1
        if not self._moves.told(device, value):
            return
        if self.engine.stop.latch is not None:
            self.breaks(f"{device.name} was told {value:.6g} while the robot was stopped")
        elif not _active(device):
            self.breaks(f"{device.name} was told {value:.6g} while it was {device.state}")

    def stage(self, stage: Stage) -> None:
        """No moving command begins."""
        latch = self.engine.stop.latch
        if stage.stage == STARTED and latch is not None and stage.at > latch.at:
            self.checked += 1
            tracked = self.engine.ledger.tracked(stage.id)
            if tracked is not None and tracked.command.type in self._moving:
                self.breaks(f"{tracked.command.type} began while the robot was stopped")

    def decision(self, decision: Decision) -> None:
        """After a stop all are at rest; after a move only those are active that a state names."""
        if decision.outcome is not Outcome.MOVED:
            return
        self.checked += 1
        if decision.message.type == ESTOP and self.engine.stop.latch is not None:
            for device in self._actuators:
                if not device.at_rest:
                    self.breaks(f"{device.name} is not at rest after a stop")
        needed = self.engine.machine.needed_devices(self.engine.rig.devices)
        for device in self._actuators:
            if device.state is DeviceState.ACTIVE and device.name not in needed:
                self.breaks(f"{device.name} is active, and no present state names it")


class Limits(Promise):
    """Looks at every value that an actuator is told, and at what it says of itself."""

    name = "limits"
    sentence = "no setpoint is beyond the limits of its device, and every number is finite"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._goals: dict[Actuator, tuple[float, float, float]] = {}
        """When and what each servo with feedback was told last, and how much farther it might be led then."""

    def output(self, device: Actuator, value: float) -> None:
        """Within the limits of its kind."""
        self.checked += 1
        match device.spec:
            case AxisSpec():
                low, high = self._reach(device, device.spec, value)
            case MotorSpec(max_duty=most):
                low, high = -most, most
            case ServoSpec(min=low, max=high):
                pass
            case BeltSpec(max_speed=most, reversible=reversible):
                low, high = -most if reversible else 0.0, most
            case GantrySpec(max_speed=most):
                low, high = 0.0, most
            case _:
                low, high = 0.0, 1.0
        if not low - ROUNDING <= value <= high + ROUNDING:
            self.breaks(f"{device.name} was told {value:.6g}; it takes {low:.6g} to {high:.6g}")

    def _reach(self, device: Actuator, spec: AxisSpec, goal: float) -> tuple[float, float]:
        """From where to where a servo may be led now: where it stands it may always hold."""
        now = asyncio.get_running_loop().time()
        if goal == _rest(device):
            self._goals[device] = now, goal, spec.step
            return goal, goal
        told_at, last, left = self._goals.get(device, (now, nan, nan))
        left = min(spec.step, left + spec.rate * (now - told_at))
        self._goals[device] = now, goal, left - abs(goal - last)
        way = left + ROUNDING
        return max(min(spec.low, last), last - way), min(max(spec.high, last), last + way)

    def _adopt(self, device: Actuator, spec: AxisSpec, target: float) -> None:
        """What it was not told but stands at, since a stop got lost, it is led on from."""
        _, last, _ = self._goals.get(device, (0.0, nan, nan))
        if target != last and abs(target - _rest(device)) <= spec.tolerance:
            self._goals[device] = asyncio.get_running_loop().time(), target, spec.step

    def reading(self, device: Device, name: str) -> None:
        """What an actuator says that it does."""
        self.checked += 1
        found = device.reading(name)
        if found is None or isinstance(found.value, bool):
            return
        if name == "target" and isinstance(device, Actuator) and isinstance(device.spec, AxisSpec):
            self._adopt(device, device.spec, found.value)
        most = _limit_of(device, name)
        if not isfinite(found.value) or abs(found.value) > most * (1 + ROUNDING):
            self.breaks(f"{device.name}.{name} is {found.value:.6g} {found.unit}, its limit {most:.6g}")


class Freshness(Promise):
    """Follows each output that streams, with one timer for each that moves."""

    name = "freshness"
    sentence = "an output whose setpoint nobody renews is at its stop value when that lapses"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._streams = {
            device
            for device in self.engine.rig.devices.values()
            if isinstance(device, Motor) and device.spec.on_stop != "keep" and _has_streamed_verb(device)
        }
        self._streamed = {name for name, info in simulation.config.commands.items() if info.streamed}
        self._written_at: dict[Actuator, float] = {}
        self._watched: set[Actuator] = set()
        self._valid_until: dict[str, float] = {}
        """By type, until when the newest streamed command counts."""

    def output(self, device: Actuator, value: float) -> None:
        """It moves from now on, or goes on, or stands."""
        if device not in self._streams:
            return
        self.checked += 1
        if value == 0.0:
            self._written_at.pop(device, None)
            return
        loop = asyncio.get_running_loop()
        now = self._written_at[device] = loop.time()
        if device not in self._watched:
            self._watched.add(device)
            loop.call_at(now + LAPSES_S, self._look, device)

    def stage(self, stage: Stage) -> None:
        """A client may say how long a setpoint counts; one that its device refused changes nothing."""
        tracked = self.engine.ledger.tracked(stage.id) if stage.stage == STARTED else None
        if tracked is not None and tracked.command.type in self._streamed:
            self._valid_until[tracked.command.type] = tracked.command.expires_at or 0.0

    def _look(self, device: Actuator) -> None:
        written_at = self._written_at.get(device)
        if written_at is None:
            self._watched.discard(device)
            return
        loop = asyncio.get_running_loop()
        due = max(written_at + LAPSES_S, *self._valid_until.values(), 0.0)
        if loop.time() >= due - ROUNDING_S:
            age_s = loop.time() - written_at
            self.breaks(f"{device.name} still moves {age_s:.3f} s after anybody renewed its setpoint")
        else:
            loop.call_at(due + ROUNDING_S, self._look, device)


def _rest(device: Actuator) -> float:
    """The value that stands still; NaN where none is known, since a servo stands wherever it is."""
    match device.spec:
        case DigitalOutputSpec(active=active) | RelaySpec(active=active):
            return 0.0 if active == "high" else 1.0
        case ServoSpec(min=low, max=high, on_stop=on_stop):
            return min(max(0.0, low), high) if on_stop == "zero" else nan
        case AxisSpec():
            stands = device.reading("position")
            return nan if stands is None else float(stands.value)
        case _:
            return 0.0


def _active(device: Actuator) -> bool:
    """Whether it may move, by itself or as a part of another."""
    whole = device.wheel_of if isinstance(device, Motor) else None
    if isinstance(device, Joint):
        whole = device.group
    return device.state is DeviceState.ACTIVE or (whole is not None and whole.state is DeviceState.ACTIVE)


def _limit_of(device: Device, reading: str) -> float:
    match device.spec:
        case DriveBaseSpec(max_speed=speed, max_turn=turn):
            return turn if reading.endswith("angular") else speed
        case MotorSpec(max_duty=duty):
            return duty
        case ServoSpec(min=low, max=high):
            return max(abs(low), abs(high))
        case BeltSpec(max_speed=speed):
            return speed
        case _:
            return float("inf")


def _has_streamed_verb(device: Device) -> bool:
    return any(verb.verb_info.streamed for verb in verbs(device).values())  # type: ignore[attr-defined]  # hal's @verb sets it
