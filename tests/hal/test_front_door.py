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


def test_importing_hal_imports_no_driver_and_no_serial_library() -> None:
    code = "import sys, hal; print([n for n in sys.modules if n.startswith(('hal.drivers.', 'serial'))])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert ast.literal_eval(done.stdout) == []


def test_hal_never_imports_robotd() -> None:
    code = "import sys, hal; hal.find_driver('firmata'); print([n for n in sys.modules if 'robotd' in n])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert ast.literal_eval(done.stdout) == []
