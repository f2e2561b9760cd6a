"""The journal in SQLite, as its one writer has it.

The database is in WAL mode with `synchronous=FULL`: a commit is one fsync of the `-wal` file, and what it
returned from no loss of power takes (https://sqlite.org/wal.html, section 2.2 and `PRAGMA synchronous`).
Checkpoints are asked for here and never left to SQLite, which ignores the errors of those it makes by itself:
a failed fsync would be tried again and might then seem to succeed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Self
from urllib.parse import quote

from robotd.journal.database import BATCH_ROWS, BUSY_S, Database
from robotd.journal.errors import JournalError, JournalFailed, JournalFull
from robotd.journal.row import Row
from robotd.journal.schema import APPLICATION_ID, COLUMNS, MIGRATIONS, PAGE_BYTES, Migration
from robotd.journal.tables import Origin
from robotd.json import encode

READERS_S = 0.1
"""Readers may hold up a commit for so long, where they have kept the `-wal` file from being used again."""
WAL_KEPT_BYTES = 16 * 2**20
"""The `-wal` file is cut back to this when a checkpoint has emptied it."""

_FORGET_ENDS = (
    "DELETE FROM ended WHERE seq <= ? AND (digest IS NULL OR wall < ? OR seq <= ifnull("
    "(SELECT seq FROM ended WHERE digest NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ?), 0))"
)


class WritableDatabase(Database):
    """The connection of the one daemon that writes. One thread at a time may use it."""

    @classmethod
    def write(cls, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Self:
        """Open for writing; make it where there is none, bring it to this version where it is older.

        Raises `JournalTooNew`, `JournalFull`, `JournalFailed`.
        """
        database = cls(path, f"file:{quote(str(path))}")
        try:
            with database._errors_told():
                database._prepare(migrations)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, migrations: Sequence[Migration]) -> None:
        run = self._connection.execute
        for pragma in (
            f"page_size = {PAGE_BYTES}",
            "auto_vacuum = NONE",
            "journal_mode = WAL",
            "synchronous = FULL",
            "wal_autocheckpoint = 0",
            f"journal_size_limit = {WAL_KEPT_BYTES}",
            "secure_delete = OFF",
        ):
            run(f"PRAGMA {pragma}").fetchall()
        is_new = self._value("SELECT count(*) FROM sqlite_schema") == 0
        version = 0 if is_new else self._check_version(len(migrations))
        if version == len(migrations):
            return
        with self._transaction("BEGIN IMMEDIATE"):
            for statement in chain.from_iterable(migrations[version:]):
                run(statement)
            if is_new:
                self._write_origin(Origin())
            run(f"PRAGMA application_id = {APPLICATION_ID}")
            run(f"PRAGMA user_version = {len(migrations)}")

    def insert(self, rows: Sequence[Row]) -> None:
        """Write rows, all or none; when it returns, they are durable.

        Raises `JournalFull` and `JournalFailed`.
        """
        with self._errors_told():
            if len(rows) <= BATCH_ROWS:
                # One statement is a transaction of its own: begin and commit would be two more.
                self._insert(rows)
            else:
                with self._transaction("BEGIN IMMEDIATE"):
                    for first in range(0, len(rows), BATCH_ROWS):
                        self._insert(rows[first : first + BATCH_ROWS])

    def _insert(self, rows: Sequence[Row]) -> None:
        self._connection.execute(_insertion(len(rows)), tuple(chain.from_iterable(rows)))

    def remove_until(self, last: Row, remember: int = 0, since_wall: int = 0) -> None:
        """Remove this row and those before it. Raises `JournalFull`, `JournalFailed`.

        Of the newest `remember` ids that clients chose, and of ends since `since_wall`, it stays listed how
        their commands ended: a promise about ids is no matter of room.
        """
        with self._errors_told():
            _, _, used_seq, breaks = self.origin
            left = tuple(seq for seq in breaks if seq > last.seq)
            with self._transaction("BEGIN IMMEDIATE"):
                self._connection.execute("DELETE FROM rows WHERE seq <= ?", (last.seq,))
                self._connection.execute(_FORGET_ENDS, (last.seq, since_wall, remember))
                self._connection.execute("DELETE FROM open WHERE seq <= ?", (last.seq,))
                self._write_origin(Origin(last.seq, last.hash, used_seq, left))

    def begin_after(self, origin: Origin) -> None:
        """Say where the chain begins. Raises `JournalFull`, `JournalFailed`."""
        with self._errors_told(), self._transaction("BEGIN IMMEDIATE"):
            self._write_origin(origin)

    def _write_origin(self, origin: Origin) -> None:
        self._connection.execute("DELETE FROM origin")
        after_seq, after_hash, used_seq, breaks = origin
        values = (after_seq, after_hash, used_seq, encode(breaks), origin.crc)
        self._connection.execute("INSERT INTO origin VALUES (?, ?, ?, ?, ?)", values)

    def checkpoint(self, *, empty: bool = False) -> int:
        """Carry the `-wal` file over into the database, as far as readers let it.

        `empty`: wait for readers to leave the file, for `READERS_S` at most, and cut it to nothing. Returns
        how many bytes are in it; all that is carried over the next commit writes over, if no reader is in it.
        Raises `JournalFull`, after which it may be tried again, and `JournalFailed`.
        """
        run = self._connection.execute
        with self._errors_told():
            if not empty:
                _, frames, _ = run("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                return int(frames) * PAGE_BYTES
            run(f"PRAGMA busy_timeout = {READERS_S * 1000:.0f}")
            try:
                _, frames, _ = run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                run(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")
        return int(frames) * PAGE_BYTES

    @property
    def used_bytes(self) -> int:
        """What the rows take up in the database; pages that wait to be used again do not count."""
        free: int = self._value("PRAGMA freelist_count")
        pages: int = self._value("PRAGMA page_count")
        return (pages - free) * PAGE_BYTES

    def _told(self, error: Exception) -> JournalError:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if name == "SQLITE_FULL":
            return JournalFull(f"there is no room on the disk for {self.path}")
        return JournalFailed(f"{self.path} does not take what is written: {error} ({name})")


@cache
def _insertion(count: int) -> str:
    place = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO rows VALUES {', '.join([place] * count)}"
