"""Takes the machine of a journal from row to row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from robotd.core.decision import Decision
from robotd.core.expression import Readings
from robotd.core.machine import ChartCycle, StateMachine
from robotd.core.message import Message
from robotd.core.portable import from_data
from robotd.journal.decided import Seen, message_of
from robotd.journal.errors import JournalError
from robotd.journal.kinds import BOOT, DECISION
from robotd.journal.row import Row


class Decided(NamedTuple):
    """A row with a decision, and what the machine has decided now."""

    row: Row
    body: Mapping[str, Any]
    """The row's, decoded."""
    decision: Decision
    looked: Mapping[str, float | bool | None]
    """The readings that the machine looked at now, with the values that the row says it saw."""
    machine: StateMachine
    """Which has decided it, and stands where that led until the next row is taken."""


class Player:
    """One machine after the other: each `boot` row brings a new one.

    Rows before the first of them, whose own was removed with the oldest part of the journal, are passed over.
    """

    def __init__(self) -> None:
        self.machine: StateMachine | None = None
        self.boot: Row | None = None
        """The row of the boot that is being played."""
        self.boots = 0
        self.decisions = 0
        self.passed_over = 0
        """Rows that no machine was there for."""

    def take(self, row: Row) -> Decided | None:
        """Play one row; returns what was decided, where the row is a decision.

        Raises `JournalError` for a row that does not say what its kind should.
        """
        if row.kind == BOOT:
            self._begin(row)
        elif self.machine is None:
            self.passed_over += 1
        elif row.kind == DECISION:
            return self._decide(self.machine, row)
        return None

    def _begin(self, row: Row) -> None:
        try:
            self.machine = StateMachine(from_data(row.data["chart"]))
        except (ValueError, LookupError, TypeError) as error:
            raise unreadable(row, error) from error
        self.boot = row
        self.boots += 1

    def _decide(self, machine: StateMachine, row: Row) -> Decided:
        self.decisions += 1
        try:
            body: Mapping[str, Any] = row.data
            message, seen = message_of(row, body), Seen(body.get("saw", {}))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise unreadable(row, error) from error
        return Decided(row, body, decide(machine, message, seen), seen.values, machine)


def decide(machine: StateMachine, message: Message, readings: Readings) -> Decision:
    """What the machine does with `message`; its very first one enters the initial states.

    Where the `always` transitions would go in circles, they are left out, as the daemon does.
    """
    step = machine.decide if machine.leaves[0] else machine.start
    try:
        return step(message, readings)
    except ChartCycle as cycle:
        return cycle.decision


def unreadable(row: Row, error: Exception) -> JournalError:
    """The row does not say what it should, whatever its checksum says."""
    return JournalError(f"row {row.seq} ({row.kind}) cannot be played: {error!r}")
