"""Looks at all of a journal: every row, the chain through them, and the pages that they lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

from robotd.journal.chain import Chain
from robotd.journal.commands import Lists
from robotd.journal.database import PAGE_ROWS, Database
from robotd.journal.errors import JournalError
from robotd.journal.examine import head_fault
from robotd.journal.folder import Folder
from robotd.journal.head import read_head
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select
from robotd.journal.tables import Origin

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

    def add(self, seq: int | None, sentence: str | None) -> None:
        """Count a fault, if it is one, and list it among the first ones."""
        if sentence is not None:
            self.faults_count += 1
            if self.faults_count <= FAULTS_AT_MOST:
                self.faults.append(Fault(seq, sentence))


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
        verdict.add(seq, f"it cannot be read on{where}: {error}")
    return verdict


def _verify_database(database: Database, verdict: Verdict, progress: Callable[[int], None]) -> None:
    for fault in (database.schema_fault(), database.structural_fault()):
        verdict.add(None, fault)
    folder = Folder(database.path.parent)
    is_of_folder = database.path == folder.database
    # Read first: it may be older than the rows, never newer.
    head = read_head(folder.head) if is_of_folder else None
    with database.at_one_moment():  # a daemon may be adding rows, and removing the oldest
        origin, listed, last_seq = _origin(database, verdict), database.open_commands(), database.last_seq
        begun = list(database.rows(limit=PAGE_ROWS))
        verdict.add(None, None if head is None else head_fault(database, origin, head))
    lists = Lists(end for end in database.ends(origin.after_seq) if end.seq <= last_seq)
    rest = database.rows(Select(since=begun[-1].seq if begun else last_seq, until=last_seq))
    _verify_rows(chain(begun, rest), origin, lists, verdict, progress)
    verdict.add(None, lists.fault_at_the_end(listed))


def _origin(database: Database, verdict: Verdict) -> Origin:
    try:
        return database.origin
    except JournalError as error:
        verdict.add(None, str(error))
        return Origin(database.first_seq - 1, None)


def _verify_rows(
    rows: Iterable[Row],
    origin: Origin,
    lists: Lists | None,
    verdict: Verdict,
    progress: Callable[[int], None],
) -> None:
    links = Chain(origin)
    boots = set()
    for row in rows:
        due = links.seq + 1
        fault = links.fault_of(row)
        if fault is None and row.seq > due:
            verdict.lost.append((due, row.seq - 1))
        if fault is None and lists is not None:
            fault = lists.fault_of(row)
        verdict.add(row.seq, fault)
        boots.add(row.boot)
        verdict.first = verdict.first or row
        verdict.last = row
        verdict.rows += 1
        if verdict.rows % PROGRESS_ROWS == 0:
            progress(verdict.rows)
    verdict.boots = len(boots)
