"""A disk that remembers all that was done to it, and what it may hold after the power went at any moment.

The model, no kinder than a disk with a cache and ext4 or XFS upon it:

- What was written before a file's last sync is there.
- Of what came after, each sector of 512 bytes holds what the file held there at some moment since the sync:
  the old, the newest, or anything between, whatever became of its neighbours. So writes may be torn, and
  arrive in any order. A sector is whole: SQLite takes that for granted (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
- The file's size is that of some moment since the sync, too. What was never written reads as zeros.
- Which files there are, and their names, is as it was at some moment since a folder was synced, or a file for
  the first time: SQLite syncs the folder then, and both file systems write down changes of names in order.
- Shared memory (`-shm`) is gone.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from tests.journal.disk.disk import Disk, Go

SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Opened:
    """The file was opened, and is there from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes were written."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """The file was cut."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that was written to the file until now is durable; of a folder, all names are."""

    name: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The file was deleted."""

    name: str
    durably: bool


@dataclass(frozen=True, slots=True)
class Rename:
    """The file has another name."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody was told that all rows up to this number are durable."""

    seq: int


Operation: TypeAlias = Opened | Write | Truncate | Sync | Delete | Rename | Mark


class Recording(Disk):
    """A disk that keeps what it is told, and every word of it, for the files of one folder."""

    def __init__(self, folder: Path) -> None:
        """What lies in the folder by now is durable."""
        self._folder = folder
        self._lock = Lock()
        self._before = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.endswith("-shm")
        }
        self.operations: list[Operation] = []

    def mark(self, seq: int) -> None:
        """Somebody is told now that all rows up to this number are durable."""
        self._note(Mark(seq))

    def opened(self, path: str) -> None:
        """Note it."""
        self._note(Opened(self._name(path)))

    def write(self, path: str, offset: int, data: bytes, go: Callable[[bytes], int]) -> int:
        """Note it, and do it."""
        self._note(Write(self._name(path), offset, data))
        return go(data)

    def truncate(self, path: str, size: int, go: Go) -> int:
        """Note it, and do it."""
        self._note(Truncate(self._name(path), size))
        return go()

    def sync(self, path: str) -> int:
        """Note it."""
        self._note(Sync(self._name(path)))
        return sqlite3.SQLITE_OK

    def delete(self, path: str, durably: bool, go: Go) -> int:
        """Do it, and note it."""
        return self._noted_when_done(Delete(self._name(path), durably), go)

    def rename(self, path: str, target: str, go: Go) -> int:
        """Do it, and note it."""
        return self._noted_when_done(Rename(self._name(path), self._name(target)), go)

    def acknowledged(self, cut: int) -> int:
        """The newest row that somebody was told of among the first `cut` operations."""
        return max((done.seq for done in self.operations[:cut] if isinstance(done, Mark)), default=0)

    def after_a_cut(self, cut: int, rng: random.Random, folder: Path) -> None:
        """Write into `folder` what the disk may hold when the power went after `cut` operations."""
        for name, content in self._contents(cut, rng).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _contents(self, cut: int, rng: random.Random) -> dict[str, bytes]:
        names = _Names({name: _File(data) for name, data in self._before.items()})
        for done in self.operations[:cut]:
            names.follow(done)
        reached = _some_way(rng)
        return {name: file.after_a_cut(reached) for name, file in names.after_a_cut(reached).items()}

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self._folder)

    def _noted_when_done(self, operation: Operation, go: Go) -> int:
        result = go()
        assert result == sqlite3.SQLITE_OK
        self._note(operation)
        return result

    def _note(self, operation: Operation) -> None:
        with self._lock:
            self.operations.append(operation)


Reached: TypeAlias = Callable[[int], int]
"""Of so many changes of one place, how many reached the disk: the first so many of them."""


def _some_way(rng: random.Random) -> Reached:
    """One of the ways in which a disk may have gone about it: nothing, all, a mixture, or hardly anything."""
    likely = rng.choice((0.0, 1.0, 0.5, rng.random(), 0.02, 0.98))

    def reached(changes: int) -> int:
        if likely in (0.0, 1.0):
            return changes if likely else 0
        return changes if changes == 0 or rng.random() < likely else rng.randrange(changes)

    return reached


class _Names:
    """Which files there are, now and at each moment that a cut may go back to."""

    def __init__(self, files: dict[str, _File]) -> None:
        self._moments = [files]
        self._certain = dict.fromkeys(files.values())
        """The files that were synced."""

    def follow(self, done: Operation) -> None:
        """What was done next."""
        now = self._moments[-1]
        match done:
            case Opened(name) if name not in now:
                self._moments.append(now | {name: _File()})
            case Write(name) | Truncate(name):
                if name not in now:
                    now = now | {name: _File()}
                    self._moments.append(now)
                now[name].since.append(done)
            case Sync(name) if name in now:
                now[name].sync()
                if now[name] not in self._certain:
                    self._certain[now[name]] = None
                    self._moments = [now]
            case Sync():
                self._moments = [now]
            case Delete(name, durably):
                left = {other: file for other, file in now.items() if other != name}
                self._moments = [left] if durably else [*self._moments, left]
            case Rename(name, target) if name in now:
                left = {other: file for other, file in now.items() if other != name}
                self._moments.append(left | {target: now[name]})

    def after_a_cut(self, reached: Reached) -> dict[str, _File]:
        """The names of one moment, if of their changes so many reached the disk."""
        return self._moments[reached(len(self._moments) - 1)]


class _File:
    """One file: what is durable, and what was done since."""

    def __init__(self, data: bytes = b"") -> None:
        self._durable = bytearray(data)
        self.since: list[Write | Truncate] = []

    def sync(self) -> None:
        for change in self.since:
            _apply(change, self._durable)
        self.since.clear()

    def after_a_cut(self, reached: Reached) -> bytes:
        """What is on the disk, if of the changes of each sector, and of the size, so many reached it."""
        sizes = self._sizes()
        changed: dict[int, list[int]] = {}
        for number, change in enumerate(self.since):
            for sector in _sectors(change, sizes[number]):
                changed.setdefault(sector, []).append(number)
        last = {
            sector: numbers[kept - 1]
            for sector, numbers in changed.items()
            if (kept := reached(len(numbers))) > 0
        }
        data = self._durable + bytes(max(sizes) - len(self._durable))
        for number, change in enumerate(self.since):
            for sector in _sectors(change, sizes[number]):
                if number <= last.get(sector, -1):
                    start = sector * SECTOR_BYTES
                    _apply_within(change, start, start + SECTOR_BYTES, data)
        return bytes(data[: sizes[reached(len(self.since))]])

    def _sizes(self) -> list[int]:
        """The file's size before, and after each change."""
        sizes = [len(self._durable)]
        for change in self.since:
            if isinstance(change, Truncate):
                sizes.append(change.size)
            else:
                sizes.append(max(sizes[-1], change.offset + len(change.data)))
        return sizes


def _sectors(change: Write | Truncate, size: int) -> range:
    """The sectors that it changes in a file of this size."""
    if isinstance(change, Truncate):
        return range(change.size // SECTOR_BYTES, -(-size // SECTOR_BYTES))
    return range(change.offset // SECTOR_BYTES, -(-(change.offset + len(change.data)) // SECTOR_BYTES))


def _apply(change: Write | Truncate, data: bytearray) -> None:
    """Do it."""
    if isinstance(change, Truncate):
        del data[change.size :]
        return
    data.extend(bytes(max(0, change.offset - len(data))))
    data[change.offset : change.offset + len(change.data)] = change.data


def _apply_within(change: Write | Truncate, start: int, end: int, data: bytearray) -> None:
    """Do only what it does from `start` to `end`, and leave the size as it is."""
    if isinstance(change, Truncate):
        start, end = max(start, change.size), min(end, len(data))
        data[start:end] = bytes(end - start)
    else:
        start, end = max(start, change.offset), min(end, change.offset + len(change.data))
        data[start:end] = change.data[start - change.offset : end - change.offset]
