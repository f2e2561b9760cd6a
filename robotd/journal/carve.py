"""Finds rows in the pages of a broken journal, without SQLite.

A row is known by the shape of its record (https://sqlite.org/fileformat2.html, section 2.1) and proven by its
CRC, wherever it lies: in a page that no longer belongs to a table, or in a frame of the `-wal` file behind
one that SQLite does not take. So what is broken between the rows costs none of them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from robotd.journal.row import HASH_BYTES, Row, is_whole
from robotd.journal.schema import COLUMNS, PAGE_BYTES

_WAL_HEADER_BYTES = 32
_FRAME_HEADER = struct.Struct(">I20x")
_MOST_IN_LEAF = PAGE_BYTES - 35
_LEAST_IN_LEAF = (PAGE_BYTES - 12) * 32 // 255 - 23

_HASH_TYPE = 12 + 2 * HASH_BYTES
_RECORD = re.compile(rb"(?=[\x0b-\x18]\x00[\x00-\xff]{8})")
"""Where the header of a record may begin: its own size, and the type of the number, which the cell holds."""
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)


def carve(database: Path, wal: Path) -> Iterator[Row]:
    """All whole rows in these files (either may be missing), in no order; some more than once."""
    pages = _Pages(database, wal)
    for page in pages.all:
        for match in _RECORD.finditer(page):
            row = _row_at(page, match.start(), pages)
            if row is not None:
                yield row


class _Pages:
    """The pages of a database, and all that its `-wal` file holds of them."""

    def __init__(self, database: Path, wal: Path) -> None:
        self.all: list[bytes] = []
        self._versions: dict[int, list[bytes]] = {}
        if database.exists():
            with database.open("rb") as file:
                for number, page in enumerate(iter(lambda: file.read(PAGE_BYTES), b""), start=1):
                    self._add(number, page)
        if wal.exists():
            with wal.open("rb") as file:
                file.seek(_WAL_HEADER_BYTES)
                while len(header := file.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
                    self._add(_FRAME_HEADER.unpack(header)[0], file.read(PAGE_BYTES))

    def _add(self, number: int, page: bytes) -> None:
        self.all.append(page)
        self._versions.setdefault(number, []).append(page)

    def overflow(self, number: int, size: int) -> Iterator[bytes]:
        """What a chain of overflow pages may hold: by the newest of each page first, then by the oldest."""
        for version in (-1, 0):
            parts: list[bytes] = []
            following, missing = number, size
            while missing > 0 and following in self._versions:
                page = self._versions[following][version]
                parts.append(page[4 : 4 + missing])
                missing -= PAGE_BYTES - 4
                following = int.from_bytes(page[:4], "big")
            yield b"".join(parts)


def _row_at(page: bytes, start: int, pages: _Pages) -> Row | None:
    """The row whose record begins here, if one does and it is whole."""
    types = _types_at(page, start)
    if types is None:
        return None
    header = page[start]
    size = header + sum(map(_bytes_of, types))
    seq = _number_before(page, start, size)
    if seq is None:
        return None
    if size <= _MOST_IN_LEAF:
        return _whole_row(seq, types, page[start + header : start + size])
    local = _LEAST_IN_LEAF + (size - _LEAST_IN_LEAF) % (PAGE_BYTES - 4)
    if local > _MOST_IN_LEAF:
        local = _LEAST_IN_LEAF
    begun = page[start + header : start + local]
    following = int.from_bytes(page[start + local : start + local + 4], "big")
    for rest in pages.overflow(following, size - local):
        row = _whole_row(seq, types, begun + rest)
        if row is not None:
            return row
    return None


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
    for length in range(1, 10):
        place = start - length
        if place < 1:
            return None
        number, end = _varint(page, place)
        if end != start:
            continue
        for begin in range(max(0, place - 3), place):
            if _varint(page, begin) == (size, place):
                return number
    return None


def _whole_row(seq: int, types: list[int], content: bytes) -> Row | None:
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
