"""`robotd test`: what it runs, what it says, what it writes and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit

ROOT = Path(__file__).parents[2]
GOOD = "robot: example:rover\nscenario: it arms\nsteps:\n  - send: arm\n  - expect: {state: armed}\n"
BAD = "robot: example:rover\nscenario: it docks\nsteps:\n  - send: arm\n  - expect: {state: docked}\n"
INVALID = "robot: example:rover\nscenario: it flies\nsteps:\n  - send: fly\n"

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two scenarios in it, of which one holds."""
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "good.yaml").write_text(GOOD)
    (scenarios / "bad.yaml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_hold_and_it_says_so(folder: Path) -> None:
    done = run(app, ["test", "scenarios/good.yaml"])

    assert done.exit_code == Exit.DONE, done.output
    assert "ok   it arms" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 passed: 0 s of the robot's time in ")


def test_one_that_does_not_hold_is_told_and_ends_with_1(folder: Path) -> None:
    done = run(app, ["test"])

    assert done.exit_code == Exit.FAILED
    assert "scenarios/bad.yaml:5:5: failed at 0.000 s: not so" in done.stdout
    assert "repeat: robotd test scenarios/bad.yaml --seed 0" in done.stdout
    assert "1 passed, 1 failed" in done.stdout


def test_every_seed_is_run_and_the_failing_ones_are_named(folder: Path) -> None:
    done = run(app, ["test", "--seeds", "7", "--seed", "3", "--json"])

    results = json.loads(done.stdout)["results"]
    assert done.exit_code == Exit.FAILED
    assert [entry["seed"] for entry in results] == [*range(3, 10)] * 2
    assert {entry["scenario"] for entry in results if not entry["passed"]} == {"it docks"}
    assert "7 seeds, not with 0, 1, 2, 3, 4, ..." in run(app, ["test", "--seeds", "7"]).stdout


def test_json_tells_the_failure_with_its_place(folder: Path) -> None:
    (entry,) = json.loads(run(app, ["test", "scenarios/bad.yaml", "--json"]).stdout)["results"]

    failure = entry["failure"]
    assert (failure["file"], failure["line"], failure["column"]) == ("scenarios/bad.yaml", 5, 5)
    assert failure["details"][0] == {"kind": "expected", "text": "state docked"}


def test_a_text_selects_by_title_or_file(folder: Path) -> None:
    assert "it arms" in run(app, ["test", "-k", "ARMS"]).stdout
    assert run(app, ["test", "-k", "good.y"]).exit_code == Exit.DONE


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-k", "nothing"], "no scenario has 'nothing' in its title or file name"),
        (["nowhere.yaml"], "there is no nowhere.yaml"),
        (["--seeds", "0"], "Invalid value"),
    ],
)
def test_nothing_to_run_is_a_usage_error(folder: Path, words: list[str], sentence: str) -> None:
    done = run(app, ["test", *words])

    assert done.exit_code == Exit.USAGE
    assert sentence in done.stderr


def test_an_invalid_scenario_is_told_before_anything_runs(folder: Path) -> None:
    (folder / "scenarios" / "invalid.yaml").write_text(INVALID)

    done = run(app, ["test"])

    assert done.exit_code == Exit.FILE_INVALID
    assert done.stdout == ""
    assert "scenarios/invalid.yaml:4:11: error: there is no command 'fly'" in done.stderr
    errors = json.loads(run(app, ["test", "--json"]).stdout)["errors"]
    assert [error["line"] for error in errors] == [4]


def test_an_invalid_robot_is_told_once(folder: Path) -> None:
    (folder / "robot.yaml").write_text("robot: rover\nbords: {}\n")
    for name in ("good", "bad"):
        path = folder / "scenarios" / f"{name}.yaml"
        path.write_text(path.read_text().replace("example:rover", "../robot.yaml"))

    done = run(app, ["test"])

    assert done.exit_code == Exit.FILE_INVALID
    assert done.stderr.count("unknown key 'bords'") == 1


def test_the_installed_examples_go_by_their_name() -> None:
    assert run(app, ["test", "example:", "-k", "limit"]).exit_code == Exit.DONE
    assert run(app, ["test", "example:two-operators"]).exit_code == Exit.DONE


def test_reports_are_written(folder: Path) -> None:
    done = run(app, ["test", "--seeds", "2", "--junit", "results.xml", "--html", "page.html"])

    assert done.exit_code == Exit.FAILED
    assert ElementTree.parse(folder / "results.xml").getroot().attrib["failures"] == "2"
    assert "2 scenarios: 1 failed" in (folder / "page.html").read_text()


def test_a_report_that_cannot_be_written_is_a_failure_and_what_is_known_is_told(folder: Path) -> None:
    done = run(app, ["test", "scenarios/good.yaml", "--junit", "nowhere/results.xml"])

    assert done.exit_code == Exit.FAILED
    assert "1 passed" in done.stdout
    assert "nowhere/results.xml cannot be written: No such file or directory" in done.stderr


def test_a_robot_that_needs_threads_is_refused_by_the_name_of_its_handler(folder: Path) -> None:
    (folder / "own.py").write_text(
        "from robotd import Robot, handler\n\n"
        "@handler(blocking=True)\ndef patrol(robot: Robot) -> None: ...\n"
    )
    rover = (ROOT / "config" / "rover.yaml").read_text().replace("[patrol.py]", "[own.py]")
    (folder / "robot.yaml").write_text(rover)
    good = folder / "scenarios" / "good.yaml"
    good.write_text(GOOD.replace("example:rover", "../robot.yaml"))

    done = run(app, ["test", str(good)])

    assert done.exit_code == Exit.FAILED
    assert "the handler 'patrol' is blocking" in done.stderr


def test_ctrl_c_in_the_middle_of_a_story_lets_that_end_and_begins_no_other(folder: Path) -> None:
    (folder / "own.py").write_text(
        "import os, signal\n"
        "from robotd import Robot, handler\n\n"
        "@handler\nasync def patrol(robot: Robot) -> None:\n    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    rover = (ROOT / "config" / "rover.yaml").read_text().replace("[patrol.py]", "[own.py]")
    (folder / "robot.yaml").write_text(rover)
    good = folder / "scenarios" / "good.yaml"
    good.write_text(GOOD.replace("example:rover", "../robot.yaml") + "  - send: patrol\n  - wait: 1 s\n")

    done = run(app, ["test", str(good), "--seeds", "20"])

    assert done.exit_code == Exit.FAILED
    assert "1 passed" in done.stdout
    assert "interrupted after 1 of 20 runs" in done.stderr


def test_ctrl_c_ends_it_and_what_is_known_is_written(folder: Path) -> None:
    words = ["test", "scenarios", "--seeds", "90000", "--junit", "results.xml", "--html", "page.html"]
    process = subprocess.Popen(
        [sys.executable, "-m", "robotd", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    while "repeat:" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert process.returncode == Exit.FAILED
    assert "interrupted after " in err
    assert "Traceback" not in out + err
    suites = ElementTree.parse(folder / "results.xml").getroot()
    assert 0 < int(suites.attrib["tests"]) < 180_000
    assert "it docks" in (folder / "page.html").read_text()
