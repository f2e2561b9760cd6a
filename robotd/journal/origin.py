"""Where the chain of a journal begins, after rotation has removed its oldest rows."""

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
