"""Disks that fail, are full, or are slow."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from tests.journal.disk.disk import Disk, Go

EIO = {
    "write": sqlite3.SQLITE_IOERR_WRITE,
    "truncate": sqlite3.SQLITE_IOERR_TRUNCATE,
    "sync": sqlite3.SQLITE_IOERR_FSYNC,
}
"""What SQLite says of each where the system says EIO."""
ENOSPC = {
    "write": sqlite3.SQLITE_FULL,
    "truncate": sqlite3.SQLITE_IOERR_TRUNCATE,
    "sync": sqlite3.SQLITE_IOERR_FSYNC,
}
"""Where it says ENOSPC: only a write may be told that a disk is full; a sync that is, is a failed one."""


class Failing(Disk):
    """A disk whose Nth change, counted from 1, fails: a write, a truncation or a sync.

    A write that fails leaves half of its bytes. `only`: changes of files of this name. `for_good`: so does
    every change from then on.
    """

    def __init__(
        self, code: dict[str, int], *, nth: float = math.inf, only: str = "", for_good: bool = False
    ) -> None:
        self.nth = nth
        self._only = only
        self._code = code
        self._for_good = for_good
        self.changes = 0
        """How many there were."""
        self.failed: list[str] = []
        """Which of them failed: `write journal.db-wal`."""

    def write(self, path: str, offset: int, data: bytes, go: Callable[[bytes], int]) -> int:
        """Write all of it, or half."""
        if not self._fails("write", path):
            return go(data)
        go(data[: len(data) // 2])
        return self._code["write"]

    def truncate(self, path: str, size: int, go: Go) -> int:
        """Cut the file, or leave it."""
        return self._code["truncate"] if self._fails("truncate", path) else go()

    def sync(self, path: str) -> int:
        """Make it durable, or not."""
        return self._code["sync"] if self._fails("sync", path) else sqlite3.SQLITE_OK

    def _fails(self, what: str, path: str) -> bool:
        if self._only not in ("", Path(path).name):
            return False
        self.changes += 1
        fails = self.changes >= self.nth if self._for_good else self.changes == self.nth
        if fails:
            self.failed.append(f"{what} {Path(path).name}")
        return fails


class Small(Disk):
    """A disk that holds so many bytes: of all files in `folder`, whoever wrote them.

    So what is deleted there makes room, whether or not SQLite did it.
    """

    def __init__(self, folder: Path, room_bytes: int) -> None:
        self._folder = folder
        self.room_bytes = room_bytes
        """May change: somebody else fills the disk, or clears it."""
        self.refused = 0
        """How many writes found no room."""

    def write(self, path: str, offset: int, data: bytes, go: Callable[[bytes], int]) -> int:
        """Write what fits. What is written over needs no room."""
        taken = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
        size = Path(path).stat().st_size
        fits = max(0, size + self.room_bytes - taken - offset) if offset + len(data) > size else len(data)
        result = go(data[:fits])
        if fits >= len(data):
            return result
        self.refused += 1
        return sqlite3.SQLITE_FULL


class Slow(Disk):
    """A disk that takes so many seconds for each sync, in the thread that asked for it."""

    def __init__(self, sync_s: float) -> None:
        self.sync_s = sync_s

    def sync(self, path: str) -> int:
        """Make it durable in the end."""
        time.sleep(self.sync_s)  # noqa: TID251  # a disk knows no virtual time, nor does the thread that waits for it
        return sqlite3.SQLITE_OK
