"""The journal of a robot that keeps it in memory, and so has to be asked for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from robotd.cli import app, asked
from robotd.cli.exits import Exit
from robotd.cli.locating import find_journal
from robotd.journal.errors import JournalError
from robotd.journal.store import Select
from tests.cli.conftest import RunningRobot, rover_on_any_port
from tests.cli.journals import following, next_row, nobody_home, on_disk
from tests.cli.spoken import said
from tests.journal.history import History, ann_drives

__all__ = ["nobody_home"]  # pytest finds fixtures by name

run = CliRunner().invoke


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRobot]:
    """A rover that keeps its journal in memory, was armed, and has one dead letter."""
    robot = RunningRobot(rover_on_any_port(tmp_path_factory.mktemp("rover")), "--sim", "--journal", "memory")
    assert run(app, ["send", "arm", "--url", robot.unix]).exit_code == Exit.DONE
    assert run(app, ["send", "drive", "linear=5", "--url", robot.unix]).exit_code == Exit.REFUSED
    yield robot
    assert robot.end() == 0


@pytest.fixture(autouse=True)
def found_without_a_name(forgetful: RunningRobot, nobody_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(forgetful.folder))


def rows(*words: object) -> list[Any]:
    return [json.loads(line) for line in said("journal", "tail", "--json", *words).splitlines()]


def test_a_robot_tells_the_rows_that_are_wanted() -> None:
    decisions = [row["body"]["type"] for row in rows("--kind", "decision", "--seq", "1..")]

    wanted = ("start", "arm", "drive")
    assert [one for one in decisions if one in wanted][:3] == [*wanted]
    assert [row["body"]["type"] for row in rows("--kind", "decision", "-n", 2, "--seq", "1..")] == decisions[
        -2:
    ]
    assert rows("--kind", "boot", "--seq", "1..", "--until", "2020-01-01 00:00") == []
    assert json.loads(said("journal", "show", 1, "--json"))["kind"] == "boot"


@pytest.mark.parametrize("newest_first", [False, True])
def test_many_rows_are_asked_for_a_page_at_a_time(
    newest_first: bool, forgetful: RunningRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = Select(since=3, until=20)
    with asked.Asked(forgetful.unix, "rover").open() as journal:
        at_once = list(journal.rows(select, newest_first=newest_first))
        monkeypatch.setattr(asked, "PAGE_ROWS", 4)
        in_pages = list(journal.rows(select, newest_first=newest_first))
        few = list(journal.rows(select, newest_first=newest_first, limit=6))

    assert [row.seq for row in at_once] == sorted(range(4, 21), reverse=newest_first)
    assert in_pages == at_once
    assert few == at_once[:6]


def test_an_export_of_what_a_robot_tells_is_a_whole_journal(tmp_path: Path) -> None:
    file = tmp_path / "rover.jsonl"
    said("journal", "export", "-o", file)

    assert json.loads(said("journal", "verify", "--journal", file, "--json"))["ok"]
    assert said("journal", "export", "-o", tmp_path / "rover.mcap") == ""


def test_tail_follows_a_robot_that_is_asked() -> None:
    with following("-n", "1", "--kind", "decision") as tail:
        next_row(tail)
        said("send", "disarm")
        said("send", "arm")
        told = [next_row(tail)["body"]["type"] for _ in range(2)]

    assert told == ["disarm", "arm"]


def test_dead_letters_in_memory_are_dealt_with_like_others() -> None:
    (letter,) = json.loads(said("dead", "list", "--json"))

    assert letter["payload"]["linear"] == 5.0
    assert said("dead", "drop", letter["seq"]) == f"dropped #{letter['seq']}\n"
    assert "there are no dead letters" in said("dead", "list")


def test_what_needs_files_says_that_there_are_none() -> None:
    done = run(app, ["journal", "verify"])

    assert done.exit_code == Exit.FAILED
    assert "the files of its journal are not here to be read" in done.stderr


def test_a_journal_on_this_machine_is_not_taken_for_that_of_a_robot_elsewhere(nobody_home: Path) -> None:
    history = History()
    ann_drives(history)
    mine = on_disk(nobody_home / "rover", history)

    assert {row["boot"] for row in rows()} != {history.boot}
    assert find_journal(mine) == mine


def test_a_robot_that_is_gone_is_a_sentence() -> None:
    nobody = asked.Asked("tcp://127.0.0.1:1", "rover")

    done = run(app, ["journal", "tail", "--url", nobody.url or ""])

    assert done.exit_code == Exit.CANNOT_CONNECT
    with pytest.raises(JournalError, match="cannot be asked for its journal"), nobody.open():
        pass
