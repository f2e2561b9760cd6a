"""Rows of the journal as one answer holds them: so many, so large, and where the next page begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from robotd.json import encode
from robotd.wire.service import JournalQuery


def page(records: Iterable[Mapping[str, Any]], query: JournalQuery, last_seq: int) -> dict[str, Any]:
    """The answer to `query`: `records`, `next_seq`, `last_seq`. Blocks as long as `records` do.

    `records` are those that the query selects, in its order, each with its `seq`; hardly more are taken than
    the answer holds. `last_seq` is the newest row of the journal, asked for before `records` were. Whoever
    goes on from `next_seq` (as `since_seq`; newest first, as `until_seq`) misses no row and hears none twice.
    """
    held: list[Mapping[str, Any]] = []
    size = 0
    for record in records:
        size += len(encode(record))
        if held and size > query.most_bytes:
            whole = False
            break
        held.append(record)
        if len(held) == query.limit:
            whole = False
            break
    else:
        whole = True
    newest = max([last_seq, *(record["seq"] for record in held)])
    return {"records": held, "next_seq": _next(query, held, newest, whole=whole), "last_seq": newest}


def _next(query: JournalQuery, held: list[Mapping[str, Any]], newest: int, *, whole: bool) -> int:
    if query.newest_first:
        return query.since_seq if whole else held[-1]["seq"] - 1
    if not whole:
        found: int = held[-1]["seq"]
        return found
    until = newest if query.until_seq is None else min(newest, query.until_seq)
    return max(query.since_seq, until)
