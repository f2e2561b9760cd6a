"""Which dead letters there are, and what is known of each."""

from __future__ import annotations

import pytest

from robotd.journal.dead import DeadLetter, NoDeadLetter, dead_letter, dead_letters
from tests.journal.history import History


def command(history: History, about: str, speed_m_s: float = 0.2) -> None:
    history.add("command", about, type="drive", payload={"linear": speed_m_s}, source="ws:ann")


def die(history: History, about: str) -> int:
    error = {"code": -32007, "message": "too late", "data": {"reason": "expired", "hint": "be quick"}}
    row = history.add(
        *("dead", about),
        stage="expired",
        type="drive",
        source="ws:ann",
        reason="expired",
        error=error,
        started=False,
    )
    return row.seq


def seqs(history: History) -> list[int]:
    return [letter.seq for letter in dead_letters(history.rows)]


def test_a_letter_says_what_was_wanted_by_whom_and_why_it_died() -> None:
    history = History()
    command(history, "c1")
    seq = die(history, "c1")

    letter = dead_letter(history.rows, seq)

    assert (letter.id, letter.type, letter.payload) == ("c1", "drive", {"linear": 0.2})
    assert (letter.source, letter.stage, letter.reason) == ("ws:ann", "expired", "expired")
    assert (letter.message, letter.hint, letter.started) == ("too late", "be quick", False)


def test_letters_come_oldest_first_without_those_that_are_buried() -> None:
    history = History()
    first, second, third = (die(history, about) for about in ("c1", "c2", "c3"))
    history.add("buried", letter=second, how="dropped", by="unix")

    assert seqs(history) == [first, third]


def test_no_letters_are_no_letters() -> None:
    assert seqs(History()) == []


def test_an_id_that_came_again_has_the_payload_of_its_own_command() -> None:
    history = History()
    command(history, "c1", 0.1)
    die(history, "c1")
    command(history, "c1", 0.2)
    die(history, "c1")
    command(history, "c1", 0.3)

    letters = dead_letters(history.rows)

    assert [letter.payload for letter in letters] == [{"linear": 0.1}, {"linear": 0.2}]


def test_a_letter_outlives_the_row_of_its_command() -> None:
    history = History()
    seq = die(history, "gone")

    letter = dead_letter(history.rows, seq)

    assert (letter.type, letter.payload) == ("drive", None)


@pytest.mark.parametrize(
    ("seq", "why"), [(1, "a row of kind 'command'"), (2, "already dropped, by unix"), (9, "no row #9")]
)
def test_what_is_no_letter_says_why(seq: int, why: str) -> None:
    history = History()
    command(history, "c1")
    history.add("buried", letter=die(history, "c1"), how="dropped", by="unix")

    with pytest.raises(NoDeadLetter, match=why):
        dead_letter(history.rows, seq)


def test_a_letter_without_an_error_is_told_too() -> None:
    history = History()
    history.add("dead", "c1", stage="unknown")

    letter = dead_letters(history.rows)[0]

    assert isinstance(letter, DeadLetter)
    assert (letter.type, letter.message, letter.started) == ("", "", True)
