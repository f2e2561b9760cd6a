"""One row of the journal, and the chain that ties each to the one before it. No file, no clock."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

from robotd.json import encode, parse

HASH_BYTES = 16
BEGINNING = bytes(HASH_BYTES)
"""What stands for the hash of the row before the first."""

_HASH = blake2b(digest_size=HASH_BYTES)
_NUMBERS = struct.Struct("<qdq")


class Row(NamedTuple):
    """One thing that happened. `body` is a JSON object; `robotd.journal.kinds` says what is in it."""

    seq: int
    """1, 2, 3...: over all boots, without a gap."""
    boot: str
    """The run of the daemon that wrote it: 12 hexadecimal digits."""
    at: float
    """Seconds on the robot's monotonic clock, which begins anew with each boot of the machine."""
    wall: int
    """Microseconds since 1970 in UTC, as the system's clock said. It may jump; nothing is ordered by it."""
    kind: str
    id: str | None
    """The id of the message or the command that it is about."""
    trace: str
    """The trace that it belongs to: 32 hexadecimal digits (W3C Trace Context)."""
    body: bytes
    crc: int
    """CRC-32 over all of the above: tells a damaged row."""
    hash: bytes
    """BLAKE2b over the hash of the row before and all of the above: tells a missing or a forged one."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The body, decoded."""
        found: Mapping[str, Any] = parse(self.body)
        return found


def make(
    before: bytes,
    seq: int,
    boot: str,
    at: float,
    wall: int,
    kind: str,
    id: str | None,  # noqa: A002  # the column's name
    trace: str,
    data: Mapping[str, Any],
) -> Row:
    """The row that follows the one whose hash is `before`."""
    body = encode(data)
    text = _covered(seq, boot, at, wall, kind, id, trace) + body
    return Row(seq, boot, at, wall, kind, id, trace, body, crc32(text), hash_of(text, before))


def is_whole(row: Row) -> bool:
    """Whether the row is as it was written, by its own CRC."""
    return crc32(covered(row)) == row.crc


def follows(row: Row, before: bytes) -> bool:
    """Whether the row was written after the one whose hash is `before`, and neither was changed since."""
    return hash_of(covered(row), before) == row.hash


def covered(row: Row) -> bytes:
    """All that CRC and hash are about; nothing, where a damaged row holds what no row can."""
    try:
        return _covered(row.seq, row.boot, row.at, row.wall, row.kind, row.id, row.trace) + row.body
    except (struct.error, TypeError):
        return b""


def hash_of(covered_text: bytes, before: bytes) -> bytes:
    """The hash of a row that comes after the one whose hash is `before`."""
    hashing = _HASH.copy()  # half the time of a new one with its size
    hashing.update(before + covered_text)
    return hashing.digest()


def _covered(seq: int, boot: str, at: float, wall: int, kind: str, about: str | None, trace: str) -> bytes:
    """What CRC and hash cover beside the body. NUL stands in no id, kind or trace."""
    names = f"{boot}\0{kind}\0{'' if about is None else about}\0{trace}\0"
    return _NUMBERS.pack(seq, at, wall) + names.encode()
