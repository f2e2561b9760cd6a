"""`robotd send` of a G-code file: a bar on a terminal until it has ended, one word on a pipe."""

from __future__ import annotations

import os
import pty
import re
import sys
from collections.abc import Iterator

import pytest

from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot

ROBOT = """
robot: plotter
boards: {cnc: {driver: grbl, port: /dev/ttyACM0, deadman: none}}
devices:
  gantry: {kind: gantry, board: cnc, x: 300 mm, y: 200 mm, z: 80 mm, max_speed: 80 mm/s, homing: false}
machine:
  initial: idle
  states: {idle: {active: all}, program: {active: all, unattended: true}}
  transitions:
    - {trigger: run_job, source: idle, dest: program, do: gantry.run_job}
    - {trigger: [gantry.run_job.done, gantry.run_job.failed], source: program, dest: idle}
listen: {websocket: off, tcp: 127.0.0.1:0, unix: robotd.sock}
"""
JOB = "\n".join(["G21 G90 F4800", *(f"G1 X{-0.5 * n}" for n in range(1, 101)), "M2"])


@pytest.fixture(scope="module")
def plotter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRobot]:
    folder = tmp_path_factory.mktemp("plotter")
    (folder / "plotter.yaml").write_text(ROBOT)
    (folder / "job.nc").write_text(JOB)
    (folder / "bad.nc").write_text("G21\nG5 X1\n")
    robot = RunningRobot(folder / "plotter.yaml", "--sim")
    yield robot
    assert robot.end() == 0


def send_on_a_terminal(robot: RunningRobot, file: str) -> tuple[int, str]:
    """The exit code, and everything that a person would have seen."""
    pid, terminal = pty.fork()
    if pid == 0:
        words = [sys.executable, "-m", "robotd", "send", "run_job", f"file={file}", "--url", robot.unix]
        os.execve(sys.executable, words, os.environ | {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"})
    seen = b""
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
    except OSError:  # its end
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def test_on_a_terminal_a_bar_runs_until_the_job_has_ended(plotter: RunningRobot) -> None:
    code, seen = send_on_a_terminal(plotter, "job.nc")

    assert code == Exit.DONE
    assert "/100" in seen
    assert re.search(r"line \d", seen)
    assert "result 102" in seen


def test_a_job_that_is_refused_is_told_with_its_line(plotter: RunningRobot) -> None:
    code, seen = send_on_a_terminal(plotter, "bad.nc")

    assert code == Exit.FAILED
    assert "bad.nc, line 2" in " ".join(seen.split())
