"""A broken journal: whatever bit flips and wherever it is cut, it is found, put aside and gone on with."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from robotd.journal.reader import open_rows
from robotd.journal.row import make
from robotd.journal.schema import PAGE_BYTES
from robotd.journal.verify import verify
from tests.counts import cases
from tests.journal.damage import Still, closed, damaged, killed, rotated, surely_whole
from tests.journal.work import NOON, open_store, rows_in

FLIPS_OF_A_PAGE = 5
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

    before = last_seq - beginning.lost_rows - len(kept) - still.rows[0].seq + 1
    assert kept == still.rows[before : before + len(kept)]
    assert before == 0 or (
        whole == 0 and kept
    )  # where rotation has begun, a journal may begin later than it did
    assert len(kept) >= whole
    assert beginning.last_seq == last_seq  # no number is ever given twice
    assert quarantined == ([content] if beginning.found_broken else [])
    assert beginning.found_broken or kept == still.rows
    assert verdict.is_whole
    assert verdict.lost == ([(last_seq + 1 - beginning.lost_rows, last_seq)] if beginning.lost_rows else [])


def test_a_bit_that_flips_is_harmless_or_costs_no_whole_row_before_it(still: Still, tmp_path: Path) -> None:
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


def test_a_file_that_is_cut_costs_no_whole_row_that_is_left(still: Still, tmp_path: Path) -> None:
    rng = random.Random(6)
    cuts = [
        cut for page in range(0, len(still.content), PAGE_BYTES) for cut in (page, page + PAGE_BYTES // 2)
    ]
    for cut in rng.sample(cuts, cases(len(cuts))):
        judge(still, still.content[:cut], tmp_path / str(cut))
