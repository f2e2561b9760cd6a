"""A trace of `check` as a scenario: the robot does in simulation what was found on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hal import ActuatorSpec
from robotd.check import Finding, Origin, TraceStep
from robotd.config import RobotConfig
from robotd.sim.scenario.model import (
    Amount,
    Expect,
    Inject,
    InState,
    Reset,
    Scenario,
    Send,
    SetWorld,
    Step,
    Stop,
    Wait,
)

SETTLED_S = 0.5
"""Longer than any reading is under way by itself, and than a robot must rest before a reset."""

Value = float | bool


def retell(finding: Finding, config: RobotConfig, robot: str) -> Scenario | None:
    """The scenario that takes the way to `finding`; `robot` is what it calls the robot's file.

    None where there is no way, or where readings on it are not the world's to set: what an actuator is told,
    or a reading that is stale.
    """
    if not finding.trace:
        return None
    worlds = [_world(step, config) for step in finding.trace]
    if any(world is None for world in worlds):
        return None
    settable = [world or {} for world in worlds]
    return Scenario(
        robot=robot,
        title=f"{finding.code}: {finding.sentence}",
        world={name: _amount(value, name, config) for name, value in settable[0].items()},
        steps=tuple(_steps(finding.trace, settable, config)),
    )


def _world(step: TraceStep, config: RobotConfig) -> dict[str, Value] | None:
    """The quantities of the world that the step asks for: those of sensors, which carry their names."""
    world: dict[str, Value] = {}
    for name, value in step.readings.items():
        device = name.partition(".")[0]
        if value is None or isinstance(config.devices[device], ActuatorSpec):
            return None
        world[device] = value
    return world


def _steps(
    trace: Sequence[TraceStep], worlds: Sequence[Mapping[str, Value]], config: RobotConfig
) -> Iterator[Step]:
    held = dict(worlds[0])
    for number, (step, world) in enumerate(zip(trace, worlds, strict=True)):
        new = {name: value for name, value in world.items() if held.get(name) != value}
        held |= new
        if new and number:
            yield Step(SetWorld({name: _amount(value, name, config) for name, value in new.items()}))
        if step.origin in (Origin.COMMAND, Origin.RESET) or (new and step.origin is not Origin.ALWAYS):
            yield Step(Wait(SETTLED_S))
        match step.origin:
            case Origin.START | Origin.ALWAYS:
                pass
            case Origin.COMMAND:
                yield Step(Send(step.trigger, step.payload))
            case Origin.ESTOP:
                yield Step(Stop("check"))
            case Origin.RESET:
                yield Step(Reset())
            case _:
                yield Step(Inject(step.trigger))
        facts = tuple(InState(leaf) for leaf in dict.fromkeys(step.after))
        yield Step(Expect(facts), within_s=SETTLED_S)


def _amount(value: Value, device: str, config: RobotConfig) -> Amount | bool:
    if isinstance(value, bool):
        return value
    unit = next(unit for name, unit in config.readings.items() if name.partition(".")[0] == device)
    return Amount(value, unit)
