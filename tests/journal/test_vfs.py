"""The disks themselves: that SQLite runs upon them unchanged, and that each does what its name says."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.counts import cases
from tests.journal.disk import Disk, Failing, Recording, Slow, Small, missing, upon
from tests.journal.disk.faults import EIO
from tests.journal.disk.power import Delete, Sync, Write

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())

COMMITS = 200


@contextmanager
def database(folder: Path, synchronous: str = "FULL") -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=20")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY, text)")
        yield connection


def numbers(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "some.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


def recorded(folder: Path, synchronous: str) -> Recording:
    """Some hundred commits, each acknowledged when SQLite says that it is done."""
    recording = Recording(folder)
    with upon(recording), database(folder, synchronous) as connection:
        for n in range(1, COMMITS + 1):
            connection.execute("INSERT INTO numbers VALUES (?, ?)", (n, "x" * 500))
            recording.mark(n)
    return recording


def lost_in_cuts(recording: Recording, folder: Path, count: int) -> int:
    """In how many of so many power cuts something acknowledged is missing, or is not to be read."""
    rng = random.Random(4)
    lost = 0
    for number in range(count):
        cut = rng.randrange(len(recording.operations) + 1)
        acknowledged = recording.acknowledged(cut)
        recording.after_a_cut(cut, rng, folder / str(number))
        try:
            there = numbers(folder / str(number)) if acknowledged else []
        except (sqlite3.Error, AssertionError):
            lost += 1
        else:
            lost += there[:acknowledged] != list(range(1, acknowledged + 1))
    return lost


def test_a_database_upon_a_disk_of_ours_is_one_for_everybody(tmp_path: Path) -> None:
    with upon(Disk()), database(tmp_path) as connection:
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", [(n, "x" * 5000) for n in range(100)])
        with closing(sqlite3.connect(tmp_path / "some.db")) as reader:
            while_written = reader.execute("SELECT count(*) FROM numbers").fetchone()

    assert while_written == (100,)
    assert numbers(tmp_path) == list(range(100))


def test_what_is_opened_afterwards_is_none_of_the_disks_business(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "FULL")
    seen = len(recording.operations)
    with database(tmp_path) as connection:
        connection.execute("INSERT INTO numbers VALUES (1000, '')")

    assert len(recording.operations) == seen


def test_a_recording_has_each_commit_durable_before_it_was_acknowledged(tmp_path: Path) -> None:
    operations = recorded(tmp_path, "FULL").operations
    log = [each for each in operations if getattr(each, "name", "some.db-wal") == "some.db-wal"]
    before_marks = [log[at - 1] for at, each in enumerate(log) if each.__class__.__name__ == "Mark"]

    assert before_marks == [Sync("some.db-wal")] * COMMITS
    assert Delete("some.db-wal", False) in operations
    assert any(isinstance(each, Write) and each.name == "some.db" for each in operations)


def test_what_a_disk_raises_is_raised_in_the_test(tmp_path: Path) -> None:
    class Broken(Disk):
        def opened(self, path: str) -> None:
            raise ZeroDivisionError(path)

    with pytest.raises(ZeroDivisionError), upon(Broken()), pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(tmp_path / "some.db").execute("CREATE TABLE never (n)")


def test_the_nth_change_fails_and_sqlite_says_how(tmp_path: Path) -> None:
    disk = Failing(EIO)
    codes: list[int | None] = []
    with upon(disk), database(tmp_path) as connection:
        for nth in (1, 2, 3):
            disk.nth = disk.changes + nth
            with pytest.raises(sqlite3.OperationalError) as failed:
                connection.execute("INSERT INTO numbers VALUES (NULL, '')")
            codes.append(failed.value.sqlite_errorcode)
        connection.execute("INSERT INTO numbers VALUES (NULL, '')")

    assert disk.failed == ["write some.db-wal", "write some.db-wal", "sync some.db-wal"]
    assert codes == [EIO["write"], EIO["write"], EIO["sync"]]
    assert len(numbers(tmp_path)) == 1


def test_a_small_disk_is_full_until_somebody_deletes_a_file(tmp_path: Path) -> None:
    reserve = tmp_path / "reserve"
    reserve.write_bytes(bytes(50_000))
    disk = Small(tmp_path, 150_000)
    with upon(disk), database(tmp_path) as connection:
        insert = "INSERT INTO numbers VALUES (NULL, zeroblob(5000))"
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.executemany(insert, [()] * 100)
        reserve.unlink()
        connection.execute(insert)

    assert full.value.sqlite_errorcode == sqlite3.SQLITE_FULL
    assert disk.refused == 1
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 150_000


def test_a_slow_disk_takes_its_time_for_each_sync(tmp_path: Path) -> None:
    disk = Slow(0.0)
    with upon(disk), database(tmp_path) as connection:
        disk.sync_s = 0.02
        before = time.perf_counter()
        connection.execute("INSERT INTO numbers VALUES (1, '')")
        took_s = time.perf_counter() - before
        disk.sync_s = 0.0

    assert took_s >= 0.02


def test_synchronous_full_keeps_what_it_acknowledged_when_the_power_goes(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "FULL")

    assert lost_in_cuts(recording, tmp_path, cases(300)) == 0


def test_synchronous_normal_does_not_so_that_a_cut_is_one(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "NORMAL")

    assert lost_in_cuts(recording, tmp_path, 20) > 5


def test_the_same_seed_leaves_the_same_disk(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "NORMAL")
    for name in ("one", "other"):
        recording.after_a_cut(len(recording.operations) // 2, random.Random(7), tmp_path / name)
    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other")
    )

    assert one == other
    assert one.keys() == {"some.db", "some.db-wal"}


def test_a_torn_write_leaves_each_sector_old_or_new_and_a_cut_tail_leaves_zeros(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    path = str(tmp_path / "some")
    recording.opened(path)
    recording.write(path, 0, b"a" * 2048, len)
    recording.sync(path)
    recording.write(path, 256, b"b" * 1024, len)
    recording.truncate(path, 1536, lambda: 0)
    rng = random.Random(5)
    seen: list[set[bytes]] = [set() for _ in range(4)]
    for number in range(200):
        recording.after_a_cut(len(recording.operations), rng, tmp_path / str(number))
        left = (tmp_path / str(number) / "some").read_bytes()
        for sector in range(4):
            seen[sector].add(left[sector * 512 : sector * 512 + 512])

    assert seen[0] == {b"a" * 512, b"a" * 256 + b"b" * 256}
    assert seen[1] == {b"a" * 512, b"b" * 512}
    assert seen[2] == {b"a" * 512, b"b" * 256 + b"a" * 256}
    assert seen[3] == {b"a" * 512, bytes(512), b""}
