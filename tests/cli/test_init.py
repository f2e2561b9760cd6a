"""`robotd init`: every example, what a scan found, and what is never overwritten."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.examples import companions, described
from robotd.cli.exits import Exit
from robotd.cli.files import examples
from robotd.config import load
from tests.cli.spoken import said

CONFIG = Path(__file__).parents[2] / "config"

run = CliRunner().invoke


@pytest.fixture
def port(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that the drivers of `bus` do not open."""
    file = tmp_path_factory.mktemp("dev") / "ttyUSB0"
    file.touch()
    return str(file)


begin = partial(said, "init")


def test_every_example_is_listed_with_what_it_is() -> None:
    listed = begin("--list")
    as_json = json.loads(begin("--list", "--json"))

    assert {f"example:{file.stem}" for file in CONFIG.glob("*.yaml")} == as_json.keys()
    assert all(f"{name}\n" in listed and len(what) > 20 for name, what in as_json.items())
    assert as_json["example:rover"].startswith(
        "A rover with two driven wheels: one Arduino with StandardFirmata,"
    )


@pytest.mark.parametrize("name", examples())
def test_every_example_can_be_begun_with(name: str, tmp_path: Path) -> None:
    begin(tmp_path / "mine.yaml", "--from", f"example:{name}")

    assert load(tmp_path / "mine.yaml").robot == load(examples()[name]).robot


def test_what_is_begun_with_passes_its_check(tmp_path: Path) -> None:
    begin(tmp_path / "mine.yaml", "--from", "example:rover")
    done = run(app, ["check", str(tmp_path / "mine.yaml"), "--strict"])

    assert done.exit_code == Exit.DONE, done.output


def test_an_example_brings_its_handlers_and_the_schema_and_speaks_of_the_copy(tmp_path: Path) -> None:
    said = begin(tmp_path / "mine.yaml", "--from", "rover")

    assert {path.name for path in tmp_path.iterdir()} == {"mine.yaml", "patrol.py", "robotd.schema.json"}
    assert (tmp_path / "patrol.py").read_bytes() == (CONFIG / "patrol.py").read_bytes()
    assert f"robotd run {tmp_path}/mine.yaml --sim " in (tmp_path / "mine.yaml").read_text()
    assert "config/rover.yaml" not in (tmp_path / "mine.yaml").read_text()
    assert f"wrote  {tmp_path}/mine.yaml\n" in said


def test_what_is_said_of_a_name_with_a_space_can_be_typed(tmp_path: Path) -> None:
    file = tmp_path / "my rover.yaml"

    said = begin(file, "--from", "rover")

    assert f"now:   robotd check '{file}'\n" in said
    assert f"robotd run '{file}' --sim " in file.read_text()


def test_without_a_name_the_copy_is_called_as_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    begin("--from", "example:rover")

    assert (tmp_path / "rover.yaml").is_file()


def test_what_is_there_stays_unless_it_is_forced(tmp_path: Path) -> None:
    file, handlers = tmp_path / "mine.yaml", tmp_path / "patrol.py"
    handlers.write_text("# my own\n")

    said = begin(file, "--from", "rover", code=Exit.FAILED)
    assert f"{handlers} is there already" in said
    assert not file.exists()

    begin(file, "--from", "rover", "--force")
    begin(file, "--from", "rover")  # the same again changes nothing
    assert handlers.read_bytes() == (CONFIG / "patrol.py").read_bytes()


def test_a_file_that_is_there_is_refused_before_a_scan(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine\n")

    said = begin(file, "--scan", "firmata", "/dev/ttyNOBODY", code=Exit.FAILED)

    assert "is there already" in said
    assert file.read_text() == "mine\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--from", "rover", "--scan", "firmata", "/dev/ttyACM0"],
        ["--from", "submarine"],
        ["--from", "rovr"],
        ["--scan", "firmata"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_writes_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    begin(*words, code=Exit.USAGE)

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_nearly_one_is_told_which() -> None:
    assert "did you mean 'example:rover'?" in begin("--from", "rovr", code=Exit.USAGE)
    assert "there are example:arm, example:arm-feetech, " in begin("--from", "tractor", code=Exit.USAGE)


def test_a_file_that_cannot_be_written_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    file = tmp_path / "file" / "mine.yaml"

    assert f"{file}: Not a directory" in begin(file, "--from", "rover", code=Exit.FAILED)
    assert "/proc/mine.yaml: No such file" in begin("/proc/mine.yaml", "--from", "rover", code=Exit.FAILED)


def test_what_a_scan_found_becomes_a_robot_that_passes_its_check(tmp_path: Path, port: str) -> None:
    file = tmp_path / "my-servos.yaml"

    said = json.loads(begin(file, "--scan", "tests.cli.bus:BUS", port, "--json"))
    done = run(app, ["check", str(file), "--strict"])

    assert done.exit_code == Exit.DONE, done.output
    assert said["file"] == str(file)
    assert len(said["remarks"]) == 2
    text = file.read_text()
    assert "robot: my_servos\n" in text
    assert f"  bus: {{driver: tests.cli.bus:BUS, port: {port}, baud: 57600, deadman: none}}\n" in text
    assert "  # SV-1 id 10: temperature 31 degC\n  servo_10: {kind: servo, board: bus, " in text
    assert "    - {trigger: servo_9_move_to, source: armed, do: servo_9.move_to}\n" in text
    assert "# Look into this: SV-1 id 11 speaks at 115200 baud with even parity: set it as" in text
    assert "  # my_motor: {kind: motor, board: bus, pwm_pin: ..., direction_pin: ...}\n" in text
    assert (tmp_path / "robotd.schema.json").is_file()


def test_what_is_wrong_with_what_was_found_is_told_and_stays_in_the_file(tmp_path: Path, port: str) -> None:
    done = run(app, ["init", str(tmp_path / "robot.yaml"), "--scan", "tests.cli.bus:BUS", port])

    trouble = "SV-1 id 10: two servos have this id; unplug one and give the other another id"
    assert f"robotd: {trouble}\n" in done.stderr
    assert f"# Look into this: {trouble}.\n" in (tmp_path / "robot.yaml").read_text()


def test_a_device_of_which_more_must_be_known_waits_as_a_comment(tmp_path: Path, port: str) -> None:
    file = tmp_path / "robot.yaml"

    begin(file, "--scan", "tests.cli.bus:INCOMPLETE", port)

    assert run(app, ["check", str(file)]).exit_code == Exit.DONE
    assert (
        "  # SV-1 id 1\n  # Complete it: 'min' is missing.\n  # servo_1: {kind: servo, board: bus, pin: 9}\n"
        in file.read_text()
    )
    assert "servo_1_move_to" not in file.read_text()


def test_a_device_that_nobody_knows_waits_as_a_comment_too(tmp_path: Path, port: str) -> None:
    file = tmp_path / "robot.yaml"

    begin(file, "--scan", "tests.cli.bus:UNKNOWN", port)

    assert "  # submarine_1: {kind: submarine, board: bus}\n" in file.read_text()


def test_where_nothing_answers_nothing_is_written(tmp_path: Path, port: str) -> None:
    said = begin(tmp_path / "robot.yaml", "--scan", "tests.cli.bus:EMPTY", port, code=Exit.FAILED)

    assert "nothing on" in said
    assert list(tmp_path.iterdir()) == []


def test_the_files_that_belong_to_an_example_are_those_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    for name in ("jobs/pick.gcode", "pick.py", "other.py", "deep.json", "my-pick.py"):
        (tmp_path / name).touch()
    (tmp_path / "pick.py").write_text('TABLE = "deep.json"')
    (tmp_path / "other.yaml").write_text("machine: {}\n")
    robot = tmp_path / "robot.yaml"
    robot.write_text(
        "# As other.yaml.\nhandlers: [pick.py]\nmachine: {do: {run_job: {file: jobs/pick.gcode}}}\n"
    )

    assert [path.name for path in companions(robot)] == ["deep.json", "pick.gcode", "pick.py"]


def test_an_example_is_described_by_its_first_comment(tmp_path: Path) -> None:
    robot = tmp_path / "robot.yaml"
    robot.write_text("# yaml-language-server: $schema=x\n#\n# An arm\n# of wood.\n#\n# More.\nrobot: arm\n")

    assert described(robot) == "An arm of wood."
