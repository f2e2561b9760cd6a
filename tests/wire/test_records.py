from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.json import encode
from robotd.wire.records import page
from robotd.wire.service import JournalQuery
from tests.counts import cases


def query(**given: Any) -> JournalQuery:
    return JournalQuery(**{"limit": 100, "most_bytes": 100_000, **given})


def rows(seqs: Iterable[int], size: int = 0) -> Iterator[dict[str, Any]]:
    for seq in seqs:
        yield {"seq": seq, "body": "x" * size}


def seqs(answer: dict[str, Any]) -> list[int]:
    return [record["seq"] for record in answer["records"]]


def test_an_empty_journal_has_no_rows_and_nothing_to_go_on_with():
    assert page(rows([]), query(), 0) == {"records": [], "next_seq": 0, "last_seq": 0}


def test_a_page_that_is_not_full_goes_on_from_the_newest_row_whatever_was_selected():
    answer = page(rows([3, 7]), query(kinds=("stop",)), 40)

    assert seqs(answer) == [3, 7]
    assert answer["next_seq"] == answer["last_seq"] == 40


def test_a_full_page_goes_on_from_its_last_row():
    answer = page(rows(range(1, 10)), query(limit=4), 9)

    assert (seqs(answer), answer["next_seq"]) == ([1, 2, 3, 4], 4)


def test_a_page_has_no_more_bytes_than_asked_for():
    answer = page(rows(range(1, 10), size=100), query(most_bytes=500), 9)

    assert len(encode(answer["records"])) <= 500 + len("[],,,,")
    assert (seqs(answer), answer["next_seq"]) == ([1, 2, 3, 4], 4)


def test_a_row_that_is_longer_than_a_page_comes_alone():
    answer = page(rows([1, 2], size=1000), query(most_bytes=500), 2)

    assert (seqs(answer), answer["next_seq"]) == ([1], 1)


def test_newest_first_goes_on_downwards():
    answer = page(rows(range(9, 0, -1)), query(limit=4, newest_first=True), 9)

    assert (seqs(answer), answer["next_seq"]) == ([9, 8, 7, 6], 5)


def test_newest_first_ends_where_it_was_asked_to():
    answer = page(rows([6, 5]), query(since_seq=4, newest_first=True), 6)

    assert answer["next_seq"] == 4


def test_rows_that_came_while_it_was_read_are_not_asked_for_again():
    answer = page(rows([1, 2, 3]), query(), 2)

    assert answer["next_seq"] == answer["last_seq"] == 3


def test_a_range_that_was_read_goes_on_behind_itself():
    assert page(rows([2, 3]), query(since_seq=1, until_seq=3), 9)["next_seq"] == 3
    assert page(rows([]), query(since_seq=50), 9)["next_seq"] == 50


@settings(max_examples=cases(2_000), deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=40),
    st.integers(1, 10),
    st.integers(50, 1000),
    st.booleans(),
)
def test_from_page_to_page_every_row_comes_once(
    table: list[tuple[bool, int]], limit: int, most_bytes: int, newest_first: bool
):
    wanted = [seq for seq, (selected, _) in enumerate(table, 1) if selected]
    heard: list[int] = []
    since, until = 0, len(table)
    for _ in range(len(table) + 1):
        asked = query(
            since_seq=since, until_seq=until, limit=limit, most_bytes=most_bytes, newest_first=newest_first
        )
        found = [seq for seq in wanted if since < seq <= until]
        records = (
            {"seq": seq, "body": "x" * table[seq - 1][1]}
            for seq in (reversed(found) if newest_first else found)
        )
        answer = page(records, asked, len(table))
        heard += seqs(answer)
        if newest_first:
            until = answer["next_seq"]
        else:
            since = answer["next_seq"]
        if since >= until:
            break

    assert (since, heard) == (until, wanted[::-1] if newest_first else wanted)


@pytest.mark.parametrize("newest_first", [False, True])
def test_no_more_rows_are_taken_than_it_takes_to_fill_a_page(newest_first: bool):
    taken = 0

    def counting() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for seq in range(1, 100):
            taken += 1
            yield {"seq": seq}

    page(counting(), query(limit=5, newest_first=newest_first), 99)

    assert taken == 5
