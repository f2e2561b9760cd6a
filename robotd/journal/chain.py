"""Follows the rows of a journal one after the other and says where the chain is broken."""

from __future__ import annotations

from zlib import crc32

from robotd.journal.row import Row, covered, hash_of
from robotd.journal.tables import Origin


class Chain:
    """A gap in the numbers within an unbroken chain is no fault.

    The hash covers the number: only the daemon itself can have left such a gap. It does so once after rows
    were lost at the end, so that no number is ever given twice (`Origin.used_seq`). Where rows were lost
    between others, `Origin.breaks` says so.
    """

    def __init__(self, origin: Origin) -> None:
        self.seq = origin.after_seq
        """Of the row seen last."""
        self._before = origin.after_hash
        self._breaks = frozenset(origin.breaks)

    def fault_of(self, row: Row) -> str | None:
        """What is wrong with the next row, in a sentence; None when it is whole and in its place."""
        before, after = self._before, self.seq
        self._before, self.seq = row.hash, row.seq
        text = covered(row) if type(row.body) is bytes else b""  # a damaged page may say that it is a number
        if crc32(text) != row.crc:
            self._before = None  # one fault is not told twice
            return f"row {row.seq} is damaged"
        if before is None or hash_of(text, before) == row.hash or row.seq in self._breaks:
            return None
        if row.seq == after + 1:
            return f"row {row.seq} was not written after row {after}: one of them was changed"
        return f"{_rows(after + 1, row.seq - 1)} missing"


def _rows(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
