"""`robotd sim`: what it lives, what it says, what it writes and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit

ROVER = (Path(__file__).parents[2] / "config" / "rover.yaml").read_text()
PATROL = (Path(__file__).parents[2] / "config" / "patrol.py").read_text()
MINUTES = ["--hours", "0.02"]

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a rover whose file says that it must never be armed."""
    (tmp_path / "never.yaml").write_text(ROVER.replace("robot: rover", "robot: rover\nnever: armed"))
    (tmp_path / "patrol.py").write_text(PATROL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_lives_and_tells_what_it_has_seen(folder: Path) -> None:
    done = run(app, ["sim", "example:rover", *MINUTES, "--faults", "10%", "--seed", "7"])

    assert done.exit_code == Exit.DONE, done.output
    assert "armed.teleop" in done.stdout
    assert "rarest transitions" in done.stdout
    assert "each command ends in exactly one terminal stage" in done.stdout
    assert "times as fast" in done.stdout


@pytest.mark.no_cover
def test_a_script_reads_it_as_json_and_the_same_seed_says_the_same(folder: Path) -> None:
    words = ["sim", "example:rover", *MINUTES, "--faults", "5%", "--seed", "3", "--seeds", "2", "--json"]
    first, second = (json.loads(run(app, words).stdout) for _ in range(2))

    assert first["ok"]
    assert first["digests"] == second["digests"]
    assert list(first["digests"]) == ["3", "4"]
    assert first["coverage"]["states"]["armed"] > 0
    assert first["checked"]["freshness"] > 0


@pytest.mark.no_cover
def test_it_compares_each_life_with_a_second_one_where_that_is_asked_for(folder: Path) -> None:
    assert run(app, ["sim", "example:rover", *MINUTES, "--check-repeat"]).exit_code == Exit.DONE


@pytest.mark.no_cover
def test_two_processes_live_the_same_lives_as_one(folder: Path) -> None:
    words = ["sim", "example:rover", *MINUTES, "--seeds", "2", "--json"]
    one, two = (json.loads(run(app, [*words, "--jobs", jobs]).stdout) for jobs in ("1", "2"))

    assert one["digests"] == two["digests"]
    assert one["coverage"] == two["coverage"]


def test_what_the_file_forbids_is_found_and_written_as_a_scenario_that_fails_the_same(folder: Path) -> None:
    found = run(app, ["sim", "never.yaml", *MINUTES, "--out", "found", "--shrink-for", "10"])
    (scenario,) = (folder / "found").iterdir()
    again = run(app, ["test", str(scenario)])

    assert found.exit_code == Exit.FAILED
    assert "broken: never: armed" in found.stdout
    assert "never.yaml:8" in found.stdout
    assert f"robotd test found/{scenario.name}" in found.stdout
    assert again.exit_code == Exit.FAILED
    assert "never: armed" in again.stdout
    assert scenario.read_text().count("  - ") <= 4


def test_a_scenario_that_cannot_be_written_loses_nothing_of_what_is_known(folder: Path) -> None:
    found = run(app, ["sim", "never.yaml", *MINUTES, "--out", "patrol.py/found", "--shrink-for", "1"])

    assert found.exit_code == Exit.FAILED
    assert "broken: never: armed" in found.stdout
    assert "patrol.py/found: Not a directory" in found.stderr


@pytest.mark.parametrize("faults", ["2 V", "-1%", "100%", "many"])
def test_a_share_of_faults_that_is_none_is_a_usage_error(faults: str, folder: Path) -> None:
    assert run(app, ["sim", "example:rover", "--faults", faults]).exit_code == Exit.USAGE


@pytest.mark.parametrize("hours", ["nan", "inf", "0", "-1", "many"])
def test_hours_that_nobody_lives_are_a_usage_error(hours: str, folder: Path) -> None:
    assert run(app, ["sim", "example:rover", "--hours", hours]).exit_code == Exit.USAGE


def test_an_invalid_file_is_told_with_its_exit_code(folder: Path) -> None:
    (folder / "bad.yaml").write_text("robot: rover\nbords: {}\n")

    assert run(app, ["sim", "bad.yaml"]).exit_code == Exit.FILE_INVALID


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_it_and_what_is_known_is_told(jobs: str, folder: Path) -> None:
    words = ["sim", "never.yaml", "--hours", "0.02", "--seeds", "100000", "--jobs", jobs]
    process = subprocess.Popen(
        [sys.executable, "-m", "robotd", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "failed" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGINT)
    told, complaints = process.communicate(timeout=20.0)

    assert process.returncode == Exit.FAILED
    assert "interrupted after" in complaints
    assert "Traceback" not in complaints
    assert "armed.teleop" in told
