"""Opens a journal to read it: the folder of a daemon, running or not, its database, or an export.

An export has one row a line as a JSON object: `to_json` says which keys. All that a check of the chain needs
is in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from robotd.journal.database import CannotOpen, Database
from robotd.journal.errors import JournalError
from robotd.journal.folder import Folder
from robotd.journal.row import Row
from robotd.journal.store import ALL, Select
from robotd.json import encode, parse

TAIL_BYTES = 2**20
"""The last row of an export is looked for in so much of its end."""


def default_folder(robot: str, environ: Mapping[str, str]) -> Path:
    """Where the journal of a robot lies: systemd's state folder, else that of the user."""
    of_service = environ.get("STATE_DIRECTORY")
    if of_service:
        return Path(of_service.split(":")[0])
    of_user = environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(of_user) / "robotd" / robot


def open_rows(path: Path) -> Database | Export:
    """The rows at `path`, to be closed by whom they are for.

    A journal may be written meanwhile. Where its folder does not let us write, not even what readers of a
    running database share, and its daemon is gone, a copy in a temporary folder is read.

    Raises `JournalError` for what is no journal, and `PermissionError`.
    """
    file = Folder(path).database if path.is_dir() else path
    if not file.exists():
        raise JournalError(f"there is no journal in {path}")
    if not os.access(file, os.R_OK):
        raise PermissionError(13, os.strerror(13), str(file))
    # By its name, without a look inside: closing a file ends all locks that this process has on it, and a
    # daemon that reads its own journal would lose SQLite's (https://sqlite.org/howtocorrupt.html, 2.2).
    if file.suffix == ".db":
        return _open_database(file)
    with file.open("rb") as begun:
        is_database = begun.read(15) == b"SQLite format 3"
    return _open_database(file) if is_database else Export(file)


def _open_database(path: Path) -> Database:
    try:
        return Database.read(path)
    except CannotOpen:
        wal = path.with_name(path.name + "-wal")
        if not wal.exists() or wal.stat().st_size == 0:
            return Database.read(path, immutable=True)
    folder = TemporaryDirectory(prefix="robotd-journal-")
    for file in (path, wal, path.with_name("journal.head")):
        if file.exists():
            shutil.copyfile(file, Path(folder.name) / file.name)
    database = Database.read(Path(folder.name) / path.name)
    database.on_close = folder.cleanup
    return database


def to_json(row: Row) -> dict[str, Any]:
    """A row as people and programs elsewhere read it; `from_json` takes it back."""
    return {
        "seq": row.seq,
        "boot": row.boot,
        "at": row.at,
        "wall": datetime.fromtimestamp(row.wall / 1e6, UTC).isoformat(timespec="milliseconds"),
        "wall_us": row.wall,
        "kind": row.kind,
        "id": row.id,
        "trace_id": row.trace,
        "body": row.data,
        "crc": row.crc,
        "hash": row.hash.hex(),
    }


def from_json(data: Mapping[str, Any]) -> Row:
    """Raises `KeyError`, `TypeError`, `ValueError` for what is no row."""
    return Row(
        seq=int(data["seq"]),
        boot=data["boot"],
        at=data["at"],
        wall=int(data["wall_us"]),
        kind=data["kind"],
        id=data["id"],
        trace=data["trace_id"],
        body=encode(data["body"]),
        crc=int(data["crc"]),
        hash=bytes.fromhex(data["hash"]),
    )


class Export:
    """The rows of a file in JSON lines, in the order in which they stand there."""

    def __init__(self, path: Path) -> None:
        """Raises `JournalError` where the first line is no row."""
        self.path = path
        next(self._all(), None)

    def close(self) -> None:
        """Nothing is open between two questions."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def last_seq(self) -> int:
        """As `Rows.last_seq`."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - TAIL_BYTES))
            lines = file.read().splitlines()
        return self._row(lines[-1], "its last line").seq if lines else 0

    def rows(
        self, select: Select = ALL, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[Row]:
        """As `Rows.rows`. Raises `JournalError` at a line that is no row."""
        every = reversed(list(self._all())) if newest_first else self._all()
        return islice(filter(select.takes, every), limit)

    def _all(self) -> Iterator[Row]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield self._row(line, f"line {number}")

    def _row(self, line: bytes, where: str) -> Row:
        try:
            return from_json(parse(line))
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(f"{self.path}: {where} is no row of a journal") from error
