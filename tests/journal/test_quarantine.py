"""A broken journal: whatever flips and wherever it is cut, it is found, put aside and gone on with."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from robotd.journal.errors import JournalError
from robotd.journal.quarantine import acknowledge
from robotd.journal.reader import open_rows
from robotd.journal.row import make
from robotd.journal.schema import PAGE_BYTES
from robotd.journal.verify import verify
from tests.counts import cases
from tests.journal.damage import WAYS, Still, closed, damaged, killed, rotated, surely_whole
from tests.journal.work import NOON, open_store, rows_in

FLIPS_OF_A_PAGE = 4
STILL: dict[str, Callable[[Path], Still]] = {
    "closed": closed,
    "rotated": rotated,
    "killed, in the database": lambda folder: killed(folder, "journal.db"),
    "killed, in the wal": lambda folder: killed(folder, "journal.db-wal"),
}


@pytest.fixture(scope="module", params=STILL)
def still(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Still:
    return STILL[request.param](tmp_path_factory.mktemp("journal"))


def judge(still: Still, content: bytes, folder: Path) -> None:
    """What becomes of the journal with this content of its file."""
    damaged(still, content, folder)
    whole = surely_whole(still, folder)
    last_seq = still.rows[-1].seq
    store, beginning = open_store(folder)
    kept = rows_in(folder)
    quarantined = [(Path(aside) / still.file).read_bytes() for aside in beginning.quarantined]
    after = make(beginning.last_hash, beginning.last_seq + 1, "b2", 1.0, NOON, "journal", None, "0" * 32, {})
    store.commit([after])
    with open_rows(folder) as rows:
        verdict = verify(rows)
    store.close()

    assert kept == [row for row in still.rows if row in kept]
    assert [row for row in whole if row not in kept] == []
    assert beginning.last_seq == last_seq  # no number is ever given twice
    assert beginning.lost_rows == last_seq - (kept[-1].seq if kept else still.rows[0].seq - 1)
    assert quarantined == ([content] if beginning.found_broken else [])
    assert beginning.found_broken or kept == still.rows
    assert verdict.is_whole
    lost = [seq for first, last in verdict.lost for seq in range(first, last + 1)]
    assert lost == [row.seq for row in still.rows if row not in kept]


@pytest.mark.no_cover
def test_a_bit_that_flips_is_harmless_or_costs_the_one_row_that_it_is_in(
    still: Still, tmp_path: Path
) -> None:
    rng = random.Random(5)
    pages = len(still.content) // PAGE_BYTES
    flips = sorted(
        {
            page * PAGE_BYTES + rng.randrange(PAGE_BYTES)
            for page in range(pages)
            for _ in range(FLIPS_OF_A_PAGE)
        }
    )
    for flip in rng.sample(flips, cases(len(flips))):
        content = bytearray(still.content)
        content[flip] ^= 1 << rng.randrange(8)
        judge(still, bytes(content), tmp_path / str(flip))


@pytest.mark.no_cover
def test_a_file_that_is_cut_costs_no_whole_row_that_is_left(still: Still, tmp_path: Path) -> None:
    rng = random.Random(6)
    cuts = [
        cut for page in range(0, len(still.content), PAGE_BYTES) for cut in (page, page + PAGE_BYTES // 2)
    ]
    for cut in rng.sample(cuts, cases(len(cuts))):
        judge(still, still.content[:cut], tmp_path / str(cut))


@pytest.mark.no_cover
def test_whatever_becomes_of_its_files_a_journal_starts_again_with_true_rows(
    still: Still, tmp_path: Path
) -> None:
    rng = random.Random(still.file)
    true = {row.seq: row for row in still.rows}
    for number in range(cases(150)):
        folder = tmp_path / str(number)
        shutil.copytree(still.folder, folder)
        for _ in range(rng.randint(1, 6)):
            file = folder / rng.choice(["journal.db", "journal.db", "journal.db-wal", "journal.db-shm"])
            content = bytearray(file.read_bytes() if file.exists() else b"")
            if content:
                rng.choice(WAYS)(content, rng)
                file.write_bytes(content)
        store, beginning = open_store(folder)
        kept = rows_in(folder)
        after = make(
            beginning.last_hash, beginning.last_seq + 1, "b2", 1.0, NOON, "journal", None, "0" * 32, {}
        )
        store.commit([after])
        store.close()
        store, later = open_store(folder)
        store.close()

        # Of a row between two that are gone nothing can tell whether its hash is the true one.
        assert [row[:-1] for row in kept] == [true[row.seq][:-1] for row in kept]
        assert beginning.found_broken or len(kept) == len(true)
        assert beginning.last_seq == still.rows[-1].seq
        assert (later.last_seq, later.found_broken) == (after.seq, None)


def test_pages_that_the_disk_does_not_give_cost_only_what_is_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = closed(tmp_path / "still")
    begin = still.content.find(still.rows[99].body) // PAGE_BYTES * PAGE_BYTES
    content = bytearray(still.content)
    content[begin : begin + PAGE_BYTES] = bytes(PAGE_BYTES)
    damaged(still, bytes(content), tmp_path / "journal")
    read = os.pread

    def broken_read(file: int, size: int, place: int) -> bytes:
        if place == begin:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(file, size, place)

    monkeypatch.setattr(os, "pread", broken_read)
    store, beginning = open_store(tmp_path / "journal")
    store.close()
    missing = [row.seq for row in still.rows if row not in rows_in(tmp_path / "journal")]

    assert beginning.found_broken
    assert 100 in missing
    assert missing == list(range(missing[0], missing[-1] + 1))
    assert len(missing) < PAGE_BYTES / 100


class Killed(BaseException):
    """`kill -9`, as far as the files can tell."""


def test_a_salvage_that_is_killed_anywhere_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = killed(tmp_path / "still", "journal.db-wal")
    content = still.content[: len(still.content) // 2]
    rename, mkdir = Path.rename, Path.mkdir
    steps_left = 0

    def step(do: Callable[..., Any]) -> Callable[..., Any]:
        def done_or_killed(*arguments: Any, **options: Any) -> Any:
            nonlocal steps_left
            if steps_left == 0:
                raise Killed
            steps_left -= 1
            return do(*arguments, **options)

        return done_or_killed

    for steps in range(20):
        folder = tmp_path / str(steps)
        damaged(still, content, folder)
        steps_left = steps
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", step(rename))
            patch.setattr(Path, "mkdir", step(mkdir))
            with suppress(Killed):
                open_store(folder)[0].close()
        finished_at_once = steps_left > 0
        store, beginning = open_store(folder)
        store.close()
        files = sorted(path.name for path in folder.iterdir())
        kept = rows_in(folder)

        assert kept == still.rows[: len(kept)]
        assert (beginning.last_seq, beginning.lost_rows) == (still.rows[-1].seq, len(still.rows) - len(kept))
        assert beginning.found_broken
        assert [(Path(aside) / still.file).read_bytes() for aside in beginning.quarantined] == [content]
        assert files == ["journal.db", "journal.head", "journal.lock", "journal.reserve", "quarantine"]
        if finished_at_once:
            break
    assert finished_at_once


def test_what_was_found_is_written_beside_it_and_told_until_a_person_knows(tmp_path: Path) -> None:
    still = closed(tmp_path / "still")
    place = still.content.find(still.rows[99].body)
    content = still.content[:place] + b"#" + still.content[place + 1 :]
    damaged(still, content, tmp_path / "journal")
    store, beginning = open_store(tmp_path / "journal")
    store.close()
    (aside,) = beginning.quarantined
    note, last = (Path(aside) / "found.txt").read_text(), len(still.rows)
    acknowledge(Path(aside))
    store, later = open_store(tmp_path / "journal")
    store.close()

    assert beginning.found_broken == "row 100 is damaged"
    assert Path(aside).name == "20261121T120000Z"
    assert note.splitlines() == [
        "row 100 is damaged",
        "Found at 2026-11-21 12:00:00 UTC. "
        f"{last - 1} rows were kept, the newest is row {last}; 1 were lost.",
    ]
    assert later.quarantined == ()
    assert (Path(aside) / "journal.db").read_bytes() == content


def test_only_a_quarantine_can_be_acknowledged(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is no quarantine of a journal"):
        acknowledge(tmp_path)


def test_a_file_that_is_no_journal_is_put_aside_and_another_begun(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"a shopping list")
    store, beginning = open_store(tmp_path)
    store.close()

    assert beginning.found_broken
    assert "journal.db is no journal" in beginning.found_broken
    assert (beginning.last_seq, rows_in(tmp_path)) == (0, [])
    assert [(Path(aside) / "journal.db").read_bytes() for aside in beginning.quarantined] == [
        b"a shopping list"
    ]
