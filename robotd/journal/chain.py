"""Follows the rows of a journal one after the other and says where the chain is broken."""

from __future__ import annotations

from robotd.journal.origin import Origin
from robotd.journal.row import Row, follows, is_whole


class Chain:
    """A gap in the numbers within an unbroken chain is no fault.

    The hash covers the number: only the daemon itself can have left such a gap. It does so once after rows
    were lost, so that no number is ever given twice (`Origin.used_seq`).
    """

    def __init__(self, origin: Origin) -> None:
        self.seq = origin.after_seq
        """Of the row seen last."""
        self._before = origin.after_hash

    def fault_of(self, row: Row) -> str | None:
        """What is wrong with the next row, in a sentence; None when it is whole and in its place."""
        before, after = self._before, self.seq
        self._before, self.seq = row.hash, row.seq
        if not is_sound(row):
            self._before = None  # one fault is not told twice
            return f"row {row.seq} is damaged"
        if before is None or follows(row, before):
            return None
        if row.seq == after + 1:
            return f"row {row.seq} was not written after row {after}: one of them was changed"
        return f"{_rows(after + 1, row.seq - 1)} missing"


def is_sound(row: Row) -> bool:
    """As `is_whole`, for a row from a page that may be damaged: its values may be of any type."""
    return type(row.body) is bytes and is_whole(row)


def _rows(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
