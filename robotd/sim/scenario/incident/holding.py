"""Holds the simulated world so that its sensors report what those of a journal did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from robotd.config import RobotConfig
from robotd.core.machine import StateMachine
from robotd.core.message import NO_PAYLOAD, Message
from robotd.core.rules import Rule
from robotd.journal.decided import answer
from robotd.journal.kinds import DECISION, READINGS
from robotd.journal.replay import decide
from robotd.journal.row import Row
from robotd.sim.scenario.model import Amount
from robotd.sim.scenario.names import Names

TOLERANCE = 0.02
"""A sample that is nearer to what is held, as a share of it, does not change it."""
REPORTED_S = 0.15
"""So long before a decision that depends on it a sensor is set: it has reported by then."""
DIGITS = 9
"""More of a value no sensor knows."""

Value = float | bool
World = dict[str, Amount | bool]
"""By quantity what it is held at."""


class Said(NamedTuple):
    """A reading had this value at that time; None: it was stale."""

    at: float
    name: str
    value: Value | None


def said_by(row: Row) -> Iterator[Said]:
    """What a row says of readings."""
    if row.kind in (DECISION, READINGS):
        body = row.data
        for name, value in body.get("values" if row.kind == READINGS else "saw", {}).items():
            yield Said(row.at, name, value)
        yield from (Said(*dense) for dense in body.get("dense", ()))


class Holding:
    """The quantities of the world that sensors of this robot report, and at what each is held."""

    def __init__(self, config: RobotConfig, names: Names) -> None:
        self._units = config.readings
        self._rules = {rule.name: rule for rule in config.rules}
        first: dict[str, str] = {}
        for reading in config.readings:
            first.setdefault(reading.partition(".")[0], reading)
        self._quantities = {first[name]: name for name in names.settable if name in first}
        """Of each sensor the reading that its quantity of the world stands for."""
        self._held: dict[str, Value] = {}
        """By reading."""
        self._cleared: set[str] = set()
        """The rules that have not held for a moment since they fired, so that they may again."""
        self._ahead: set[str] = set()
        """What is held already as a decision will see it."""
        self._values: dict[str, dict[float, None]] = {}
        """Every value that a number of a sensor is ever said to have."""

    def begin(self, said: Iterable[Said], fired: Iterable[str]) -> World:
        """Hold all at the first value that they are said to have; but no rule of `fired` may fire there."""
        for _, name, value in said:
            if name in self._quantities and value is not None:
                if name not in self._held:
                    self._held[name] = value
                if not isinstance(value, bool):
                    self._values.setdefault(name, {})[value] = None
        for rule in fired:
            self._change(self._released(rule))
        self._look_at_rules()
        return self._world(self._held)

    def follow(self, said: Said) -> World:
        """What has to change for a sample."""
        _, name, value = said
        if name not in self._quantities or value is None:
            return {}
        held = self._held.get(name)
        if isinstance(value, bool) or held is None:
            far = value is not held
        else:
            far = abs(value - held) > TOLERANCE * abs(held)
        return self._change({name: value}) if far else {}

    def fire(self, rule: str, saw: Mapping[str, Value | None]) -> tuple[World, World, bool]:
        """What has to change so that a rule fires that saw this, and whether it fires then.

        First what has to be let go where it has held ever since it fired before: that makes no edge. Where
        nothing lets it go, it has fired in the beginning.
        """
        let_go = {} if rule in self._cleared else self._change(self._released(rule))
        fires = rule in self._cleared
        pressed = self._change(self._of_sensors(saw))
        self._cleared.discard(rule)
        return let_go, pressed, fires

    def decide(self, machine: StateMachine, message: Message, saw: Mapping[str, Value | None]) -> World:
        """What has to change so that `machine` decides upon `message` as it did, when it saw this."""
        values = self._of_sensors(saw)
        held = {**saw, **{name: self._held.get(name, value) for name, value in values.items()}}
        if held == saw or _decided(machine, message, held) == _decided(machine, message, saw):
            return {}
        change = self._change(values)
        self._ahead.update(values)
        return change

    def is_ahead(self, saw: Mapping[str, Value | None]) -> bool:
        """Whether a rule that saw this may have fired before its time."""
        return not self._ahead.isdisjoint(saw)

    def _released(self, name: str) -> Mapping[str, Value]:
        """What has to be otherwise so that a rule may fire again; nothing where it may, or nobody knows.

        What would let another one fire is no help: of "low" and "well again" one always holds.
        """
        rule = self._rules.get(name)
        if rule is None or self._is_clear(rule, {}):
            return {}
        for other in self._others(rule):
            if self._is_clear(rule, other) and not self._is_fired(other):
                return other
        return {}

    def _is_fired(self, other: Mapping[str, Value]) -> bool:
        """Whether these values let a rule fire that the present ones do not."""
        values = {**self._held, **other}
        return any(
            rule.when.test(values, NO_PAYLOAD, ()).holds
            and not rule.when.test(self._held, NO_PAYLOAD, ()).holds
            for rule in self._rules.values()
        )

    def _others(self, rule: Rule) -> Iterator[Mapping[str, Value]]:
        """Other values of one of its readings, the nearest first; then of all its switches."""
        held = {name: self._held[name] for name in rule.when.units if name in self._held}
        switches = {name: not value for name, value in held.items() if isinstance(value, bool)}
        for name, value in held.items():
            if name in switches:
                yield {name: not value}
            else:
                known = sorted(self._values.get(name, ()), key=lambda other: abs(other - value))
                yield from ({name: other} for other in known)
        yield switches

    def _is_clear(self, rule: Rule, other: Mapping[str, Value]) -> bool:
        values = {**self._held, **other}
        if rule.when.test(values, NO_PAYLOAD, ()).holds:
            return False
        return rule.clear is None or rule.clear.test(values, NO_PAYLOAD, ()).holds

    def _of_sensors(self, saw: Mapping[str, Value | None]) -> dict[str, Value]:
        return {name: value for name, value in saw.items() if name in self._quantities and value is not None}

    def _change(self, values: Mapping[str, Value]) -> World:
        changed = {name: value for name, value in values.items() if self._held.get(name) != value}
        self._held |= changed
        self._ahead.difference_update(changed)
        self._look_at_rules()
        return self._world(changed)

    def _look_at_rules(self) -> None:
        """Those that may fire from now on."""
        self._cleared.update(name for name, rule in self._rules.items() if self._is_clear(rule, {}))

    def _world(self, values: Mapping[str, Value]) -> World:
        return {
            self._quantities[name]: value
            if isinstance(value, bool)
            else Amount(float(f"{value:.{DIGITS}g}"), self._units[name])
            for name, value in values.items()
        }


def _decided(machine: StateMachine, message: Message, readings: Mapping[str, Any]) -> dict[str, Any]:
    return answer(decide(machine.copy(), message, readings), None)
