"""Holds the simulated world so that its sensors report what those of a journal did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from robotd.config import RobotConfig
from robotd.core.machine import StateMachine
from robotd.core.message import Message
from robotd.journal.decided import answer
from robotd.journal.replay import decide
from robotd.sim.scenario.model import Amount
from robotd.sim.scenario.names import Names

TOLERANCE = 0.02
"""A sample that is nearer to what is held, as a share of it, does not change it."""

Value = float | bool


class Said(NamedTuple):
    """A reading had this value at that time; None: it was stale."""

    at: float
    name: str
    value: Value | None


class Holding:
    """The quantities of the world that sensors of this robot report, and at what each is held."""

    def __init__(self, config: RobotConfig, names: Names) -> None:
        self._config = config
        first: dict[str, str] = {}
        for reading in config.readings:
            first.setdefault(reading.partition(".")[0], reading)
        self._quantities = {first[name]: name for name in names.settable if name in first}
        """Of each sensor the reading that its quantity of the world stands for."""
        self._held: dict[str, Value] = {}
        """By reading."""
        self._since: dict[str, float] = {}

    def begin(self, said: Iterable[Said]) -> dict[str, Amount | bool]:
        """Hold everything at the first value that it is ever said to have."""
        for at, name, value in said:
            if name in self._quantities and name not in self._held and value is not None:
                self._hold(name, value, at)
        return self._world(self._held)

    def follow(self, said: Said) -> dict[str, Amount | bool]:
        """What has to change for a sample."""
        at, name, value = said
        if name not in self._quantities or value is None:
            return {}
        held = self._held.get(name)
        if isinstance(value, bool) or held is None:
            far = value is not held
        else:
            far = abs(value - held) > TOLERANCE * abs(held)
        return self._change({name: value}, at) if far else {}

    def fire(
        self, saw: Mapping[str, Value | None], at: float, last_at: float
    ) -> list[dict[str, Amount | bool]]:
        """What has to change so that a rule fires that saw this, one after the other; `last_at`: it did before.

        A switch that has not moved since makes no edge: it is let go first.
        """
        values = self._of_sensors(saw)
        changes = []
        stuck = [
            name
            for name, value in values.items()
            if value is True and self._held.get(name) is True and self._since[name] <= last_at
        ]
        if stuck:
            changes.append(self._change(dict.fromkeys(stuck, False), at))
        changes.append(self._change(values, at))
        return [change for change in changes if change]

    def decide(
        self, machine: StateMachine, message: Message, saw: Mapping[str, Value | None], at: float
    ) -> dict[str, Amount | bool]:
        """What has to change so that `machine` decides upon `message` as it did, when it saw this."""
        values = self._of_sensors(saw)
        held = {**saw, **{name: self._held.get(name, value) for name, value in values.items()}}
        if held == saw or _decided(machine, message, held) == _decided(machine, message, saw):
            return {}
        return self._change(values, at)

    def _of_sensors(self, saw: Mapping[str, Value | None]) -> dict[str, Value]:
        return {
            name: value for name, value in saw.items() if name in self._quantities and value is not None
        }

    def _change(self, values: Mapping[str, Value], at: float) -> dict[str, Amount | bool]:
        changed = {name: value for name, value in values.items() if self._held.get(name) != value}
        for name, value in changed.items():
            self._hold(name, value, at)
        return self._world(changed)

    def _hold(self, name: str, value: Value, at: float) -> None:
        self._held[name] = value
        self._since[name] = at

    def _world(self, values: Mapping[str, Value]) -> dict[str, Amount | bool]:
        units = self._config.readings
        return {
            self._quantities[name]: value if isinstance(value, bool) else Amount(value, units[name])
            for name, value in values.items()
        }


def _decided(machine: StateMachine, message: Message, readings: Mapping[str, Any]) -> dict[str, Any]:
    return answer(decide(machine.copy(), message, readings), None)
