"""What the README says about the journal runs against a robot that drove a moment ago."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.cli.conftest import RunningRobot
from tests.daemon.story import ROVER, robot_file
from tests.test_readme import BESIDE_PYTHON, blocks

NEEDS_A_JOURNAL = ("why", "journal", "replay", "dead")
COMMANDS = sorted(
    line.removeprefix("$ ").strip()
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith("$ robotd ") and line.split()[2] in NEEDS_A_JOURNAL
)


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRobot]:
    """A rover that was armed and drove, in a folder with its configuration."""
    folder = tmp_path_factory.mktemp("driven")
    listen = "listen: {websocket: 127.0.0.1:0, tcp: 127.0.0.1:0, unix: robotd.sock}\n"
    robot = RunningRobot(robot_file(folder, listen=listen), "--sim")
    try:
        for command in ("arm", "drive linear=0.2"):
            done = run(f"robotd send {command} --wait done", robot)
            assert done.returncode == 0, done.stdout + done.stderr
        (folder / "config" / "scenarios").mkdir(parents=True)
        for name in ("rover.yaml", "patrol.py"):
            (folder / "config" / name).write_text((ROVER.parent / name).read_text())
        yield robot
    finally:
        robot.end()


def run(command: str, robot: RunningRobot) -> subprocess.CompletedProcess[str]:
    """As a person on the robot would."""
    folders = {"XDG_RUNTIME_DIR": str(robot.folder), "XDG_STATE_HOME": str(robot.folder / "state")}
    path = f"{BESIDE_PYTHON}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=robot.folder,
        env=os.environ | folders | {"PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_about_the_past_does_what_it_says(command: str, driven: RunningRobot):
    # This robot is young: its rows have other numbers, and nobody has the time to follow them.
    command = re.sub(r"\bwhy \d+", "why 12", command).replace(" -f", "")
    command = re.sub(r"--from \d+ --until \d+", "--from 12 --until 30", command)
    command = command.replace("--since 14:00", "--since '10 min'")

    done = run(command, driven)

    assert done.returncode == 0, done.stdout + done.stderr
    if "-o patrol.mcap" in command:
        assert (driven.folder / "patrol.mcap").read_bytes().startswith(b"\x89MCAP")


def test_the_last_line_of_why_is_what_the_readme_shows(driven: RunningRobot):
    (shown,) = [line for block in blocks("console") for line in block.splitlines() if " <- " in line]
    last = run("robotd why", driven).stdout.splitlines()[-1]

    assert _shape(last) == _shape(shown)


def _shape(line: str) -> str:
    """Without what differs from one robot and one day to the next."""
    line = re.sub(r"\b(ws|tcp|unix):\S+", "CLIENT", line)
    return re.sub(r"\d+", "N", re.sub(r"\([^()]*\)$", "(WHY)", line))
