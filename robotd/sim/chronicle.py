"""What happened in one run, in the words of whoever looks at it afterwards: failures, pages, reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hal import BoardEvent, Device
from robotd.core.decision import Decision, Outcome
from robotd.core.message import Command
from robotd.core.stage import Stage
from robotd.daemon.engine import Engine
from robotd.sim.simulation import Simulation


class Told(NamedTuple):
    """A message that the machine decided upon."""

    at: float
    """Seconds since the robot was ready, as every time here."""
    type: str
    id: str
    source: str
    command: bool
    outcome: str
    """`moved`, `stayed`, `ignored` or `refused`."""
    why: str
    """Of one that was refused or ignored."""
    after: tuple[str, ...]
    """The leaf of each region."""
    payload: dict[str, Any]


class Deed(NamedTuple):
    """What the scenario did to the world, or to a client."""

    at: float
    kind: str
    text: str


class Chronicle:
    """Listens to a running daemon. `changed` is called after each thing that an expectation may be about."""

    def __init__(self, simulation: Simulation, changed: Callable[[], None]) -> None:
        self._simulation = simulation
        self._changed = changed
        self._closed = False
        engine = simulation.engine
        self.regions = [region.name for region in simulation.config.chart.regions]
        self.beginning = engine.machine.leaves
        self.told: list[Told] = []
        self.stages: list[tuple[float, Stage]] = []
        self.readings: dict[str, list[tuple[float, float | bool]]] = {}
        """Each change of each reading, by full name."""
        self.units = dict(simulation.config.readings)
        self.boards: list[tuple[float, BoardEvent]] = []
        self.deeds: list[Deed] = []
        self._listen(engine)

    def events(self, since: int = 0) -> Iterator[str]:
        """The types of what the machine was told, from the message of that number on."""
        for told in self.told[since:]:
            yield told.type

    def note(self, kind: str, text: str) -> None:
        """The scenario did something."""
        self.deeds.append(Deed(self._simulation.now, kind, text))

    def close(self) -> None:
        """The story is over: what the end of the daemon brings is no part of it."""
        self._closed = True

    def _listen(self, engine: Engine) -> None:
        engine.dispatcher.observers.append(self._decided)
        engine.ledger.observers.append(self._staged)
        engine.rig.listen(self._board)
        for device in engine.rig.devices.values():
            device.listeners.append(self._read)
            device.life_listeners.append(lambda _: self._changed())
            for reading in device.readings_units():
                self._read(device, reading)

    def _decided(self, decision: Decision) -> None:
        if self._closed:
            return
        message = decision.message
        why = decision.note if decision.refusal is None else decision.refusal.reason
        self.told.append(
            Told(
                self._simulation.now,
                message.type,
                message.id,
                message.source,
                isinstance(message, Command),
                decision.outcome.value,
                why if decision.outcome in (Outcome.IGNORED, Outcome.REFUSED) else "",
                decision.after,
                dict(message.payload),
            )
        )
        self._changed()

    def _staged(self, stage: Stage) -> None:
        if self._closed:
            return
        self.stages.append((self._simulation.now, stage))
        self._changed()

    def _board(self, event: BoardEvent) -> None:
        if self._closed:
            return
        self.boards.append((self._simulation.now, event))
        self._changed()

    def _read(self, device: Device, name: str) -> None:
        if self._closed:
            return
        reading = device.reading(name)
        if reading is not None:
            changes = self.readings.setdefault(f"{device.name}.{name}", [])
            changes.append((self._simulation.now, reading.value))
        self._changed()
