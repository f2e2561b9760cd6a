"""What a random operator puts into payloads and into the world: mostly what the file is about, or nearly."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hal import DeviceSpec
from robotd.config import RobotConfig
from robotd.core.action import Parameter
from robotd.core.expression import Expression

USUAL = (0.1, 0.3, 1.0)
"""Where the file has no number for a parameter."""
FACTORS = (1.0, 1.0, 1.000001, 0.999999, 1.1, 0.9, 0.0, 3.0)
"""Around the numbers of the file: at a limit, just beside it, far from it."""
WITHIN_SHARE = 0.8
"""So many of the numbers are somewhere within the limits; the others are beside them."""
ABSURD: tuple[Any, ...] = (1e308, -1e308, 1e150, 1e12, 10**400, 5e-324)
ABSURD_SHARE = 0.05
ABSURD_SHARE_UNBOUNDED = 0.25
"""Where no device has a limit: whatever a handler makes of it is the user's own code."""
GIVEN_SHARES = (0.0, 0.5, 0.8)
"""Of what need not be said, so much is: nothing at all leaves a command as the file means it."""
PARTS = ("left", "right")
"""Names for numbers by name, where no device has parts."""
TEXTS = ("", "left", "slow", "0", "true")
FILE = "file"
"""A text of this name is that of a file in the robot's folder."""
FILES = ("*.csv", "*.nc", "*.ngc", "*.gcode")
"""Recordings and jobs, there or one folder below."""
MOST_FILES = 20
NEW_FILE = "shown.csv"
"""Into which is written, and from which is read then."""
NONSENSE = ("NaN", "Infinity", "1e999", "null", '"nan m/s"', '"1 kg"', "[]", "{}", '"0.2"', "true", "-1e400")
"""Values as they may stand in a line of JSON, or may not."""

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


class Values:
    """Draws values for one robot."""

    def __init__(self, config: RobotConfig, rng: random.Random) -> None:
        self._rng = rng
        self._numbers = _numbers_of_actions(config)
        self._parts = _parts_of_actions(config)
        self._thresholds = _thresholds(config)
        self._files = _files(config)

    def payload(self, command: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
        """One that fits the parameters, if not always the limits."""
        rng = self._rng
        share = rng.choice(GIVEN_SHARES)
        return {
            parameter.wire_name: self._value(command, parameter)
            for parameter in parameters
            if parameter.required or rng.random() < share
        }

    def threshold(self, quantity: str, now: float) -> float:
        """A number for a quantity of the world: around one that the file compares it with.

        What is no sensor's own, `elbow_temperature` say, may be what a group of devices tells by that name.
        """
        known = self._thresholds.get(quantity) or self._thresholds.get(quantity.rpartition("_")[2])
        if not known:
            return now * self._rng.choice((0.0, 0.5, 1.0, 2.0))
        return self._rng.choice(known) * self._rng.uniform(0.8, 1.2)

    def _value(self, command: str, parameter: Parameter) -> Any:
        rng = self._rng
        if parameter.type is bool:
            return rng.random() < 0.5
        if parameter.type is str:
            named = parameter.wire_name == FILE and rng.random() < WITHIN_SHARE
            return rng.choice(self._files if named else TEXTS)
        if parameter.type is int:
            return rng.choice((0, 1, -1, rng.randint(-100, 100), 2**53))
        if parameter.type is dict:
            parts = self._parts.get(command, PARTS)
            return {
                part: self._number(command, parameter)
                for part in rng.sample(parts, rng.randint(0, len(parts)))
            }
        return self._number(command, parameter)

    def _number(self, command: str, parameter: Parameter) -> Any:
        rng = self._rng
        numbers = self._numbers.get(command)
        if rng.random() < (ABSURD_SHARE if numbers else ABSURD_SHARE_UNBOUNDED):
            return rng.choice(ABSURD)
        limit = rng.choice(numbers or USUAL)
        if rng.random() < WITHIN_SHARE:
            return round(rng.uniform(-limit, limit), 3)
        value = rng.choice((-1, 1)) * limit * rng.choice(FACTORS)
        if parameter.unit and rng.random() < 0.1:
            return f"{value!r} {parameter.unit}"
        return value


def _numbers_of_actions(config: RobotConfig) -> Mapping[str, tuple[float, ...]]:
    """For each command, the numbers that the file says about the devices that it commands, or their parts."""
    found: dict[str, list[float]] = {}
    for command, device in _commanded(config):
        parts = [config.devices[part] for part in device.parts()]
        numbers = _numbers_of(device) or [number for part in parts for number in _numbers_of(part)]
        found.setdefault(command, []).extend(numbers)
    return {command: tuple(numbers) for command, numbers in found.items() if numbers}


def _parts_of_actions(config: RobotConfig) -> Mapping[str, tuple[str, ...]]:
    """For each command, the parts of the devices that it commands."""
    found: dict[str, list[str]] = {}
    for command, device in _commanded(config):
        found.setdefault(command, []).extend(device.parts())
    return {command: tuple(dict.fromkeys(parts)) for command, parts in found.items() if parts}


def _commanded(config: RobotConfig) -> Iterator[tuple[str, DeviceSpec]]:
    """Each trigger with each device that a transition of it commands, there or in the state it leads to."""
    for region in config.chart.regions:
        actions = {path: state.do for path, state in region.states.items()}
        for transition in region.transitions:
            for do in (transition.do, actions.get(transition.dest or "")):
                for step in do.steps if do else ():
                    device = config.devices.get(step.action.partition(".")[0])
                    if device is not None:
                        yield from ((trigger, device) for trigger in transition.triggers)


def _numbers_of(device: DeviceSpec) -> list[float]:
    return [abs(float(value)) for value in dict(device).values() if type(value) in (int, float) and value]


def _thresholds(config: RobotConfig) -> Mapping[str, list[float]]:
    """For each device, and each name of a reading, the numbers in the expressions that mention it."""
    expressions: list[Expression] = []
    for rule in config.rules:
        expressions += [rule.when, *([rule.clear] if rule.clear else [])]
    for region in config.chart.regions:
        expressions += [t.guard for t in region.transitions if t.guard is not None]
    found: dict[str, list[float]] = {}
    for expression in expressions:
        numbers = [float(text) for text in _NUMBER.findall(expression.text)]
        for reading in sorted(expression.readings):
            for name in reading.split("."):
                found.setdefault(name, []).extend(numbers)
    return found


def _files(config: RobotConfig) -> Sequence[str]:
    """What may be given by name, the same in every order of a folder."""
    folder = config.path.parent
    found = {path for pattern in FILES for below in (pattern, f"*/{pattern}") for path in folder.glob(below)}
    names = sorted(path.relative_to(folder).as_posix() for path in found)
    return [NEW_FILE, *names[:MOST_FILES]]
