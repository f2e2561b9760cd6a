"""`robotd scan` against a served twin, and against ports that cannot be had."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hal import list_ports
from robotd.cli import app
from robotd.cli.exits import Exit
from tests.machine import Machine

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0
HOLD = """\
import sys
port = open(sys.argv[2], "rb", buffering=0)
print("has it", flush=True)
sys.stdin.read()
"""

run = CliRunner().invoke


@pytest.fixture(scope="module")
def arduino(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a simulated Arduino, in a process of its own."""
    port = str(tmp_path_factory.mktemp("twin") / "arduino")
    words = [sys.executable, "-m", "robotd", "twin", "config/rover.yaml", "arduino", "--pty", port]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as twin:
        assert twin.stdout is not None
        assert twin.stdout.readline() == f"ready  arduino on {port}\n"
        try:
            yield port
        finally:
            twin.kill()


@pytest.fixture
def silent() -> Iterator[str]:
    """A port at whose far end nobody is."""
    far, near = pty.openpty()
    port = os.ttyname(near)
    os.close(near)
    yield port
    os.close(far)


@pytest.fixture
def port(tmp_path: Path) -> str:
    """One that the drivers of `bus` do not open."""
    file = tmp_path / "ttyUSB0"
    file.touch()
    return str(file)


def test_what_answers_is_told_with_the_lines_of_a_robots_file(arduino: str) -> None:
    done = run(app, ["scan", "firmata", arduino])

    assert done.exit_code == Exit.DONE, done.output
    assert "\nStandardFirmata 2.5   57600" in done.stdout  # there is but one: it has no address
    assert f"  firmata: {{driver: firmata, port: {arduino}, baud: 57600, deadman: none}}" in done.stdout
    assert done.stderr.splitlines() == [
        f"{arduino}: asking for firmata at 57600 baud",
        "  StandardFirmata 2.5",
    ]


def test_a_script_gets_all_of_it_as_json_and_nothing_else(arduino: str) -> None:
    done = run(app, ["scan", "firmata", arduino, "--baud", "115200", "--json"])

    answer = json.loads(done.stdout)
    (found,) = answer["found"]
    assert done.stderr == ""
    assert answer["tried"] == [{"baud": 115200, "parity": "none"}]
    assert (found["model"], found["baud"], found["trouble"]) == ("StandardFirmata 2.5", 115200, None)
    assert found["details"]["pwm"] == "3, 5, 6, 9..11"
    assert answer["lines"].startswith("boards:\n  firmata: {driver: firmata, port: ")


def test_a_bus_is_told_device_by_device_and_nothing_in_it_twice(port: str) -> None:
    done = run(app, ["scan", "tests.cli.bus:BUS", port])

    assert done.exit_code == Exit.DONE, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["address", "model", "baud", "voltage", "temperature"] in rows
    assert ["id", "9", "SV-1", "57600", "5.0", "V"] in rows
    assert ["id", "10", "SV-1", "57600", "31", "degC"] in rows
    assert done.stdout.endswith(
        f"""
boards:
  bus: {{driver: tests.cli.bus:BUS, port: {port}, baud: 57600, deadman: none}}

devices:
  servo_9: {{kind: servo, board: bus, min: -80 deg, max: 80 deg, pin: 9}}
  servo_10: {{kind: servo, board: bus, min: -80 deg, max: 80 deg, pin: 10}}
"""
    )


def test_troubles_are_told_with_their_mend_and_one_speed_without_an_answer_ends_nothing(port: str) -> None:
    said = run(app, ["scan", "tests.cli.bus:BUS", port]).stderr

    assert "  bus: half an answer came\n" in said
    assert "  /dev/ttyUSB0: it cannot be set to 4000000 baud\n" in said
    assert "robotd: SV-1 id 10: two servos have this id; unplug one and give the other another id\n" in said
    assert (
        "robotd: SV-1 id 11 speaks at 115200 baud with even parity: set it as the others are, 57600 baud\n"
        in said
    )


def test_where_a_port_has_but_one_the_first_speed_at_which_it_answers_is_the_last(port: str) -> None:
    done = run(app, ["scan", "tests.cli.bus:SINGLE", port, "--json"])

    assert [one["model"] for one in json.loads(done.stdout)["found"]] == ["SV-0"]


def test_a_port_without_a_speed_is_looked_at_once(silent: str) -> None:
    done = run(app, ["scan", "tests.cli.bus:EMPTY", silent, "--json"])

    assert json.loads(done.stdout)["tried"] == [{"baud": 57600, "parity": "none"}]


def test_the_lines_name_the_port_by_its_lasting_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path / "pi")
    port = machine.usb_port("ttyUSB0", "0403:6001", "FT232R", by_id="usb-FTDI_FT232R-if00-port0")
    monkeypatch.setattr("hal.list_ports", partial(list_ports, machine.root))

    lasting = f"{machine.root}/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"
    assert f"port: {lasting}, baud" in run(app, ["scan", "tests.cli.bus:BUS", port]).stdout


def test_a_parity_that_the_file_would_not_guess_is_written_down(port: str) -> None:
    said = run(app, ["scan", "tests.cli.bus:EVEN", port])

    assert f"{port}: asking for tests.cli.bus:EVEN at 115200 baud with even parity\n" in said.stderr
    assert "baud: 115200, parity: even, deadman: none}" in said.stdout


def test_where_nothing_answers_it_says_what_was_tried(port: str) -> None:
    done = run(app, ["scan", "tests.cli.bus:EMPTY", port, "--json"])

    assert done.exit_code == Exit.FAILED
    assert "(tried 57600 baud, 57600 baud with even parity); is it powered" in done.stderr
    assert json.loads(done.stdout)["found"] == []


def test_a_port_that_is_not_there_is_told_with_where_to_look() -> None:
    done = run(app, ["scan", "firmata", "/dev/ttyNOBODY"])

    assert done.exit_code == Exit.CANNOT_CONNECT
    assert "there is no such port; is it plugged in?" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["firmatta", "/dev/ttyACM0"], "did you mean 'firmata'?"),
        (["firmata", "/dev/ttyACM0", "--baud", "9600"], "but at 57600, 115200"),
        (["tests.cli.bus:BLIND", "/dev/ttyACM0"], "has no way to look for what hangs on a port"),
        (["firmata", "ws://host"], "is no port: write /dev/..., usb:VID:PID or tcp://host:port"),
        (["firmata", "usb:2341"], "write usb:VID:PID, four hex digits each"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_told_with_what_does(words: list[str], sentence: str) -> None:
    done = run(app, ["scan", *words])

    assert done.exit_code in {Exit.USAGE, Exit.CANNOT_CONNECT}
    assert sentence in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("program", "code", "sentence"),
    [
        ("robotd", Exit.REFUSED, "belongs to a running robot: "),
        ("minicom", Exit.CANNOT_CONNECT, "is in use by "),
    ],
)
def test_a_port_that_somebody_has_is_left_alone_and_he_is_named(
    program: str, code: Exit, sentence: str, silent: str, tmp_path: Path
) -> None:
    script = tmp_path / program
    script.write_text(HOLD)
    words = [sys.executable, str(script), "run", silent]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"
        done = run(app, ["scan", "firmata", silent])

        assert done.exit_code == code
        assert f"{silent} {sentence}" in done.stderr
        assert f"{program} run {silent} (pid {holder.pid})" in done.stderr
        assert "asking" not in done.stderr


def test_ctrl_c_ends_it_and_gives_the_port_back(silent: str) -> None:
    words = [sys.executable, "-m", "robotd", "scan", "firmata", silent]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as scan:
        assert scan.stderr is not None
        assert scan.stderr.readline() == f"{silent}: asking for firmata at 57600 baud\n"
        scan.send_signal(signal.SIGINT)
        _, said = scan.communicate(timeout=PATIENCE_S)

        assert scan.returncode == Exit.FAILED
        assert said == "robotd: interrupted; the port is free again\n"
