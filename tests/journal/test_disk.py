"""The journal of a daemon on its disk: begun, gone on with, held by one, rotated, and honest about itself."""

from __future__ import annotations

import os
import random
import stat
import threading
from pathlib import Path

import pytest

from robotd.access.audit import AuditChain
from robotd.journal.disk import DiskStore
from robotd.journal.errors import JournalFailed, JournalHeld, JournalTooNew
from robotd.journal.folder import RESERVE_BYTES
from robotd.journal.kinds import AUDIT, COMMAND, DEAD, ENDED, STARTED
from robotd.journal.reader import open_rows
from robotd.journal.row import BEGINNING, Row, make
from robotd.journal.schema import MIGRATIONS, PAGE_BYTES
from robotd.journal.store import Beginning, OpenCommand, Remembered
from robotd.journal.verify import verify
from robotd.journal.writable import WritableDatabase
from tests.journal.work import BOOT, NOON, Work, open_store, rows_in

HOUR = 3_600_000_000


def written(folder: Path, *rows: tuple[str, str, dict[str, object]], wall: int = NOON) -> Beginning:
    """What a journal with these rows (kind, id, body) says when it is opened again."""
    store, _ = open_store(folder)
    made: list[Row] = []
    for seq, (kind, about, body) in enumerate(rows, start=1):
        before = made[-1].hash if made else BEGINNING
        made.append(make(before, seq, BOOT, float(seq), wall, kind, about, f"{seq:032x}", body))
    store.commit(made)
    store.close()
    return again(folder)


def again(folder: Path, *, remember: int = 100, now_wall: int = NOON) -> Beginning:
    store, beginning = DiskStore.open(folder, remember=remember, now_wall=now_wall)
    store.close()
    return beginning


def asked(digest: str | None = None, principal: str = "ann") -> dict[str, object]:
    said: dict[str, object] = {"type": "drive", "source": "ws:ann", "principal": principal}
    return said if digest is None else said | {"digest": digest}


def test_a_journal_begins_empty(tmp_path: Path) -> None:
    begun = again(tmp_path / "state" / "rover")

    assert begun == Beginning(open_commands=[], remembered=[])


def test_it_knows_the_newest_audit_row_to_which_the_next_is_tied(tmp_path: Path) -> None:
    chain = AuditChain()
    stopped, reset = (chain.next(what, "token:tok00001", "tcp:x", {}) for what in ("stop", "reset"))
    begun = written(tmp_path, (AUDIT, "", stopped), (AUDIT, "", reset), (COMMAND, "c1", asked()))

    assert begun.audit == reset


def test_only_its_owner_may_look_at_it(tmp_path: Path) -> None:
    store, _ = open_store(tmp_path / "rover")
    store.commit(Work(random.Random(1)).batch(5))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "rover").iterdir()}
    store.close()

    assert stat.S_IMODE((tmp_path / "rover").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert {"journal.db", "journal.db-wal", "journal.head", "journal.lock", "journal.reserve"} <= set(modes)


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    work = Work(random.Random(1))
    for _ in range(3):
        store, beginning = open_store(tmp_path)

        assert (beginning.last_seq, beginning.found_broken) == (len(work.rows), None)
        assert beginning.last_hash == (work.rows[-1].hash if work.rows else BEGINNING)
        store.commit(work.batch(50))
        store.close()
    assert rows_in(tmp_path) == work.rows


def test_commands_that_have_not_ended_are_told_in_their_order(tmp_path: Path) -> None:
    beginning = written(
        tmp_path,
        (COMMAND, "b", asked()),
        (COMMAND, "c", asked()),
        (STARTED, "c", {}),
        (COMMAND, "a", asked()),
        (ENDED, "b", {"stage": "done"}),
        (STARTED, "an event", {}),
    )

    assert list(beginning.open_commands) == [
        OpenCommand("c", "drive", "ws:ann", f"{2:032x}", 2, started=True),
        OpenCommand("a", "drive", "ws:ann", f"{4:032x}", 4, started=False),
    ]


def test_ids_that_clients_chose_are_remembered_with_how_they_ended(tmp_path: Path) -> None:
    beginning = written(
        tmp_path,
        (COMMAND, "done", asked("11")),
        (COMMAND, "dead", asked("22", "bob")),
        (COMMAND, "ours", asked()),
        (COMMAND, "open", asked("33")),
        (DEAD, "dead", {"stage": "rejected", "reason": "latched"}),
        (ENDED, "done", {"stage": "done"}),
        (ENDED, "ours", {"stage": "done"}),
    )

    assert list(beginning.remembered) == [
        Remembered("dead", "bob", "22", 5, NOON, "rejected", "latched"),
        Remembered("done", "ann", "11", 6, NOON, "done", None),
        Remembered("open", "ann", "33", 4, NOON, None, None),
    ]


def test_an_id_is_forgotten_after_a_day_or_when_there_are_too_many(tmp_path: Path) -> None:
    ends = [(COMMAND, f"c{n}", asked("11")) for n in range(10)] + [
        (ENDED, f"c{n}", {"stage": "done"}) for n in range(10)
    ]
    written(tmp_path, *ends, (COMMAND, "open", asked("22")))

    def known(remember: int = 100, now_wall: int = NOON) -> list[str]:
        found = again(tmp_path, remember=remember, now_wall=now_wall)
        return [one.id for one in found.remembered]

    assert known(remember=3) == ["c7", "c8", "c9", "open"]
    assert len(known(now_wall=NOON + 23 * HOUR)) == 11
    assert known(now_wall=NOON + 25 * HOUR) == ["open"]
    assert len(known(now_wall=0)) == 11  # a clock that was not set yet makes nobody forget


def test_an_id_outlives_the_rows_that_rotation_takes(tmp_path: Path) -> None:
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path, limit_bytes=40 * PAGE_BYTES)
    for _ in range(60):
        store.commit(work.batch(30))
        store.trim(work.settled)
    first = rows_in(tmp_path)[0].seq
    with open_rows(tmp_path) as reader:
        verdict = verify(reader)
    store.close()
    remembered = again(tmp_path, remember=100_000).remembered
    known = {one.seq for one in remembered if one.stage is not None}
    ends = {row.seq for row in work.rows if row.kind in (ENDED, DEAD)}

    assert first > 500
    assert verdict.is_whole
    assert known == ends
    assert min(known) < first


def test_an_id_that_is_used_again_is_another_command(tmp_path: Path) -> None:
    beginning = written(
        tmp_path,
        (COMMAND, "c", asked("11")),
        (ENDED, "c", {"stage": "done"}),
        (COMMAND, "c", asked("22")),
        (STARTED, "c", {}),
    )

    assert [(one.seq, one.started) for one in beginning.open_commands] == [(3, True)]
    assert [(one.digest, one.stage) for one in beginning.remembered] == [("22", None)]


def test_a_second_daemon_is_told_who_has_the_journal(tmp_path: Path) -> None:
    store, _ = open_store(tmp_path)
    with pytest.raises(JournalHeld, match=rf"is written by the daemon of rover \(process {os.getpid()}\)"):
        open_store(tmp_path)
    store.close()

    assert again(tmp_path).found_broken is None


def test_a_journal_of_a_later_version_stays_as_it_is(tmp_path: Path) -> None:
    later = (*MIGRATIONS, ("CREATE TABLE something_new (of_a_later_version)",))
    WritableDatabase.write(tmp_path / "journal.db", later).close()
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(JournalTooNew):
        open_store(tmp_path)

    assert (tmp_path / "journal.db").read_bytes() == before
    assert not (tmp_path / "quarantine").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalFailed, match=r"file/rover cannot be written: Not a directory"):
        open_store(tmp_path / "file" / "rover")


def test_the_reserve_is_room_that_comes_and_goes(tmp_path: Path) -> None:
    store, _ = open_store(tmp_path)
    reserve = tmp_path / "journal.reserve"

    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    store.spend_reserve()
    store.spend_reserve()
    assert not reserve.exists()
    store.restore_reserve()
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    store.close()


def test_rotation_removes_the_oldest_rows_and_nothing_unsettled(tmp_path: Path) -> None:
    limit_bytes = 40 * PAGE_BYTES
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path, limit_bytes)
    largest = 0
    for _ in range(100):
        store.commit(work.batch(30))
        settled = work.settled
        store.trim(settled)
        largest = max(largest, (tmp_path / "journal.db").stat().st_size)
        rows = rows_in(tmp_path)

        assert rows[0].seq <= settled + 1
        assert rows == work.rows[rows[0].seq - 1 :]
    with open_rows(tmp_path) as reader:
        verdict = verify(reader)
    store.close()

    assert verdict.is_whole
    assert verdict.first is not None
    assert verdict.first.seq > 1_000
    assert largest < 2 * limit_bytes
    assert again(tmp_path).last_hash == work.rows[-1].hash


def test_a_journal_of_which_nothing_is_settled_grows(tmp_path: Path) -> None:
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path, limit_bytes=PAGE_BYTES)
    for _ in range(10):
        store.commit(work.batch(100))
        store.trim(0)
    store.close()

    assert rows_in(tmp_path) == work.rows


def test_a_journal_may_be_left_without_a_row(tmp_path: Path) -> None:
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path, limit_bytes=PAGE_BYTES)
    store.commit(work.batch(100))
    store.trim(100)
    store.close()
    store, beginning = open_store(tmp_path)

    assert (rows_in(tmp_path), beginning.last_seq, beginning.last_hash) == ([], 100, work.rows[-1].hash)
    store.commit(work.batch(10))
    store.close()
    assert rows_in(tmp_path) == work.rows[100:]
    assert again(tmp_path).found_broken is None


def test_the_wal_stays_short_whoever_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.journal.disk.CHECKPOINT_BYTES", 100_000)
    monkeypatch.setattr("robotd.journal.disk.WAL_KEPT_BYTES", 200_000)
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path)
    done = threading.Event()
    counts: list[int] = []

    def read() -> None:
        with open_rows(tmp_path) as reader:
            while not done.is_set():
                counts.append(sum(1 for _ in reader.rows()))

    reader = threading.Thread(target=read)
    reader.start()
    longest = 0
    for _ in range(100):
        store.commit(work.batch(10))
        store.trim(0)
        longest = max(longest, (tmp_path / "journal.db-wal").stat().st_size)
    done.set()
    reader.join()
    store.close()

    assert counts
    assert longest < 600_000
    assert rows_in(tmp_path) == work.rows


def test_a_commit_that_fails_leaves_nothing_of_it(tmp_path: Path) -> None:
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path)
    store.commit(work.batch(10))
    with pytest.raises(JournalFailed, match=r"journal\.db does not take what is written: UNIQUE"):
        store.commit([*work.batch(5), work.rows[0]])
    store.close()

    assert rows_in(tmp_path) == work.rows[:10]
    assert again(tmp_path).last_seq == 10


def test_the_head_says_how_far_it_came_and_is_plain_to_read(tmp_path: Path) -> None:
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path)
    store.commit(work.batch(12))
    lines = (tmp_path / "journal.head").read_text().splitlines()
    store.close()

    assert [line.split()[:2] for line in lines] == [[f"{12:020}", work.rows[-1].hash.hex()]]


def test_rows_that_vanished_at_the_end_are_missed(tmp_path: Path) -> None:
    work = Work(random.Random(8))
    store, _ = open_store(tmp_path)
    store.commit(work.batch(30))
    store.close()
    before = (tmp_path / "journal.db").read_bytes()
    store, _ = open_store(tmp_path)
    store.commit(work.batch(10))
    store.close()
    (tmp_path / "journal.db").write_bytes(before)  # somebody put an old copy in its place
    store, beginning = open_store(tmp_path)

    assert beginning.found_broken == "row 40 was written and is not there; the last one is row 30"
    assert (beginning.last_seq, beginning.lost_rows, beginning.last_hash) == (40, 10, work.rows[29].hash)
    assert all(command.started for command in beginning.open_commands)
    store.close()
    assert again(tmp_path).lost_rows == 10  # until a row was written after them
