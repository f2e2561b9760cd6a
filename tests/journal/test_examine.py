"""What a start looks at: all of a small journal, the newest rows and what is cheap of a large one."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from robotd.journal.disk import DiskStore
from robotd.journal.row import Row
from tests.journal.work import NOON, Work, open_store, rows_in

ROWS = 300
NEWEST = 100


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """A journal in `tmp_path`, closed."""
    work = Work(random.Random(1))
    store, _ = open_store(tmp_path)
    store.commit(work.batch(ROWS))
    store.close()
    return work.rows


@pytest.fixture
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were beyond what a start looks at."""
    monkeypatch.setattr("robotd.journal.examine.WHOLE_BYTES", 0)
    monkeypatch.setattr("robotd.journal.examine.NEWEST_ROWS", NEWEST)


def found(folder: Path) -> str | None:
    store, beginning = open_store(folder)
    store.close()
    return beginning.found_broken


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.usefixtures("_large")
def test_of_a_large_journal_the_newest_rows_are_looked_at(tmp_path: Path, rows: list[Row]) -> None:
    assert found(tmp_path) is None
    change(tmp_path, f"UPDATE rows SET at = 0.5 WHERE seq = {ROWS - NEWEST}")
    assert found(tmp_path) is None
    change(tmp_path, f"UPDATE rows SET at = 0.5 WHERE seq = {ROWS - NEWEST + 1}")
    assert found(tmp_path) == f"row {ROWS - NEWEST + 1} is damaged"
    assert [row.seq for row in rows if row not in rows_in(tmp_path)] == [ROWS - NEWEST, ROWS - NEWEST + 1]


@pytest.mark.usefixtures("_large")
def test_of_a_large_journal_the_tables_and_the_head_are_looked_at(tmp_path: Path, rows: list[Row]) -> None:
    change(tmp_path, f"DELETE FROM rows WHERE seq > {ROWS - 10}")
    missing = found(tmp_path)
    change(tmp_path, "DROP TRIGGER when_ended")
    other = found(tmp_path)

    assert missing == f"row {ROWS} was written and is not there; the last one is row {ROWS - 10}"
    assert other == "its tables are not those of a journal"
    assert set(rows_in(tmp_path)) <= set(rows)


@pytest.mark.usefixtures("_large")
def test_a_large_journal_that_was_broken_once_is_whole_from_then_on(tmp_path: Path, rows: list[Row]) -> None:
    change(tmp_path, f"DELETE FROM rows WHERE seq IN ({ROWS - 50}, {ROWS - 49})")

    assert found(tmp_path) == f"rows {ROWS - 50} to {ROWS - 49} are missing"
    store, beginning = open_store(tmp_path)
    store.commit(Work(random.Random(2), rows).batch(NEWEST // 2))
    store.close()
    assert beginning.found_broken is not None  # nobody had written it down
    assert found(tmp_path) is None


def test_lists_of_commands_are_held_against_the_rows(tmp_path: Path, rows: list[Row]) -> None:
    change(tmp_path, "DELETE FROM open")

    assert found(tmp_path) == "other commands are listed as open than those that the rows leave open"
    assert rows_in(tmp_path) == rows  # and made anew from them


def test_a_version_that_flipped_is_no_later_version(tmp_path: Path, rows: list[Row]) -> None:
    change(tmp_path, "PRAGMA user_version = 65")

    assert found(tmp_path) == "its version is not the one that was written"
    assert rows_in(tmp_path) == rows


def test_another_row_than_the_one_that_was_acknowledged_is_noticed(tmp_path: Path, rows: list[Row]) -> None:
    other = tmp_path / "other"
    store, _ = open_store(other)
    store.commit(Work(random.Random(99)).batch(ROWS))
    store.close()
    (tmp_path / "journal.db").write_bytes((other / "journal.db").read_bytes())

    assert found(tmp_path) == f"row {ROWS} is another than the one that was written"


def test_a_journal_without_its_head_is_taken_as_it_is(tmp_path: Path, rows: list[Row]) -> None:
    for damage in (b"", b"no head\n", (tmp_path / "journal.head").read_bytes().replace(b"crc", b"CRC")):
        (tmp_path / "journal.head").write_bytes(damage)
        assert found(tmp_path) is None
    (tmp_path / "journal.head").unlink()
    assert found(tmp_path) is None


def test_a_long_salvage_says_how_far_it_is(
    tmp_path: Path, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotd.journal.quarantine.ROWS_AT_ONCE", 100)
    change(tmp_path, "DELETE FROM rows WHERE seq = 150")
    told: list[int] = []
    store, _ = DiskStore.open(tmp_path, now_wall=NOON, progress=told.append)
    store.close()

    assert told == [100, 200, 299]
