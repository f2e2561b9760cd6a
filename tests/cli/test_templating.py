"""`robotd new-driver`: what it writes is sound, runs, and is found by its name once it is installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot

MANY_S = 120.0
OFTEN = 10
"""It is not armed before its battery is heard, which on a busy machine may take a while."""
run = CliRunner().invoke


def written(folder: Path, name: str = "lidar") -> Path:
    done = run(app, ["new-driver", name, "--folder", str(folder)])

    assert done.exit_code == Exit.DONE, done.output
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new driver, `lidar`."""
    return written(tmp_path_factory.mktemp("project") / "robotd-lidar")


@pytest.fixture(scope="module")
def installed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What to put into PYTHONPATH so that it is there as if pip had installed it."""
    site = tmp_path_factory.mktemp("site")
    metadata = site / "robotd_lidar-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: robotd-lidar\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[robotd.drivers]\nlidar = robotd_lidar:DRIVER\n")
    return os.pathsep.join([str(project), str(site)])


def python(folder: Path, pythonpath: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": pythonpath, "PYTHONDONTWRITEBYTECODE": "1"} | environ,
        capture_output=True,
        text=True,
        timeout=MANY_S,
    )


def test_its_own_tests_are_green(project: Path) -> None:
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:randomly")

    tested = python(project, str(project), *tests, HAL_SEEDS="1")

    assert tested.returncode == 0, tested.stdout[-3000:]


def test_its_robot_is_sound_by_the_name_of_the_installed_driver(project: Path, installed: str) -> None:
    checked = python(project, installed, "-m", "robotd", "check", "--strict", "robot.yaml")

    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("ok  lidar: 1 board, 4 devices")


def test_an_editor_is_told_of_the_installed_driver(project: Path, installed: str) -> None:
    printed = python(project, installed, "-m", "robotd", "schema")

    board = json.loads(printed.stdout)["$defs"]["Board"]
    assert "lidar" in board["properties"]["driver"]["examples"]


def test_its_robot_runs_simulated_by_the_name_of_its_module(project: Path, tmp_path: Path) -> None:
    text = (project / "robot.yaml").read_text().replace("127.0.0.1:8080", "127.0.0.1:0")
    file = tmp_path / "robot.yaml"
    file.write_text(text.replace("driver: lidar", 'driver: "robotd_lidar:DRIVER"'))
    robot = RunningRobot(file, "--sim", PYTHONPATH=str(project))
    try:
        for _ in range(OFTEN):
            armed = python(tmp_path, str(project), "-m", "robotd", "send", "arm", "--url", robot.unix)
            if armed.returncode != Exit.REFUSED:
                break
    finally:
        ended = robot.end(signal.SIGINT)

    assert armed.returncode == 0, armed.stderr
    assert ended == 0


def test_a_scan_finds_its_twin_on_a_serial_line_by_the_name_of_the_installed_driver(
    project: Path, installed: str, tmp_path: Path
) -> None:
    port = str(tmp_path / "port")
    words = [sys.executable, "-m", "robotd", "twin", "robot.yaml", "lidar", "--pty", port]
    environ = os.environ | {"PYTHONPATH": installed}
    with subprocess.Popen(
        words, cwd=project, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as twin:
        assert twin.stdout is not None
        assert twin.stdout.readline() == f"ready  lidar on {port}\n"
        scanned = python(project, installed, "-m", "robotd", "scan", "lidar", port)
        twin.kill()

    assert scanned.returncode == 0, scanned.stderr
    assert "Lidar 1.0   115200   12.00 V" in scanned.stdout
    assert f"  lidar: {{driver: lidar, port: {port}, baud: 115200}}\n" in scanned.stdout


@pytest.mark.parametrize("name", ["io", "my_laser_of_2_metres"])
def test_what_it_writes_is_formatted_and_clean_whatever_the_name(name: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "project", name)

    for words in (["format", "--check"], ["check"]):
        judged = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "."],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert judged.returncode == 0, judged.stdout


def test_nothing_of_the_template_is_left_in_it(project: Path) -> None:
    files = [path for path in project.rglob("*") if path.is_file() and "__pycache__" not in path.parts]

    assert [path for path in files if "gadget" in f"{path}{path.read_text()}".lower()] == []


def test_the_next_step_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    done = run(app, ["new-driver", "lidar", "--folder", str(tmp_path / "my driver")])

    assert f"  cd '{tmp_path}/my driver'\n" in done.stdout


def test_a_script_is_told_what_was_written(tmp_path: Path) -> None:
    done = run(app, ["new-driver", "lidar", "--folder", str(tmp_path / "new"), "--json"])

    told = json.loads(done.stdout)
    assert told["folder"] == str(tmp_path / "new")
    assert all(Path(file).is_file() for file in told["files"])
    assert str(tmp_path / "new" / "robotd_lidar" / "codec.py") in told["files"]


@pytest.mark.parametrize("name", ["Lidar", "2d_lidar", "li-dar", "", "lidar_", "x" * 21, "firmata"])
def test_a_name_that_cannot_be_or_is_taken_is_refused_with_the_next_step(name: str, tmp_path: Path) -> None:
    done = run(app, ["new-driver", name, "--folder", str(tmp_path / "new")])

    assert done.exit_code == Exit.USAGE
    assert ";" in done.stderr
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine\n")

    done = run(app, ["new-driver", "lidar", "--folder", str(tmp_path)])

    assert done.exit_code == Exit.FAILED
    assert "is there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
