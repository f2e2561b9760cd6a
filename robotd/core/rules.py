"""Readings become events: each rule fires once when its condition begins to hold, with hysteresis."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from robotd.core.expression import Expression, Readings
from robotd.core.message import NO_PAYLOAD, Lane


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of `events:` in the file."""

    name: str
    """The type of the event."""
    when: Expression
    clear: Expression | None = None
    """What must hold before it can fire again; None: that `when` does not hold."""
    lane: Lane = Lane.EVENT


class Rules:
    """Which rules have fired and not been cleared since. A condition that holds at the start fires too."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._of_reading: dict[str, list[Rule]] = {}
        for rule in rules:
            cleared_by = frozenset() if rule.clear is None else rule.clear.readings
            for reading in rule.when.readings | cleared_by:
                self._of_reading.setdefault(reading, []).append(rule)
        self.readings = frozenset(self._of_reading)
        """All that some rule mentions."""
        self._fired: set[str] = set()

    def reading_changed(self, name: str, readings: Readings, states: Container[str]) -> list[str]:
        """The rules that fire now that the reading `name` has changed, in the order of the file.

        Only rules that mention it are looked at. A condition with a stale reading says nothing: it neither
        fires a rule nor clears one. Where `when` and `clear` both hold, the rule stays fired.
        """
        return [rule.name for rule in self._of_reading.get(name, ()) if self._fires(rule, readings, states)]

    def _fires(self, rule: Rule, readings: Readings, states: Container[str]) -> bool:
        when = rule.when.test(readings, NO_PAYLOAD, states)
        if when.holds:
            fires = rule.name not in self._fired
            self._fired.add(rule.name)
            return fires
        if rule.clear is None:
            clears = when.reason == "false"
        else:
            clears = rule.clear.test(readings, NO_PAYLOAD, states).holds
        if clears:
            self._fired.discard(rule.name)
        return False
