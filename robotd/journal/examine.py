"""What is looked at when a daemon opens its journal.

A start has to be quick: of a journal beyond `WHOLE_BYTES` only the newest rows are looked at, and what is
cheap. `robotd journal verify` looks at all of it.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from robotd.journal.chain import Chain
from robotd.journal.commands import Commands, noted_of
from robotd.journal.database import Database
from robotd.journal.errors import JournalError
from robotd.journal.head import Head
from robotd.journal.origin import Origin
from robotd.journal.row import BEGINNING, Row
from robotd.journal.store import Select

WHOLE_BYTES = 8 * 2**20
NEWEST_ROWS = 20_000


class Damaged(JournalError):  # noqa: N818  # it says what it is
    """The journal is not as it was written; the sentence says how it is known."""


class Examined(NamedTuple):
    """A journal in which nothing wrong was found."""

    origin: Origin
    last_seq: int
    last_hash: bytes
    commands: Commands


def examine(database: Database, head: Head | None) -> Examined:
    """Look whether it is whole. Raises `Damaged`."""
    try:
        whole = os.path.getsize(database.path) <= WHOLE_BYTES
        fault = database.schema_fault() or (database.structural_fault() if whole else None)
        if fault is not None:
            raise Damaged(fault)
        origin = database.origin
        last = _checked(database, origin, origin.after_seq if whole else database.last_seq - NEWEST_ROWS)
        commands = Commands(database.noted())
    except Damaged:
        raise
    except JournalError as error:
        raise Damaged(str(error)) from error
    if last is not None:
        last_seq, last_hash = last.seq, last.hash
    else:
        last_seq, last_hash = origin.after_seq, origin.after_hash or BEGINNING
    if head is not None and head.seq > last_seq:
        raise Damaged(f"row {head.seq} was written, and the last that is there is row {last_seq}")
    if head is not None and head.seq == last_seq and head.hash != last_hash:
        raise Damaged(f"row {head.seq} is another than the one that was written")
    return Examined(origin, last_seq, last_hash, commands)


def _checked(database: Database, origin: Origin, since: int) -> Row | None:
    """The newest row, after all rows after `since` have been checked. Raises `Damaged`."""
    if since > origin.after_seq:
        anchor = next(database.rows(Select(until=since), limit=1, newest_first=True))
        origin = Origin(anchor.seq, anchor.hash)
    chain = Chain(origin)
    notes = (note for note in database.noted() if note.seq > origin.after_seq)
    row = None
    for row in database.rows(Select(since=origin.after_seq)):
        fault = chain.fault_of(row)
        if fault is not None:
            raise Damaged(fault)
        expected = noted_of(row)
        if expected is not None and next(notes, None) != expected:
            raise Damaged(f"what is noted of the command in row {row.seq} is not what the row says")
    if next(notes, None) is not None:
        raise Damaged("something is noted of a command of which no row speaks")
    return row
