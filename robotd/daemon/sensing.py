"""Readings become events: those of the rules of the file, and the one that `always` transitions wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from hal import Device, Reading
from robotd.core.chart import ALWAYS
from robotd.core.machine import StateMachine
from robotd.core.message import Event, Lane, Message
from robotd.core.rules import Rule, Rules
from robotd.runtime.readings import ReadingTable


class Happen(Protocol):
    """How an event comes about."""

    def __call__(self, name: str, lane: Lane, source: str, *, trace: str | None = None) -> Event:
        """It belongs to `trace`, or begins one."""


class Sensing:
    """Judges each reading that is news, and only those."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        devices: Mapping[str, Device],
        table: ReadingTable,
        machine: StateMachine,
        happen: Happen,
        offer: Callable[[Message], bool],
    ) -> None:
        self._rules = Rules(rules)
        self._lanes = {rule.name: rule.lane for rule in rules}
        self._table = table
        self._machine = machine
        self._happen = happen
        self._offer = offer
        self._judged: dict[str, Reading | None] = dict.fromkeys(
            sorted(self._rules.readings | machine.always_readings)
        )
        """The readings that rules and `always` guards mention, as they were when those were last tested."""
        self._always_waits = False
        self.trace: str | None = None
        """That of the events which the newest reading has become, if it has."""
        for device in devices.values():
            device.listeners.append(self._changed)
            device.life_listeners.append(self._lived)

    def always_is_over(self) -> None:
        """The event that asks for `always` transitions was decided or dropped: the next change asks again."""
        self._always_waits = False

    def _changed(self, device: Device, reading: str) -> None:
        name = f"{device.name}.{reading}"
        self.trace = None
        if name not in self._judged or self._says_nothing_new(name, device, reading):
            return
        for rule in self._rules.reading_changed(name, self._table, self._machine.active):
            event = self._happen(rule, self._lanes[rule], f"rule:{name}", trace=self.trace)
            self.trace = event.trace_id
            self._offer(event)
        if name in self._machine.always_readings and not self._always_waits:
            self._always_waits = self._offer(self._happen(ALWAYS, Lane.EVENT, f"reading:{name}"))

    def _says_nothing_new(self, name: str, device: Device, reading: str) -> bool:
        """Whether the same value was judged before and has been fresh ever since: most reports are such."""
        judged, found = self._judged[name], device.reading(reading)
        if found is None:
            return False
        self._judged[name] = found
        if judged is None or found.value != judged.value:
            return False
        limit_s = device.stale_after_s
        return limit_s is not None and found.at - judged.at <= limit_s

    def _lived(self, device: Device) -> None:
        """While it was away, what mentions it was stale: its next report is judged, whatever it says."""
        for reading in device.readings_units():
            name = f"{device.name}.{reading}"
            if name in self._judged:
                self._judged[name] = None
