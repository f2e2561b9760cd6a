"""The journal of a daemon on its disk: one folder, one writer.

`journal.db` (with `-wal` and `-shm`) holds the rows, `journal.head` how far it had come, `journal.lock` who
writes it, `journal.reserve` room for bad times; what was found broken lies under `quarantine/`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from robotd.files import sync_folder
from robotd.journal.commands import open_commands, remembered
from robotd.journal.database import Database
from robotd.journal.errors import JournalError, JournalFailed, JournalFull, JournalTooNew
from robotd.journal.examine import Damaged, Examined, examine
from robotd.journal.folder import NO_ROOM, Folder
from robotd.journal.head import Head, HeadFile, read_head
from robotd.journal.quarantine import create, salvage, settle_salvage, unacknowledged
from robotd.journal.row import Row
from robotd.journal.schema import PAGE_BYTES, VERSION
from robotd.journal.store import Beginning, Select, last_audit
from robotd.journal.writable import WAL_KEPT_BYTES, WritableDatabase

LIMIT_BYTES = 256 * 2**20
REMEMBER = 100_000
REMEMBER_FOR_S = 24 * 3600.0
TRIM_ROWS = 1_000
"""So many rows are removed in one transaction..."""
TRIM_SLICES = 4
"""...and so many transactions are made at once, between which nobody waits for a commit."""
CHECKPOINT_BYTES = 4 * 2**20
"""So much is written, as far as can be told, before the `-wal` file is carried over into the database..."""
CHECKPOINT_AT_LAST_BYTES = 4 * CHECKPOINT_BYTES
"""...by `trim`; or at the end of a commit, where nobody called that for long."""
ROW_BYTES = 150
"""What a row takes beside its body, about."""
PAGES_OF_A_COMMIT = 3
"""Pages that each commit writes, however small: two tables grow at their ends, and what leads there."""


class DiskStore:
    """A `Store` on a disk. What it does is done by one thread at a time."""

    def __init__(
        self,
        folder: Folder,
        lock: int,
        database: WritableDatabase,
        head_file: HeadFile,
        head: Head,
        limit_bytes: int,
        remember: int,
        remember_for_s: float,
    ) -> None:
        """`open` does what has to be done before. Raises `JournalFailed`."""
        self.folder = folder
        self._lock = lock
        self._limit_bytes = limit_bytes
        self._remember = remember
        self._remember_for_us = int(remember_for_s * 1e6)
        self._newest_wall = 0
        self._database = database
        self._head_file = head_file
        self._head = head
        self._written_bytes = 0
        """Since the last checkpoint."""
        with suppress(JournalFull):  # the first commit will tell
            if folder.wal.exists() and folder.wal.stat().st_size:
                # A daemon was killed. Its last commit may be there without its fsync, and the head names it.
                self._carry_over()
            folder.keep_reserve()
        self._say(head)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        robot: str = "a robot",
        limit_bytes: int = LIMIT_BYTES,
        remember: int = REMEMBER,
        remember_for_s: float = REMEMBER_FOR_S,
        now_wall: int,
        progress: Callable[[int], None] = lambda _rows: None,
    ) -> tuple[Self, Beginning]:
        """Open the journal in this folder, or begin one; look whether it is whole; hold it until `close`.

        `robot`: whom a second daemon is told of. `now_wall`: the time on the wall in microseconds. A broken
        journal is put aside and its whole rows into a new one, see `robotd.journal.quarantine`. `progress` is
        told now and then how many those are: a large journal takes a minute on a small machine. Then
        `found_broken` says so, and again at each start until a row was written after it.

        Raises `JournalHeld`, `JournalTooNew`, and `JournalFull` or `JournalFailed` where the disk does not
        take what a start has to write.
        """
        folder = Folder(path)
        with ExitStack() as unless_opened:
            try:
                folder.make()
                lock = folder.hold(robot)
                unless_opened.callback(os.close, lock)
                examined, why = _ready(folder, now_wall, progress)
                head = Head(examined.last_seq, examined.last_hash, examined.origin.after_seq, VERSION)
                database = unless_opened.enter_context(WritableDatabase.write(folder.database))
                head_file = unless_opened.enter_context(HeadFile(folder.head))
            except OSError as error:
                raise JournalFailed(f"{path} cannot be written: {error.strerror}") from error
            store = cls(folder, lock, database, head_file, head, limit_bytes, remember, remember_for_s)
            since_wall = now_wall - int(remember_for_s * 1e6)
            lost = max(0, examined.origin.used_seq - examined.last_seq)
            if why is None and 0 < examined.origin.used_seq >= examined.last_seq:
                why = "it was broken, and the daemon that found it ended before it could write that down"
            listed = database.open_commands()
            beginning = Beginning(
                last_seq=examined.last_seq + lost,
                last_hash=examined.last_hash,
                open_commands=open_commands(database, listed, all_started=why is not None),
                remembered=remembered(database.ended_commands(remember, since_wall), listed),
                quarantined=unacknowledged(folder),
                found_broken=why,
                audit=last_audit(database),
                lost_rows=lost,
            )
            unless_opened.pop_all()
        return store, beginning

    @property
    def size_bytes(self) -> int:
        """What the database and its `-wal` file take on the disk. May be asked from any thread."""
        return sum(path.stat().st_size for path in (self.folder.database, self.folder.wal) if path.exists())

    def commit(self, rows: Sequence[Row]) -> None:
        """As `Store.commit`. At most `BATCH_ROWS` of robotd.journal.database at once are quickest."""
        self._database.insert(rows)
        newest = rows[-1]
        self._newest_wall = newest.wall
        self._say(self._head._replace(seq=newest.seq, hash=newest.hash))
        self._written_bytes += PAGES_OF_A_COMMIT * PAGE_BYTES + sum(len(row.body) + ROW_BYTES for row in rows)
        if self._written_bytes > CHECKPOINT_AT_LAST_BYTES:
            with suppress(JournalFull):  # the rows are kept, where they are
                self._carry_over()

    def trim(self, settled: int) -> None:
        """As `Store.trim`; keeps the `-wal` file short as well. To be called every 1,000 rows or so.

        What was removed cannot be replayed: a replay begins at the first `boot` row that is left. The hash of
        the last row removed is kept, so that the chain of the others can still be proven.
        """
        if self._written_bytes > CHECKPOINT_BYTES:
            self._carry_over()
        for _ in range(TRIM_SLICES):
            if self._database.used_bytes <= self._limit_bytes:
                break
            until = min(settled, self._database.first_seq + TRIM_ROWS - 1)
            last = next(self._database.rows(Select(until=until), limit=1, newest_first=True), None)
            if last is None:
                break
            since_wall = self._newest_wall - self._remember_for_us
            self._database.remove_until(last, self._remember, since_wall)
            self._say(self._head._replace(after_seq=last.seq))

    def spend_reserve(self) -> None:
        """As `Store.spend_reserve`."""
        self.folder.spend_reserve()

    def restore_reserve(self) -> None:
        """As `Store.restore_reserve`."""
        self.folder.keep_reserve()

    def close(self) -> None:
        """As `Store.close`: all rows are in `journal.db`, and another daemon may open it."""
        with suppress(JournalError, OSError):  # they are in the `-wal` file, and the next start finds them
            self._carry_over()
        self._database.close()
        self._head_file.close()
        os.close(self._lock)

    def _carry_over(self) -> None:
        """Raises `JournalFull` and `JournalFailed`."""
        self._written_bytes = 0
        if self._database.checkpoint() > WAL_KEPT_BYTES:  # readers kept commits from beginning at its front
            self._database.checkpoint(empty=True)
        try:
            self._head_file.sync()
        except OSError as error:
            raise JournalFailed(f"{self.folder.head}: {error.strerror}") from error

    def _say(self, head: Head) -> None:
        self._head = head
        try:
            self._head_file.write(head)
        except OSError as error:
            if (
                error.errno not in NO_ROOM
            ):  # without room the head is older than it could be, which is no harm
                raise JournalFailed(f"{self.folder.head}: {error.strerror}") from error


def _ready(folder: Folder, now_wall: int, progress: Callable[[int], None]) -> tuple[Examined, str | None]:
    """Have a whole journal there; and what was wrong with the one that was."""
    settle_salvage(folder)
    if not any(path.exists() for path in (folder.database, folder.wal, folder.head)):
        folder.new.unlink(missing_ok=True)
        with create(folder.new) as database:
            database.checkpoint()  # that of SQLite when it closes fails in silence
        folder.new.rename(folder.database)
        sync_folder(folder.path)
    head = read_head(folder.head)
    try:
        return _examined(folder, head), None
    except Damaged as damage:
        salvage(folder, str(damage), head, now_wall, progress)
        return _examined(folder, None), str(damage)


def _examined(folder: Folder, head: Head | None) -> Examined:
    """Raises `Damaged`, `JournalTooNew`."""
    try:
        with Database.read(folder.database) as database:
            return examine(database, head)
    except JournalTooNew as error:
        if head is not None and 0 < head.version <= VERSION:
            raise Damaged("its version is not the one that was written") from error
        raise
    except Damaged:
        raise
    except JournalError as error:
        raise Damaged(str(error)) from error
