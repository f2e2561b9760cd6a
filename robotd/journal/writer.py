"""What brings rows to their store: one thread for a disk, nothing at all for memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Protocol

from robotd.journal.errors import JournalError, JournalFailed
from robotd.journal.row import Row
from robotd.journal.store import Store

Done = Callable[[JournalError | None], None]


class Writer(Protocol):
    """Does one thing after the other, and says on the event loop when each is done."""

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        """Keep these. `done` hears of the error, or of None when no loss of power can take them any more."""

    def do(self, work: Callable[[], None], done: Done) -> None:
        """Something else with the store, between two commits."""

    def close(self) -> None:
        """Finish what was begun, and the store with it. Waits; nothing is told any more."""


class InstantWriter:
    """Keeps rows in memory; `delay_s` later they count as durable."""

    def __init__(self, store: Store, *, delay_s: float = 0.0) -> None:
        self._store = store
        self.delay_s = delay_s
        """May be changed at any time: the disk has become slow. Infinite: it never comes back."""

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        """As `Writer.commit`."""
        self.do(partial(self._store.commit, rows), done)

    def do(self, work: Callable[[], None], done: Done) -> None:
        """As `Writer.do`."""
        error = _tried(work)
        if self.delay_s == 0.0:
            done(error)
        elif self.delay_s != float("inf"):
            asyncio.get_running_loop().call_later(self.delay_s, done, error)

    def close(self) -> None:
        """As `Writer.close`."""
        self._store.close()


class ThreadWriter:
    """One thread that waits for the disk, so that the event loop does not.

    The rows come to it encoded: all that it does with the interpreter's lock is a call or two for each
    commit, and the fsync waits without the lock.
    """

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._work: SimpleQueue[tuple[Callable[[], None], Done] | None] = SimpleQueue()
        # A daemon thread: a disk that hangs for ever does not hold up the end of the process.
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        """As `Writer.commit`."""
        self.do(partial(self._store.commit, rows), done)

    def do(self, work: Callable[[], None], done: Done) -> None:
        """As `Writer.do`."""
        self._work.put((work, done))

    def close(self, timeout_s: float = 2.0) -> None:
        """As `Writer.close`; a disk that hangs is left behind after `timeout_s`."""
        self._work.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            work, done = item
            error = _tried(work)
            try:
                self._loop.call_soon_threadsafe(done, error)
            except RuntimeError:
                break  # the loop is closed: nobody is left who wants to know
        self._store.close()


def _tried(work: Callable[[], None]) -> JournalError | None:
    try:
        work()
    except JournalError as error:
        return error
    except Exception as error:
        return JournalFailed(f"the journal: {type(error).__name__}: {error}")
    return None
