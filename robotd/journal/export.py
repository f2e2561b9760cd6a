"""Rows as JSON lines, and files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from robotd.journal.errors import JournalError
from robotd.journal.reader import to_json
from robotd.journal.row import Row
from robotd.json import encode


def write_json_lines(rows: Iterable[Row], out: IO[bytes]) -> None:
    """One row a line, with all that a check of the chain needs: `robotd.journal.reader` opens it again.

    Raises `JournalError` for a row that is damaged.
    """
    for row in rows:
        out.write(json_line(row) + b"\n")


def json_line(row: Row) -> bytes:
    """The row as JSON, without an end of line. Raises `JournalError` for one that is damaged."""
    try:
        return encode(to_json(row))
    except ValueError as error:
        raise JournalError(f"row {row.seq} is damaged: {error}; `robotd journal verify` says more") from None


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its name, and the place of what had it, only when all is in it.

    Raises `OSError`. Whatever else ends it early leaves nothing behind.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
