"""What is done with a broken journal: its whole rows go into a new one, the files are put aside for people.

Salvaged is every whole row that is found anywhere in the files, with its number and hash. The files lie in
`quarantine/<time on the wall>/` from then on, unchanged, with what was found in `found.txt`; nothing there is
ever deleted.

The rows that are lost may have been acknowledged. So the new journal goes on after the highest number that is
known to have been given: by the head of the journal, by any whole row, by an earlier salvage. The gap between
is no fault: the next row follows the last whole one in the chain, see `robotd.journal.chain`. What cannot be
known: numbers given in the half minute before a loss of power, when the rows themselves are destroyed too.

A salvage may be interrupted at any moment: the new journal is built in the folder that is to take the old
files, and becomes `salvaged.db` when it is whole. From then on `settle_salvage` finishes it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import chain, groupby, islice, pairwise
from operator import attrgetter, itemgetter
from pathlib import Path

from robotd.files import sync_folder
from robotd.journal.carve import Remains
from robotd.journal.database import Database
from robotd.journal.errors import JournalError
from robotd.journal.folder import Folder
from robotd.journal.head import Head
from robotd.journal.row import BEGINNING, Row, follows
from robotd.journal.tables import Origin
from robotd.journal.writable import WritableDatabase

ROWS_AT_ONCE = 5_000
_BUILDING = "building.db"
_SALVAGED = "salvaged.db"
_NOTE = "found.txt"
_ACKNOWLEDGED = "acknowledged"


def create(path: Path) -> WritableDatabase:
    """A new database, for its owner only. Raises `OSError`, `JournalFull`, `JournalFailed`."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return WritableDatabase.write(path)


def salvage(
    folder: Folder, why: str, head: Head | None, now_wall: int, progress: Callable[[int], None]
) -> None:
    """Put the journal aside and what is whole of it in its place. Nobody has it open.

    `progress` is told now and then how many rows are in the new one. Raises `OSError`, `JournalFull`,
    `JournalFailed`.
    """
    aside = _make_aside(folder, now_wall)
    origin = _origin_of(folder, head)  # before the files are opened here, for SQLite's locks end with that
    with closing(Remains(folder.database, folder.wal)) as remains, create(aside / _BUILDING) as database:
        whole = _Whole(remains, origin)
        rows = iter(whole)
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            database.insert(batch)
            database.checkpoint()
            progress(whole.count)
        origin = whole.origin(0 if head is None else head.seq)
        database.begin_after(origin)
        database.checkpoint()
    with (aside / _NOTE).open("w") as note:
        note.write(f"{why}\n{_time(now_wall):Found at %Y-%m-%d %H:%M:%S} UTC. {whole.told(origin)}\n")
        note.flush()
        os.fsync(note.fileno())
    sync_folder(aside)
    (aside / _BUILDING).rename(aside / _SALVAGED)
    sync_folder(aside)
    settle_salvage(folder)


class _Whole:
    """The whole rows of a broken journal in order, and what they say of it when all have been seen."""

    def __init__(self, remains: Remains, known: Origin | None) -> None:
        """`known`: where the chain begins, as far as that can be told."""
        self._remains = remains
        self._known = known
        self._first: Row | None = None
        self._last: Row | None = None
        self._breaks: list[int] = []
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for these, following in pairwise(chain(self._candidates(), [[]])):
            row = self._best(these, following)
            if row is not None:
                self._first = self._first or row
                self._last = row
                self.count += 1
                yield row

    def _candidates(self) -> Iterator[list[Row]]:
        """The whole rows of each number: of several, all but one were rolled back."""
        after_seq = 0 if self._known is None else self._known.after_seq  # what is older lies in free pages
        found = sorted(place for place in self._remains.find() if place[0] > after_seq)
        for _, places in groupby(found, key=itemgetter(0)):
            rows = {row for place in places if (row := self._remains.row(*place)) is not None}
            if rows:
                yield sorted(rows, key=attrgetter("hash"))

    def _best(self, these: list[Row], following: list[Row]) -> Row | None:
        """The row that belongs in the chain; None where its hash, which no CRC covers, is damaged."""
        before = self._before
        for row in these:
            if before is not None and follows(row, before):
                return row
        for row in these:
            if following and following[0].seq == row.seq + 1:
                is_plausible = any(follows(after, row.hash) for after in following)
            else:  # nothing proves it; only the row right before it could refute it
                is_plausible = self._last is None or self._last.seq < row.seq - 1
            if is_plausible:
                if before is not None:
                    self._breaks.append(row.seq)
                return row
        return None

    @property
    def _before(self) -> bytes | None:
        if self._last is not None:
            return self._last.hash
        return None if self._known is None else self._known.after_hash

    def origin(self, acknowledged_seq: int) -> Origin:
        """Where the new chain begins, and how far numbers were given."""
        known = self._known or Origin(0 if self._first is None else self._first.seq - 1, None)
        used_seq = max(acknowledged_seq, known.used_seq, 0 if self._last is None else self._last.seq)
        after_hash = known.after_hash
        if after_hash is None and (self._first is None or follows(self._first, BEGINNING)):
            after_hash = BEGINNING
        return Origin(known.after_seq, after_hash, used_seq, tuple(self._breaks))

    def told(self, origin: Origin) -> str:
        """What was kept and what was not, for people."""
        if self._first is None or self._last is None:
            return f"No row could be kept of {origin.used_seq - origin.after_seq}."
        kept = f"{self.count} rows were kept, the newest is row {self._last.seq}"
        lost = origin.used_seq - origin.after_seq - self.count
        return f"{kept}; {lost} were lost." if lost else f"{kept}; none was lost."


def settle_salvage(folder: Folder) -> None:
    """Finish a salvage that was interrupted, if one was."""
    for aside in _asides(folder):
        if (aside / _SALVAGED).exists():
            for file in (folder.database, folder.wal, folder.shm, folder.head):
                if file.exists():
                    file.rename(aside / file.name)
            sync_folder(aside)
            (aside / _SALVAGED).rename(folder.database)
            sync_folder(aside)
            sync_folder(folder.path)
        elif all(path.name.startswith(_BUILDING) or path.name == _NOTE for path in aside.iterdir()):
            shutil.rmtree(aside)  # the files that it was made for are all in their old place


def unacknowledged(folder: Folder) -> tuple[str, ...]:
    """What lies in quarantine and no person has dealt with: the path of each folder, the oldest first."""
    return tuple(str(aside) for aside in _asides(folder) if not (aside / _ACKNOWLEDGED).exists())


def acknowledge(aside: Path) -> None:
    """A person knows of it. The files stay. Raises `JournalError` for what is no quarantine."""
    if not (aside / _NOTE).exists():
        raise JournalError(f"{aside} is no quarantine of a journal")
    (aside / _ACKNOWLEDGED).touch()
    sync_folder(aside)


def _asides(folder: Folder) -> list[Path]:
    return sorted(path for path in folder.quarantine.glob("*") if path.is_dir())


def _make_aside(folder: Folder, now_wall: int) -> Path:
    name = f"{_time(now_wall):%Y%m%dT%H%M%SZ}"
    folder.quarantine.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.path)
    count = 1
    while (aside := folder.quarantine / (name if count == 1 else f"{name}-{count}")).exists():
        count += 1
    aside.mkdir(mode=0o700)
    sync_folder(folder.quarantine)
    return aside


def _time(wall: int) -> datetime:
    return datetime.fromtimestamp(wall // 1_000_000, UTC)


def _origin_of(folder: Folder, head: Head | None) -> Origin | None:
    """Where the chain of the broken journal begins, as far as it still says so."""
    with suppress(JournalError), Database.read(folder.database) as database:
        return database.origin
    if head is None:
        return None
    return Origin(head.after_seq, BEGINNING if head.after_seq == 0 else None)
