"""What the database lists of commands beside the rows, held against the rows, and told to a daemon."""

from __future__ import annotations

from collections.abc import Iterable

from robotd.journal.database import Database
from robotd.journal.kinds import BURIED, COMMAND, STARTED
from robotd.journal.row import Row
from robotd.journal.schema import ENDS
from robotd.journal.store import OpenCommand, Remembered, Select
from robotd.journal.tables import Ended, Open


class Lists:
    """Follows the rows, all of them whole, and says where the lists are not what the rows say."""

    def __init__(self, ends: Iterable[Ended]) -> None:
        """`ends`: those of the rows that will be seen."""
        self._ends = iter(ends)
        self._open: dict[str, Open] = {}
        self._first_seq = 0

    def fault_of(self, row: Row) -> str | None:
        """What is wrong with what is listed for the next row."""
        self._first_seq = self._first_seq or row.seq
        if row.kind == COMMAND and row.id is not None:
            said = row.data
            self._open[row.id] = Open(row.id, row.seq, row.wall, said.get("principal"), said.get("digest"), 0)
        elif row.kind == STARTED and row.id in self._open:
            self._open[row.id] = self._open[row.id]._replace(started=1)
        elif row.kind in ENDS and not self._is_listed(row):
            return f"what is listed as ended does not begin with row {row.seq}, or says another thing than it"
        return None

    def _is_listed(self, row: Row) -> bool:
        command = self._open.get(row.id or "")
        if row.kind != BURIED:
            self._open.pop(row.id or "", None)
        listed = next(self._ends, None)
        if listed is None:
            return False
        said = row.data
        # Rotation may have taken the command: then what is listed of it is right as far as is known.
        known = listed if command is None else command
        of_command = (known.principal, known.digest)
        return listed == (
            *(row.seq, row.kind, row.id, row.wall),
            *of_command,
            *(said.get("stage"), said.get("reason")),
        )

    def fault_at_the_end(self, listed: Iterable[Open]) -> str | None:
        """What is wrong with the commands `listed` as open after the last row."""
        if next(self._ends, None) is not None:
            return "an end is listed of which no row speaks"
        if [command for command in listed if command.seq >= self._first_seq] != list(self._open.values()):
            return "other commands are listed as open than those that the rows leave open"
        return None


def open_commands(database: Database, listed: Iterable[Open], *, all_started: bool) -> list[OpenCommand]:
    """`all_started`: rows are missing, and nobody can say which of the commands had not."""
    found = []
    for command in listed:
        for row in database.rows(Select(since=command.seq - 1, until=command.seq)):
            kind, source = row.data.get("type", ""), row.data.get("source", "")
            started = all_started or bool(command.started)
            found.append(OpenCommand(command.id, kind, source, row.trace, row.seq, started))
    return found


def remembered(ended: Iterable[Remembered], listed: Iterable[Open]) -> list[Remembered]:
    """The ids that clients chose, of ended and of open commands; of one used again, the newest."""
    found = {(known.id, known.principal): known for known in ended}
    for one in listed:
        if one.digest is not None:
            principal = one.principal or ""
            found[one.id, principal] = Remembered(
                one.id, principal, one.digest, one.seq, one.wall, None, None
            )
    return list(found.values())
