"""Verifying a journal: every change to it is told, with the row where it is."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from robotd.journal.memory import MemoryStore
from robotd.journal.reader import open_rows
from robotd.journal.row import Row, make
from robotd.journal.verify import FAULTS_AT_MOST, Verdict, verify
from tests.journal.work import NOON, Work, open_store

ROWS = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store, _ = open_store(tmp_path)
    store.commit(Work(random.Random(1)).batch(ROWS))
    store.close()
    return tmp_path


def changed(folder: Path, statement: str, *values: object) -> Verdict:
    """What is found after somebody has changed the tables by hand."""
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute(statement, values)
        database.commit()
    with open_rows(folder) as rows:
        return verify(rows)


def faults(verdict: Verdict) -> list[tuple[int | None, str]]:
    return [(fault.seq, fault.sentence) for fault in verdict.faults]


def test_a_whole_journal_is_whole(folder: Path) -> None:
    told: list[int] = []
    with open_rows(folder) as rows:
        verdict = verify(rows, told.append)

    assert verdict.is_whole
    assert (verdict.rows, verdict.boots, verdict.lost) == (ROWS, 1, [])
    assert verdict.first is not None
    assert verdict.last is not None
    assert (verdict.first.seq, verdict.last.seq) == (1, ROWS)


def test_a_changed_row_is_damaged(folder: Path) -> None:
    verdict = changed(folder, "UPDATE rows SET at = 5.5 WHERE seq = 20")

    assert (20, "row 20 is damaged") in faults(verdict)
    assert (verdict.is_whole, verdict.rows) == (False, ROWS)


def test_a_row_that_was_changed_with_its_crc_is_told_by_the_chain(folder: Path) -> None:
    with open_rows(folder) as rows:
        row = next(rows.rows())
    forged = make(bytes(16), 1, row.boot, 9.9, row.wall, row.kind, row.id, row.trace, row.data)
    verdict = changed(
        folder, "UPDATE rows SET at = ?, crc = ?, hash = ? WHERE seq = 1", 9.9, forged.crc, forged.hash
    )

    assert faults(verdict) == [(2, "row 2 was not written after row 1: one of them was changed")]


def test_rows_that_were_taken_away_are_missing(folder: Path) -> None:
    assert (33, "rows 30 to 32 are missing") in faults(
        changed(folder, "DELETE FROM rows WHERE seq IN (30, 31, 32)")
    )
    assert (1, "row 1 is missing") not in faults(changed(folder, "DELETE FROM rows WHERE seq = 1"))
    assert (3, "rows 1 to 2 are missing") in faults(changed(folder, "DELETE FROM rows WHERE seq = 2"))


def test_rows_that_were_taken_away_at_the_end_are_missing_too(folder: Path) -> None:
    verdict = changed(folder, "DELETE FROM rows WHERE seq > 50")

    assert (None, "row 60 was written and is not there; the last one is row 50") in faults(verdict)


def test_lists_of_commands_that_do_not_say_what_the_rows_say_are_told(folder: Path) -> None:
    ended = faults(changed(folder, "UPDATE ended SET stage = 'failed'"))
    more = faults(changed(folder, "INSERT INTO open VALUES ('c900', 9, 0, 'ann', NULL, 0)"))

    assert "listed as ended" in ended[0][1]
    assert "other commands are listed as open" in more[-1][1]


def test_a_text_that_is_no_utf_8_is_only_a_damaged_row(folder: Path) -> None:
    verdict = changed(folder, "UPDATE rows SET trace = CAST(x'ff00fe' AS TEXT) WHERE seq = 7")

    assert (faults(verdict), verdict.rows) == ([(7, "row 7 is damaged")], ROWS)


def test_a_page_that_cannot_be_read_is_told(folder: Path) -> None:
    content = bytearray((folder / "journal.db").read_bytes())
    with open_rows(folder) as rows:
        place = content.find(list(rows.rows())[30].body) // 4096 * 4096
    content[place : place + 100] = b"#" * 100
    (folder / "journal.db").write_bytes(content)
    with open_rows(folder) as rows:
        verdict = verify(rows)

    assert any("SQLite says" in sentence for _, sentence in faults(verdict))
    assert any("it cannot be read on" in sentence for _, sentence in faults(verdict))


def test_a_gap_that_the_daemon_left_after_a_loss_is_no_fault(tmp_path: Path) -> None:
    work = Work(random.Random(1))
    store, _ = open_store(tmp_path)
    rows = work.batch(20)
    before = rows[-1]
    rows.append(make(before.hash, 31, "b2", 1.0, NOON, "boot", None, "0" * 32, {}))
    store.commit(rows)
    store.close()
    with open_rows(tmp_path) as reader:
        verdict = verify(reader)

    assert (verdict.is_whole, verdict.lost, verdict.boots) == (True, [(21, 30)], 2)


def test_only_so_many_faults_are_listed() -> None:
    rows: list[Row] = [row._replace(crc=0) for row in Work(random.Random(1)).batch(300)]
    store = MemoryStore()
    store.commit(rows)
    verdict = verify(store)

    assert (verdict.faults_count, len(verdict.faults)) == (300, FAULTS_AT_MOST)


def test_a_journal_is_verified_while_it_is_written_and_rotated(tmp_path: Path) -> None:
    work = Work(random.Random(1))
    store, _ = open_store(tmp_path, limit_bytes=100_000)
    store.commit(work.batch(600))
    with open_rows(tmp_path) as reader:

        def write_on(_rows: int) -> None:
            store.commit(work.batch(100))
            store.trim(work.settled)

        for _ in range(10):
            write_on(0)
            assert verify(reader, write_on).is_whole
    store.close()


def test_rows_in_memory_that_begin_anywhere_can_be_verified() -> None:
    store = MemoryStore(keep=100)
    store.commit(Work(random.Random(1)).batch(300))

    assert verify(store).is_whole
    assert verify(MemoryStore()) == Verdict()
