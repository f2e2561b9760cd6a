"""One question to a journal: looking for the rows around it, and naming what they tell of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

from robotd.journal.kinds import BOOT, COMMAND, DECISION, KINDS, READINGS
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select

REACH_ROWS = 200_000
"""No search goes further than so many rows back..."""
ROWS_AT_MOST = 20_000
"""...nor looks at more than so many of the kind that it looks for: half a second at worst."""
FIRST_PAGE = 100
"""What is looked for is mostly close by; each further page is four times as long."""
AHEAD_ROWS = 2_000
"""What followed from a row is looked for among so many after it."""
MOMENT_S = 0.05
"""Rows so close to one another may tell of the same moment."""
QUOTED = 300
"""So many characters are told of what a client, a board or a handler said; the row has all of them."""
SAME_STORY_S = 1.0
"""What follows from a row without naming it is written down within this time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Body = Mapping[str, Any]
Matches = Callable[[Row, Body], object]
"""Asked of a row and of its body; what it returns is taken as true or false."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One step of an explanation."""

    row: Row
    """The row that says so."""
    phrase: str
    """For the summary."""
    sentence: str
    """For its own line, with the next step where there is one."""
    because: Row | Fact | None = None
    """What it followed from; None: as far as the journal tells, from nothing else."""


class Case:
    """The rows of a journal around one question. Every search is bounded."""

    def __init__(self, rows: Rows, zone: tzinfo | None) -> None:
        self._rows = rows
        self._zone = zone
        self.newest = next(rows.rows(newest_first=True, limit=1), None)
        """The newest row; None for an empty journal."""
        self.ran_out: int | None = None
        """Where a search ended that found nothing in all of its reach: earlier rows were not looked at."""

    @cached_property
    def _newest_event(self) -> int:
        """The number of the newest row that is more than a sample of a robot that stands about."""
        kinds = tuple(kind for kind in KINDS if kind != READINGS)
        newest = next(self._rows.rows(Select(kinds=kinds), newest_first=True, limit=1), None)
        return self._rows.last_seq if newest is None else newest.seq

    # -- looking ------------------------------------------------------------------------------------

    def back(self, *kinds: str, below: int | None = None, boot: str | None = None) -> Iterator[Row]:
        """The rows of these kinds before the row `below`, the newest first, within reach.

        Without `below` all up to the newest that is no sample.
        """
        until = self._newest_event if below is None else below - 1
        floor = max(0, until - REACH_ROWS)
        page, looked_at = FIRST_PAGE, 0
        while looked_at < ROWS_AT_MOST:
            select = Select(since=floor, until=until, kinds=kinds, boot=boot)
            rows = list(self._rows.rows(select, limit=page, newest_first=True))
            yield from rows
            if len(rows) < page:
                if floor:
                    self.ran_out = floor
                return
            looked_at += page
            until = rows[-1].seq - 1
            page *= 4
        self.ran_out = until

    def forth(self, *kinds: str, above: int, boot: str | None = None) -> Iterator[Row]:
        """The rows of these kinds after the row `above`, the oldest first, within `AHEAD_ROWS`."""
        yield from self._rows.rows(Select(since=above, until=above + AHEAD_ROWS, kinds=kinds, boot=boot))

    def last(
        self, *kinds: str, where: Matches | None = None, below: int | None = None, boot: str | None = None
    ) -> Row | None:
        """The newest row of these kinds before the row `below` of which `where` is true."""
        rows = self.back(*kinds, below=below, boot=boot)
        return next((row for row in rows if where is None or holds(where, row)), None)

    def next(self, *kinds: str, where: Matches | None = None, above: int, boot: str) -> Row | None:
        """The first row of these kinds after the row `above` of which `where` is true."""
        rows = self.forth(*kinds, above=above, boot=boot)
        return next((row for row in rows if where is None or holds(where, row)), None)

    def near(
        self, row: Row, *kinds: str, where: Matches | None = None, within_s: float = MOMENT_S
    ) -> Row | None:
        """The row of these kinds that tells of the same moment as `row`: the last before it, else the next.

        A decision is written down before what it does.
        """
        for rows in (
            self.back(*kinds, below=row.seq, boot=row.boot),
            self.forth(*kinds, above=row.seq, boot=row.boot),
        ):
            for other in rows:
                if abs(other.at - row.at) > within_s:
                    break
                if where is None or holds(where, other):
                    return other
        return None

    def about(self, command_id: str, *kinds: str, near: Row | None = None) -> Row | None:
        """The newest row of these kinds that has this id: within reach of `near`, else in all the journal."""
        select = Select(id=command_id, kinds=kinds)
        if near is not None:
            since, until = max(0, near.seq - REACH_ROWS), near.seq + AHEAD_ROWS
            select = Select(id=command_id, kinds=kinds, since=since, until=until)
        return next(self._rows.rows(select, newest_first=True, limit=1), None)

    def before(self, row: Row) -> Row | None:
        """What the message of `row` says that it follows from, by its correlation id."""
        cause = row.data.get("correlation_id")
        if not isinstance(cause, str) or cause == row.id:
            return None
        return self.about(cause, DECISION, near=row) or self.about(cause, COMMAND, near=row)

    def of_trace(self, trace: str) -> Row | None:
        """The newest row of this trace."""
        return next(self._rows.rows(Select(trace=trace), newest_first=True, limit=1), None)

    def at(self, seq: int) -> Row | None:
        """The row with this number."""
        return next(self._rows.rows(Select(since=seq - 1, until=seq), limit=1), None)

    def start(self, boot: str) -> Row | None:
        """The row that tells of the start of a daemon, however long ago; None: it is not kept any more."""
        return next(self._rows.rows(Select(kinds=(BOOT,), boot=boot), newest_first=True, limit=1), None)

    # -- naming -------------------------------------------------------------------------------------

    def clock(self, row: Row, at: float | None = None) -> str:
        """The time on the wall of a row, or of another moment of its boot: `14:02:11.310`.

        With its date, where that is another day than the newest row's.
        """
        wall = row.wall if at is None else row.wall + round((at - row.at) * 1e6)
        when = self._local(wall)
        text = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
        newest = row if self.newest is None else self.newest
        return text if when.date() == self._local(newest.wall).date() else f"{when:%Y-%m-%d} {text}"

    def _local(self, wall: int) -> datetime:
        return (_EPOCH + timedelta(microseconds=wall)).astimezone(self._zone)

    def name(self, message_id: str, near: Row) -> str:
        """A message as people know it: `drive #812`, by the number of its row."""
        for kind in (COMMAND, DECISION):
            row = self.about(message_id, kind, near=near)
            if row is not None:
                return f"{row.data['type']} #{row.seq}"
        return f"the command {message_id}"


def holds(where: Matches, row: Row) -> bool:
    """Whether `where` is true of the row. A body without what it asks for does not match.

    It may be of a later version, or damaged.
    """
    try:
        return bool(where(row, row.data))
    except (LookupError, TypeError, ValueError, AttributeError):
        return False


def quoted(text: object) -> str:
    """What somebody else said, on one line, of a length to be read, without the stop at its end."""
    line = " ".join(str(text or "").split()).rstrip(".")
    return line if len(line) <= QUOTED else f"{line[: QUOTED - 3]}..."
