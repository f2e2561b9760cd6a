"""What works without the libraries of the extras, and what is said where one is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hal.registry import EXTRAS
from robotd.cli.exits import Exit

ROOT = Path(__file__).parents[2]
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from robotd.__main__ import main
main()
"""
CELL = """
robot: cell
boards: {line: {driver: modbus, port: /dev/ttyUSB0}}
machine: {version: 1, initial: idle, states: {idle: {}}}
"""


def robotd_without_extras(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=set(EXTRAS)), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_robot_that_needs_no_extra_is_checked_without_them() -> None:
    checked = robotd_without_extras("check", "config/rover.yaml")

    assert checked.returncode == Exit.DONE, checked.stderr
    assert checked.stdout.startswith("ok  rover")


def test_a_robot_that_needs_one_is_told_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text(CELL)

    checked = robotd_without_extras("check", str(tmp_path / "cell.yaml"))

    assert checked.returncode == Exit.FILE_INVALID
    assert "error: the driver 'modbus' needs pymodbus" in checked.stderr
    assert "hint: install it with: pip install 'robotd[modbus]'" in checked.stderr


def test_the_schema_leaves_out_what_cannot_be_imported_and_says_so() -> None:
    printed = robotd_without_extras("schema")

    assert printed.returncode == Exit.DONE
    drivers = json.loads(printed.stdout)["$defs"]["Board"]["properties"]["driver"]["examples"]
    assert "firmata" in drivers
    assert "modbus" not in drivers
    assert "left out: the driver 'modbus' needs pymodbus; install it with: pip install" in printed.stderr


@pytest.mark.parametrize("package", EXTRAS)
def test_every_extra_is_one_of_the_project(package: str) -> None:
    extras = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]

    assert f'{EXTRAS[package]} = [\n    "{package}' in extras
