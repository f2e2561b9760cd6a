"""`import hal`: its script runs, its names are there, and it is quick."""

import ast
import asyncio
import subprocess
import sys

import pytest

import hal
from tests import virtual

SCRIPT = str(hal.__doc__).partition("```python\n")[2].partition("```")[0]


def test_the_script_in_the_docstring_is_ten_lines_and_drives_the_twin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(SCRIPT.splitlines()) <= 10
    monkeypatch.setattr(asyncio, "run", virtual.run)

    exec(compile(SCRIPT, "the docstring of hal", "exec"), {})

    driven_m, x_m = map(float, capsys.readouterr().out.split())
    assert driven_m == pytest.approx(0.5, abs=0.01)
    assert x_m == pytest.approx(0.5, abs=0.05)


def test_the_script_runs_as_it_stands_in_real_time() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stderr == ""


def test_every_name_of_the_front_door_is_there() -> None:
    for name in hal.__all__:
        assert getattr(hal, name) is not None
    assert len(set(hal.__all__)) == len(hal.__all__)


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """The modules that are there after `import hal`, and when all drivers were found, in a fresh process."""
    code = (
        "import sys, hal; first = [*sys.modules]; [hal.find_driver(name) for name in hal.DRIVERS]; "
        "print(dict(first=first, later=[*sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    modules: dict[str, list[str]] = ast.literal_eval(done.stdout)
    return modules


def test_importing_hal_imports_no_driver_and_no_serial_library(imported: dict[str, list[str]]) -> None:
    assert [name for name in imported["first"] if name.startswith(("hal.drivers.", "serial"))] == []


def test_hal_never_imports_robotd(imported: dict[str, list[str]]) -> None:
    assert [name for name in imported["later"] if "robotd" in name] == []


def test_only_the_tests_for_drivers_import_pytest(imported: dict[str, list[str]]) -> None:
    assert [name for name in imported["later"] if name.startswith(("pytest", "_pytest", "hal.testing"))] == []
