"""What the README says about stopping, and about who may come in, runs as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, RunningRobot
from tests.daemon.story import robot_file
from tests.test_readme import BESIDE_PYTHON, blocks


def console(word: str) -> list[str]:
    """The commands of the one block in which `word` stands."""
    (block,) = [block for block in blocks("console") if word in block]
    return [line.removeprefix("$ ") for line in block.splitlines()]


def run(command: str, folder: Path, more: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """As a person in `folder` would."""
    folders = {"XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    path = {"PATH": f"{BESIDE_PYTHON}:{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=os.environ | folders | path | dict(more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_a_stop_says_why_and_is_lifted_by_hand(tmp_path: Path):
    stop, why, reset = console("somebody on the track")
    robot = RunningRobot(robot_file(tmp_path), "--sim")
    try:
        assert run(stop, tmp_path).returncode == 0
        told = run(why, tmp_path)
        lifted = run(f"until {reset}; do sleep 0.1; done", tmp_path)
    finally:
        assert robot.end() == 0

    assert "somebody on the track" in told.stdout.splitlines()[-1]
    assert lifted.stdout.splitlines()[-1] == "ready"


def test_whoever_has_the_token_and_the_fingerprint_comes_in(tmp_path: Path):
    certificate, token = console("robotd token add")
    (section,) = [block for block in blocks("yaml") if "tokens.json" in block]
    _, status = console("ROBOTD_FINGERPRINT")
    file = robot_file(tmp_path, listen=section.replace("0.0.0.0:8080", "127.0.0.1:0"))
    made = run(f"{certificate} --json", tmp_path)
    secret = run(token, tmp_path)
    assert (made.returncode, secret.returncode) == (0, 0), made.stderr + secret.stderr
    fingerprint = re.search(r"sha256:[0-9a-f]{64}", made.stdout)
    assert fingerprint is not None
    proof = {"ROBOTD_TOKEN": secret.stdout.split()[-1], "ROBOTD_FINGERPRINT": fingerprint[0]}
    robot = RunningRobot(file, "--sim")
    try:
        status = status.replace("wss://robot.local:8080/ws", robot.websocket)
        known, unknown = run(status, tmp_path, proof), run(status, tmp_path, proof | {"ROBOTD_TOKEN": ""})
    finally:
        assert robot.end() == 0

    assert robot.websocket.startswith("wss://")
    assert (known.returncode, "disarmed" in known.stdout) == (0, True), known.stderr
    assert (unknown.returncode, "unauthenticated" in unknown.stderr) == (5, True)


@pytest.mark.parametrize("line", [line for line in console("service install") if "--dry-run" in line])
def test_an_installation_is_shown_before_it_is_done(line: str, tmp_path: Path):
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("__pycache__"))

    shown = run(line.replace("/opt/robotd/bin/", ""), tmp_path)

    assert "ExecStart=" in shown.stdout
