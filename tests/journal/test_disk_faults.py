"""Every write and every sync of a journal's run fails, with EIO and with ENOSPC, and disks are full."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from robotd.core.stage import Stage
from robotd.journal.disk import DiskStore
from robotd.journal.errors import JournalError, JournalFailed, JournalFull
from robotd.journal.journal import PROBE_S, Journal
from robotd.journal.kinds import READINGS
from robotd.journal.row import Row, follows
from robotd.journal.writer import InstantWriter
from robotd.sim.client import Console
from tests import virtual
from tests.counts import CAMPAIGN
from tests.journal.disk import Disk, Failing, Small, missing, upon
from tests.journal.disk.faults import EIO, ENOSPC
from tests.journal.kills.witness import Witness
from tests.journal.robot import arm, drive_about, live
from tests.journal.work import BOOT, NOON, Work, judge, open_store, rows_in

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())

COMMITS = 12
LIMIT_BYTES = 30_000
CHECKPOINT_BYTES = 40_000
"""So small that a run of a few commits is trimmed and carried over."""
STEP = 1 if CAMPAIGN else 17
"""In the ordinary run only every so manieth of the changes fails."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.journal.disk.CHECKPOINT_BYTES", CHECKPOINT_BYTES)


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Who looks afterwards does not wait for the machine's disk either."""
    with upon(Disk()):
        yield


class Run:
    """A journal that somebody tries to write, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[Row] = []
        """All that it was given and may have kept."""
        self.acknowledged = 0
        self.errors: list[JournalError] = []

    def session(self) -> None:
        """Open, write, trim and close; take errors as the journal of a daemon does."""
        try:
            store, beginning = open_store(self.folder, LIMIT_BYTES)
        except JournalError as error:
            self.errors.append(error)
            return
        assert beginning.last_seq >= self.acknowledged
        work = Work(random.Random(beginning.last_seq), self.rows[: beginning.last_seq])
        self.rows = work.rows
        try:
            for number in range(COMMITS):
                self._commit(store, work.batch(4))
                if number % 3 == 2:
                    with suppress(JournalFull):  # nothing was removed
                        store.trim(work.settled)
        except JournalFailed as error:
            self.errors.append(error)
        finally:
            store.close()

    def _commit(self, store: DiskStore, rows: list[Row]) -> None:
        """A second time with the reserve spent, where the disk is full."""
        try:
            store.commit(rows)
        except JournalFull as error:
            self.errors.append(error)
            store.spend_reserve()
            store.commit(rows)
        self.acknowledged = rows[-1].seq


def runs(folder: Path, code: dict[str, int], *, for_good: bool = False) -> Iterator[tuple[Run, Failing]]:
    """Two sessions each, in which the first, the second... change fails, until none is left to fail."""
    first = 1 if CAMPAIGN else random.Random(folder.name).randint(1, STEP)
    for nth in range(first, 10_000, STEP):
        run, disk = Run(folder / str(nth)), Failing(code, nth=nth, for_good=for_good)
        with upon(disk):
            run.session()
            run.session()
        if not disk.failed:
            break
        yield run, disk


def test_a_change_that_fails_with_eio_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for run, _ in runs(tmp_path, EIO):
        judge(run.folder, run.rows, run.acknowledged)

        assert {type(error) for error in run.errors} <= {JournalFailed}


def test_a_disk_that_breaks_for_good_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for run, _ in runs(tmp_path, EIO, for_good=True):
        judge(run.folder, run.rows, run.acknowledged)

        assert {type(error) for error in run.errors} <= {JournalFailed}


def test_a_write_that_finds_no_room_takes_nothing_and_the_journal_goes_on(tmp_path: Path) -> None:
    for run, disk in runs(tmp_path, ENOSPC):
        judge(run.folder, run.rows, run.acknowledged)

        if disk.failed == ["write journal.db-wal"] and run.errors:
            assert {type(error) for error in run.errors} == {JournalFull}
            assert run.acknowledged > 4 * COMMITS


class Writing:
    """A daemon's journal upon some disk, in virtual time: rows one after the other, each waited for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.acknowledged: list[int] = []
        """The rows that were told as durable, in the order in which they were told."""
        self.troubles: list[JournalError | None] = []
        self.durable_at_failure: int | None = None

    def live(self, story: Callable[[Journal], Coroutine[Any, Any, None]]) -> None:
        """Open it, let `story` write, and close it."""

        async def life() -> None:
            loop = asyncio.get_running_loop()
            store, beginning = open_store(self.folder, LIMIT_BYTES)
            journal = Journal(
                store,
                InstantWriter(store),
                beginning,
                boot=BOOT,
                clock=loop.time,
                wall_clock=lambda: datetime.fromtimestamp(NOON / 1e6 + loop.time(), UTC),
                no_trace="0" * 32,
            )
            journal.on_trouble = partial(self._note, journal)
            await story(journal)
            await journal.close()

        virtual.run(life())

    async def write(self, journal: Journal, rows: int) -> None:
        """So many rows, a hundred a second."""
        for number in range(rows):
            seq = journal.write(READINGS, {"values": {"battery.value": number / 10}})
            journal.when_durable(seq, partial(self.acknowledged.append, seq))
            await asyncio.sleep(0.01)

    def judge(self) -> None:
        """Open it again: all that was told is there, in order, in an unbroken chain."""
        store, beginning = open_store(self.folder)
        store.close()
        rows = rows_in(self.folder)

        assert beginning.found_broken is None
        assert self.acknowledged == sorted(self.acknowledged)
        assert beginning.last_seq >= max(self.acknowledged, default=0)
        assert [row.seq for row in rows] == list(range(rows[0].seq, rows[-1].seq + 1)) if rows else True
        assert all(follows(row, before.hash) for before, row in pairwise(rows))

    def _note(self, journal: Journal, trouble: JournalError | None) -> None:
        self.troubles.append(trouble)
        if isinstance(trouble, JournalFailed):
            self.durable_at_failure = journal.durable_seq


@pytest.mark.parametrize("file", ["journal.db-wal", "journal.db", "journal.head"])
def test_after_a_failed_change_a_journal_tells_nothing_as_durable_any_more(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotd.journal.journal.TRIM_EVERY", 10)
    failures = 0
    for nth in count(1, 1 if CAMPAIGN else 11):
        writing, disk = Writing(tmp_path / str(nth)), Failing(EIO, nth=nth, only=file)
        with upon(disk), suppress(JournalFailed):
            writing.live(partial(writing.write, rows=40))
        writing.judge()
        if not disk.failed:
            break
        if writing.durable_at_failure is not None:
            failures += 1
            assert max(writing.acknowledged, default=0) <= writing.durable_at_failure

    assert failures > 0


def test_a_full_disk_ends_what_is_under_way_from_its_reserve_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    writing, disk = Writing(tmp_path), Small(tmp_path, 1_500_000)

    async def fill_and_clear(journal: Journal) -> None:
        while journal.trouble is None:
            await writing.write(journal, 10)
        full_at = journal.seq
        await writing.write(journal, 100)
        assert writing.acknowledged[-1] >= full_at
        assert isinstance(journal.trouble, JournalFull)
        disk.room_bytes *= 3
        await asyncio.sleep(2 * PROBE_S)
        assert journal.trouble is None
        await writing.write(journal, 100)

    with upon(disk):
        writing.live(fill_and_clear)
    writing.judge()

    assert [type(trouble) for trouble in writing.troubles] == [JournalFull, type(None)]
    assert len(writing.acknowledged) > 200


def test_a_journal_opens_on_a_full_disk_and_settles_what_was_open_from_the_reserve(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.session()
    taken = sum(file.stat().st_size for file in tmp_path.iterdir())
    with upon(Small(tmp_path, taken)):
        run.session()
    judge(tmp_path, run.rows, run.acknowledged)

    assert [type(error) for error in run.errors] == [JournalFull]
    assert run.acknowledged == 2 * 4 * COMMITS


def test_a_daemon_whose_journal_fails_ends_and_the_next_one_settles_what_it_left(tmp_path: Path) -> None:
    well = Failing(EIO)
    changes: list[int] = []

    async def count_changes(console: Console) -> None:
        changes.append(well.changes)
        await drive_about(console, random.Random(1), 40)
        changes.append(well.changes)

    with upon(well):
        live(tmp_path / "well", count_changes, lambda _stage: None)
    first, last = changes
    for nth in range(first + 1, last, 1 if CAMPAIGN else 53):
        told: list[Stage] = []
        folder, disk = tmp_path / str(nth), Failing(EIO, nth=nth)
        with upon(disk), pytest.raises(JournalFailed):
            live(folder, partial(drive_about, rng=random.Random(1), orders=40), told.append)
        witness = Witness()
        live(folder, arm, lambda _stage: None, seed=nth)
        witness.read(rows_in(folder))
        for stage in told:
            witness.hold_to(stage.id, stage.stage)

        assert witness.open_commands == []
    assert last - first > 200
