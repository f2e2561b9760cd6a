"""Where the robot stood at a row of its journal, and what a message would have done there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from robotd.core.chart import BUILT_IN_TRIGGERS
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Event, Lane
from robotd.core.seen import Seen
from robotd.journal.decided import decided
from robotd.journal.errors import JournalError
from robotd.journal.kinds import BOOT, COMMAND, DECISION, DEVICE, RESET, STOP, TERMINAL
from robotd.journal.replay.identical import TOLD_EVERY
from robotd.journal.replay.known import Readings, Value
from robotd.journal.replay.player import Boot, decide
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select

SOURCE = "replay"
"""Who asks what would have happened."""


class Standing:
    """All that the rows of one boot, up to one of them, say of where the robot is."""

    def __init__(self, boot: Row) -> None:
        """Raises `JournalError` where that row says no chart."""
        self.boot = boot
        self.row = boot
        """The newest row taken."""
        self.readings = Readings()
        self.latch: Mapping[str, Any] | None = None
        """The body of the stop that has not been reset."""
        self.devices: dict[str, Mapping[str, Any]] = {}
        """By name the newest row about each device."""
        self.open: dict[str, Row] = {}
        """The commands that have not ended, by id."""
        self.since: dict[int, Row] = {}
        """By the number of each present stay the row with which it began."""
        self._played = Boot(boot)

    @property
    def machine(self) -> StateMachine:
        """In its states."""
        return self._played.machine

    @property
    def regions(self) -> dict[str, str]:
        """The leaf of each region."""
        names = [region.name for region in self._played.chart.regions]
        return dict(zip(names, self.machine.leaves, strict=True))

    @property
    def messages(self) -> Collection[str]:
        """All that the machine may be told, in the order of its file, the built-in ones last."""
        transitions = (one for region in self._played.chart.regions for one in region.transitions)
        triggers = (trigger for transition in transitions for trigger in transition.triggers)
        return tuple(dict.fromkeys([*triggers, *sorted(BUILT_IN_TRIGGERS)]))

    def take(self, row: Row) -> None:
        """One row further. Raises `JournalError` for one that cannot be played."""
        self.row = row
        self.readings.take(row)
        if row.kind == DECISION:
            decision = self._played.decide(row).decision
            for entry in decision.exits:
                self.since.pop(entry.number, None)
            self.since |= {entry.number: row for entry in decision.entries}
        elif row.kind == STOP:
            self.latch = row.data
        elif row.kind == RESET:
            self.latch = None
        elif row.kind == DEVICE:
            self.devices[row.data["device"]] = row.data
        elif row.kind == COMMAND and row.id is not None:
            self.open[row.id] = row
        elif row.kind in TERMINAL and row.id is not None:
            self.open.pop(row.id, None)

    def would(self, kind: str, payload: Mapping[str, Any], assumed: Mapping[str, Value]) -> dict[str, Any]:
        """What the machine would decide upon a command, or an event, of that type: as the body of a row.

        `payload` as the chart has it, numbers in SI. `assumed`: readings that were to be so, None for a stale
        one; the others are the newest ones known. Nothing is changed by it.
        """
        is_command = kind in self._played.chart.commands
        said: dict[str, Any] = {
            "type": kind,
            "id": SOURCE,
            "trace_id": "",
            "at": self.row.at,
            "source": SOURCE,
        }
        message = (
            Command(**said, lane=Lane.COMMAND, payload=payload)
            if is_command
            else Event(**said, lane=Lane.EVENT, payload=payload)
        )
        seen = Seen(_Assumed(assumed, self.readings))
        decision = decide(self.machine.copy(), message, seen)
        return decided(decision, seen.values, None)


class _Assumed:
    """Some readings as somebody wants them, the others as they were."""

    def __init__(self, assumed: Mapping[str, Value], readings: Readings) -> None:
        self._assumed = assumed
        self._readings = readings

    def get(self, name: str, /) -> Value:
        return self._assumed[name] if name in self._assumed else self._readings.get(name)


def stand(rows: Rows, seq: int, progress: Callable[[int], None] = lambda _: None) -> Standing:
    """Where the robot stood after the row `seq`. `progress` is told now and then how many rows were read.

    Raises `JournalError` where there is no such row, where the boot that it belongs to is not in the journal
    any more, and for a row that cannot be played.
    """
    boot = next(rows.rows(Select(kinds=(BOOT,), until=seq), limit=1, newest_first=True), None)
    if boot is None:
        raise JournalError(f"no daemon's start is in the journal before row {seq}")
    standing = Standing(boot)
    for count, row in enumerate(rows.rows(Select(since=boot.seq, until=seq)), start=1):
        standing.take(row)
        if count % TOLD_EVERY == 0:
            progress(count)
    if standing.row.seq != seq:
        raise JournalError(f"there is no row {seq}; the newest is {rows.last_seq}")
    return standing
