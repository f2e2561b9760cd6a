"""The journal and the dead letters of a simulated rover that runs in a process of its own."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot, tries
from tests.cli.journals import following, next_row, nobody_home
from tests.cli.spoken import said

__all__ = ["nobody_home"]  # pytest finds fixtures by name

run = CliRunner().invoke
TOO_FAST = ["send", "drive", "linear=5"]


told = partial(said, "dead")


def letters() -> Any:
    return json.loads(told("list", "--json"))


@pytest.fixture
def rover(robot: RunningRobot, nobody_home: Path, monkeypatch: pytest.MonkeyPatch) -> RunningRobot:
    """An armed rover without dead letters."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(robot.folder))
    run(app, ["send", "disarm"])  # refused where it is disarmed, which is one dead letter more
    assert run(app, ["send", "arm"]).exit_code == Exit.DONE
    told("drop", "--all")
    assert letters() == []
    return robot


def a_letter() -> int:
    """Ask for more than the rover can do; returns the number of the dead letter."""
    assert run(app, TOO_FAST).exit_code == Exit.REFUSED
    (letter,) = letters()
    assert (letter["type"], letter["reason"]) == ("drive", "out_of_range")
    return int(letter["seq"])


def test_a_letter_that_is_dropped_is_gone_and_says_by_whom(rover: RunningRobot) -> None:
    seq = a_letter()

    assert told("drop", seq) == f"dropped #{seq}\n"
    assert letters() == []
    assert f"the dead letter #{seq} was already dropped, by unix" in told("show", seq, code=Exit.FAILED)


def test_a_letter_that_is_sent_again_is_a_new_command_that_names_the_old_one(rover: RunningRobot) -> None:
    seq = a_letter()
    first = json.loads(told("show", seq, "--json"))

    again = run(app, ["dead", "resend", str(seq)])

    assert again.exit_code == Exit.REFUSED  # the rover is no faster now
    assert f"the dead letter #{seq} was already resent" in told("show", seq, code=Exit.FAILED)
    (second,) = letters()
    command = json.loads(
        run(app, ["journal", "tail", "--id", second["id"], "-n", "99", "--json"]).stdout.split("\n")[0]
    )
    assert command["body"]["correlation_id"] == first["id"] != second["id"]
    assert second["payload"] == first["payload"]


def test_a_letter_that_can_be_carried_out_now_is(rover: RunningRobot) -> None:
    run(app, ["send", "disarm"])
    done = run(app, ["send", "patrol"])
    assert done.exit_code == Exit.REFUSED
    seq = letters()[0]["seq"]
    run(app, ["send", "arm"])

    again = run(app, ["dead", "resend", str(seq), "--json"])

    assert again.exit_code == Exit.DONE, again.output
    assert json.loads(again.stdout)["stage"] == "done"
    assert letters() == []


def test_a_letter_that_is_not_even_accepted_stays(rover: RunningRobot) -> None:
    seq = a_letter()
    stopped = json.loads(run(app, ["stop", "--json"]).stdout)

    again = run(app, ["dead", "resend", str(seq)])

    assert again.exit_code == Exit.REFUSED
    assert [letter["seq"] for letter in letters()] == [seq]
    for _ in tries():  # refused until everything has been at rest for half a second
        if run(app, ["reset", stopped["latch_id"]]).exit_code == Exit.DONE:
            break


def test_tail_follows_a_robot_that_runs(rover: RunningRobot) -> None:
    with following("-n", "1", "--kind", "decision") as tail:
        next_row(tail)  # it looks from now on
        run(app, ["send", "disarm"])
        run(app, ["send", "arm"])
        told = [next_row(tail)["body"]["type"] for _ in range(2)]

    assert told == ["disarm", "arm"]


def test_the_journal_of_a_robot_that_runs_is_whole(rover: RunningRobot) -> None:
    verdict = json.loads(run(app, ["journal", "verify", "--json"]).stdout)

    assert (verdict["ok"], verdict["faults"]) == (True, [])
    assert verdict["path"] == str(rover.folder / "state" / "robotd" / "rover")


def test_what_a_robot_did_can_be_drawn(rover: RunningRobot, tmp_path: Path) -> None:
    file = tmp_path / "rover.mcap"
    with following("-n", "1", "--kind", "readings") as tail:
        next_row(tail)  # there is one each second

    assert run(app, ["journal", "export", "-o", str(file)]).exit_code == Exit.DONE

    with file.open("rb") as stream:
        last = {
            channel.topic: json.loads(message.data)
            for _, channel, message in make_reader(stream).iter_messages()
        }
    assert last["/state"] == {"main": "armed.teleop", "health": "ok"}
    assert last["/reading/battery/value"]["value"] > 10.0


def test_the_robot_that_runs_is_not_asked_about_another(rover: RunningRobot) -> None:
    assert run(app, ["journal", "tail", "-n", "1", "--robot", "rover"]).exit_code == Exit.DONE

    other = run(app, ["journal", "tail", "--robot", "arm"])

    assert other.exit_code == Exit.USAGE
    assert "arm does not run here and there is no journal of arm" in other.stderr
