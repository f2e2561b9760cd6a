"""Rows in order, committed in groups, told when they are durable; and a disk in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from robotd.journal import journal as module
from robotd.journal.errors import JournalError, JournalFailed
from robotd.journal.journal import Journal
from robotd.journal.kinds import BUG, CLOCK, JOURNAL
from robotd.journal.memory import RESERVE_ROWS, MemoryStore
from robotd.journal.row import BEGINNING, Row, follows
from robotd.journal.store import Beginning, Select
from robotd.journal.writer import InstantWriter
from tests import virtual

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Counting(MemoryStore):
    """Remembers how many rows each commit had."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[int] = []
        self.trimmed: list[int] = []
        self.fails = False

    def commit(self, rows: Sequence[Row]) -> None:
        if self.fails:
            raise JournalFailed("the disk said EIO")
        super().commit(rows)
        self.commits.append(len(rows))

    def trim(self, settled: int) -> None:
        self.trimmed.append(settled)


class Desk:
    """A journal on a disk that takes `disk_s` for a commit, and what was told of it."""

    def __init__(self, disk_s: float = 0.01) -> None:
        self.store = Counting()
        self.writer = InstantWriter(self.store, delay_s=disk_s)
        self.clock = asyncio.get_running_loop().time
        self.ahead = timedelta()
        self.journal = Journal(
            self.store,
            self.writer,
            Beginning(),
            boot="0123456789ab",
            clock=self.clock,
            wall_clock=lambda: NOON + timedelta(seconds=self.clock()) + self.ahead,
            no_trace="f" * 32,
        )
        self.told: list[tuple[float, str]] = []
        self.troubles: list[JournalError | None] = []
        self.journal.on_trouble = self.troubles.append

    def write(self, name: str = "x", *, wait: bool = True) -> int:
        seq = self.journal.write(BUG, {"error": name})
        if wait:
            self.journal.when_durable(seq, lambda: self.told.append((self.clock(), name)))
        return seq

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.told]


def story(body: Callable[[Desk], Awaitable[None]], disk_s: float = 0.01) -> None:
    async def whole() -> None:
        await body(Desk(disk_s))

    virtual.run(whole())


def test_what_somebody_waits_for_is_committed_at_the_end_of_the_turn():
    async def body(desk: Desk) -> None:
        for name in "abc":
            desk.write(name)
        await asyncio.sleep(0.02)

        assert desk.names == ["a", "b", "c"]
        assert {at for at, _ in desk.told} == {0.01}
        assert desk.store.commits == [3]

    story(body)


def test_what_nobody_waits_for_is_durable_within_the_time_of_a_group():
    async def body(desk: Desk) -> None:
        desk.write(wait=False)
        await asyncio.sleep(module.GROUP_S + 0.011)

        assert desk.journal.durable_seq == 1

    story(body)


def test_a_hundred_rows_wait_no_longer():
    async def body(desk: Desk) -> None:
        for _ in range(module.GROUP_ROWS):
            desk.write(wait=False)
        await asyncio.sleep(0.0101)

        assert desk.store.commits == [module.GROUP_ROWS]

    story(body)


def test_what_comes_during_a_commit_shares_the_next():
    async def body(desk: Desk) -> None:
        desk.write("first")
        await asyncio.sleep(0.001)
        for number in range(500):
            desk.write(str(number))
            if number % 100 == 0:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)

        assert desk.store.commits == [1, 500]
        assert desk.names == ["first", *map(str, range(500))]

    story(body)


def test_telling_a_large_commit_leaves_the_loop_its_turns():
    async def body(desk: Desk) -> None:
        turns: list[int] = []

        def turn() -> None:
            turns.append(len(desk.told))
            if len(desk.told) < 1_000:
                asyncio.get_running_loop().call_soon(turn)

        for number in range(1_000):
            desk.write(str(number))
        await asyncio.sleep(0.0099)
        desk.journal.when_durable(1, turn)
        asyncio.get_running_loop().call_at(0.01, turn)
        await asyncio.sleep(0.01)

        most = max(after - before for before, after in pairwise(turns))
        assert most <= 2 * module.TOLD_IN_A_TURN

    story(body)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.03)), max_size=60), st.floats(0, 0.05))
def test_whatever_comes_when_rows_are_told_once_in_order_and_after_they_are_durable(
    writes: list[tuple[bool, float]], disk_s: float
):
    async def body(desk: Desk) -> None:
        told: list[tuple[int, int]] = []
        waited = []
        for wait, pause_s in writes:
            seq = desk.write(wait=False)
            if wait:
                waited.append(seq)
                desk.journal.when_durable(
                    seq,
                    lambda seq=seq: told.append((seq, desk.journal.durable_seq)),  # type: ignore[misc]  # mypy knows no type for a default of a lambda
                )
            await asyncio.sleep(pause_s)
        await desk.journal.close()
        rows = list(desk.store.rows())

        assert [seq for seq, _ in told] == waited
        assert all(seq <= durable for seq, durable in told)
        assert [row.seq for row in rows] == list(range(1, len(writes) + 1))
        hashes = [BEGINNING, *(row.hash for row in rows)]
        assert all(follows(row, before) for row, before in zip(rows, hashes, strict=False))

    story(body, disk_s)


def test_a_slow_disk_is_said_after_a_second_and_again_when_it_is_over():
    async def body(desk: Desk) -> None:
        desk.write("slow")
        await asyncio.sleep(0.99)
        before = list(desk.troubles)
        await asyncio.sleep(0.06)
        during = list(desk.troubles)
        desk.writer.delay_s = 0.01
        await asyncio.sleep(5.0)

        assert before == []
        assert [type(trouble).__name__ for trouble in during] == ["JournalSlow"]
        assert desk.troubles[1:] == [None]
        said = [row.data["what"] for row in desk.store.rows(Select(kinds=(JOURNAL,)))]
        assert said == ["slow", "well"]
        assert desk.names == ["slow"]

    story(body, disk_s=1.8)


def test_a_full_disk_takes_the_rows_of_what_is_under_way_and_is_asked_again_until_there_is_room():
    async def body(desk: Desk) -> None:
        desk.store.room = 0
        desk.write("under way")
        await asyncio.sleep(0.1)
        told = list(desk.names)
        desk.store.room += 2 * RESERVE_ROWS
        await asyncio.sleep(module.PROBE_S + 0.1)

        assert told == ["under way"]
        assert [type(trouble).__name__ for trouble in desk.troubles] == ["JournalFull", "NoneType"]
        assert desk.journal.trouble is None

    story(body)


def test_even_without_its_reserve_nothing_is_lost_while_the_disk_is_full():
    async def body(desk: Desk) -> None:
        desk.store.room = -RESERVE_ROWS
        for number in range(50):
            desk.write(str(number))
        await asyncio.sleep(3.0)
        meanwhile = list(desk.names)
        desk.store.room = 10 * RESERVE_ROWS
        await asyncio.sleep(3.0)

        assert meanwhile == []
        assert desk.names == [str(number) for number in range(50)]
        assert desk.journal.trouble is None

    story(body)


def test_after_a_failure_nothing_is_ever_told_and_nothing_tried_again():
    async def body(desk: Desk) -> None:
        desk.write("before")
        await asyncio.sleep(0.1)
        desk.store.fails = True
        desk.write("lost")
        await asyncio.sleep(0.1)
        desk.store.fails = False
        desk.write("later")
        await asyncio.sleep(5.0)

        assert desk.names == ["before"]
        assert desk.store.commits == [1]
        assert [type(trouble).__name__ for trouble in desk.troubles] == ["JournalFailed"]

    story(body)


def test_too_many_rows_for_a_disk_that_does_not_answer_end_the_daemon():
    async def body(desk: Desk) -> None:
        desk.write("first")
        await asyncio.sleep(0.001)
        for _ in range(module.WAITING_AT_MOST + 2):
            desk.write(wait=False)

        assert isinstance(desk.journal.trouble, JournalFailed)

    story(body, disk_s=float("inf"))


def test_what_is_old_and_settled_may_go_every_thousand_rows():
    async def body(desk: Desk) -> None:
        desk.journal.unsettled = lambda: 700
        for _ in range(module.TRIM_EVERY):
            desk.write(wait=False)
        await asyncio.sleep(0.1)

        assert desk.store.trimmed == [699]

    story(body)


def test_a_jump_of_the_clock_on_the_wall_is_written_down_and_moves_nothing_else():
    async def body(desk: Desk) -> None:
        desk.write()
        await asyncio.sleep(10)
        desk.ahead = timedelta(hours=-2)
        desk.write()
        await asyncio.sleep(0.1)
        first, second, jump = desk.store.rows()

        assert jump.kind == CLOCK
        assert jump.data == {"jump_s": -7200.0}
        assert (jump.wall - first.wall) / 1e6 == -7190.0
        assert second.at == 10.0

    story(body)
