"""The rows of a daemon at work, made by chance, and what a journal that kept them must say of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from robotd.journal.disk import LIMIT_BYTES, DiskStore
from robotd.journal.kinds import COMMAND, DEAD, ENDED, READINGS, STARTED, TERMINAL
from robotd.journal.reader import open_rows
from robotd.journal.row import BEGINNING, Row, make
from robotd.journal.store import Beginning

BOOT = "b00700000001"
NOON = 1_795_262_400_000_000
"""Microseconds since 1970."""


class Work:
    """Commands come, start and end, with readings in between."""

    def __init__(self, rng: random.Random, rows: Iterable[Row] = ()) -> None:
        """`rows`: those that a journal has."""
        self._rng = rng
        self.rows = list(rows)
        """All that were handed out: the row `n` at `n - 1`."""
        self._open = open_commands(self.rows)

    @property
    def settled(self) -> int:
        """The row before the command that is open for longest."""
        return min((int(about[1:]) for about in self._open), default=len(self.rows) + 1) - 1

    def batch(self, size: int) -> list[Row]:
        """The next rows."""
        return [self._next() for _ in range(size)]

    def _next(self) -> Row:
        seq = len(self.rows) + 1
        chance = self._rng.random()
        if self._open and (chance < 0.5 or len(self._open) > 20):
            about, started = self._rng.choice(list(self._open.items()))
            if not started and chance < 0.25:
                return self._add(seq, STARTED, about, {"action": "base.drive", "type": "drive"})
            kind, stage = (ENDED, "done") if started else (DEAD, "expired")
            return self._add(seq, kind, about, {"stage": stage, "type": "drive", "source": "tcp:ann"})
        if chance < 0.8:
            body = {"type": "drive", "source": "tcp:ann", "principal": "ann", "digest": f"{seq:016x}"}
            return self._add(seq, COMMAND, f"c{seq}", body)
        values = {f"sensor.{n}": self._rng.random() for n in range(self._rng.randrange(1, 100))}
        return self._add(seq, READINGS, None, {"values": values})

    def _add(self, seq: int, kind: str, about: str | None, body: Mapping[str, object]) -> Row:
        before = self.rows[-1].hash if self.rows else BEGINNING
        row = make(before, seq, BOOT, seq / 1000, NOON + seq * 1000, kind, about, f"{seq:032x}", body)
        self.rows.append(row)
        _follow(self._open, row)
        return row


def open_commands(rows: Iterable[Row]) -> dict[str, bool]:
    """The commands that have not ended by these rows, and whether each has started."""
    found: dict[str, bool] = {}
    for row in rows:
        _follow(found, row)
    return found


def _follow(found: dict[str, bool], row: Row) -> None:
    if row.id is None:
        return
    if row.kind == COMMAND:
        found[row.id] = False
    elif row.kind == STARTED:
        found[row.id] = True
    elif row.kind in TERMINAL:
        del found[row.id]


def open_store(folder: Path, limit_bytes: int = LIMIT_BYTES) -> tuple[DiskStore, Beginning]:
    """The journal as a daemon opens it."""
    return DiskStore.open(folder, robot="rover", now_wall=NOON, limit_bytes=limit_bytes)


def rows_in(folder: Path) -> list[Row]:
    """What any reader sees."""
    with open_rows(folder) as rows:
        return list(rows.rows())


def judge(folder: Path, written: Sequence[Row], acknowledged: int) -> Beginning:
    """Open what a disaster left of a journal, and hold it to what it promised; it also has to go on.

    `written`: all rows that it was ever given; it may have kept those after `acknowledged`.
    """
    store, beginning = open_store(folder)
    try:
        work = Work(random.Random(1), written[: beginning.last_seq])
        _compare(rows_in(folder), work)
        store.commit(work.batch(3))
        _compare(rows_in(folder), work)
    finally:
        store.close()

    found = {command.id: command.started for command in beginning.open_commands}
    assert (beginning.found_broken, list(beginning.quarantined)) == (None, [])
    assert acknowledged <= beginning.last_seq <= len(written)
    assert found == open_commands(written[: beginning.last_seq])
    return beginning


def _compare(kept: Sequence[Row], work: Work) -> None:
    """What was kept is what was written, without a gap; only what was settled may have been removed."""
    first = kept[0].seq if kept else len(work.rows) + 1
    assert first <= work.settled + 1
    assert list(kept) == work.rows[first - 1 :]
