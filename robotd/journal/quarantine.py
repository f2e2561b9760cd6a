"""What is done with a broken journal: its whole rows go into a new one, the files are put aside for people.

Salvaged is everything before the first row that is broken, with the same numbers and hashes. The files lie in
`quarantine/<time on the wall>/` from then on, unchanged, with what was found in `found.txt`; nothing there is
ever deleted.

The rows behind the broken one may have been acknowledged. So the new journal goes on after the highest number
that is known to have been given: by the head of the journal, by any whole row in the old files, by an earlier
salvage. The gap between is no fault: the next row follows the last whole one in the chain, see
`robotd.journal.chain`. What cannot be known: numbers given in the half minute before a loss of power, when
the rows themselves are destroyed as well.

A salvage may be interrupted at any moment: the new journal is built in the folder that is to take the old
files, and becomes `salvaged.db` when it is whole. From then on `settle_salvage` finishes it.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from robotd.journal.carve import carve
from robotd.journal.database import Database, WritableDatabase
from robotd.journal.errors import JournalError
from robotd.journal.folder import Folder, sync_folder
from robotd.journal.head import Head
from robotd.journal.origin import Origin
from robotd.journal.row import BEGINNING, Row, follows

ROWS_AT_ONCE = 10_000
_BUILDING = "building.db"
_SALVAGED = "salvaged.db"
_ACKNOWLEDGED = "acknowledged"


def build(path: Path, origin: Origin, rows: Sequence[Row]) -> None:
    """Make a journal with these rows, durable and in one file. Raises `JournalFull`, `JournalFailed`."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with WritableDatabase.write(path) as database:
        database.begin_after(origin)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            database.insert(rows[first : first + ROWS_AT_ONCE])
            database.checkpoint()
        database.checkpoint()


def salvage(folder: Folder, why: str, head: Head | None, now_wall: int) -> None:
    """Put the journal aside and what is whole of it in its place. Nobody has it open."""
    origin = _origin_of(folder, head)
    found = _by_number(carve(folder.database, folder.wal))
    rows = _first_run(found, origin) if origin is not None else _longest_run(found)
    used = max(
        head.seq if head is not None else 0,
        origin.used_seq if origin is not None else 0,
        max(found, default=0),
    )
    begin = _beginning_of(rows, origin, used)
    aside = _make_aside(folder, now_wall)
    build(aside / _BUILDING, begin, rows)
    (aside / "found.txt").write_text(_note(why, now_wall, begin, rows))
    sync_folder(aside)
    (aside / _BUILDING).rename(aside / _SALVAGED)
    sync_folder(aside)
    settle_salvage(folder)


def settle_salvage(folder: Folder) -> None:
    """Finish a salvage that was interrupted, if one was."""
    for aside in _asides(folder):
        if (aside / _SALVAGED).exists():
            for file in (folder.database, folder.wal, folder.shm, folder.head):
                if file.exists():
                    file.rename(aside / file.name)
            sync_folder(aside)
            (aside / _SALVAGED).rename(folder.database)
            sync_folder(aside)
            sync_folder(folder.path)
        elif (aside / _BUILDING).exists():
            shutil.rmtree(aside)  # the files that it was made from are all in their old place


def unacknowledged(folder: Folder) -> tuple[str, ...]:
    """What lies in quarantine and no person has dealt with: the path of each folder, the oldest first."""
    return tuple(str(aside) for aside in _asides(folder) if not (aside / _ACKNOWLEDGED).exists())


def acknowledge(aside: Path) -> None:
    """A person knows of it. The files stay. Raises `JournalError` for what is no quarantine."""
    if not (aside / "found.txt").exists():
        raise JournalError(f"{aside} is no quarantine of a journal")
    (aside / _ACKNOWLEDGED).touch()
    sync_folder(aside)


def _asides(folder: Folder) -> list[Path]:
    return sorted(path for path in folder.quarantine.glob("*") if path.is_dir())


def _make_aside(folder: Folder, now_wall: int) -> Path:
    name = f"{_time(now_wall):%Y%m%dT%H%M%SZ}"
    folder.quarantine.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.path)
    count = 1
    while (aside := folder.quarantine / (name if count == 1 else f"{name}-{count}")).exists():
        count += 1
    aside.mkdir(mode=0o700)
    sync_folder(folder.quarantine)
    return aside


def _note(why: str, now_wall: int, begin: Origin, rows: Sequence[Row]) -> str:
    last = rows[-1].seq if rows else begin.after_seq
    kept = f"Rows {rows[0].seq} to {last} were kept." if rows else "No row could be kept."
    lost = f"Rows {last + 1} to {begin.used_seq} were lost." if begin.used_seq > last else "None was lost."
    return f"{why}\nFound at {_time(now_wall):%Y-%m-%d %H:%M:%S} UTC. {kept} {lost}\n"


def _time(wall: int) -> datetime:
    return datetime.fromtimestamp(wall // 1_000_000, UTC)


def _origin_of(folder: Folder, head: Head | None) -> Origin | None:
    """Where the chain of the broken journal begins, as far as it still says so."""
    with suppress(JournalError), Database.read(folder.database) as database:
        return database.origin
    if head is None:
        return None
    return Origin(head.after_seq, BEGINNING if head.after_seq == 0 else None)


def _by_number(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    """More than one row of a number there is only where a transaction was rolled back."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row not in found[row.seq]:
            found[row.seq].append(row)
    return dict(sorted(found.items()))


def _first_run(found: Mapping[int, list[Row]], origin: Origin) -> list[Row]:
    """The unbroken rows from where the chain begins."""
    numbers = [seq for seq in found if seq > origin.after_seq]
    return next(_runs(found, numbers, origin.after_hash), [])


def _longest_run(found: Mapping[int, list[Row]]) -> list[Row]:
    """Where nobody knows where the chain begins: removed rows may still lie in pages that are free."""
    return max(_runs(found, list(found), None), key=len, default=[])


def _runs(
    found: Mapping[int, list[Row]], numbers: Sequence[int], before: bytes | None
) -> Iterator[list[Row]]:
    run: list[Row] = []
    for seq in numbers:
        following = [row for row in found[seq] if before is None or follows(row, before)]
        if not following:
            yield run
            run, following = [], found[seq]
        run.append(following[0])
        before = following[0].hash
    yield run


def _beginning_of(rows: Sequence[Row], origin: Origin | None, used: int) -> Origin:
    if origin is not None and origin.after_hash is not None:
        return origin._replace(used_seq=used)
    if not rows:  # another chain begins
        return Origin(0 if origin is None else origin.after_seq, BEGINNING, used)
    return Origin(rows[0].seq - 1, BEGINNING if follows(rows[0], BEGINNING) else None, used)
