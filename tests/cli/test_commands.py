"""The command line without a robot: help, exit codes and files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group
from typer.testing import CliRunner

from hal import FAULTS
from robotd.cli import app
from robotd.cli.exits import Exit

ROOT = Path(__file__).parents[2]
ROVER = str(ROOT / "config" / "rover.yaml")
NOBODY = "tcp://127.0.0.1:1"
COMMANDS = sorted(command.name for command in app.registered_commands if command.name)
OF_GROUPS = [
    words
    for name, group in get_group(app).commands.items()
    if isinstance(group, TyperGroup)
    for words in ([name], *([name, command] for command in group.commands))
]
NEED_A_ROBOT = {
    "status": [],
    "send": ["arm"],
    "watch": [],
    "stop": [],
    "reset": ["latch-1"],
    "lease": [],
}
BROKEN = "robot: rover\nbords: {}\n"

run = CliRunner().invoke


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    return str(path)


def test_the_commands_are_these() -> None:
    words = (
        "check doctor graph init lease new-driver ports replay reset run scan schema send sim status stop "
        "test twin version watch why"
    )

    assert " ".join(COMMANDS) == words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = run(app, [command, "--help"])

    assert shown.exit_code == Exit.DONE
    assert f"Example: robotd {command}" in shown.stdout


@pytest.mark.parametrize("words", OF_GROUPS, ids=" ".join)
def test_every_group_and_each_of_its_commands_has_help_with_an_example(words: list[str]) -> None:
    shown = run(app, [*words, "--help"])

    assert shown.exit_code == Exit.DONE
    assert f"robotd {' '.join(words)}" in shown.stdout.partition("Example: ")[2]


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"graph", "run", "schema", "twin"}))
def test_every_command_that_a_script_reads_speaks_json(command: str) -> None:
    assert "--json" in run(app, [command, "--help"]).stdout


def test_the_help_tells_the_exit_codes() -> None:
    shown = run(app, ["--help"]).stdout

    assert all(str(code.value) in shown for code in Exit)


def test_without_a_command_it_shows_the_help() -> None:
    shown = run(app, [])

    assert shown.exit_code == Exit.USAGE
    assert "Commands:" in shown.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["run"],
        ["run", ROVER, "--sim", "leg"],
        ["run", ROVER, "--sim", "arduino", "--real", "arduino"],
        ["run", ROVER, "--sim", "--port", "arduino=/dev/ttyACM0"],
        ["run", ROVER, "--port", "/dev/ttyACM0"],
        ["run", ROVER, "--sim", "--log-level", "loud"],
        ["send"],
        ["send", "drive", "0.2"],
        ["send", "drive", "linear=0.2", "--for", "2"],
        ["send", "drive", "--raw", "-"],
        ["send", "--raw", "file"],
        ["status", "--url", "localhost"],
        ["twin", ROVER, "leg", "--pty", "/tmp/leg"],
        ["twin", ROVER, "arduino", "--tcp", "5000"],
        ["twin", ROVER, "arduino", "--tcp", "127.0.0.1:0", "--fault", "gremlins"],
        ["twin", ROVER, "arduino", "--tcp", "127.0.0.1:0", "--fault", "freeze x"],
        ["run", ROVER, "--sim", "--fault", "gremlins"],
        ["run", ROVER, "--sim", "--fault", "leg=nak"],
        ["run", ROVER, "--sim", "--fault", "freeze batery"],
        ["run", ROVER, "--fault", "nak"],
        ["check", "example:submarine"],
        ["graph", ROVER, "--format", "crayon"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(words: list[str]) -> None:
    done = run(app, words)

    assert done.exit_code == Exit.USAGE
    assert done.stderr
    assert "Traceback" not in done.output


def test_the_help_of_twin_shows_every_fault_that_there_is() -> None:
    shown = " ".join(run(app, ["twin", "--help"]).stdout.split())

    assert [info.example for info in FAULTS.values() if info.example not in shown] == []


def test_a_fault_that_is_none_is_told_with_what_was_meant() -> None:
    done = run(app, ["run", ROVER, "--sim", "--fault", "arduino=drip 1%"])

    assert "did you mean 'drop'?" in done.stderr


@pytest.mark.parametrize("command", NEED_A_ROBOT)
def test_without_a_robot_it_cannot_connect(command: str) -> None:
    done = run(app, [command, *NEED_A_ROBOT[command], "--url", NOBODY])

    assert done.exit_code == Exit.CANNOT_CONNECT
    assert "is robotd running there?" in done.stderr
    assert done.stdout == ""


def test_raw_lines_without_a_robot_cannot_connect() -> None:
    done = run(app, ["send", "--raw", "-", "--url", NOBODY], input="stop\n")

    assert done.exit_code == Exit.CANNOT_CONNECT


def test_a_stop_that_reaches_nobody_names_the_hardware_stop() -> None:
    assert "hardware emergency stop" in run(app, ["stop", "--url", NOBODY]).stderr


def test_check_says_ok_and_what_there_is() -> None:
    done = run(app, ["check", ROVER])

    assert done.exit_code == Exit.DONE, done.output
    assert done.stdout.startswith("ok  rover: 2 boards, 10 devices, 2 regions, ")
    assert "note[unprotected]: left, right, mast, lamp: unprotected if the host dies" in done.stderr
    assert "note[no-feedback]: left, right, mast: limits are held by what arduino puts out" in done.stderr


def test_check_tells_scripts_as_json() -> None:
    answer = json.loads(run(app, ["check", ROVER, "--json"]).stdout)

    assert (answer["ok"], answer["robot"]) == (True, "rover")
    assert [finding["code"] for finding in answer["findings"]] == [
        "unprotected",
        "no-feedback",
        "unattended",
        "unattended",
    ]


@pytest.mark.parametrize("command", [["check"], ["run"], ["graph"], ["twin"]])
def test_a_file_with_errors_is_printed_and_ends_with_78(command: list[str], broken: str) -> None:
    more = ["arduino", "--pty", "/tmp/none"] if command == ["twin"] else []

    done = run(app, [*command, broken, *more])

    assert done.exit_code == Exit.FILE_INVALID
    assert f"{broken}:2:" in done.stderr
    assert "did you mean 'boards'?" in done.stderr
    assert done.stdout == ""


def test_a_file_with_errors_can_be_read_by_a_script(broken: str) -> None:
    done = run(app, ["check", broken, "--json"])

    answer = json.loads(done.stdout)
    assert done.exit_code == Exit.FILE_INVALID
    assert not answer["ok"]
    assert {error["line"] for error in answer["errors"]} <= {1, 2}


@pytest.mark.parametrize("name", ["/nowhere/rover.yaml", str(ROOT)])
def test_a_file_that_cannot_be_read_is_an_invalid_file(name: str) -> None:
    done = run(app, ["check", name])

    assert done.exit_code == Exit.FILE_INVALID
    assert "Traceback" not in done.output


def test_an_example_goes_by_its_name() -> None:
    assert run(app, ["check", "example:rover"]).exit_code == Exit.DONE


@pytest.mark.parametrize(
    ("language", "opening"),
    [("svg", "<svg "), ("mermaid", "stateDiagram-v2"), ("dot", "digraph machine {")],
)
def test_graph_draws_the_machine(language: str, opening: str) -> None:
    done = run(app, ["graph", ROVER, "--format", language])

    assert done.stdout.startswith(opening)


UNSOUND = """\
robot: lamp
boards: {arduino: {driver: firmata, port: /dev/ttyACM0, deadman: none}}
devices: {lamp: {kind: digital_output, board: arduino, pin: 13}}
machine:
  initial: dark
  states:
    dark: {}
    bright: {}
    forgotten: {}
  transitions:
    - {trigger: on, source: dark, dest: bright, do: lamp.write}
    - {trigger: off, source: bright, dest: dark}
    - {trigger: off, source: bright, dest: dark, do: lamp.write}
"""


@pytest.mark.parametrize("language", ["svg", "mermaid", "dot"])
def test_graph_marks_what_check_finds(language: str, tmp_path: Path) -> None:
    unsound = tmp_path / "lamp.yaml"
    unsound.write_text(UNSOUND)

    marked = run(app, ["graph", str(unsound), "--format", language]).stdout
    plain = run(app, ["graph", str(unsound), "--format", language, "--no-check"]).stdout

    for code in ("unreachable-state", "dead-transition"):
        assert code in marked
        assert code not in plain


def test_graph_writes_a_file_and_then_says_nothing(tmp_path: Path) -> None:
    drawing = tmp_path / "rover.svg"

    done = run(app, ["graph", ROVER, "--format", "svg", "--output", str(drawing)])

    assert (done.exit_code, done.output) == (Exit.DONE, "")
    assert drawing.read_text(encoding="utf-8").endswith("</svg>\n")


def test_graph_says_why_a_file_cannot_be_written(tmp_path: Path) -> None:
    done = run(app, ["graph", ROVER, "-o", str(tmp_path / "nowhere" / "rover.svg")])

    assert done.exit_code == Exit.FAILED
    assert "No such file or directory" in done.stderr


def test_schema_is_a_json_schema() -> None:
    assert "$schema" in json.loads(run(app, ["schema"]).stdout)


def test_ports_are_listed() -> None:
    assert isinstance(json.loads(run(app, ["ports", "--json"]).stdout), list)
    assert run(app, ["ports"]).exit_code == Exit.DONE


@pytest.mark.parametrize(
    "words", [["version"], ["stop", "--url", NOBODY], ["status", "--json", "--url", NOBODY]]
)
def test_a_command_that_must_be_quick_loads_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys; from robotd.cli import app\n"
        f"try: app({words})\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'yaml', 'transitions', 'structlog', 'websockets', 'rich', 'msgspec', 'hal'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_name_that_the_terminal_cannot_show_is_shown_as_well_as_may_be(tmp_path: Path) -> None:
    name = os.fsdecode(b"rov\xe4r.yaml")  # as a file system of long ago may have it
    command = [sys.executable, "-m", "robotd", "init", name, "--from", "rover"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == Exit.DONE, done.stderr
    assert done.stdout.startswith(b"wrote  rov?r.yaml\n")
    assert (tmp_path / name).is_file()


def test_a_journal_that_cannot_be_kept_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = str(tmp_path / "file" / "journal")
    command = [sys.executable, "-m", "robotd", "run", ROVER, "--sim", "--journal", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == Exit.FAILED
    assert "cannot be written" in done.stderr
    assert "--journal FOLDER" in done.stderr
