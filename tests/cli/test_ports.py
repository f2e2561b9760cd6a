"""`robotd ports`: the ports of a machine that lies in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from hal import list_ports
from robotd.cli import app
from tests.machine import Machine

run = CliRunner().invoke


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """The one that is asked about, in a folder with a short name: a row of a table should be one line."""
    with TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "pi")
        monkeypatch.setattr("hal.list_ports", partial(list_ports, machine.root))
        yield machine


def test_where_nothing_is_plugged_in_it_says_so(machine: Machine) -> None:
    assert run(app, ["ports"]).stdout == "no serial port is plugged in\n"


def test_each_port_is_told_with_its_lasting_name_and_its_use(machine: Machine) -> None:
    uno = machine.usb_port("ttyACM0", "2341:0043", "Arduino Uno", by_id="usb-Arduino_Uno-if00")
    machine.port("ttyAMA0")
    machine.process(41, ["/usr/bin/minicom", "-D", "/dev/ttyACM0"], opened=[uno])

    _, heading, first, second = run(app, ["ports"]).stdout.splitlines()

    assert heading.split() == ["port", "device", "usb", "what", "use"]
    assert first.split()[0].endswith("/dev/serial/by-id/usb-Arduino_Uno-if00")
    assert "2341:0043   Arduino Uno   minicom -D /dev/ttyACM0 (pid 41)" in first
    assert second.rstrip().endswith("free")


def test_on_a_narrow_terminal_a_name_stays_whole_so_that_it_can_be_copied(machine: Machine) -> None:
    name = "usb-FTDI_USB__-__Serial_Converter_FT4THVL2-if00-port0"
    machine.usb_port("ttyUSB0", "0403:6014", "Converter", by_id=name)

    _, first, second = run(app, ["ports"], env={"TTY_COMPATIBLE": "1", "COLUMNS": "80"}).stdout.splitlines()

    assert first.endswith(f"/dev/serial/by-id/{name}")
    assert second.endswith("ttyUSB0   0403:6014   Converter   free")


def test_a_port_that_may_not_be_used_is_told_with_the_mend(machine: Machine) -> None:
    port = machine.port("ttyAMA0")
    found = list_ports(machine.root)
    os.unlink(port)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hal.list_ports", lambda: found)
        told, as_json = run(app, ["ports"]).stdout, run(app, ["ports", "--json"]).stdout

    (info,) = json.loads(as_json)
    assert "no permission" in told
    assert f"{port}: it is gone; plug it in again" in told
    assert (info["permitted"], info["mend"]) == (False, "it is gone; plug it in again")


def test_a_script_gets_who_holds_it(machine: Machine) -> None:
    uno = machine.usb_port("ttyACM0", "2341:0043", "Arduino Uno", by_id="usb-Arduino_Uno-if00")
    machine.process(41, ["robotd", "run"])
    machine.lock(41, uno)

    (info,) = json.loads(run(app, ["ports", "--json"]).stdout)

    lasting = f"{machine.root}/dev/serial/by-id/usb-Arduino_Uno-if00"
    assert info == {
        "name": lasting,
        "device": uno,
        "by_id": lasting,
        "by_path": None,
        "usb_id": "2341:0043",
        "description": "Arduino Uno",
        "holders": [{"pid": 41, "command": "robotd run"}],
        "permitted": True,
        "mend": None,
    }
