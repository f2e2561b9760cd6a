"""What the README tells people to run, run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.counts import CAMPAIGN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BESIDE_PYTHON = Path(sys.executable).parent
RUN_S = 120


def blocks(language: str) -> list[str]:
    """The code blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line as a person would who has robotd on the path."""
    environment = {**os.environ, "PATH": f"{BESIDE_PYTHON}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def workflow_steps() -> list[str]:
    """What the workflow for a robot's own repository runs, without the installation."""
    (workflow,) = (block for block in blocks("yaml") if "runs-on" in block)
    return [
        line for line in re.findall(r"^ +- run: (.+)$", workflow, re.MULTILINE) if not line.startswith("pip ")
    ]


FEW = ("a-drive-lapses.yaml", "a-bump-stops-the-wheels.yaml")
"""Scenarios that stand for all: one command of the README runs all of them, and so do tests of their own."""


def _all_but_few(folder: str, names: list[str]) -> list[str]:
    """For a copy of `config`: what stays behind."""
    stories = folder.endswith("scenarios")
    return [name for name in names if name == "__pycache__" or (stories and name not in FEW)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A robot's own repository: its file, its handlers, a few scenarios."""
    robot = tmp_path / "robot"
    (robot / "scenarios").mkdir(parents=True)
    for name in ("rover.yaml", "patrol.py"):
        shutil.copy(ROOT / "config" / name, robot)
    for name in FEW:
        shutil.copy(ROOT / "config" / "scenarios" / name, robot / "scenarios")
    return robot


def test_the_workflow_has_steps():
    assert [step.split()[1] for step in workflow_steps()] == ["check", "sim"]


@pytest.mark.parametrize("step", workflow_steps())
def test_each_step_of_the_workflow_passes_in_a_repository_of_its_own(step: str, repository: Path):
    """Only a campaign lives the hour: there are tests of their own for hours."""
    done = run(step if CAMPAIGN else step.replace("--hours 1 ", "--hours 0.1 "), repository)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_fails_with_1_where_a_scenario_does_and_with_78_where_a_file_is_invalid(
    repository: Path,
):
    check_and_test = workflow_steps()[0]
    story = repository / "scenarios" / "a-drive-lapses.yaml"
    story.write_text(story.read_text().replace("send: arm", "send: disarm"))
    assert run(check_and_test, repository).returncode == 1

    robot = repository / "rover.yaml"
    robot.write_text(robot.read_text() + "nonsense: 1\n")

    assert run(check_and_test, repository).returncode == 78


BY_HAND = ("check", "test", "graph", "sim", "schema", "init", "new-driver")
"""The commands that end by themselves and need no robot."""
PORT = "/dev/ttyUSB0"
"""What is looked at needs somebody at its far end."""


@pytest.mark.parametrize(
    "command",
    sorted(
        {
            line.removeprefix("$ ").strip()
            for block in blocks("console")
            for line in block.splitlines()
            if line.startswith("$ robotd ")
            and line.split()[2] in BY_HAND
            and "--hours" not in line
            and PORT not in line
        }
    ),
)
def test_each_command_that_needs_no_running_robot_does_what_it_says(command: str, tmp_path: Path):
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=_all_but_few)

    done = run(command, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scenario_of_the_readme_runs_as_it_stands(tmp_path: Path):
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("__pycache__"))
    (story,) = (block for block in blocks("yaml") if block.startswith("robot: ../rover.yaml"))
    (tmp_path / "config" / "scenarios" / "of-the-readme.yaml").write_text(story)

    done = run("robotd test config/scenarios/of-the-readme.yaml", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_invariants_of_the_readme_hold_for_the_rover(repository: Path):
    (invariants,) = (block for block in blocks("yaml") if block.startswith("never:"))
    robot = repository / "rover.yaml"
    robot.write_text(robot.read_text() + "\n" + invariants)

    done = run("robotd check rover.yaml --strict && robotd test scenarios", repository)

    assert done.returncode == 0, done.stdout + done.stderr
