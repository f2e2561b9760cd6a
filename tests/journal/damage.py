"""A small journal that lies still, ways to damage its files, and which of its rows that leaves whole."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from robotd.journal.disk import DiskStore
from robotd.journal.kinds import BOOT
from robotd.journal.row import BEGINNING, Row, make
from robotd.journal.schema import PAGE_BYTES
from tests.journal.work import NOON, Work, open_store, rows_in

ROWS = 200
LIMIT_BYTES = 24 * PAGE_BYTES
HEADERS_BYTES = 30
"""At most so much stands in front of a row's texts: sizes, types, numbers."""


class Still(NamedTuple):
    """A journal of which one file will be damaged."""

    folder: Path
    file: str
    rows: Sequence[Row]
    content: bytes
    """Of the file."""


def closed(folder: Path) -> Still:
    """The daemon ended in good order: all is in the database."""
    store, rows = _written(folder)
    store.close()
    return _still(folder, "journal.db", rows)


def killed(folder: Path, file: str) -> Still:
    """The second daemon was killed: what it wrote is in the `-wal` file, with many versions of each page."""
    store, rows = _written(folder / "alive")
    shutil.copytree(folder / "alive", folder / "dead")
    store.close()
    return _still(folder / "dead", file, rows)


def rotated(folder: Path) -> Still:
    """The oldest rows are gone; what they said still stands in pages that are free."""
    store, _ = _written(folder, LIMIT_BYTES)
    store.close()
    return _still(folder, "journal.db", rows_in(folder))


def _still(folder: Path, file: str, rows: Sequence[Row]) -> Still:
    return Still(folder, file, rows, (folder / file).read_bytes())


def _written(folder: Path, limit_bytes: int = 2**28) -> tuple[DiskStore, list[Row]]:
    store, _ = open_store(folder, limit_bytes)
    rng = random.Random(11)
    source = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz \n", k=15_000))
    work = Work(
        rng, [make(BEGINNING, 1, "b00700000001", 0.5, NOON, BOOT, None, "0" * 32, {"source": source})]
    )
    store.commit(work.rows)
    while len(work.rows) < 2 * ROWS // 3:
        store.commit(work.batch(rng.randrange(1, 12)))
    store.close()
    store, _ = open_store(folder, limit_bytes)
    while len(work.rows) < ROWS:
        store.commit(work.batch(rng.randrange(1, 12)))
        store.trim(work.settled)
    return store, work.rows


def damaged(still: Still, content: bytes, folder: Path) -> None:
    """A copy of it in `folder`, but for the content of the one file."""
    shutil.copytree(still.folder, folder)
    (folder / still.file).write_bytes(content)


def surely_whole(still: Still, folder: Path) -> list[Row]:
    """The rows that have their bytes left in the files, just where they were."""
    files = [(still.content, (folder / still.file).read_bytes())]
    for other in {"journal.db", "journal.db-wal"} - {still.file}:
        if (folder / other).exists():
            same = (folder / other).read_bytes()
            files.append((same, same))
    return [row for row in still.rows if any(_has(before, after, row) for before, after in files)]


def _has(before: bytes, after: bytes, row: Row) -> bool:
    """Whether the file held the row, and still does."""
    if len(row.body) > PAGE_BYTES:
        pages = _pages_of(before, row)
        unchanged = (before[page : page + PAGE_BYTES] == after[page : page + PAGE_BYTES] for page in pages)
        return row.hash in before and all(unchanged)
    texts = row.trace.encode() + row.body
    place = before.find(texts)
    while place >= 0:
        begin = place - len(f"{row.boot}{row.kind}{row.id or ''}") - 16 - HEADERS_BYTES
        end = place + len(texts) + HEADERS_BYTES
        if after[begin:end] == before[begin:end]:
            return True
        place = before.find(texts, place + 1)
    return False


@cache
def _pages_of(content: bytes, row: Row) -> set[int]:
    """Where the pages begin that hold some of a long row."""
    parts = [row.hash, *(row.body[place : place + 30] for place in range(0, len(row.body), 30))]
    places = [content.find(part) for part in parts]
    return {place // PAGE_BYTES * PAGE_BYTES for place in places if place >= 0}


def flip(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def garble(content: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(content))
    size = min(rng.randint(1, 3_000), len(content) - place)
    content[place : place + size] = rng.randbytes(size)


def blank(content: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(content)) // PAGE_BYTES * PAGE_BYTES
    content[place : place + PAGE_BYTES] = bytes(len(content[place : place + PAGE_BYTES]))


def misplace(content: bytearray, rng: random.Random) -> None:
    """A page lies where another was."""
    place, other = (rng.randrange(len(content)) // PAGE_BYTES * PAGE_BYTES for _ in range(2))
    page, size = content[other : other + PAGE_BYTES], len(content)
    content[place : place + len(page)] = page
    del content[size:]


def cut(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content)) :]


def lengthen(content: bytearray, rng: random.Random) -> None:
    content += rng.randbytes(rng.randint(1, 9_000))


WAYS = (flip, garble, blank, misplace, cut, lengthen)
"""What may become of the content of a file."""
