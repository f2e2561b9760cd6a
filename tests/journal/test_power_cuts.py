"""The power goes at any moment: of what a journal has acknowledged, nothing is missing afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from robotd.core.stage import Stage
from robotd.journal.kinds import COMMAND
from tests.counts import cases
from tests.journal.disk import Disk, Recording, missing, upon
from tests.journal.disk.power import Delete, Rename, Write
from tests.journal.kills.witness import Witness
from tests.journal.robot import arm, drive_about, live
from tests.journal.work import Work, judge, open_store, rows_in

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())

SESSIONS = 3
COMMITS = 100
"""In each session: the journal is opened, written and closed in good order."""
LIMIT_BYTES = 300_000
CHECKPOINT_BYTES = 200_000
"""So small that a journal of this test is trimmed and carried over many times."""
ORDERS = 300


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.journal.disk.CHECKPOINT_BYTES", CHECKPOINT_BYTES)


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Who looks afterwards does not wait for the machine's disk either."""
    with upon(Disk()):
        yield


def lived(folder: Path, rng: random.Random) -> tuple[Recording, Work]:
    """A journal that is written for a while upon a disk that remembers it."""
    recording, work = Recording(folder), Work(rng)
    with upon(recording):
        for _ in range(SESSIONS):
            store, _ = open_store(folder, LIMIT_BYTES)
            for number in range(COMMITS):
                store.commit(work.batch(rng.randint(1, 12)))
                recording.mark(len(work.rows))
                if number % 10 == 9:
                    store.trim(work.settled)
            store.close()
    return recording, work


@pytest.mark.usefixtures("_often")
def test_whenever_the_power_goes_every_acknowledged_row_is_there_and_whole(tmp_path: Path) -> None:
    rng = random.Random(11)
    recording, work = lived(tmp_path / "run", rng)
    for number in range(cases(200)):
        cut = rng.randrange(len(recording.operations) + 1)
        folder = tmp_path / str(number)
        folder.mkdir()
        recording.after_a_cut(cut, rng, folder)
        judge(folder, work.rows, recording.acknowledged(cut))


@pytest.mark.usefixtures("_often")
def test_that_journal_is_trimmed_and_carried_over_while_it_is_written(tmp_path: Path) -> None:
    recording, work = lived(tmp_path, random.Random(11))
    done = recording.operations
    database = [each for each in done if isinstance(each, Write) and each.name == "journal.db"]

    assert rows_in(tmp_path)[0].seq > len(work.rows) / 3
    assert sum(each.offset == 0 for each in database) > 2 * SESSIONS
    assert sum(isinstance(each, Delete) for each in done) >= SESSIONS
    assert any(isinstance(each, Rename) for each in done)


@pytest.mark.no_cover
def test_whenever_the_power_goes_all_that_a_daemon_told_is_there_and_the_next_one_settles_the_rest(
    tmp_path: Path,
) -> None:
    rng = random.Random(12)
    recording = Recording(tmp_path / "run")
    told: list[tuple[int, Stage]] = []

    def hear(stage: Stage) -> None:
        told.append((len(recording.operations), stage))

    with upon(recording):
        live(tmp_path / "run", partial(drive_about, rng=rng, orders=ORDERS), hear)
    for number in range(cases(200)):
        cut = rng.randrange(len(recording.operations) + 1)
        folder = tmp_path / str(number)
        folder.mkdir()
        recording.after_a_cut(cut, rng, folder)
        witness = Witness()
        live(folder, arm, lambda _stage: None, seed=number + 1)
        witness.read(rows_in(folder))
        for after, stage in told:
            if after <= cut:
                witness.hold_to(stage.id, stage.stage)

        assert witness.open_commands == []


@pytest.mark.no_cover
def test_whenever_the_power_goes_while_a_broken_journal_is_put_aside_no_whole_row_is_lost(
    tmp_path: Path,
) -> None:
    rng = random.Random(13)
    work = Work(rng)
    store, _ = open_store(tmp_path / "run")
    for _ in range(20):
        store.commit(work.batch(10))
    store.close()
    broken = next(row for row in work.rows[150:] if row.kind == COMMAND)  # no other has such a body
    database = tmp_path / "run" / "journal.db"
    database.write_bytes(database.read_bytes().replace(broken.body, bytes(len(broken.body))))
    recording = Recording(tmp_path / "run")
    with upon(recording):
        store, _ = open_store(tmp_path / "run")
        store.close()
    for number in range(cases(200)):
        cut = rng.randrange(len(recording.operations) + 1)
        folder = tmp_path / str(number)
        folder.mkdir()
        recording.after_a_cut(cut, rng, folder)
        store, beginning = open_store(folder)
        store.close()

        assert rows_in(folder) == work.rows[: broken.seq - 1] + work.rows[broken.seq :]
        assert beginning.found_broken is not None
        assert len(beginning.quarantined) == 1
        assert beginning.last_seq == len(work.rows)
