"""How the journal lies in its database: the schema, version by version. Text only."""

from __future__ import annotations

from collections.abc import Sequence

from robotd.journal.kinds import BURIED, COMMAND, DEAD, ENDED, STARTED

APPLICATION_ID = int.from_bytes(b"rbtj", "big")
"""What `file` and SQLite know a journal by."""
PAGE_BYTES = 4096

COLUMNS = ("seq", "boot", "at", "wall", "kind", "id", "trace", "body", "crc", "hash")
"""The fields of `Row`, in its order."""

ENDS = (ENDED, DEAD, BURIED)
"""The kinds of rows that the table `ended` lists as well."""

Migration = Sequence[str]
"""The statements that lead from one version to the next."""


def _of_body(key: str) -> str:
    return f"json_extract(CAST(new.body AS TEXT), '$.{key}')"


_VERSION_1: Migration = (
    # No column but the number has a type: each value is kept just as the CRC covers it. No index on id or
    # trace either: its pages lie anywhere, and each commit would write several of them.
    f"CREATE TABLE rows (seq INTEGER PRIMARY KEY, {', '.join(COLUMNS[1:])})",
    # What a start has to know of commands, without reading 256 MiB for it: kept in step by SQLite. The first
    # table is never longer than a page or two, the second grows at its end.
    "CREATE TABLE open (id PRIMARY KEY, seq, wall, principal, digest, started) WITHOUT ROWID",
    "CREATE TABLE ended (seq INTEGER PRIMARY KEY, kind, id, wall, principal, digest, stage, reason)",
    f"CREATE TRIGGER when_accepted AFTER INSERT ON rows WHEN new.kind = '{COMMAND}' BEGIN "
    "INSERT OR REPLACE INTO open VALUES "
    f"(new.id, new.seq, new.wall, {_of_body('principal')}, {_of_body('digest')}, 0); END",
    f"CREATE TRIGGER when_started AFTER INSERT ON rows WHEN new.kind = '{STARTED}' BEGIN "
    "UPDATE open SET started = 1 WHERE id = new.id; END",
    f"CREATE TRIGGER when_ended AFTER INSERT ON rows WHEN new.kind IN ({', '.join(map(repr, ENDS))}) BEGIN "
    "INSERT INTO ended SELECT new.seq, new.kind, new.id, new.wall, principal, digest, "
    f"{_of_body('stage')}, {_of_body('reason')} FROM (SELECT 1) LEFT JOIN open ON open.id = new.id; "
    f"DELETE FROM open WHERE id = new.id AND new.kind <> '{BURIED}'; END",
    # Where the chain begins, in one row: see `robotd.journal.tables`.
    "CREATE TABLE origin (after_seq, after_hash, used_seq, breaks, crc)",
)

MIGRATIONS: tuple[Migration, ...] = (_VERSION_1,)
"""How to come to each version from the one before; a new one is added at the end."""
VERSION = len(MIGRATIONS)
