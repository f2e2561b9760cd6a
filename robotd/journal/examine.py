"""What is looked at when a daemon opens its journal.

A start has to be quick: of a journal beyond `WHOLE_BYTES` only the newest rows are looked at, and what is
cheap. `robotd journal verify` looks at all of it.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from robotd.journal.chain import Chain
from robotd.journal.commands import Commands, Notes
from robotd.journal.database import Database
from robotd.journal.errors import JournalError
from robotd.journal.head import Head
from robotd.journal.origin import Origin
from robotd.journal.row import BEGINNING, Row
from robotd.journal.store import Select

WHOLE_BYTES = 8 * 2**20
NEWEST_ROWS = 20_000
NOTED_ALONE = "commands are noted of which no row speaks"


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
        fault = None if head is None else head_fault(database, origin, head)
        if fault is not None:
            raise Damaged(fault)
    except Damaged:
        raise
    except JournalError as error:
        raise Damaged(str(error)) from error
    if last is not None:
        return Examined(origin, last.seq, last.hash, commands)
    return Examined(origin, origin.after_seq, origin.after_hash or BEGINNING, commands)


def head_fault(database: Database, origin: Origin, head: Head) -> str | None:
    """Whether the row is missing, or another one, that is known to have been the newest once."""
    if head.seq <= origin.after_seq:
        return None
    row = next(database.rows(Select(since=head.seq - 1, until=head.seq)), None)
    if row is None:
        return f"row {head.seq} was written and is not there; the last one is row {database.last_seq}"
    if row.hash != head.hash:
        return f"row {head.seq} is another than the one that was written"
    return None


def _checked(database: Database, origin: Origin, since: int) -> Row | None:
    """The newest row, after all rows after `since` have been checked. Raises `Damaged`."""
    if since > origin.after_seq:
        anchor = next(database.rows(Select(until=since), limit=1, newest_first=True))
        origin = Origin(anchor.seq, anchor.hash)
    chain = Chain(origin)
    notes = Notes(note for note in database.noted() if note.seq > origin.after_seq)
    row = None
    for row in database.rows(Select(since=origin.after_seq)):
        fault = chain.fault_of(row) or notes.fault_of(row)
        if fault is not None:
            raise Damaged(fault)
    if notes.any_left():
        raise Damaged(NOTED_ALONE)
    return row
