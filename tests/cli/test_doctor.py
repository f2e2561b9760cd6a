"""`robotd doctor`: what people and scripts get of it. What it finds is tested beside `robotd.doctor`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.doctor.conftest import Patient

run = CliRunner().invoke

TIMER = "sys/bus/usb-serial/devices/ttyUSB0/latency_timer"
ROBOT = """\
robot: lamp
boards: {uno: {driver: firmata, port: PORT, deadman: none}}
devices: {lamp: {kind: digital_output, board: uno, pin: 13}}
machine: {initial: dark, states: {dark: {}}}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """The one that is looked at, in a folder: all is well with it."""
    patient = Patient(tmp_path / "machine")
    monkeypatch.setattr(
        "robotd.doctor.Machine", lambda now_s, program: replace(patient.examined(), program=program)
    )
    return patient


@pytest.fixture
def slow(machine: Patient) -> Patient:
    """One with an adapter that waits."""
    machine.write(TIMER, "16\n")
    return machine


def robot(folder: Path, port: str) -> str:
    """The file of a robot with one board at this port."""
    file = folder / "robot.yaml"
    file.write_text(ROBOT.replace("PORT", port))
    return str(file)


def test_where_all_is_well_it_says_so_and_ends_well(machine: Patient) -> None:
    done = run(app, ["doctor"])

    assert done.exit_code == Exit.DONE, done.output
    assert done.stdout.startswith("ok  looked at ")
    assert done.stdout.endswith(": all is well\n")


def test_each_finding_is_told_with_its_mend_and_its_commands_the_worst_first(
    slow: Patient, tmp_path: Path
) -> None:
    file = robot(tmp_path, "/dev/ttyUSB7")

    done = run(app, ["doctor", file])

    assert done.exit_code == Exit.FAILED
    first, second, last = done.stdout.split("\n\n")
    assert first == (
        "error[port-missing]: uno: there is no port /dev/ttyUSB7\n"
        "  mend: plug it in, or write its name into the file\n"
        "    robotd ports"
    )
    assert second.startswith("warning[latency-timer]: the adapter ttyUSB0 keeps each answer for 16 ms")
    assert f"\n    echo 1 | sudo tee /{TIMER}\n    sudo /" in second
    assert second.endswith(f"/robotd service install {file}")
    assert last.startswith("FAILED  looked at ")
    assert last.endswith(": 1 error, 1 warning\n")


def test_nothing_that_is_told_steers_the_terminal(machine: Patient) -> None:
    odd = machine.usb_port("ttyACM1", "2341:0043", "Odd")
    machine.process(41, ["mini\x1b[31mcom"], opened=[odd])
    machine.write("sys/devices/usb1/ttyACM1/power/control", "auto\n")
    machine.link("dev/serial/by-id/usb-\x1b[31m-if00", "../../ttyACM1")

    done = run(app, ["doctor"])

    assert "usb-autosuspend" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("words", "code"), [([], Exit.DONE), (["--strict"], Exit.FAILED)])
def test_a_warning_fails_only_where_it_is_asked_to(words: list[str], code: Exit, slow: Patient) -> None:
    assert run(app, ["doctor", *words]).exit_code == code


def test_a_script_gets_all_of_it_as_json(machine: Patient, tmp_path: Path) -> None:
    file = robot(tmp_path, "/dev/ttyACM0")

    said = json.loads(run(app, ["doctor", file, "--json"]).stdout)

    assert (said["ok"], said["robot"]) == (True, "lamp")
    assert said["findings"] == [
        {
            "code": "port-name",
            "severity": "warning",
            "sentence": "uno: /dev/ttyACM0 may be another device after the next plugging",
            "mend": "write into the file: port: /dev/serial/by-id/usb-Arduino_Uno-if00",
            "commands": [],
        }
    ]


def test_the_ports_of_an_example_are_looked_for_too(machine: Patient) -> None:
    done = run(app, ["doctor", "example:rover", "--json"])

    (found,) = json.loads(done.stdout)["findings"]
    assert done.exit_code == Exit.FAILED
    assert found["sentence"] == "gps: there is no port /dev/serial/by-id/usb-u-blox_AG_C_GNSS-if00"


def test_a_file_with_errors_is_told_as_by_every_other_command(tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("robot: rover\nbords: {}\n")

    assert run(app, ["doctor", str(file)]).exit_code == Exit.FILE_INVALID
