"""What happened in one run, in the words of whoever looks at it afterwards: failures, pages, reports."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from hal import BoardEvent, Device, DeviceState
from robotd.core.decision import Decision
from robotd.core.message import Command
from robotd.core.stage import Stage
from robotd.daemon.engine import Engine
from robotd.sim.simulation import Simulation

T = TypeVar("T")

SHOWN_LINES = 30
"""So many of the last lines of a traceback are kept."""
_SHOWN_OF_ERRORS = ("action", "trigger", "states")
_NOT_THERE = frozenset({DeviceState.ABSENT, DeviceState.FAULTED})


class Told(NamedTuple):
    """A message that the machine decided upon."""

    at: float
    """Seconds since the robot was ready, as every time here."""
    type: str
    source: str
    command: bool
    outcome: str
    """`moved`, `stayed`, `ignored` or `refused`."""
    why: str
    """Of one that was refused or ignored."""
    after: tuple[str, ...]
    """The leaf of each region."""


class Taken(NamedTuple):
    """A step, and how long it took. The last one of a run that failed may not have been met."""

    began: float
    ended: float


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
        """The leaf of each region when the robot was ready."""
        self.told: list[Told] = []
        self.last: dict[str, int] = {}
        """The number of the last message of each type..."""
        self.counts: Counter[str] = Counter()
        """...and how many there were."""
        self.stages: list[tuple[float, Stage]] = []
        self.types: dict[str, str] = {}
        """Of each command that a client sent, by its id; some never reach the machine."""
        self.readings: dict[str, list[tuple[float, float | bool | None]]] = {}
        """Each change of each reading, by full name; None from when its device was lost or faulted."""
        self.boards: dict[str, list[tuple[float, str]]] = {}
        """Each state that a board was in, and since when."""
        self.deeds: list[Deed] = []
        self.steps: list[Taken] = []
        self.errors: list[tuple[float, str]] = []
        """What the daemon logged as an error, with the traceback where user code raised."""
        self._listen(engine)

    def events(self, since: int = 0) -> Iterator[str]:
        """The types of what the machine was told, from the message of that number on."""
        for told in self.told[since:]:
            yield told.type

    def note(self, kind: str, text: str) -> None:
        """The scenario did something."""
        self.deeds.append(Deed(self._simulation.now, kind, text))

    def log(self, level: str, event: str, said: Mapping[str, Any]) -> None:
        """The daemon logged something."""
        if level == "error":
            rest = {name: value for name, value in said.items() if name in _SHOWN_OF_ERRORS}
            lines = [" ".join([event, *(f"{name}={value}" for name, value in rest.items())])]
            error = said.get("exc_info")
            if isinstance(error, BaseException):
                lines += "".join(traceback.format_exception(error)).splitlines()[-SHOWN_LINES:]
            self.errors.append((self._simulation.now, "\n".join(lines)))

    def close(self) -> None:
        """The story is over: what the end of the daemon brings is no part of it."""
        self._closed = True

    def _listen(self, engine: Engine) -> None:
        engine.dispatcher.observers.append(self._decided)
        engine.ledger.observers.append(self._staged)
        engine.rig.listen(self._board)
        for board in engine.rig.boards.values():
            self.boards[board.name] = [(0.0, board.state.value)]
        for device in engine.rig.devices.values():
            device.listeners.append(self._read)
            device.life_listeners.append(self._lived)
            for reading in device.readings_units():
                self._read(device, reading)

    def _decided(self, decision: Decision) -> None:
        message = decision.message
        why = decision.note if decision.refusal is None else decision.refusal.reason
        told = Told(
            self._simulation.now,
            message.type,
            message.source,
            isinstance(message, Command),
            decision.outcome.value,
            why,
            decision.after,
        )
        if not self._closed:
            self.last[told.type] = len(self.told)
            self.counts[told.type] += 1
        self._add(self.told, told)

    def _staged(self, stage: Stage) -> None:
        self._add(self.stages, (self._simulation.now, stage))

    def _board(self, _: BoardEvent) -> None:
        self._happened()

    def _read(self, device: Device, name: str) -> None:
        reading = device.reading(name)
        value = None if reading is None or device.state in _NOT_THERE else reading.value
        self._add(self.readings.setdefault(f"{device.name}.{name}", []), (self._simulation.now, value))

    def _lived(self, device: Device) -> None:
        for name in device.readings_units():
            self._read(device, name)

    def _add(self, record: list[T], entry: T) -> None:
        if not self._closed:
            record.append(entry)
            self._happened()

    def _happened(self) -> None:
        # A board that comes for the first time is no event, but its devices come with it.
        for board in self._simulation.rig.boards.values():
            states = self.boards[board.name]
            if states[-1][1] != board.state:
                states.append((self._simulation.now, board.state.value))
        self._changed()
