"""The journal as the daemon writes it: rows in order, committed in groups, told when they are durable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from robotd.clock import WallClock
from robotd.journal.errors import JournalError, JournalFailed, JournalFull
from robotd.journal.kinds import CLOCK, JOURNAL
from robotd.journal.row import Row, make
from robotd.journal.store import Beginning, Store
from robotd.journal.writer import Writer

GROUP_S = 0.005
GROUP_ROWS = 100
"""Rows wait for company at most so long, until there are so many, or until somebody waits for one of them."""
SLOW_S = 1.0
"""A row that is not durable after so long means that the journal cannot be relied on at present."""
PROBE_S = 1.0
"""A full disk is asked so often whether there is room again."""
WAITING_AT_MOST = 20_000
"""More rows than these never wait for a disk: the daemon ends, for nobody could say what it did."""
TOLD_IN_A_TURN = 64
"""A commit may have made so much durable that telling all of it at once would hold up a stop."""
TRIM_EVERY = 1_000
"""After so many rows the store is asked to remove what is too old."""
SETTLE_S = 0.5
"""At the end of the daemon the disk gets so long for the last rows."""
JUMP_S = 1.0
"""From here on a step of the clock on the wall is written down."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JournalSlow(JournalError):  # noqa: N818  # it says what it is
    """A row waits for the disk for longer than `SLOW_S`."""


class Journal:
    """Gives each row its number and its place in the chain, in the order in which things happen."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        beginning: Beginning,
        *,
        boot: str,
        clock: Callable[[], float],
        wall_clock: WallClock,
        no_trace: str,
        group_s: float = GROUP_S,
    ) -> None:
        """`no_trace`: the trace of what belongs to no other. `group_s`: how long rows wait for company."""
        self.boot = boot
        self.no_trace = no_trace
        self.seq = beginning.last_seq
        """Of the newest row written, durable or not."""
        self.durable_seq = beginning.last_seq
        """Of the newest row that no loss of power can take any more."""
        self.trouble: JournalError | None = None
        """Why no motion may begin; None: all is well."""
        self.on_trouble: Callable[[JournalError | None], None] = lambda _trouble: None
        """Told when trouble begins and when it is over (None). After `JournalFailed` it never is."""
        self.unsettled: Callable[[], int | None] = lambda: None
        """The first row of the oldest command that has not ended: it and what follows is never removed."""
        self.slowest_s = 0.0
        """The longest that a row has waited until it was durable."""
        self._store = store
        self._writer = writer
        self._hash = beginning.last_hash
        self._clock = clock
        self._wall_clock = wall_clock
        self._group_s = group_s
        self._waiting: list[Row] = []
        self._in_flight: list[Row] = []
        self._calls: deque[tuple[int, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._soon = False
        self._telling = False
        self._watching = False
        self._reserve_spent = False
        # Soon after the start, too: a daemon that crashes again and again fills no disk.
        self._trimmed_at = self.seq - TRIM_EVERY
        self._closed = False
        self._wall_offset_s = self._measure_offset()

    # -- writing ------------------------------------------------------------------------------------

    def write(
        self,
        kind: str,
        data: Mapping[str, Any],
        id: str | None = None,  # noqa: A002  # the row's word
        trace: str | None = None,
    ) -> int:
        """Write a row; returns its number. Never waits: `when_durable` tells when nothing can take it."""
        self.seq += 1
        at = self._clock()
        wall = int((at + self._wall_offset_s) * 1e6)  # as `wall`, without reading the clock twice
        row = make(self._hash, self.seq, self.boot, at, wall, kind, id, trace or self.no_trace, data)
        self._hash = row.hash
        self._waiting.append(row)
        if not self._in_flight:
            if len(self._waiting) >= GROUP_ROWS:
                self._commit_soon()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._group_s, self._commit)
        elif len(self._waiting) > WAITING_AT_MOST:
            self._waiting.clear()
            self._fail(JournalFailed(f"more than {WAITING_AT_MOST} rows wait for the journal's disk"))
        return self.seq

    def when_durable(self, seq: int, call: Callable[[], None]) -> None:
        """Call, in a later turn and in order, when the row `seq` and those before it are durable."""
        if self._calls:
            seq = max(seq, self._calls[-1][0])
        self._calls.append((seq, call))
        if seq <= self.durable_seq:
            self._tell_soon()
        elif not self._in_flight:
            self._commit_soon()

    @property
    def wall(self) -> int:
        """The time on the wall now, as a row would have it."""
        return int((self._clock() + self._wall_offset_s) * 1e6)

    @property
    def lag_s(self) -> float:
        """How long the oldest row that is not durable has waited."""
        oldest = self._in_flight or self._waiting
        return self._clock() - oldest[0].at if oldest else 0.0

    @property
    def progress(self) -> int | None:
        """The newest durable row; None while no row waits, or once it has told what is wrong with it."""
        idle = self.trouble is not None or self._closed or not (self._in_flight or self._waiting)
        return None if idle else self.durable_seq

    async def settle(self, within_s: float = SETTLE_S) -> None:
        """Wait until what was written is durable and told, at most so long."""
        durable = asyncio.Event()
        self.when_durable(self.seq, durable.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await durable.wait()

    async def close(self) -> None:
        """Make durable what was written, and close the store."""
        await self.settle()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._writer.close()

    # -- committing ---------------------------------------------------------------------------------

    def _commit_soon(self) -> None:
        """At the end of this turn, so that all that happens in it shares one commit."""
        if not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        self._soon = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or self._in_flight or self._closed or self._has_failed:
            return
        self._look_at_the_wall()
        self._in_flight, self._waiting = self._waiting, self._in_flight
        self._writer.commit(self._in_flight, self._committed)
        if not self._watching:
            self._watching = True
            self._watch()

    def _committed(self, error: JournalError | None) -> None:
        if self._has_failed:
            return
        if isinstance(error, JournalFull):
            self._make_room(error)
        elif error is not None:
            self._fail(error if isinstance(error, JournalFailed) else JournalFailed(str(error)))
        elif self._in_flight:
            newest = self._in_flight[-1]
            self.slowest_s = max(self.slowest_s, self._clock() - self._in_flight[0].at)
            self.durable_seq = newest.seq
            self._in_flight.clear()
            if isinstance(self.trouble, JournalSlow) and self.lag_s < SLOW_S:
                self._has_trouble(None)
            self._trim()
            self._commit()
            self._tell()

    def _trim(self) -> None:
        if self.durable_seq - self._trimmed_at >= TRIM_EVERY:
            self._trimmed_at = self.durable_seq
            unsettled = self.unsettled()
            settled = self.durable_seq if unsettled is None else min(self.durable_seq, unsettled - 1)
            self._writer.do(lambda: self._store.trim(settled), self._trimmed)

    def _trimmed(self, error: JournalError | None) -> None:
        if isinstance(error, JournalFailed):
            self._fail(error)

    def _tell_soon(self) -> None:
        if not self._telling and self._calls:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell_later)

    def _tell_later(self) -> None:
        self._telling = False
        self._tell()

    def _tell(self) -> None:
        calls = self._calls
        for _ in range(TOLD_IN_A_TURN):
            if not calls or calls[0][0] > self.durable_seq:
                return
            calls.popleft()[1]()
        self._tell_soon()

    # -- trouble ------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Look again when the oldest row that waits now has waited too long."""
        oldest = self._in_flight or self._waiting
        if not oldest or self._closed or self._has_failed:
            self._watching = False
            return
        lag_s = self._clock() - oldest[0].at
        if lag_s >= SLOW_S and self.trouble is None:
            self._has_trouble(JournalSlow(f"the journal's disk has not answered for {lag_s:.1f} s"))
        asyncio.get_running_loop().call_later(max(SLOW_S - lag_s, SLOW_S / 20), self._watch)

    def _make_room(self, error: JournalFull) -> None:
        """The reserve is there for the rows of what is under way; nothing new may begin until it is back."""
        if not isinstance(self.trouble, JournalFull):
            self._has_trouble(error)
        if not self._reserve_spent:
            self._reserve_spent = True
            self._writer.do(self._store.spend_reserve, self._spent)
            self._probe_later()
        else:
            asyncio.get_running_loop().call_later(PROBE_S, self._commit_again)

    def _spent(self, error: JournalError | None) -> None:
        if isinstance(error, JournalFailed):
            self._fail(error)
        self._commit_again()

    def _commit_again(self) -> None:
        if self._in_flight and not self._closed and not self._has_failed:
            self._writer.commit(self._in_flight, self._committed)

    def _probe_later(self) -> None:
        asyncio.get_running_loop().call_later(PROBE_S, self._probe)

    def _probe(self) -> None:
        if not self._closed and not self._has_failed:
            self._writer.do(self._store.restore_reserve, self._probed)

    def _probed(self, error: JournalError | None) -> None:
        if isinstance(error, JournalFailed):
            self._fail(error)
            return
        if error is not None:
            self._probe_later()
            return
        self._reserve_spent = False
        if isinstance(self.trouble, JournalFull):
            self._has_trouble(None)

    def _fail(self, error: JournalFailed) -> None:
        """For good: nothing is told as durable any more, and the daemon has to end."""
        if not self._has_failed:
            self._has_trouble(error)

    @property
    def _has_failed(self) -> bool:
        return isinstance(self.trouble, JournalFailed)

    def _has_trouble(self, trouble: JournalError | None) -> None:
        self.trouble = trouble
        self.on_trouble(trouble)
        if not isinstance(trouble, JournalFailed):
            what = _WORDS[type(trouble)]
            self.write(JOURNAL, {"what": what} | ({} if trouble is None else {"message": str(trouble)}))

    # -- the wall -----------------------------------------------------------------------------------

    def _look_at_the_wall(self) -> None:
        """No timer notices when the clock on the wall jumps; the journal records it."""
        before, now = self._wall_offset_s, self._measure_offset()
        self._wall_offset_s = now
        if abs(now - before) >= JUMP_S:
            self.write(CLOCK, {"jump_s": round(now - before, 6)})

    def _measure_offset(self) -> float:
        return (self._wall_clock() - _EPOCH).total_seconds() - self._clock()


_WORDS: Mapping[type, str] = {JournalSlow: "slow", JournalFull: "full", type(None): "well"}
