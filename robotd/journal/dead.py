"""Dead letters: commands that came to no good end, until a person has dealt with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robotd.journal.errors import JournalError
from robotd.journal.kinds import BURIED, COMMAND, DEAD
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select


class NoDeadLetter(JournalError):  # noqa: N818  # it says what it is
    """There is none with that number, and why."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was wanted, by whom, and why it did not come to a good end."""

    seq: int
    """Of its row: what people call it by."""
    wall: int
    """When it ended, in microseconds since 1970."""
    id: str
    trace: str
    type: str
    source: str
    stage: str
    """The terminal stage: `expired`, `rejected`, `failed`, `unknown`..."""
    reason: str | None
    message: str
    """A sentence, where there was one."""
    hint: str
    started: bool
    """Whether something of it ran."""
    command: Mapping[str, Any] | None
    """The body of its command's row; None where the journal no longer has it: nothing can be sent again."""

    def as_data(self) -> dict[str, Any]:
        """As `robotd dead list --json` prints it."""
        data = {name: getattr(self, name) for name in self.__slots__ if name != "command"}
        return data | {"payload": self.payload}

    @property
    def payload(self) -> Mapping[str, Any] | None:
        """What it was to be done with; None where the journal no longer knows."""
        return None if self.command is None else self.command.get("payload", {})


def dead_letters(rows: Rows) -> list[DeadLetter]:
    """Those that nobody has dealt with, the oldest first."""
    open_ones: dict[int, Row] = {}
    for row in rows.rows(Select(kinds=(DEAD, BURIED))):
        if row.kind == DEAD:
            open_ones[row.seq] = row
        else:
            open_ones.pop(row.data["letter"], None)
    return _letters(rows, list(open_ones.values()))


def dead_letter(rows: Rows, seq: int) -> DeadLetter:
    """The one with this number. Raises `NoDeadLetter`, also for one that somebody has dealt with."""
    row = next(rows.rows(Select(since=seq - 1, until=seq)), None)
    if row is None:
        raise NoDeadLetter(f"the journal has no row #{seq}; `robotd dead list` shows the dead letters")
    if row.kind != DEAD:
        raise NoDeadLetter(f"#{seq} is no dead letter, but a row of kind '{row.kind}'")
    for later in rows.rows(Select(since=seq, kinds=(BURIED,))):
        burial = later.data
        if burial["letter"] == seq:
            raise NoDeadLetter(f"the dead letter #{seq} was already {burial['how']}, by {burial['by']}")
    return _letters(rows, [row])[0]


def _letters(rows: Rows, dead: Sequence[Row]) -> list[DeadLetter]:
    commands = _commands(rows, dead)
    return [_letter(row, commands.get(row.seq)) for row in dead]


def _commands(rows: Rows, dead: Sequence[Row]) -> dict[int, Mapping[str, Any]]:
    """By the number of each dead letter the body of its command, as far as the journal has it.

    Backwards, since a command is seldom long dead; and an id may come again when it is no longer remembered.
    """
    wanted: dict[str | None, list[int]] = {}
    for row in dead:
        wanted.setdefault(row.id, []).append(row.seq)  # the newest last
    found: dict[int, Mapping[str, Any]] = {}
    until = max((row.seq for row in dead), default=0)
    for row in rows.rows(Select(until=until, kinds=(COMMAND,)), newest_first=True):
        if len(found) == len(dead):
            break
        letters = wanted.get(row.id, [])
        while letters and row.seq < letters[-1]:
            found[letters.pop()] = row.data
    return found


def _letter(row: Row, command: Mapping[str, Any] | None) -> DeadLetter:
    body = row.data
    error = body.get("error") or {}
    known = command or {}
    return DeadLetter(
        seq=row.seq,
        wall=row.wall,
        id=row.id or "",
        trace=row.trace,
        type=body.get("type") or known.get("type", ""),
        source=body.get("source") or known.get("source", ""),
        stage=body["stage"],
        reason=body.get("reason"),
        message=error.get("message", ""),
        hint=(error.get("data") or {}).get("hint", ""),
        started=body.get("started", True),
        command=command,
    )
