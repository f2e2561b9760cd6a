"""`robotd replay` as people and scripts see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from robotd.cli import app
from robotd.cli.exits import Exit
from robotd.config import load
from robotd.journal.disk import DiskStore
from robotd.journal.export import write_json_lines
from robotd.journal.kinds import DEVICE, STOP
from robotd.journal.memory import MemoryStore
from robotd.sim.simulation import Simulation, simulate
from tests.journal.played import START_WALL_US, changed, morning

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
ARMED = 5
"""The row of the journal in which the robot is armed."""


def run(*words: object, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, words)], input=stdin)


def exported(rows: MemoryStore, folder: Path) -> Path:
    path = folder / "journal.jsonl"
    with path.open("wb") as file:
        write_json_lines(rows.rows(), file)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return exported(morning(), tmp_path)


@pytest.fixture
def ask(journal: Path) -> Callable[[Sequence[str]], Result]:
    """Stand at the row in which the robot is armed, and ask."""
    return lambda lines: run(journal, "--until", ARMED, stdin="\n".join(lines))


def test_a_journal_that_decides_the_same_again_is_said_to(journal: Path) -> None:
    shown = run(journal)

    assert shown.exit_code == Exit.DONE
    assert shown.stdout.startswith("the same  30 rows, 25 decisions of 2 starts")


def test_the_folder_of_a_daemon_is_played_as_well_as_an_export(tmp_path: Path) -> None:
    store, _ = DiskStore.open(tmp_path / "state", now_wall=START_WALL_US)
    store.commit(list(morning().rows()))
    store.close()

    assert run(tmp_path / "state").stdout.startswith("the same  30 rows")
    assert run(tmp_path / "state" / "journal.db").exit_code == Exit.DONE


def test_the_first_divergence_is_shown_with_both_sides(tmp_path: Path) -> None:
    path = exported(changed(morning(), ARMED, lambda body: body.update(after=["armed.auto"])), tmp_path)
    shown, told = run(path), json.loads(run(path, "--json").stdout)

    assert shown.exit_code == Exit.FAILED
    assert shown.stdout.startswith("row 5  2026-")
    assert 'after   ["armed.auto"]   ["armed.teleop"]' in shown.stdout
    assert "DIVERGED  5 rows" in shown.stdout
    assert (told["same"], told["divergence"]["seq"]) == (False, ARMED)
    assert told["divergence"]["differences"] == [
        {"key": "after", "journal": ["armed.auto"], "now": ["armed.teleop"]}
    ]


def test_rows_before_the_first_start_are_counted(tmp_path: Path) -> None:
    rows = MemoryStore()
    rows.commit(list(morning().rows())[3:])

    assert "11 rows lie before the first start" in run(exported(rows, tmp_path)).stdout


@pytest.mark.parametrize("options", [[], ["--with", ROVER]])
def test_rows_without_any_start_prove_nothing(tmp_path: Path, options: list[object]) -> None:
    rows = MemoryStore()
    rows.commit(list(morning().rows())[20:])
    shown = run(exported(rows, tmp_path), *options)

    assert shown.exit_code == Exit.FILE_INVALID
    assert "no start of a daemon is among 10 rows" in shown.stderr


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The rover's file without its second region, of which the journal knows nothing."""
    text = ROVER.read_text()
    second, end = text.index("    # Beside what it does"), text.index("listen:")
    (tmp_path / "rover.yaml").write_text(text[:second] + text[end:])
    (tmp_path / "patrol.py").symlink_to(ROVER.parent / "patrol.py")
    return tmp_path / "rover.yaml"


def test_another_file_is_shown_where_it_parts(journal: Path, other: Path) -> None:
    shown, told = run(journal, "--with", other), run(journal, "--with", other, "--json")
    found = json.loads(told.stdout)

    assert shown.exit_code == told.exit_code == Exit.FAILED
    assert "journal:    arm from tcp:ann: disarmed -> armed.teleop" in shown.stdout
    assert "they meet again at row 8" in shown.stdout
    assert "rover.yaml parts 4 times: 8 of 25 decisions" in shown.stdout
    assert (found["partings"], found["different"]) == (4, 8)
    assert found["shown"][0]["differences"] == [{"key": "activated", "journal": [], "now": ["all"]}]


def test_another_file_is_shown_up_to_a_row(journal: Path, other: Path) -> None:
    assert json.loads(run(journal, "--with", other, "--until", 4, "--json").stdout)["same"]


def test_another_file_that_is_not_valid_ends_it(journal: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("robot: rover\nbords: {}\n")
    shown = run(journal, "--with", broken)

    assert shown.exit_code == Exit.FILE_INVALID
    assert "bords" in shown.stderr


@pytest.mark.parametrize(("text", "why"), [("no journal\n", "line 1 is no row"), (None, "there is no")])
def test_what_is_no_journal_is_said(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "notes.txt"
    if text is not None:
        path.write_text(text)
    shown = run(path)

    assert shown.exit_code == (Exit.USAGE if text is None else Exit.FILE_INVALID)
    assert why in shown.stderr


def test_a_row_that_cannot_be_played_is_named(tmp_path: Path) -> None:
    path = exported(changed(morning(), ARMED, lambda body: body.pop("lane")), tmp_path)
    shown = run(path)

    assert shown.exit_code == Exit.FILE_INVALID
    assert "row 5 (decision) cannot be played" in shown.stderr


# Standing at a row.


def test_where_the_robot_stood_is_shown(ask: Callable[[Sequence[str]], Result]) -> None:
    shown = ask([])

    assert shown.exit_code == Exit.DONE
    assert "main: armed.teleop  since row 5" in shown.stdout
    assert "possible: drive, patrol, disarm" in shown.stdout
    assert "battery.value   12   0.0 s" in shown.stdout


def test_what_would_happen_is_answered_line_by_line(ask: Callable[[Sequence[str]], Result]) -> None:
    *_, first, second, third, fourth = ask(
        ["", "drive linear=0.2", 'drive {"linear": -0.2}', "drive linear='0.2 m/s'", "bump"]
    ).stdout.splitlines()

    assert first == second == third == "drive from replay: stays in armed.teleop, starts base.drive"
    assert fourth == "bump from replay: stays in armed.teleop, starts base.halt"


def test_readings_may_be_supposed(ask: Callable[[Sequence[str]], Result]) -> None:
    drive = "drive linear=0.2"
    shown = ask(["set bumper.active=true", drive, "set bumper.active=stale", drive, "set", drive])
    lines = shown.stdout.splitlines()[-3:]

    assert "bumper.active is true" in lines[0]
    assert "bumper.active is stale" in lines[1]
    assert "starts base.drive" in lines[2]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fly", "nothing is called 'fly'; there are arm, drive"),
        ("drive {linear", "that is no JSON"),
        ("drive linear='", "No closing quotation"),
        ("drive linear=fast", "linear"),
        ("set wings=2", "there is no reading 'wings'"),
    ],
)
def test_a_question_that_cannot_be_understood_is_said_and_the_next_one_answered(
    ask: Callable[[Sequence[str]], Result], line: str, why: str
) -> None:
    shown = ask([line, "bump"])

    assert shown.exit_code == Exit.DONE
    assert why in shown.stderr
    assert "starts base.halt" in shown.stdout


def test_it_helps_shows_the_state_again_and_ends(ask: Callable[[Sequence[str]], Result]) -> None:
    shown = ask(["help", "state", "quit", "bump"]).stdout

    assert "suppose that a reading were so" in shown
    assert shown.count("main: armed.teleop") == 2
    assert "base.halt" not in shown


def test_a_script_gets_the_state_and_the_answers_as_json(journal: Path) -> None:
    state, answer = map(
        json.loads, run(journal, "--until", ARMED, "--json", stdin="patrol\n").stdout.splitlines()
    )

    assert state["regions"] == {"main": "armed.teleop"}
    assert state["stays"][0] == {"state": "armed", "number": 2, "since": ARMED}
    assert state["readings"]["battery.value"] == {"value": 12.0, "age_s": 0.0}
    assert (state["latch"], state["under_way"]) == (None, {})
    assert answer["after"] == ["armed.auto"]


def test_a_latch_and_the_life_of_devices_are_shown(tmp_path: Path) -> None:
    rows = morning()
    rows.add(STOP, {"reason": "a child", "by": "ann", "latch_id": "latch-1", "epoch": 1})
    row = rows.add(DEVICE, {"device": "base", "state": "faulted", "fault": "no answer"})
    shown = run(exported(rows, tmp_path), "--until", row.seq).stdout

    assert "latched latch-1: a child, by ann" in shown
    assert "faulted: base (no answer)" in shown


def test_a_row_that_is_not_there_is_said(journal: Path) -> None:
    shown = run(journal, "--until", 31)

    assert shown.exit_code == Exit.FILE_INVALID
    assert "there is no row 31; the newest is 30" in shown.stderr


# As a scenario.


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a simulated rover that was armed, driven and stopped."""

    async def story(simulation: Simulation) -> None:
        ann = await simulation.connect("ann")
        ann.send("arm")
        await simulation.sleep(0.3)
        ann.send("drive", {"linear": 0.3})
        await simulation.sleep(0.2)
        ann.stop("a child")
        await simulation.sleep(0.3)

    rows = MemoryStore()
    simulate(load(ROVER), story, store=rows)
    return exported(rows, tmp_path_factory.mktemp("incident"))


def test_an_incident_becomes_a_scenario_that_holds(incident: Path, tmp_path: Path) -> None:
    out = tmp_path / "child.yaml"
    shown = run(incident, "--as-scenario", out)

    assert shown.exit_code == Exit.DONE
    assert f"run it: robotd test {out}" in shown.stdout
    assert CliRunner().invoke(app, ["test", str(out)]).exit_code == Exit.DONE
    assert "stop: a child" in out.read_text()


def test_the_scenario_may_be_about_another_robot_and_a_part_of_the_rows(
    incident: Path, tmp_path: Path
) -> None:
    out = tmp_path / "part.yaml"
    shown = run(
        *(incident, "--as-scenario", out, "--robot", "example:rover", "--from", 24, "--until", 40, "--json")
    )

    assert json.loads(shown.stdout)["scenario"] == str(out)
    assert "robot: example:rover\nscenario: rows 24 to 40 of the journal of rover" in out.read_text()


def test_a_robot_that_is_not_here_has_to_be_named(journal: Path, tmp_path: Path) -> None:
    shown = run(journal, "--as-scenario", tmp_path / "out.yaml")

    assert shown.exit_code == Exit.USAGE
    assert "--robot FILE names it" in shown.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--as-scenario", "a.yaml", "--with", "b.yaml"], "two things"),
        (["--from", "3"], "belong to --as-scenario"),
        (["--robot", "example:rover"], "belong to --as-scenario"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(journal: Path, options: list[str], why: str) -> None:
    shown = run(journal, *options)

    assert shown.exit_code == Exit.USAGE
    assert why in shown.stderr


def test_a_scenario_that_cannot_be_written_is_said(incident: Path, tmp_path: Path) -> None:
    shown = run(incident, "--as-scenario", tmp_path / "nowhere" / "out.yaml")

    assert shown.exit_code == Exit.FAILED
    assert "cannot be written" in shown.stderr


def test_rows_without_a_start_make_no_scenario(incident: Path, tmp_path: Path) -> None:
    shown = run(incident, "--as-scenario", tmp_path / "out.yaml", "--from", 99_999)

    assert shown.exit_code == Exit.FILE_INVALID
    assert "by row 99999 the daemon had ended" in shown.stderr
