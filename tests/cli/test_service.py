"""`robotd service`: what it would write, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from robotd.cli import app, installing
from robotd.cli.exits import Exit
from robotd.config import load
from robotd.sim.simulation import Simulation, simulate
from tests.cli.spoken import said

run = CliRunner().invoke
CONFIG = Path(__file__).parents[2] / "config"
UNIT = "etc/systemd/system/robotd.service"
RULES = "etc/udev/rules.d/60-robotd.rules"
USERS = "etc/sysusers.d/robotd.conf"
ROBOT = "etc/robotd/robot.yaml"
HANDLERS = "etc/robotd/patrol.py"
ALL = (UNIT, RULES, USERS, ROBOT, HANDLERS)


def install(prefix: Path, *words: object, command: str = "install", code: Exit = Exit.DONE) -> str:
    return said("service", command, "--prefix", prefix, *words, code=code)


def states(prefix: Path, *words: object) -> dict[str, str]:
    said = json.loads(install(prefix, "--dry-run", "--json", *words))
    return {str(Path(file["path"]).relative_to(prefix)): file["state"] for file in said["files"]}


def written(prefix: Path) -> dict[str, str]:
    return {
        str(path.relative_to(prefix)): path.read_text()
        for path in sorted(prefix.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def robot(tmp_path: Path) -> Path:
    """A person's own robot: the rover, beside its handlers."""
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(CONFIG / "patrol.py", folder)
    return Path(shutil.copy(CONFIG / "rover.yaml", folder / "my-rover.yaml"))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_each_command_has_help_with_an_example_and_speaks_json(command: str) -> None:
    help_text = run(app, ["service", command, "--help"]).stdout

    assert "Example: " in help_text
    assert f"robotd service {command}" in help_text
    assert "--json" in help_text


def test_a_dry_run_shows_every_file_with_its_text_and_the_commands_and_writes_nothing(
    prefix: Path, robot: Path
) -> None:
    said = install(prefix, robot, "--dry-run")

    assert [line.split() for line in said.splitlines()[:5]] == [["new", f"{prefix}/{name}"] for name in ALL]
    for source in (robot, CONFIG / "patrol.py"):
        assert source.read_text().rstrip() in said
    assert "  systemctl daemon-reload\n" in said
    assert "systemctl enable --now robotd" in said
    assert not prefix.exists()


def test_a_real_run_writes_the_same_files_and_a_second_one_changes_nothing(prefix: Path, robot: Path) -> None:
    said = json.loads(install(prefix, robot, "--dry-run", "--json"))
    install(prefix, robot)

    assert written(prefix) == {str(Path(f["path"]).relative_to(prefix)): f["text"] for f in said["files"]}
    assert set(states(prefix, robot).values()) == {"unchanged"}
    before = {path: path.stat().st_mtime_ns for path in prefix.rglob("*")}
    install(prefix, robot)
    assert before == {path: path.stat().st_mtime_ns for path in prefix.rglob("*")}


def test_its_rules_let_adapters_hand_over_at_once_now_and_at_each_plugging(prefix: Path, robot: Path) -> None:
    said = json.loads(install(prefix, robot, "--dry-run", "--json"))
    install(prefix, robot)

    latency = 'SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio", ATTR{latency_timer}="1"\n'
    rules = (prefix / RULES).read_text()
    assert rules.index(latency) < rules.index('SUBSYSTEM!="tty", GOTO')
    assert ["udevadm", "trigger", "--subsystem-match=tty", "--subsystem-match=usb-serial"] in said["commands"]


def test_a_newer_unit_replaces_the_old_one_and_the_difference_is_shown(prefix: Path, robot: Path) -> None:
    install(prefix, robot)
    unit = prefix / UNIT
    whole = unit.read_text()
    unit.write_text(whole.replace("WatchdogSec=2", "WatchdogSec=10"))

    said = install(prefix, robot, "--dry-run")

    assert states(prefix, robot)[UNIT] == "changed"
    assert "\n-WatchdogSec=10\n+WatchdogSec=2\n" in said
    install(prefix, robot)
    assert unit.read_text() == whole


@pytest.mark.parametrize("name", [ROBOT, HANDLERS])
def test_what_a_person_has_changed_is_never_overwritten(prefix: Path, robot: Path, name: str) -> None:
    install(prefix, robot)
    own = (prefix / name).read_text() + "\n# mine\n"
    (prefix / name).write_text(own)

    said = install(prefix, robot)

    assert states(prefix, robot)[name] == "kept"
    assert f"kept       {prefix}/{name}  (yours differs, and stays)" in said
    assert (prefix / name).read_text() == own


def test_without_a_file_the_example_is_installed_once_and_then_what_is_there_counts(prefix: Path) -> None:
    install(prefix)

    assert (prefix / ROBOT).read_bytes() == (CONFIG / "rover.yaml").read_bytes()
    assert set(states(prefix).values()) == {"unchanged"}


def test_a_robot_with_errors_is_not_installed(prefix: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("robot: rover\nbords: {}\n")

    assert "bords" in install(prefix, broken, code=Exit.FILE_INVALID)
    assert not prefix.exists()


def test_what_an_arm_is_taught_has_a_folder_that_its_daemon_may_write(prefix: Path, robot: Path) -> None:
    commands = json.loads(install(prefix, robot, "--user-name", "pilot", "--dry-run", "--json"))["commands"]
    install(prefix, robot)

    folder = "/etc/robotd/recordings"
    assert ["install", "-d", "-m", "2775", "-g", "pilot", folder] in commands
    assert f"\nReadWritePaths=-{folder}\n" in (prefix / UNIT).read_text()


def test_handlers_from_elsewhere_are_refused_with_what_to_do(prefix: Path, robot: Path) -> None:
    elsewhere = robot.parent / "sub"
    elsewhere.mkdir()
    moved = Path(shutil.move(robot, elsewhere / "robot.yaml"))
    moved.write_text(moved.read_text().replace("[patrol.py]", "[../patrol.py]"))

    said = install(prefix, moved, code=Exit.FAILED)

    assert f"the handlers in ../patrol.py lie outside of {elsewhere}; put them beside robot.yaml" in said
    assert not prefix.exists()


def test_the_jobs_that_a_robot_names_go_along_with_all_beside_them_and_its_secrets_do_not(
    prefix: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(CONFIG / "jobs", folder / "jobs")
    for name in ("gantry.yaml", "gripping.py"):
        shutil.copy(CONFIG / name, folder)
    for name in ("tokens.json", "a.crt", "a.key", "notes.txt", "jobs/drawing.svg"):
        (folder / name).write_text("mine")
    robot = folder / "gantry.yaml"
    robot.write_text(
        f"{robot.read_text()}\naccess: {{tokens: tokens.json, certificate: a.crt, key: a.key}}\n"
    )

    said = install(prefix, robot, "--dry-run")
    install(prefix, robot)

    jobs = {f"etc/robotd/jobs/{path.name}" for path in (CONFIG / "jobs").iterdir()}
    assert set(written(prefix)) == {UNIT, RULES, USERS, ROBOT, "etc/robotd/gripping.py", *jobs}
    assert "\n... and 300 lines more\n" in said

    async def run_one(simulation: Simulation) -> str:
        console = await simulation.connect()
        console.send("home")
        await simulation.sleep(6)
        console.send("run_job", {"file": "jobs/square.nc"})
        await simulation.sleep(1)
        return simulation.engine.machine.leaves[0]

    assert simulate(load(prefix / ROBOT), run_one) == "program"


@pytest.mark.parametrize(
    ("before", "after", "closed"),
    [
        ("", "", True),
        ("127.0.0.1:8080", "localhost:8080", True),
        ("port: /dev/serial/by-id/usb-Arduino_Uno-if00", "port: 'tcp://127.0.0.1:5000'", True),
        ("port: /dev/serial/by-id/usb-Arduino_Uno-if00", "port: 'tcp://192.0.2.1:5000'", False),
        ("127.0.0.1:8080", "0.0.0.0:8080", False),
    ],
)
def test_the_network_is_closed_unless_the_file_needs_it(
    prefix: Path, robot: Path, before: str, after: str, closed: bool
) -> None:
    text = robot.read_text().replace(before, after) if before else robot.read_text()
    assert after in text
    robot.write_text(text + "\naccess: {tokens: tokens.json, certificate: a.crt, key: a.key}\n")

    install(prefix, robot)

    assert ("\nIPAddressDeny=any\n" in (prefix / UNIT).read_text()) is closed
    install(prefix)  # what is installed by now says the same
    assert ("\nIPAddressDeny=any\n" in (prefix / UNIT).read_text()) is closed


def test_another_user_is_named_everywhere(prefix: Path, robot: Path) -> None:
    said = json.loads(install(prefix, robot, "--user-name", "pilot", "--dry-run", "--json"))

    text = {str(Path(file["path"]).relative_to(prefix)): file["text"] for file in said["files"]}
    assert "\nUser=pilot\nGroup=pilot\n" in text[UNIT]
    assert 'GROUP="pilot"' in text[RULES]
    assert 'GROUP="robotd"' not in text[RULES]
    assert "\nu pilot - " in text[USERS]
    assert ["install", "-d", "-m", "2755", "-g", "pilot", "/etc/robotd"] in said["commands"]


@pytest.mark.parametrize("name", ["", "Robot", "a b", "x\nUser=root", "-r", "a" * 32])
def test_what_is_no_name_of_a_user_is_refused(prefix: Path, name: str) -> None:
    assert "is no name for a user" in install(prefix, "--user-name", name, code=Exit.USAGE)


def test_a_program_with_unusual_letters_in_its_path_is_quoted_as_systemd_wants_it(prefix: Path) -> None:
    said = install(prefix, "--program", '/opt/my "50%" $robot/bin/robotd', "--dry-run")

    assert 'ExecStart="/opt/my \\"50%%\\" $$robot/bin/robotd" run /etc/robotd/robot.yaml\n' in said


def test_the_unit_starts_this_very_installation(prefix: Path) -> None:
    install(prefix)

    (start,) = (
        line.removeprefix("ExecStart=").removesuffix(" run /etc/robotd/robot.yaml")
        for line in (prefix / UNIT).read_text().splitlines()
        if line.startswith("ExecStart=")
    )
    version = subprocess.run([*start.split(), "version"], capture_output=True, text=True, cwd="/", check=True)
    assert version.stdout.strip()


def test_without_root_it_says_what_one_can_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    for command in ("install", "uninstall"):
        done = run(app, ["service", command])
        assert done.exit_code == Exit.FAILED
        assert "run it with sudo" in done.stderr


@pytest.mark.parametrize(
    ("command", "well"), [(("true",), True), (("false",), False), (("/nowhere/udevadm", "trigger"), False)]
)
def test_a_command_that_fails_or_is_not_there_is_told_from_one_that_works(
    command: tuple[str, ...], well: bool
) -> None:
    assert installing.carried_out(command) is well


def test_an_installation_that_the_user_of_the_service_cannot_enter_is_found_out(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    service = installing.Service(Path("/"), "robotd", (str(private / "bin" / "robotd"),), ())

    closed = service.unreachable()

    assert closed is not None
    assert private.is_relative_to(closed)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")

    assert str(taken) in install(taken, code=Exit.FAILED)


def test_uninstalling_leaves_the_robot_and_only_that(prefix: Path, robot: Path) -> None:
    install(prefix, robot)

    would = install(prefix, "--dry-run", command="uninstall")
    assert set(written(prefix)) == set(ALL)
    did = install(prefix, command="uninstall")

    assert would.replace("would remove", "removed") == did
    assert set(written(prefix)) == {ROBOT, HANDLERS}
    assert install(prefix, command="uninstall") == "nothing is installed\n"


def test_uninstalling_tells_a_script_what_goes(prefix: Path, robot: Path) -> None:
    install(prefix, robot)

    said: Any = json.loads(install(prefix, "--dry-run", "--json", command="uninstall"))

    assert said["removes"] == [f"{prefix}/{name}" for name in (UNIT, RULES, USERS)]
    assert said["commands"][0] == ["systemctl", "disable", "--now", "robotd"]
