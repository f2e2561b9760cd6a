"""What gets installed: the locked packages on both paths, and a wheel that works without a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MANY_S = 60.0


@pytest.fixture(scope="module")
def locked() -> dict[str, dict[str, Any]]:
    """Every package of uv.lock but our own, by name and version."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    return {
        f"{package['name']}=={package['version']}": package
        for package in lock["package"]
        if package["name"] != "robotd"
    }


def test_pip_gets_the_same_packages_with_the_same_hashes_as_uv(locked: dict[str, dict[str, Any]]) -> None:
    expected = {}
    for pin, package in locked.items():
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        expected[pin] = sorted(file["hash"] for file in files)

    lists = [ROOT / ".ci" / name for name in ("constraints.txt", "sources.txt")]
    text = "".join(path.read_text() for path in lists).replace("\\\n", " ")
    actual = {
        line.split()[0]: sorted(re.findall(r"--hash=(\S+)", line)) for line in text.splitlines() if line
    }

    assert expected == actual


def test_every_locked_package_has_a_wheel_but_for_those_that_are_built_apart(
    locked: dict[str, dict[str, Any]],
) -> None:
    apart = (ROOT / ".ci" / "sources.txt").read_text()

    assert [pin for pin, package in locked.items() if not package.get("wheels")] == apart.split()[:1]
    assert apart.count("==") == 1


def test_the_lock_is_of_these_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (ours,) = (package for package in lock["package"] if package["name"] == "robotd")

    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    metadata = ours["metadata"]
    locked_for = metadata["requires-dist"] + metadata["requires-dev"]["dev"]

    expected = {requirement["name"]: _bounds(requirement.get("specifier", "")) for requirement in locked_for}
    assert expected == dict(map(_name_and_bounds, asked))


def _name_and_bounds(requirement: str) -> tuple[str, set[str]]:
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", requirement)
    assert found is not None
    return found[1].lower(), _bounds(found[2])


def _bounds(specifier: str) -> set[str]:
    return {bound.strip() for bound in specifier.split(",") if bound.strip()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=MANY_S)
    (built,) = folder.glob("robotd-*.whl")
    return built


def test_the_wheel_holds_both_packages_their_types_the_examples_and_the_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    expected = {
        "robotd/__main__.py",
        "robotd/py.typed",
        "robotd/wire/page.html",
        "robotd/examples/rover.yaml",
        "robotd/examples/patrol.py",
        "hal/__init__.py",
        "hal/py.typed",
        "hal/testing/contract.py",
        "robotd/templates/driver/pyproject.toml",
        "robotd/templates/driver/robotd_gadget/codec.py",
        "robotd/templates/driver/tests/test_contract.py",
    }
    assert expected <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"robotd", "hal"}
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_robotd_from_the_wheel_checks_an_example_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)

    checked = _robotd(tmp_path, "check", "example:rover")

    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("ok  rover: ")


def test_robotd_from_the_wheel_installs_its_service_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)

    installed = _robotd(tmp_path, "service", "install", "--prefix", str(tmp_path / "root"))

    assert installed.returncode == 0, installed.stderr
    unit = (tmp_path / "root" / "etc" / "systemd" / "system" / "robotd.service").read_text()
    assert "KillMode=control-group" in unit


def _robotd(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "robotd", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=MANY_S,
    )


@pytest.mark.parametrize("script", ["run", "venv"])
def test_the_scripts_of_continuous_integration_can_be_run(script: str) -> None:
    assert os.access(ROOT / ".ci" / script, os.X_OK)
