"""A journal in memory, for simulations and for `--journal memory`: the same rows, gone with the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from robotd.journal.errors import JournalFull
from robotd.journal.row import Row
from robotd.journal.store import ALL, Select

RESERVE_ROWS = 1_000
"""What a reserve holds, where there is an end to memory."""


class MemoryStore:
    """The newest `keep` rows (None: all). Both a `Store` and `Rows`."""

    def __init__(self, keep: int | None = None) -> None:
        self._rows: deque[Row] = deque(maxlen=keep)
        self._last_seq = 0
        self.room: int | None = None
        """So many rows more fit, then it is full; None: there is no end."""

    def commit(self, rows: Sequence[Row]) -> None:
        """As `Store.commit`."""
        if self.room is not None:
            if len(rows) > self.room:
                raise JournalFull("no room for more rows in memory")
            self.room -= len(rows)
        self._rows.extend(rows)
        self._last_seq = rows[-1].seq

    def trim(self, settled: int) -> None:
        """As `Store.trim`: the newest rows are kept, whatever is settled."""

    def spend_reserve(self) -> None:
        """As `Store.spend_reserve`."""
        if self.room is not None:
            self.room += RESERVE_ROWS

    def restore_reserve(self) -> None:
        """As `Store.restore_reserve`."""
        if self.room is not None:
            if self.room < RESERVE_ROWS:
                raise JournalFull("no room for more rows in memory")
            self.room -= RESERVE_ROWS

    def close(self) -> None:
        """The rows stay readable."""

    @property
    def last_seq(self) -> int:
        """As `Rows.last_seq`."""
        return self._last_seq

    def rows(
        self, select: Select = ALL, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[Row]:
        """As `Rows.rows`; what is written meanwhile is not seen."""
        kept = list(self._rows)
        found = filter(select.takes, reversed(kept) if newest_first else kept)
        return found if limit is None else islice(found, limit)
