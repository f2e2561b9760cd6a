"""Opens the journal of a daemon, on a disk or in memory, and reads in it while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from robotd.clock import WallClock, wall_time
from robotd.config import RobotConfig
from robotd.daemon.ids import Ids
from robotd.journal.journal import Journal
from robotd.journal.memory import MemoryStore
from robotd.journal.store import Beginning, Rows
from robotd.journal.writer import InstantWriter, ThreadWriter
from robotd.runtime.readings import Clock

KEPT_IN_MEMORY = 10_000
"""Rows, where there is no disk."""
GROUP_IN_MEMORY_S = 0.25
EMPTY = Beginning()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Opened:
    """A journal that is written, and what was in it."""

    journal: Journal
    beginning: Beginning
    read: Callable[[Callable[[Rows], Any]], Awaitable[Any]]
    """Ask its rows something, beside the loop."""
    path: Path | None
    """Its folder; None in memory."""
    size_bytes: Callable[[], int]


def in_memory(
    ids: Ids,
    clock: Clock,
    wall_clock: WallClock | None = None,
    *,
    store: MemoryStore | None = None,
    writer: InstantWriter | None = None,
    beginning: Beginning = EMPTY,
) -> Opened:
    """A journal that ends with the process. `writer` stands for its disk; `beginning` is what was in it."""
    store = store or MemoryStore(KEPT_IN_MEMORY)
    journal = Journal(
        store,
        writer or InstantWriter(store),
        beginning,
        boot=ids.boot,
        clock=clock,
        wall_clock=wall_clock or (lambda: _EPOCH + timedelta(seconds=clock())),
        no_trace=ids.new_trace_id(),
        group_s=GROUP_IN_MEMORY_S,
    )

    async def read(question: Callable[[Rows], Any]) -> Any:
        return question(store)

    return Opened(journal, beginning, read, None, lambda: 0)


def on_disk(
    folder: Path, config: RobotConfig, ids: Ids, clock: Clock, wall_clock: WallClock = wall_time
) -> Opened:
    """The journal in `folder`, checked and ready to be written. Blocks while it looks.

    Raises `JournalHeld`, `JournalTooNew` and other `JournalError`s.
    """
    from robotd.journal.disk import DiskStore

    now = int((wall_clock() - _EPOCH).total_seconds() * 1e6)
    store, beginning = DiskStore.open(
        folder, robot=config.robot, limit_bytes=config.journal.size_bytes, now_wall=now
    )
    journal = Journal(
        store,
        ThreadWriter(store, asyncio.get_running_loop()),
        beginning,
        boot=ids.boot,
        clock=clock,
        wall_clock=wall_clock,
        no_trace=ids.new_trace_id(),
    )

    async def read(question: Callable[[Rows], Any]) -> Any:
        from robotd.journal.reader import open_rows

        def ask() -> Any:
            with open_rows(folder) as rows:
                return question(rows)

        return await asyncio.to_thread(ask)

    return Opened(journal, beginning, read, folder, lambda: store.size_bytes)
