"""Finds rows in the pages of a broken journal, without SQLite.

A row is known by the shape of its record (https://sqlite.org/fileformat2.html, section 2.1) and proven by its
CRC, wherever it lies: in a page that no longer belongs to a table, or in a frame of the `-wal` file behind
one that SQLite does not take. So what is broken between the rows costs none of them.
"""

from __future__ import annotations

import os
import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from robotd.journal.row import HASH_BYTES, Row, is_whole
from robotd.journal.schema import COLUMNS, PAGE_BYTES

_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_FRAME_BYTES = _FRAME_HEADER_BYTES + PAGE_BYTES
_MOST_IN_LEAF = PAGE_BYTES - 35
_LEAST_IN_LEAF = (PAGE_BYTES - 12) * 32 // 255 - 23

_HASH_TYPE = 12 + 2 * HASH_BYTES
_RECORD = re.compile(rb"(?=[\x0b-\x18]\x00[\x00-\xff]{8})")
"""Where the header of a record may begin: its own size, and the type of the number, which the cell holds."""
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)


class Remains:
    """The files of a broken journal; either may be missing. A place is an offset in the one or the other."""

    def __init__(self, database: Path, wal: Path) -> None:
        self._database = _File(database)
        self._wal = _File(wal)
        self._frames: defaultdict[int, list[int]] = defaultdict(list)
        for begin in self._wal_pages():
            header = self._wal.read(begin - self._database.size - _FRAME_HEADER_BYTES, 4)
            self._frames[int.from_bytes(header, "big")].append(begin)

    def close(self) -> None:
        """Nothing is read any more."""
        self._database.close()
        self._wal.close()

    def find(self) -> Iterator[tuple[int, int]]:
        """The number and the place of all that has the shape of a row; most are found more than once."""
        for begin in chain(range(0, self._database.size, PAGE_BYTES), self._wal_pages()):
            page = self._page(begin)
            for match in _RECORD.finditer(page):
                start = match.start()
                types = _types_at(page, start)
                if types is None:
                    continue
                seq = _number_before(page, start, _size(page[start], types))
                if seq is not None:
                    yield seq, begin + start

    def row(self, seq: int, place: int) -> Row | None:
        """The row that was found there; None if it is not whole."""
        begin = self._page_begin(place)
        page, start = self._page(begin), place - begin
        types = _types_at(page, start)
        if types is None:
            return None
        header, size = page[start], _size(page[start], types)
        if size <= _MOST_IN_LEAF:
            return _whole_row(seq, types, page[start + header : start + size])
        local = _LEAST_IN_LEAF + (size - _LEAST_IN_LEAF) % (PAGE_BYTES - 4)
        if local > _MOST_IN_LEAF:
            local = _LEAST_IN_LEAF
        begun = page[start + header : start + local]
        following = int.from_bytes(page[start + local : start + local + 4], "big")
        rows = (_whole_row(seq, types, begun + rest) for rest in self._overflow(following, size - local))
        return next(filter(None, rows), None)

    def _overflow(self, number: int, size: int) -> Iterator[bytes]:
        """What a chain of overflow pages may hold: by the newest of each page first, then by the oldest."""
        for version in (-1, 0):
            parts: list[bytes] = []
            following, missing = number, size
            while missing > 0 and (places := self._versions(following)):
                page = self._page(places[version])
                parts.append(page[4 : 4 + missing])
                missing -= PAGE_BYTES - 4
                following = int.from_bytes(page[:4], "big")
            yield b"".join(parts)

    def _versions(self, number: int) -> list[int]:
        """Where a page lies, the oldest first."""
        begin = (number - 1) * PAGE_BYTES
        in_database = [begin] if 0 <= begin < self._database.size else []
        return in_database + self._frames.get(number, [])

    def _wal_pages(self) -> range:
        front = self._database.size
        return range(front + _WAL_HEADER_BYTES + _FRAME_HEADER_BYTES, front + self._wal.size, _FRAME_BYTES)

    def _page_begin(self, place: int) -> int:
        if place < self._database.size:
            return place - place % PAGE_BYTES
        return place - (place - self._wal_pages().start) % _FRAME_BYTES

    def _page(self, begin: int) -> bytes:
        if begin < self._database.size:
            return self._database.read(begin, PAGE_BYTES)
        return self._wal.read(begin - self._database.size, PAGE_BYTES)


class _File:
    """A file on a disk that may be broken: what it does not give reads as nothing."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY) if path.exists() else None
        self.size = path.stat().st_size if path.exists() else 0
        self._read_last: tuple[int, int, bytes] = (0, 0, b"")

    def read(self, place: int, size: int) -> bytes:
        *last, content = self._read_last
        if last != [place, size]:
            content = self._read(place, size)
            self._read_last = (place, size, content)
        return content

    def _read(self, place: int, size: int) -> bytes:
        try:
            return b"" if self._file is None else os.pread(self._file, size, place)
        except OSError:
            return b""

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)


def _types_at(page: bytes, start: int) -> list[int] | None:
    """The types of the columns, as the header of a record tells them; None if it is not that of a row."""
    place, end = start + 1, start + page[start]
    if end > len(page) or page[end - 1] != _HASH_TYPE:
        return None
    types: list[int] = []
    while place < end:
        value, place = _varint(page, place)
        types.append(value)
    return types if place == end and len(types) == len(COLUMNS) else None


def _number_before(page: bytes, start: int, size: int) -> int | None:
    """The number of the row: a cell begins with the size of its record and the number, each a varint."""
    for place in range(start - 1, max(start - 9, 0), -1):
        number, end = _varint(page, place)
        if end == start and any(
            _varint(page, begin) == (size, place) for begin in range(max(0, place - 3), place)
        ):
            return number
    return None


def _whole_row(seq: int, types: list[int], content: bytes) -> Row | None:
    if len(content) != sum(map(_bytes_of, types)):
        return None  # cut off
    values: list[object] = [seq]
    place = 0
    for kind in types[1:]:
        raw = content[place : place + _bytes_of(kind)]
        place += len(raw)
        try:
            values.append(_value(kind, raw))
        except (ValueError, struct.error):
            return None
    row = Row._make(values)
    return row if type(row.body) is bytes and is_whole(row) else None


def _size(header: int, types: list[int]) -> int:
    return header + sum(map(_bytes_of, types))


def _bytes_of(kind: int) -> int:
    """How many bytes a value of this serial type takes (section 2.1)."""
    if kind < len(_INTEGER_BYTES):
        return _INTEGER_BYTES[kind]
    return 8 if kind == 7 else max(0, (kind - 12) // 2)


def _value(kind: int, raw: bytes) -> object:
    if kind == 0:
        return None
    if kind == 7:
        return struct.unpack(">d", raw)[0]
    if kind < 7:
        return int.from_bytes(raw, "big", signed=True)
    if kind < 12:
        return kind - 8
    return raw.decode() if kind % 2 else raw


def _varint(page: bytes, place: int) -> tuple[int, int]:
    """A variable-length integer (section 1.6) of less than nine bytes, and the place behind it."""
    value = 0
    for byte in page[place : place + 8]:
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, place
