"""From what the rows say of commands: which are open, and which ids a client may send again."""

from __future__ import annotations

from collections.abc import Iterable

from robotd.journal.database import Noted
from robotd.journal.kinds import COMMAND, STARTED, TERMINAL
from robotd.journal.row import Row
from robotd.journal.schema import NOTED
from robotd.journal.store import OpenCommand, Remembered


def noted_of(row: Row) -> Noted | None:
    """What the table `commands` has to say of a row."""
    if row.kind not in NOTED:
        return None
    of_body = (row.data.get(key) for key in ("principal", "digest", "stage", "reason"))
    return Noted(row.seq, row.kind, row.id, row.wall, *of_body)


class Notes:
    """Follows the table `commands` along the rows, and says where the two differ."""

    def __init__(self, notes: Iterable[Noted]) -> None:
        self._notes = iter(notes)
        self._next = next(self._notes, None)

    def fault_of(self, row: Row) -> str | None:
        """What is wrong with the note of the next row, which is whole; None where there rightly is none."""
        alone = False
        while self._next is not None and self._next.seq < row.seq:
            alone = True
            self._next = next(self._notes, None)
        found = None
        if self._next is not None and self._next.seq == row.seq:
            found = self._next
            self._next = next(self._notes, None)
        if alone or found != noted_of(row):
            return f"what is noted of commands at row {row.seq} is not what the rows say"
        return None

    def any_left(self) -> bool:
        """Whether notes are left for which there was no row."""
        return self._next is not None


class Commands:
    """Open and remembered commands, gathered from rows in their order."""

    def __init__(self, noted: Iterable[Noted]) -> None:
        self.open: dict[str, Noted] = {}
        """Accepted and not ended, by id: the note of each command, the oldest first."""
        self.started: dict[str, int] = {}
        """Which of them have started, and with which row."""
        self._ended: dict[str, Remembered] = {}
        for note in noted:
            self._take(note)

    def _take(self, note: Noted) -> None:
        if note.id is None:
            return
        if note.kind == COMMAND:
            self.open[note.id] = note
        elif note.kind == STARTED:
            if note.id in self.open:
                self.started[note.id] = note.seq
        elif note.kind in TERMINAL:
            command = self.open.pop(note.id, None)
            self.started.pop(note.id, None)
            if command is not None and command.digest is not None:
                self._ended.pop(note.id, None)  # so that it is the newest again
                self._ended[note.id] = _remembered(command, note)

    def remembered(self, at_most: int, since_wall: int) -> list[Remembered]:
        """The ids that clients chose: of at most so many that ended since then, and of all open ones."""
        ended = [known for known in self._ended.values() if known.wall >= since_wall]
        still = [_remembered(command, None) for command in self.open.values() if command.digest is not None]
        return ended[-at_most:] + still

    def opened(self, rows: Iterable[Row], *, all_started: bool) -> list[OpenCommand]:
        """The open commands. `rows`: those with the commands, in order.

        `all_started`: rows are missing at the end, and nobody can say which of them had not.
        """
        return [
            OpenCommand(
                command_id,
                row.data["type"],
                row.data["source"],
                row.trace,
                row.seq,
                all_started or command_id in self.started,
            )
            for command_id, row in zip(self.open, rows, strict=True)
        ]


def _remembered(command: Noted, end: Noted | None) -> Remembered:
    row = end or command
    return Remembered(
        command.id or "",
        command.principal or "",
        command.digest or "",
        row.seq,
        row.wall,
        row.stage,
        row.reason,
    )
