"""The rows in SQLite: all that was given comes back, by any choice, at any time, in any version."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.journal.database import BATCH_ROWS, Database
from robotd.journal.errors import JournalError, JournalFailed, JournalTooNew
from robotd.journal.kinds import COMMAND, DEAD, ENDED, READINGS, STARTED
from robotd.journal.row import BEGINNING, Row, follows, is_whole, make
from robotd.journal.schema import MIGRATIONS
from robotd.journal.store import Select
from robotd.journal.tables import Origin
from robotd.journal.writable import WritableDatabase
from tests.counts import cases
from tests.journal.work import NOON, Work

LATER = (*MIGRATIONS, ("CREATE TABLE something_new (of_a_later_version)",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, list[Row]]]:
    path = tmp_path_factory.mktemp("many") / "journal.db"
    rows = Work(random.Random(3)).batch(1_500)
    with WritableDatabase.write(path) as written:
        written.insert(rows)
        with Database.read(path) as database:
            yield database, rows


def test_what_is_written_is_read_exactly(path: Path) -> None:
    bodies: list[dict[str, object]] = [{}, {"text": '\N{SNOWMAN} \\ " \x00'}, {"large": "x" * 100_000}]
    times = [0.0, -0.0, 12.0, 0.1 + 0.2, 1e300, 5e-324]
    rows: list[Row] = []
    for number, at in enumerate(times, start=1):
        before = rows[-1].hash if rows else BEGINNING
        about = None if number % 2 else "\N{SNOWMAN}"
        rows.append(make(before, number, "b", at, -number, READINGS, about, "0" * 32, bodies[number % 3]))
    with WritableDatabase.write(path) as database:
        database.insert(rows)

        assert list(database.rows()) == rows
        assert [repr(row) for row in database.rows()] == [repr(row) for row in rows]


@pytest.mark.parametrize("count", [1, 2, BATCH_ROWS, BATCH_ROWS + 1, 5 * BATCH_ROWS])
def test_a_batch_of_any_size_is_written_in_one_transaction(path: Path, count: int) -> None:
    rows = Work(random.Random(1)).batch(count)
    with WritableDatabase.write(path) as database:
        database.insert(rows)
        with pytest.raises(JournalFailed, match="UNIQUE"):
            database.insert([*Work(random.Random(1), rows).batch(count), rows[0]])

        assert list(database.rows()) == rows
        assert database.last_seq == count


@settings(max_examples=cases(1_000), deadline=None)
@given(
    since=st.integers(0, 1_600),
    until=st.none() | st.integers(0, 1_600),
    kinds=st.lists(st.sampled_from([COMMAND, STARTED, ENDED, DEAD, READINGS, "nothing"]), max_size=3),
    about=st.none() | st.integers(1, 1_500).map("c{}".format),
    trace=st.none() | st.integers(1, 1_500).map("{:032x}".format),
    device=st.none() | st.sampled_from(["base", "sensor", "sens", "drive", "ann"]),
    after=st.none() | st.integers(NOON, NOON + 1_600_000),
    before=st.none() | st.integers(NOON, NOON + 1_600_000),
    boot=st.none() | st.sampled_from(["b00700000001", "another"]),
    limit=st.none() | st.integers(0, 1_000),
    newest_first=st.booleans(),
)
def test_a_choice_of_rows_is_the_one_that_a_plain_filter_makes(
    many: tuple[Database, list[Row]],
    since,
    until,
    kinds,
    about,
    trace,
    device,
    after,
    before,
    boot,
    limit,
    newest_first,
) -> None:
    database, rows = many
    select = Select(since, until, tuple(kinds), about, trace, device, after, before, boot)
    found = list(database.rows(select, limit=limit, newest_first=newest_first))

    every = reversed(rows) if newest_first else rows
    assert found == [row for row in every if select.takes(row)][:limit]


def test_a_reader_sees_what_is_written_while_it_reads(path: Path) -> None:
    work = Work(random.Random(2))
    with WritableDatabase.write(path) as database:
        database.insert(work.batch(1_000))
        with Database.read(path) as reader:
            found = []
            for row in reader.rows():
                found.append(row)
                if len(found) % 100 == 0 and len(work.rows) < 3_000:
                    database.insert(work.batch(200))

    assert found == work.rows


def test_a_reader_that_stops_to_think_holds_up_no_checkpoint(path: Path) -> None:
    work = Work(random.Random(2))
    with WritableDatabase.write(path) as database:
        database.insert(work.batch(2_000))
        with Database.read(path) as reader:
            reading = reader.rows()
            first = next(reading)
            for _ in range(50):
                database.insert(work.batch(100))
                database.checkpoint()
            last = Path(f"{path}-wal").stat().st_size

            assert [first, *reading] == work.rows
    assert last < 2_000_000


def test_a_journal_of_an_earlier_version_is_brought_to_this_one(path: Path) -> None:
    rows = Work(random.Random(4)).batch(10)
    with WritableDatabase.write(path) as database:
        database.insert(rows)
    with WritableDatabase.write(path, LATER) as database:
        assert list(database.rows()) == rows
    with WritableDatabase.write(path, LATER) as database:  # and once only
        assert list(database.rows()) == rows


def test_a_migration_that_fails_leaves_the_journal_in_its_version(path: Path) -> None:
    WritableDatabase.write(path).close()
    half = (*MIGRATIONS, ("CREATE TABLE one (n)", "CREATE TABLE one (n)"))
    with pytest.raises(JournalFailed, match="already exists"):
        WritableDatabase.write(path, half)
    with Database.read(path) as database:
        assert database.schema_fault() is None


def test_a_journal_of_a_later_version_is_not_touched(path: Path) -> None:
    WritableDatabase.write(path, LATER).close()
    for opened in (WritableDatabase.write, Database.read):
        with pytest.raises(
            JournalTooNew, match=r"journal\.db was written by a later version.*format 2.*up to 1"
        ):
            opened(path)


def test_another_database_is_no_journal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (cake)")
        other.commit()

    with pytest.raises(JournalError, match=r"journal\.db is no journal of robotd"):
        Database.read(path)


def test_where_the_chain_begins_is_kept_with_the_rows(path: Path) -> None:
    rows = Work(random.Random(4)).batch(30)
    with WritableDatabase.write(path) as database:
        database.begin_after(Origin(used_seq=40))
        database.insert(rows)
        database.remove_until(rows[19])

        assert list(database.rows()) == rows[20:]
        assert database.origin == Origin(20, rows[19].hash, 40)
        assert [end.seq for end in database.ends(0)] == [
            row.seq for row in rows[20:] if row.kind in (ENDED, DEAD)
        ]


def test_a_table_that_somebody_changed_is_noticed(path: Path) -> None:
    WritableDatabase.write(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE INDEX mine ON rows (trace)")
    with Database.read(path) as database:
        assert database.schema_fault() == "its tables are not those of a journal"


@pytest.mark.parametrize("wrong", [{"at": "noon"}, {"wall": None}, {"wall": 2**70}, {"body": "text"}])
def test_a_row_of_what_no_row_can_hold_is_not_whole(wrong: dict[str, Any]) -> None:
    row = make(BEGINNING, 1, "b", 1.0, 2, "bug", None, "0" * 32, {})._replace(**wrong)

    assert not is_whole(row)
    assert not follows(row, BEGINNING)
