"""Looks at all of a journal: every row, the chain through them, and the pages that they lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from robotd.journal.chain import Chain
from robotd.journal.commands import Notes
from robotd.journal.database import Database
from robotd.journal.errors import JournalError
from robotd.journal.examine import NOTED_ALONE, head_fault
from robotd.journal.folder import Folder
from robotd.journal.head import read_head
from robotd.journal.origin import Origin
from robotd.journal.row import Row
from robotd.journal.store import Rows

PROGRESS_ROWS = 5_000
FAULTS_AT_MOST = 100
"""More are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written."""

    seq: int | None
    """Of the row where it was found; None where it is not in a row."""
    sentence: str


@dataclass(slots=True)
class Verdict:
    """What was found in a journal."""

    rows: int = 0
    boots: int = 0
    first: Row | None = None
    last: Row | None = None
    lost: list[tuple[int, int]] = field(default_factory=list)
    """Numbers of rows, the first and the last, that the daemon itself knows to have lost. No faults."""
    faults: list[Fault] = field(default_factory=list)
    faults_count: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.faults_count == 0

    def add(self, fault: Fault) -> None:
        """Count a fault, and list it among the first ones."""
        self.faults_count += 1
        if self.faults_count <= FAULTS_AT_MOST:
            self.faults.append(fault)


def verify(rows: Rows, progress: Callable[[int], None] = lambda _rows: None) -> Verdict:
    """Look at all of it. `progress` is told the number of rows seen, now and then.

    Of an export or rows in memory the first row is taken as it stands, unless it is number 1.
    """
    verdict = Verdict()
    try:
        if isinstance(rows, Database):
            _verify_database(rows, verdict, progress)
        else:
            first = next(rows.rows(limit=1), None)
            origin = Origin() if first is None or first.seq == 1 else Origin(first.seq - 1, None)
            _verify_rows(rows.rows(), origin, None, verdict, progress)
    except JournalError as error:
        seq = None if verdict.last is None else verdict.last.seq
        where = "" if seq is None else f" after row {seq}"
        verdict.add(Fault(seq, f"it cannot be read on{where}: {error}"))
    return verdict


def _verify_database(database: Database, verdict: Verdict, progress: Callable[[int], None]) -> None:
    folder = Folder(database.path.parent)
    is_of_folder = database.path == folder.database
    head = read_head(folder.head) if is_of_folder else None  # before the rows, to which more may be added
    for fault in (database.schema_fault(), database.structural_fault()):
        if fault is not None:
            verdict.add(Fault(None, fault))
    try:
        origin = database.origin
    except JournalError as error:
        verdict.add(Fault(None, str(error)))
        origin = Origin(database.first_seq - 1, None)
    notes = Notes(database.noted())
    _verify_rows(database.rows(), origin, notes, verdict, progress)
    if notes.any_left():
        verdict.add(Fault(None, NOTED_ALONE))
    fault = None if head is None else head_fault(database, origin, head)
    if head is not None and fault is not None:
        verdict.add(Fault(head.seq, fault))


def _verify_rows(
    rows: Iterable[Row],
    origin: Origin,
    notes: Notes | None,
    verdict: Verdict,
    progress: Callable[[int], None],
) -> None:
    chain = Chain(origin)
    boots = set()
    for row in rows:
        due = chain.seq + 1
        fault = chain.fault_of(row)
        if fault is None and row.seq > due:
            verdict.lost.append((due, row.seq - 1))
        if fault is None and notes is not None:
            fault = notes.fault_of(row)
        if fault is not None:
            verdict.add(Fault(row.seq, fault))
        boots.add(row.boot)
        verdict.first = verdict.first or row
        verdict.last = row
        verdict.rows += 1
        if verdict.rows % PROGRESS_ROWS == 0:
            progress(verdict.rows)
    verdict.boots = len(boots)
