"""Many things alike, said seldom."""

from __future__ import annotations

import pytest

from robotd.access.tally import EVERY_S, MOST_KEYS, Tally


def never(count: int) -> None:
    pytest.fail(f"{count} others")


def test_the_first_is_said_at_once_and_the_rest_together_later():
    tally, said = Tally(never), list[int]()
    for second in range(30):
        tally.note(("a",), float(second), said.append)
    first = list(said)
    tally.look(EVERY_S - 1)
    tally.look(EVERY_S)

    assert (first, said) == ([1], [1, 29])


def test_each_sort_is_said_for_itself():
    tally, ones, others = Tally(never), list[int](), list[int]()
    tally.note(("a",), 0.0, ones.append)
    tally.note(("b",), 0.0, others.append)
    tally.note(("a",), 0.0, ones.append)

    assert (ones, others) == ([1], [1])


def test_what_happens_all_the_time_is_said_once_in_a_while():
    tally, said = Tally(never), list[int]()
    for tick in range(int(10 * EVERY_S)):
        tally.note(("a",), float(tick), said.append)
        tally.look(float(tick))

    assert said == [1] + [60] * 9


def test_what_did_not_happen_again_is_forgotten():
    tally, said = Tally(never), list[int]()
    tally.note(("a",), 0.0, said.append)
    tally.look(EVERY_S)
    tally.note(("a",), EVERY_S + 1, said.append)

    assert said == [1, 1]


def test_too_many_sorts_are_counted_as_one():
    said, others = list[int](), list[int]()
    tally = Tally(others.append)
    for number in range(10 * MOST_KEYS):
        tally.note((str(number),), 0.0, said.append)
    tally.look(EVERY_S)

    assert said == [1] * MOST_KEYS
    assert others == [1, 9 * MOST_KEYS - 1]


def test_what_is_still_counted_at_the_end_is_said_then():
    said = list[int]()
    tally = Tally(said.append)
    for _ in range(5):
        tally.note(("a",), 0.0, said.append)
    tally.flush()

    assert said == [1, 4]
