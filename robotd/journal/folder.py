"""The folder of a journal: where its files lie, who holds it, and the room that is kept free beside it."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from robotd.files import sync_folder
from robotd.journal.errors import JournalFailed, JournalFull, JournalHeld

RESERVE_BYTES = 2**20
"""Room for the ends of all commands that may be under way at once, some 600 rows, several times over."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What a system call says of a full disk."""


class Folder:
    """The files of one journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "journal.db"
        self.wal = path / "journal.db-wal"
        self.shm = path / "journal.db-shm"
        self.head = path / "journal.head"
        self.lock = path / "journal.lock"
        self.reserve = path / "journal.reserve"
        self.new = path / "journal.new"
        """A database that is being made: it becomes `database` when it is whole."""
        self.quarantine = path / "quarantine"

    def make(self) -> None:
        """Make it, for its owner only, and so that a loss of power does not take it. Raises `OSError`."""
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for made in missing:
            sync_folder(made.parent)

    def hold(self, robot: str) -> int:
        """Let no other daemon write here; returns a file to close when this one is done.

        Raises `JournalHeld`, which names the other.
        """
        file = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.pwrite(file, f"the daemon of {robot} (process {os.getpid()})\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(file, 1000, 0).decode(errors="replace").strip()
            os.close(file)
            raise JournalHeld(f"{self.path} is written by {holder or 'another process'}") from None
        except OSError:
            os.close(file)
            raise
        return file

    def spend_reserve(self) -> None:
        """Give the kept room back to the disk."""
        with suppress(FileNotFoundError):
            self.reserve.unlink()
            sync_folder(self.path)

    def keep_reserve(self) -> None:
        """Keep room for bad times. Raises `JournalFull` while there is none, `JournalFailed`."""
        file = os.open(self.reserve, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
            os.fsync(file)
        except OSError as error:
            self.reserve.unlink()
            if error.errno in NO_ROOM:
                raise JournalFull(f"there is no room for the reserve {self.reserve}") from error
            raise JournalFailed(f"{self.reserve}: {error.strerror}") from error
        finally:
            os.close(file)
