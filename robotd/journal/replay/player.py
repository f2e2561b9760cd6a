"""Takes the machine of a journal from row to row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from robotd.core.decision import Decision
from robotd.core.expression import Readings
from robotd.core.machine import ChartCycle, StateMachine
from robotd.core.message import Message
from robotd.core.portable import from_data
from robotd.core.seen import Seen
from robotd.journal.decided import message_of
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


class Boot:
    """One run of the daemon: its machine, from the start on."""

    def __init__(self, row: Row) -> None:
        """`row` is the one of kind `boot`. Raises `JournalError` where it does not say a chart."""
        try:
            self.chart = from_data(row.data["chart"])
            self.machine = StateMachine(self.chart)
        except (ValueError, LookupError, TypeError) as error:
            raise unreadable(row, error) from error
        self.row = row

    def decide(self, row: Row) -> Decided:
        """Decide what a row says was decided. Raises `JournalError` where it does not say upon what."""
        try:
            body: Mapping[str, Any] = row.data
            message, seen = message_of(row, body), Seen(body.get("saw", {}))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise unreadable(row, error) from error
        return Decided(row, body, decide(self.machine, message, seen), seen.values, self.machine)


class Player:
    """One machine after the other: each `boot` row brings a new one.

    Rows before the first of them, whose own was removed with the oldest part of the journal, are passed over.
    """

    def __init__(self) -> None:
        self.boot: Boot | None = None
        """What is being played."""
        self.boots = 0
        self.decisions = 0
        self.passed_over = 0
        """Rows that no machine was there for."""

    def take(self, row: Row) -> Decided | None:
        """Play one row; returns what was decided, where the row is a decision.

        Raises `JournalError` for a row that does not say what its kind should.
        """
        if row.kind == BOOT:
            self.boot = Boot(row)
            self.boots += 1
        elif self.boot is None:
            self.passed_over += 1
        elif row.kind == DECISION:
            self.decisions += 1
            return self.boot.decide(row)
        return None


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
