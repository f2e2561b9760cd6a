"""How far the journal had come, in a file of its own: proof that rows are missing at its end.

SQLite takes the `-wal` file up to the first frame that is not whole and says nothing about the rest: that is
how a power cut in the middle of a commit looks. A bit that flips in there takes committed rows away just so.
The head is written after each commit, when the rows are durable, so whatever it names was acknowledged and
must be there. It waits for no fsync: after a `kill -9` it is exact. After a loss of power it may be older, by
what the kernel had not written yet (up to half a minute; less where a checkpoint came after), and so long
damage to the last commits cannot be told from a commit that power interrupted. The file may be missing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

from robotd.journal.row import BEGINNING


class Head(NamedTuple):
    """The newest row that is known to have been durable."""

    seq: int = 0
    hash: bytes = BEGINNING
    after_seq: int = 0
    """The last row that rotation had removed, as far as was known then."""
    version: int = 0
    """Of the database; 0: not known."""


def read_head(path: Path) -> Head | None:
    """What the file says; None where there is none, or a damaged one."""
    try:
        text, crc = path.read_bytes().split(b" crc ")
        seq, digest, after_seq, version = text.split()
        head = Head(int(seq), bytes.fromhex(digest.decode()), int(after_seq), int(version))
    except (OSError, ValueError):
        return None
    return head if crc == _crc_of(text) else None


class HeadFile:
    """Keeps the head of a journal that is being written: one short line, written over again and again."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)

    def write(self, head: Head) -> None:
        """The process may be killed at any time after this. Raises `OSError`."""
        text = b"%020d %s %020d %06d" % (head.seq, head.hash.hex().encode(), head.after_seq, head.version)
        os.pwrite(self._file, text + b" crc " + _crc_of(text), 0)

    def sync(self) -> None:
        """The power may fail at any time after this. Raises `OSError`."""
        os.fsync(self._file)

    def close(self) -> None:
        """The file stays."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _crc_of(text: bytes) -> bytes:
    return b"%08x\n" % crc32(text)
