"""`robotd why`, on journals of which no robot runs, and asked of one that does."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot, rover_on_any_port
from tests.cli.journals import journal, nobody_home

__all__ = ["journal", "nobody_home"]  # pytest finds fixtures by name

run = CliRunner().invoke
STOPPED = "stop by unix at 13:00:01.100 (somebody on the track)"


def said(*words: object) -> list[str]:
    done = run(app, ["why", *map(str, words)])
    assert done.exit_code == Exit.DONE, done.output
    return done.stdout.splitlines()


def test_the_last_line_is_the_summary_in_local_time(journal: Path) -> None:
    lines = said("--journal", journal)

    assert lines[-1] == STOPPED
    assert "#11     The robot was stopped by unix: somebody on the track. Next: " in lines[0]
    assert "reset with latch_id latch-1, then arm" in lines[0]


def test_where_no_robot_runs_its_journal_is_read_and_its_end_is_told(journal: Path) -> None:
    assert said()[-1] == "robotd ended without a word after 13:00:01.200 (crash, kill or power cut)"


@pytest.mark.parametrize("about", ["8", "#8", "c2"])
def test_a_command_goes_by_its_row_or_its_id(journal: Path, about: str) -> None:
    summary = said(about)[-1]

    assert summary.startswith("drive #8 from ws:ann rejected at ")
    assert "bumper.active true" in summary


def test_a_script_reads_the_links_and_the_summary(journal: Path) -> None:
    told = json.loads(run(app, ["why", "--json", "--journal", str(journal)]).stdout)

    assert told["summary"] == STOPPED
    assert [sorted(link) for link in told["links"]] == [["at", "kind", "sentence", "seq", "wall"]]


def test_an_export_tells_the_same_as_its_journal(journal: Path, tmp_path: Path) -> None:
    export = tmp_path / "rover.jsonl"
    assert run(app, ["journal", "export", "--output", str(export)]).exit_code == Exit.DONE

    assert said("--journal", export) == said("--journal", journal)
    assert said("c1", "--journal", export) == said("c1")


@pytest.mark.parametrize("about", ["4711", "9" * 40, "nobody"])
def test_what_is_not_in_the_journal_is_a_failure_that_says_what_to_do(journal: Path, about: str) -> None:
    done = run(app, ["why", about])

    assert (done.exit_code, done.stdout) == (Exit.FAILED, "")
    assert f"the journal has no row {'' if about.isdigit() else 'about '}" in done.stderr
    assert ";" in done.stderr


def test_without_a_robot_and_a_journal_it_says_where_it_looked(nobody_home: Path) -> None:
    done = run(app, ["why"])

    assert done.exit_code == Exit.USAGE
    assert "name it with --journal PATH" in done.stderr


def test_a_robot_that_cannot_be_reached_is_no_other_robots_journal(journal: Path) -> None:
    assert run(app, ["why", "--url", "tcp://127.0.0.1:1"]).exit_code == Exit.CANNOT_CONNECT


def test_a_robot_that_runs_is_asked_and_of_one_that_was_killed_the_journal_is_read(
    nobody_home: Path, tmp_path: Path
) -> None:
    rover = RunningRobot(rover_on_any_port(tmp_path), "--sim", XDG_STATE_HOME=str(tmp_path))
    for word in ("arm", "patrol"):
        assert run(app, ["send", word]).exit_code == Exit.DONE
    moving = said()[-1]
    unknown = run(app, ["why", "nobody"])
    rover.end(signal.SIGKILL)
    killed = said()

    assert moving.startswith("not told to stand still: patrol under way since ")
    assert unknown.exit_code == Exit.REFUSED
    assert "the journal has no row about 'nobody'" in unknown.stderr
    assert "robotd ended without a word after" in killed[-1]
    assert "patrol under way since" in killed[-1]
    assert "Next: journalctl -u robotd tells more" in killed[-2]
