"""What is looked at when a daemon opens its journal.

A start has to be quick: of a journal beyond `WHOLE_BYTES` only the newest rows are looked at, and what is
cheap. `robotd journal verify` looks at all of it.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from robotd.journal.chain import Chain
from robotd.journal.commands import Lists
from robotd.journal.database import Database
from robotd.journal.errors import JournalError
from robotd.journal.head import Head
from robotd.journal.row import BEGINNING
from robotd.journal.store import Select
from robotd.journal.tables import Origin

WHOLE_BYTES = 8 * 2**20
NEWEST_ROWS = 20_000
"""Each takes about a tenth of a second."""


class Damaged(JournalError):  # noqa: N818  # it says what it is
    """The journal is not as it was written; the sentence says how it is known."""


class Examined(NamedTuple):
    """A journal in which nothing wrong was found."""

    origin: Origin
    last_seq: int
    last_hash: bytes


def examine(database: Database, head: Head | None) -> Examined:
    """Look whether it is whole. Nobody writes it. Raises `Damaged`."""
    try:
        whole = os.path.getsize(database.path) <= WHOLE_BYTES
        origin = database.origin
        _must_not(database.schema_fault())
        _must_not(database.structural_fault() if whole else None)
        examined = _look_at_all(database, origin) if whole else _look_at_the_newest(database, origin)
        _must_not(None if head is None else head_fault(database, origin, head))
    except Damaged:
        raise
    except JournalError as error:
        raise Damaged(str(error)) from error
    return examined


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


def _look_at_all(database: Database, origin: Origin) -> Examined:
    chain, lists = Chain(origin), Lists(database.ends(origin.after_seq))
    last_hash = origin.after_hash or BEGINNING
    for row in database.rows():
        _must_not(chain.fault_of(row) or lists.fault_of(row))
        last_hash = row.hash
    _must_not(lists.fault_at_the_end(database.open_commands()))
    return Examined(origin, chain.seq, last_hash)


def _look_at_the_newest(database: Database, origin: Origin) -> Examined:
    before = next(
        database.rows(Select(until=database.last_seq - NEWEST_ROWS), limit=1, newest_first=True), None
    )
    chain = Chain(origin if before is None else origin._replace(after_seq=before.seq, after_hash=before.hash))
    last_hash = BEGINNING
    for row in database.rows(Select(since=chain.seq)):
        _must_not(chain.fault_of(row))
        last_hash = row.hash
    return Examined(origin, chain.seq, last_hash)


def _must_not(fault: str | None) -> None:
    if fault is not None:
        raise Damaged(fault)
