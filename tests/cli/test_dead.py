"""`robotd dead` on journals of which no robot runs."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from robotd.cli.exits import Exit
from tests.cli.journals import journal, nobody_home, on_disk
from tests.cli.spoken import said
from tests.journal.history import History

__all__ = ["journal", "nobody_home"]  # pytest finds fixtures by name

run = CliRunner().invoke


told = partial(said, "dead")


def letters() -> Any:
    return json.loads(told("list", "--json"))


def test_a_list_says_what_was_wanted_by_whom_and_why_it_died(journal: Path) -> None:
    line = told("list").splitlines()[-1]

    assert line.split()[0] == "10"
    for part in ("drive linear=0.3", "ws:ann", "rejected", "guard_false: drive: its condition does not hold"):
        assert part in line


def test_a_script_reads_the_list_as_json(journal: Path) -> None:
    letter = letters()[0]

    assert (letter["seq"], letter["id"], letter["payload"]) == (10, "c2", {"linear": 0.3})
    assert (letter["reason"], letter["hint"], letter["started"]) == ("guard_false", "back off", False)


def test_show_says_what_to_do_next(journal: Path) -> None:
    assert "back off" in told("show", 10)
    assert "nothing of it ran" in told("show", 10)
    assert json.loads(told("show", 10, "--json"))["trace"] == "0af7651916cd43dd8448eb211c80319c"


def test_what_is_no_dead_letter_is_told_as_what_it_is(journal: Path) -> None:
    assert "#4 is no dead letter, but a row of kind 'command'" in told("show", 4, code=Exit.FAILED)


def test_no_dead_letters_are_told_as_such(nobody_home: Path) -> None:
    on_disk(nobody_home / "rover", History())

    assert told("list") == told("list")
    assert "there are no dead letters" in told("list")
    assert letters() == []


@pytest.mark.parametrize("words", [["resend", "10"], ["drop", "10"], ["drop", "--all"]])
def test_without_a_robot_nothing_is_sent_again_or_dropped(journal: Path, words: list[str]) -> None:
    assert "Only a running robot writes to its journal" in told(*words, code=Exit.CANNOT_CONNECT)


@pytest.mark.parametrize("words", [["drop"], ["drop", "10", "--all"], ["show", "0"], ["resend"]])
def test_what_makes_no_sense_is_a_usage_error(words: list[str]) -> None:
    told(*words, code=Exit.USAGE)


def test_what_the_journal_no_longer_knows_cannot_be_sent_again(nobody_home: Path) -> None:
    history = History()
    history.add("dead", "c1", stage="expired", type="drive", source="ws:ann")
    on_disk(nobody_home / "rover", history)

    assert "it cannot be sent again" in told("resend", 1, code=Exit.FAILED)


def test_of_many_letters_the_newest_are_shown(nobody_home: Path) -> None:
    history = History()
    for number in range(60):
        history.add("dead", f"c{number}", stage="expired", type="drive", source="ws:ann")
    on_disk(nobody_home / "rover", history)

    assert told("list").endswith("\nand 10 older\n")
    assert told("list", "-n", 2).split("\n")[2].split()[0] == "59"
    assert len(letters()) == 60
    assert [letter["seq"] for letter in json.loads(told("list", "-n", 2, "--json"))] == [59, 60]
