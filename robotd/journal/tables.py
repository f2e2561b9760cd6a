"""What the database keeps beside the rows: where their chain begins, and lists of the commands in them."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

from robotd.journal.row import BEGINNING


class Origin(NamedTuple):
    """Kept beside the rows, and changed only together with them."""

    after_seq: int = 0
    """The number of the last row that was removed."""
    after_hash: bytes | None = BEGINNING
    """Its hash, which ties the first row that is left; None: that is not known any more."""
    used_seq: int = 0
    """Numbers up to this one may have been given before something broke, and are never given again."""
    breaks: tuple[int, ...] = ()
    """Rows that follow what was lost: each begins a chain of its own."""

    @property
    def crc(self) -> int:
        """CRC-32 over all of it."""
        return crc32(repr(tuple(self)).encode())


class Open(NamedTuple):
    """A command that was accepted and has not ended, as the table `open` lists it."""

    id: str
    seq: int
    wall: int
    principal: str | None
    digest: str | None
    started: int
    """1 when it has."""


class Ended(NamedTuple):
    """An end of a command, or of a dead letter, as the table `ended` lists it."""

    seq: int
    kind: str
    id: str | None
    wall: int
    principal: str | None
    """Of the command, as its digest."""
    digest: str | None
    stage: str | None
    reason: str | None
