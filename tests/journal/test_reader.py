"""Reading a journal: while it is written and after, from where nothing may be written, and from an export."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from robotd.journal.errors import JournalError
from robotd.journal.export import write_json_lines
from robotd.journal.kinds import ENDED
from robotd.journal.reader import default_folder, from_json, open_rows, to_json
from robotd.journal.row import Row
from robotd.journal.store import Select
from robotd.json import parse
from tests.journal.work import Work, open_store, rows_in

NOBODY = 65_534


@pytest.fixture
def killed(tmp_path: Path) -> tuple[Path, list[Row]]:
    """The journal of a daemon that was killed: its newest rows are in the `-wal` file."""
    work = Work(random.Random(1))
    store, _ = open_store(tmp_path / "alive")
    store.commit(work.batch(40))
    store.close()
    store, _ = open_store(tmp_path / "alive")
    store.commit(work.batch(40))
    shutil.copytree(tmp_path / "alive", tmp_path / "dead")
    store.close()
    return tmp_path / "dead", work.rows


def as_nobody(folder: Path) -> int:
    """How many rows somebody reads there who may write nothing."""
    script = (
        "import os, sys, pathlib\n"
        "from robotd.journal.reader import open_rows\n"
        f"os.getuid() or os.setuid({NOBODY})\n"
        "with open_rows(pathlib.Path(sys.argv[1])) as rows:\n"
        "    print(sum(1 for _ in rows.rows()))\n"
    )
    with TemporaryDirectory() as outside:  # into pytest's own folders nobody else may look
        there = Path(outside) / "journal"
        shutil.copytree(folder, there)
        Path(outside).chmod(0o755)
        for path in (*there.iterdir(), there):
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", script, str(there)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        there.chmod(0o755)

    assert done.stderr == ""
    return int(done.stdout)


def exported(rows: list[Row], path: Path) -> Path:
    with path.open("wb") as file:
        write_json_lines(rows, file)
    return path


def test_a_dead_daemons_journal_is_read_with_all_that_it_committed(killed: tuple[Path, list[Row]]) -> None:
    folder, rows = killed

    assert rows_in(folder) == rows
    with open_rows(folder / "journal.db") as reader:
        assert reader.last_seq == 80


@pytest.mark.parametrize("missing", [(), ("journal.db-shm",)])
def test_it_is_read_where_nothing_may_be_written(
    killed: tuple[Path, list[Row]], missing: tuple[str, ...]
) -> None:
    folder, rows = killed
    for name in missing:
        (folder / name).unlink()

    assert as_nobody(folder) == len(rows)


def test_a_journal_that_was_closed_is_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    store, _ = open_store(tmp_path / "journal")
    store.commit(Work(random.Random(1)).batch(10))
    store.close()

    assert as_nobody(tmp_path / "journal") == 10


def test_rows_are_followed_while_they_are_written(tmp_path: Path) -> None:
    work = Work(random.Random(1))
    store, _ = open_store(tmp_path)
    seen: list[Row] = []
    with open_rows(tmp_path) as reader:
        for _ in range(20):
            store.commit(work.batch(7))
            seen += reader.rows(Select(since=seen[-1].seq if seen else 0))
            assert seen == work.rows
    store.close()


def test_reading_in_the_daemon_itself_loses_none_of_its_locks(tmp_path: Path) -> None:
    store, _ = open_store(tmp_path)
    store.commit(Work(random.Random(1)).batch(10))
    open_rows(tmp_path).close()
    locks = Path("/proc/locks").read_text()
    place = (tmp_path / "journal.db-shm").stat().st_ino
    store.close()

    assert f":{place} " in locks


def test_an_export_says_all_that_a_row_says(tmp_path: Path) -> None:
    rows = Work(random.Random(5)).batch(200)
    path = exported(rows, tmp_path / "rows.jsonl")
    with open_rows(path) as reader:
        assert list(reader.rows()) == rows
        assert list(reader.rows(newest_first=True)) == rows[::-1]
        assert reader.last_seq == 200
        select = Select(since=50, kinds=(ENDED,))
        assert list(reader.rows(select, limit=3)) == [row for row in rows if select.takes(row)][:3]


def test_a_line_of_an_export_is_plain_to_read() -> None:
    row = Work(random.Random(5)).batch(1)[0]
    line = to_json(row)

    assert from_json(parse(json.dumps(line).encode())) == row
    assert {key: line[key] for key in ("seq", "wall", "wall_us", "kind", "trace_id", "body")} == {
        "seq": 1,
        "wall": "2026-11-21T12:00:00.001+00:00",
        "wall_us": 1_795_262_400_001_000,
        "kind": row.kind,
        "trace_id": row.trace,
        "body": row.data,
    }


def test_an_empty_export_has_no_rows(tmp_path: Path) -> None:
    with open_rows(exported([], tmp_path / "rows.jsonl")) as reader:
        assert (list(reader.rows()), reader.last_seq) == ([], 0)


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk\n")
    (tmp_path / "notes.db").write_text("milk\n")
    rows = Work(random.Random(5)).batch(2)
    torn = exported(rows, tmp_path / "torn.jsonl")
    torn.write_bytes(torn.read_bytes()[:-20])

    with pytest.raises(JournalError, match=r"there is no journal in .*nowhere"):
        open_rows(tmp_path / "nowhere")
    with pytest.raises(JournalError, match=r"there is no journal in"):
        open_rows(tmp_path)
    with pytest.raises(JournalError, match=r"notes\.txt: line 1 is no row of a journal"):
        open_rows(tmp_path / "notes.txt")
    with pytest.raises(JournalError, match=r"notes\.db is no journal"):
        open_rows(tmp_path / "notes.db")
    with open_rows(torn) as reader, pytest.raises(JournalError, match=r"torn\.jsonl: line 2 is no row"):
        list(reader.rows())


def test_the_default_folder_is_that_of_the_service_or_of_the_user() -> None:
    assert default_folder("rover", {"STATE_DIRECTORY": "/var/lib/robotd:/other"}) == Path("/var/lib/robotd")
    assert default_folder("rover", {"XDG_STATE_HOME": "/home/ann/state"}) == Path(
        "/home/ann/state/robotd/rover"
    )
    assert default_folder("rover", {}) == Path(os.path.expanduser("~/.local/state/robotd/rover"))
