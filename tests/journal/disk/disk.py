"""What SQLite, and Python code, ask before they change a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Go = Callable[[], int]
"""Does the real thing, and returns SQLite's result code."""


class Disk:
    """What becomes of each change of a file. This one does as it is told; others record, fail or dawdle.

    Called in the threads of those who use the files. All return a result code of SQLite.
    """

    def opened(self, path: str) -> None:
        """SQLite has opened a file, and may have made it."""

    def write(self, path: str, offset: int, data: bytes, go: Callable[[bytes], int]) -> int:
        """Write; `go` takes the bytes that really get there."""
        return go(data)

    def truncate(self, path: str, size: int, go: Go) -> int:
        """Cut the file to `size` bytes."""
        return go()

    def sync(self, path: str) -> int:
        """Make durable what was written to a file, or which files are in a folder.

        Not upon the machine's own disk: its power is not cut, and a test would do nothing but wait for it.
        """
        return sqlite3.SQLITE_OK

    def delete(self, path: str, durably: bool, go: Go) -> int:
        """Delete the file, and if `durably`, sync its folder."""
        return go()

    def rename(self, path: str, target: str, go: Go) -> int:
        """Give the file another name, which may have been another's."""
        return go()
