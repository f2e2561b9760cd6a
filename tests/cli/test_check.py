"""`robotd check`: what it says, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.check.codes import CODES
from robotd.cli import app
from robotd.cli.exits import Exit

run = CliRunner().invoke
ROOT = Path(__file__).parents[2]
ROVER = str(ROOT / "config" / "rover.yaml")
DEFECTS = ROOT / "tests" / "check" / "defects"
TRAP = str(DEFECTS / "trap_after_a_loss.yaml")
WARNED = str(DEFECTS / "unused_sensor.yaml")


def test_the_rover_is_proven_strictly() -> None:
    done = run(app, ["check", ROVER, "--strict"])

    assert done.exit_code == Exit.DONE, done.stderr
    assert done.stdout.startswith("ok  rover: ")
    assert "configurations, 4 notes" in done.stdout


def test_a_finding_has_its_line_a_caret_the_way_there_and_a_hint() -> None:
    done = run(app, ["check", TRAP])

    assert done.exit_code == Exit.FAILED
    assert done.stderr.splitlines() == [
        f"{TRAP}:9:5: error[trap-state]: nothing leads out of broken but a stop",
        "    broken: {}                                     # <- trap-state",
        "    ^",
        "  1. start             ->  idle",
        f"  2. uno.lost (board)  ->  broken  {TRAP}:11",
        "hint: add a transition out of it, or say 'final: true' if it is meant to be the end",
        "",
    ]
    assert done.stdout == (
        "FAILED  trap_after_a_loss: 1 board, 1 region, 2 states, 1 transition, 3 configurations, 1 error\n"
    )


def test_values_for_which_guards_hold_stand_beside_the_step() -> None:
    said = run(app, ["check", str(DEFECTS / "no_way_back_health.yaml")]).stderr

    assert re.search(r"1\. start  ->  idle \+ critical  \S+:25, \S+:26  with battery.value 9\n", said)


def test_a_warning_fails_only_under_strict() -> None:
    assert run(app, ["check", WARNED]).exit_code == Exit.DONE
    assert run(app, ["check", WARNED, "--strict"]).exit_code == Exit.FAILED


def test_scripts_get_all_of_it() -> None:
    done = run(app, ["check", TRAP, "--json"])
    answer = json.loads(done.stdout)

    assert done.exit_code == Exit.FAILED
    assert (answer["ok"], answer["robot"], answer["configurations"]) == (False, "trap_after_a_loss", 3)
    (finding,) = answer["findings"]
    assert (finding["code"], finding["severity"]) == ("trap-state", "error")
    assert (finding["file"], finding["line"], finding["column"]) == (TRAP, 9, 5)
    assert finding["trace"][-1] == {
        "trigger": "uno.lost",
        "origin": "board",
        "detail": "",
        "where": [f"{TRAP}:11:7"],
        "after": ["broken"],
        "readings": {},
        "payload": {},
    }


def test_what_the_loader_refuses_carries_its_code_and_ends_with_78() -> None:
    file = str(DEFECTS / "estop_redirected.yaml")

    assert run(app, ["check", file]).exit_code == Exit.FILE_INVALID
    assert f"{file}:10:17: error[estop]: " in run(app, ["check", file]).stderr
    answer = json.loads(run(app, ["check", file, "--json"]).stdout)
    assert [error["code"] for error in answer["errors"]] == ["estop"]


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_explained_with_an_example_and_the_mend(code: str) -> None:
    done = run(app, ["check", "--explain", code])

    assert done.exit_code == Exit.DONE
    assert done.stdout.startswith(f"{code}\n")
    assert "\nExample:\n" in done.stdout
    assert "\nMend:\n" in done.stdout


def test_a_code_that_is_none_is_told_with_those_there_are() -> None:
    done = run(app, ["check", "--explain", "trap"])

    assert done.exit_code == Exit.USAGE
    assert all(code in done.stderr for code in CODES)


def test_without_a_file_where_there_is_none_it_says_what_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run(app, ["check"])

    assert done.exit_code == Exit.USAGE
    assert "name the robot's file" in done.stderr


def test_traces_become_scenarios_that_can_be_run(tmp_path: Path) -> None:
    done = run(app, ["check", TRAP, "--scenarios", str(tmp_path / "found")])

    assert done.exit_code == Exit.FAILED
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["trap-state-9-5.yaml"]
    ran = run(app, ["test", str(tmp_path / "found")])
    assert ran.exit_code == Exit.DONE, ran.output


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = run(app, ["check", TRAP, "--scenarios", str(tmp_path / "file")])

    assert done.exit_code == Exit.FAILED
    assert "cannot be written" in done.stderr
