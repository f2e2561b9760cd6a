"""The journal in SQLite, as any number of processes may read it. Only this file imports sqlite3.

Its one writer has a connection that does more: `robotd.journal.writable`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from robotd.journal.errors import JournalError, JournalTooNew
from robotd.journal.query import page_of
from robotd.journal.row import Row
from robotd.journal.schema import APPLICATION_ID, MIGRATIONS
from robotd.journal.store import ALL, Remembered, Select
from robotd.journal.tables import Ended, Open, Origin
from robotd.json import parse

PAGE_ROWS = 500
"""A reader takes so many rows at most in one transaction..."""
WINDOW_ROWS = 20_000
"""...and looks at so many at most, so that it never holds up a checkpoint for long."""
BATCH_ROWS = 128
"""So many rows are written by one statement. Each statement lets go of the interpreter's lock and has to wait
for it again, up to 5 ms under load: a statement for each row would cost that for each row."""
BUSY_S = 30.0
"""Somebody else (a person with a shell) may hold the database for so long, then the journal has failed."""

_damaged_text = partial(str, encoding="utf-8", errors="replace")
"""Takes longer than the decoder of sqlite3, but shows every text; that it is damaged its row's CRC tells."""


class CannotOpen(JournalError):  # noqa: N818  # it says what it is
    """The file, or what readers share beside it, cannot be opened by us."""


class Database:
    """A journal as any process may read it. Each question is a transaction of its own."""

    def __init__(self, path: Path, uri: str) -> None:
        """`uri`: the path and how to open it, https://sqlite.org/uri.html."""
        self.path = path
        with self._errors_told():
            self._connection = sqlite3.connect(
                uri,
                uri=True,
                isolation_level=None,  # a transaction begins where we say so
                timeout=BUSY_S,
                cached_statements=2 * BATCH_ROWS,
                check_same_thread=False,  # one thread at a time, but not always the same
            )
        self._version = len(MIGRATIONS)
        self.on_close: Callable[[], None] = lambda: None

    @classmethod
    def read(cls, path: Path, *, immutable: bool = False) -> Self:
        """Open for reading only. `immutable`: nobody writes it, and there is no `-wal` file to look at.

        Raises `JournalError` for what is no journal, `JournalTooNew` for one of a later version.
        """
        if path.exists() and path.stat().st_size == 0:
            # SQLite would delete a `-wal` file beside it, and with it what is left of the rows.
            raise JournalError(f"{path} is empty")
        mode = "mode=ro&immutable=1" if immutable else "mode=ro"
        database = cls(path, f"file:{quote(str(path))}?{mode}")
        try:
            database._version = database._check_version(len(MIGRATIONS))
        except JournalError:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Ends what is being read, too."""
        self._connection.close()
        self.on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- rows ---------------------------------------------------------------------------------------

    @property
    def last_seq(self) -> int:
        """The number of the newest row; of the last that was removed where none is left."""
        found: int | None = self._value("SELECT max(seq) FROM rows")
        return self.origin.after_seq if found is None else found

    @property
    def first_seq(self) -> int:
        """The number of the oldest row; one after the last that was removed where none is left."""
        found: int | None = self._value("SELECT min(seq) FROM rows")
        return self.origin.after_seq + 1 if found is None else found

    @property
    def origin(self) -> Origin:
        """Where the chain begins. Raises `JournalError` where that is damaged."""
        rows = self._fetch("SELECT * FROM origin")
        try:
            ((after_seq, after_hash, used_seq, breaks, crc),) = rows
            origin = Origin(after_seq, after_hash, used_seq, tuple(parse(breaks)))
        except (TypeError, ValueError):
            crc = None
        if crc is None or origin.crc != crc:
            raise JournalError(f"{self.path} does not say any more where its chain begins")
        return origin

    def rows(
        self, select: Select = ALL, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[Row]:
        """As `Rows.rows`. Raises `JournalError` where the file is damaged."""
        size = PAGE_ROWS if limit is None else min(limit, PAGE_ROWS)
        pages = self._pages(select, size, newest_first)
        return islice(chain.from_iterable(pages), limit)

    def _pages(self, select: Select, size: int, newest_first: bool) -> Iterator[list[Row]]:
        statement, values = page_of(select, newest_first=newest_first)
        low, high = max(select.since, self.first_seq - 1), self._end(select)
        while low < high:
            if newest_first:
                bounds = (max(low, high - WINDOW_ROWS), high)
            else:
                bounds = (low, min(low + WINDOW_ROWS, high))
            page = [Row._make(row) for row in self._fetch(statement, *bounds, *values, size)]
            yield page
            if newest_first:
                high = page[-1].seq - 1 if len(page) == size else bounds[0]
            else:
                low = page[-1].seq if len(page) == size else bounds[1]
                high = self._end(select)

    def _end(self, select: Select) -> int:
        return self.last_seq if select.until is None else min(select.until, self.last_seq)

    # -- commands -----------------------------------------------------------------------------------

    def open_commands(self) -> list[Open]:
        """The commands that have not ended, in the order in which they came."""
        return [Open._make(row) for row in self._fetch("SELECT * FROM open ORDER BY seq")]

    def ended_commands(self, at_most: int, since_wall: int) -> list[Remembered]:
        """The newest ends, the oldest first, of commands whose ids were chosen by clients."""
        statement = (
            "SELECT id, ifnull(principal, ''), digest, seq, wall, stage, reason FROM ended "
            "WHERE digest NOT NULL AND wall >= ? ORDER BY seq DESC LIMIT ?"
        )
        return [Remembered(*row) for row in reversed(self._fetch(statement, since_wall, at_most))]

    def ends(self, since: int) -> Iterator[Ended]:
        """What is listed for the rows after this one, in order."""
        while page := self._fetch("SELECT * FROM ended WHERE seq > ? ORDER BY seq LIMIT ?", since, PAGE_ROWS):
            yield from map(Ended._make, page)
            since = page[-1][0]

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """All that is asked meanwhile is as of one moment, whatever is written. Not for long."""
        with self._errors_told(), self._transaction("BEGIN"):
            yield

    # -- soundness ----------------------------------------------------------------------------------

    def structural_fault(self) -> str | None:
        """What SQLite itself finds wrong with its pages, in a sentence; reads all of them."""
        with self._errors_told():
            found: str = self._value("PRAGMA integrity_check(1)")
        return None if found == "ok" else f"SQLite says: {' '.join(found.split())}"

    def schema_fault(self) -> str | None:
        """Whether the tables are not those of its version; reads one page."""
        scratch = sqlite3.connect(":memory:", isolation_level=None)
        try:
            for statement in chain.from_iterable(MIGRATIONS[: self._version]):
                scratch.execute(statement)
            wanted = scratch.execute(_SCHEMA).fetchall()
        finally:
            scratch.close()
        return None if self._fetch(_SCHEMA) == wanted else "its tables are not those of a journal"

    def _check_version(self, known: int) -> int:
        version: int = self._value("PRAGMA user_version")
        if self._value("PRAGMA application_id") != APPLICATION_ID:
            raise JournalError(f"{self.path} is no journal of robotd")
        if version > known:
            raise JournalTooNew(
                f"{self.path} was written by a later version of robotd (format {version}; "
                f"this one knows up to {known})"
            )
        return version

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have ended it already
                with suppress(sqlite3.Error):  # the first error says what is wrong
                    self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> JournalError:
        """What an error means to whoever uses this connection."""
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_NOTADB:
                return JournalError(f"{self.path} is no journal")
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY:
                return CannotOpen(f"{self.path} cannot be opened: {error}")
            case _:
                return JournalError(f"{self.path} cannot be read: {error}")

    def _fetch(self, statement: str, *values: object) -> list[Any]:
        with self._errors_told():
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                if hasattr(error, "sqlite_errorcode"):
                    raise
                # Not from SQLite: a text is not in UTF-8.
                self._connection.text_factory = _damaged_text
                return self._connection.execute(statement, values).fetchall()

    def _value(self, statement: str) -> Any:
        return self._fetch(statement)[0][0]


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
