"""How the journal lies in its database: the schema, version by version. Text only."""

from __future__ import annotations

from collections.abc import Sequence

from robotd.journal.kinds import BURIED, COMMAND, DEAD, ENDED, STARTED

APPLICATION_ID = int.from_bytes(b"rbtj", "big")
"""What `file` and SQLite know a journal by."""
PAGE_BYTES = 4096

NOTED = (COMMAND, STARTED, ENDED, DEAD, BURIED)
"""The kinds of rows that the table `commands` notes too."""
COLUMNS = ("seq", "boot", "at", "wall", "kind", "id", "trace", "body", "crc", "hash")
"""The fields of `Row`, in its order."""

_NOTED = ", ".join(f"'{kind}'" for kind in NOTED)
_OF_BODY = ", ".join(
    f"json_extract(CAST(new.body AS TEXT), '$.{key}')" for key in ("principal", "digest", "stage", "reason")
)

Migration = Sequence[str]
"""The statements that lead from one version to the next."""

MIGRATIONS: tuple[Migration, ...] = (
    (
        # No column but the number has a type: each value is kept just as the CRC covers it. No index on id or
        # trace either: its pages lie anywhere, and each commit would write several of them.
        f"CREATE TABLE rows (seq INTEGER PRIMARY KEY, {', '.join(COLUMNS[1:])})",
        # What a start has to know of commands, without reading 256 MiB for it. SQLite keeps it in step.
        "CREATE TABLE commands (seq INTEGER PRIMARY KEY, kind, id, wall, principal, digest, stage, reason)",
        f"CREATE TRIGGER note AFTER INSERT ON rows WHEN new.kind IN ({_NOTED}) BEGIN "
        f"INSERT INTO commands VALUES (new.seq, new.kind, new.id, new.wall, {_OF_BODY}); END",
        # Where the chain begins, in one row: see `robotd.journal.origin`.
        "CREATE TABLE origin (after_seq, after_hash, used_seq, crc)",
    ),
)
"""A new version is added at the end. Version 1 is the first."""

VERSION = len(MIGRATIONS)
