"""Where rows are kept: what the journal asks of it, whether it is a disk or memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from robotd.journal.kinds import AUDIT
from robotd.journal.row import BEGINNING, Row


@dataclass(frozen=True, slots=True)
class Select:
    """Which rows are wanted. What is not given does not narrow the choice."""

    since: int = 0
    """Rows after this sequence number..."""
    until: int | None = None
    """...up to and with this one."""
    kinds: Sequence[str] = ()
    id: str | None = None
    """Rows about this message or command."""
    trace: str | None = None
    device: str | None = None
    """Rows whose body names this device, or a reading of it."""
    after: int | None = None
    """Written at this time on the wall or later, in microseconds since 1970..."""
    before: int | None = None
    """...and before this one."""
    boot: str | None = None

    def takes(self, row: Row) -> bool:
        """Whether the row is one of these."""
        return (
            row.seq > self.since
            and (self.until is None or row.seq <= self.until)
            and (not self.kinds or row.kind in self.kinds)
            and (self.id is None or row.id == self.id)
            and (self.trace is None or row.trace == self.trace)
            and (self.after is None or row.wall >= self.after)
            and (self.before is None or row.wall < self.before)
            and (self.boot is None or row.boot == self.boot)
            and (self.device is None or _mentions(row, self.device))
        )


ALL = Select()


def _mentions(row: Row, device: str) -> bool:
    """Whether the body has the name as a text of its own, or before a dot: `"base"`, `"base.drive"`."""
    name = f'"{device}'.encode()
    return name + b'"' in row.body or name + b"." in row.body


class Rows(Protocol):
    """A journal as its readers see it: the file of a daemon, one in memory, or an export."""

    def rows(
        self, select: Select = ALL, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[Row]:
        """The rows, in order. Holds up no writer, and sees what is written while it goes."""

    @property
    def last_seq(self) -> int:
        """The number of the newest row; 0 for an empty journal."""


def last_audit(rows: Rows) -> Mapping[str, Any] | None:
    """The body of the newest audit row; None where there is none."""
    newest = next(rows.rows(Select(kinds=(AUDIT,)), limit=1, newest_first=True), None)
    return None if newest is None else newest.data


class Store(Protocol):
    """What takes the rows of one daemon. All of it may be called in a thread of its own."""

    def commit(self, rows: Sequence[Row]) -> None:
        """Keep these, all or none, and return when no loss of power can take them any more.

        Raises `JournalFull` or `JournalFailed`.
        """

    def trim(self, settled: int) -> None:
        """Where the journal is too large, remove its oldest rows, none after the row `settled`."""

    def spend_reserve(self) -> None:
        """The disk is full: give up the place that was kept for the rows of what is under way."""

    def restore_reserve(self) -> None:
        """Keep that place again. Raises `JournalFull` while there is none."""

    def close(self) -> None:
        """In good order. Nothing is committed any more."""


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """A command that was accepted and had not ended when the last daemon did."""

    id: str
    type: str
    source: str
    trace: str
    seq: int
    started: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """An id that a client chose, and may send again."""

    id: str
    principal: str
    digest: str
    seq: int
    """Of the row with its terminal stage; of the row with the command itself while it has none."""
    wall: int
    """When that row was written, in microseconds since 1970."""
    stage: str | None
    """The terminal stage, and why it ended so; None for an open command."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a journal held when it was opened."""

    last_seq: int = 0
    last_hash: bytes = BEGINNING
    open_commands: Sequence[OpenCommand] = ()
    """In the order in which they came."""
    remembered: Sequence[Remembered] = ()
    """The oldest first; at most so many and so old as the journal promises."""
    quarantined: Sequence[str] = ()
    """Paths of what was found broken and put aside, not yet acknowledged by a person."""
    found_broken: str | None = None
    """What was wrong with it at this very opening, in a sentence."""
    audit: Mapping[str, Any] | None = None
    """The body of the newest row of kind `audit`, which the next one is tied to."""
    lost_rows: int = 0
    """How many rows after the last whole one were put aside with it, as far as can be told."""
