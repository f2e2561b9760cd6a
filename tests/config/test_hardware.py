"""Hardware of the user's own: a driver named by its module brings kinds, verbs, readings and checks."""

import pytest

from tests.config.robots import Bench

LASER = """\
from typing import Literal

from hal import Device, DeviceRefused, DeviceSpec, DigitalOutput, DigitalOutputSpec, Driver, verb
from hal.drivers.firmata import DRIVER as FIRMATA
from hal.drivers.firmata.board import FirmataBoard


class LaserSpec(DigitalOutputSpec, frozen=True):
    kind: Literal["laser"] = "laser"
    watts: float


class Laser(DigitalOutput):
    KIND = "laser"
    READINGS = {"on": "bool", "power": "W"}

    @verb(moves=False)
    def burn(self, power_w: float, pulses: int = 1) -> None: ...


class LaserBoard(FirmataBoard):
    def add(self, name, spec):
        if spec.kind != "laser":
            return super().add(name, spec)
        if spec.watts > 5:
            raise DeviceRefused(name, "more than 5 W need another supply")
        return Laser(name, spec, None)


DRIVER = Driver(
    name="laser",
    board_spec=FIRMATA.board_spec,
    device_specs={**FIRMATA.device_specs, "laser": LaserSpec},
    board=LaserBoard,
    twin=FIRMATA.twin,
)
"""


@pytest.fixture
def laser(bench: Bench, monkeypatch) -> Bench:
    """The small robot with a board of the user's own, and a laser on it."""
    (bench.folder / "robotd_test_laser.py").write_text(LASER)
    monkeypatch.syspath_prepend(bench.folder)
    bench.change("driver: firmata", "driver: 'robotd_test_laser:DRIVER'")
    bench.change("events:\n", "  beam: {kind: laser, board: arduino, watts: 2}\nevents:\n")
    bench.text += (
        "    - {trigger: burn, source: armed, do: beam.burn, when: not beam.on and beam.power < 3}\n"
    )
    return bench


def test_its_verbs_are_actions_and_its_readings_stand_in_expressions(laser: Bench):
    config = laser.load()

    assert config.commands["burn"].bind({"power": "2 W"}) == {"power": 2.0, "pulses": 1}
    assert config.devices["beam"].kind == "laser"


def test_a_misspelled_reading_or_verb_of_it_is_found(laser: Bench):
    laser.change("beam.power < 3", "beam.powr < 3").change("do: beam.burn", "do: beam.brun")

    assert [fault.sentence for fault in laser.faults()] == [
        "beam has no verb 'brun'",
        "there is no reading or state 'beam.powr'",
    ]


def test_a_key_of_it_is_checked(laser: Bench):
    assert laser.change("watts: 2", "wats: 2").faults()[0].sentence == "unknown key 'wats'"


def test_a_fault_in_it_is_not_followed_by_others_about_what_it_could_do(laser: Bench):
    assert (
        laser.change("watts: 2", "watts: two").fault().sentence == "a number is due here, not the text 'two'"
    )


def test_a_check_of_its_own_is_told(laser: Bench):
    fault = laser.change("watts: 2", "watts: 9").fault()

    assert "more than 5 W need another supply" in fault.sentence
    assert fault.hint == "the driver of arduino says so"


def test_where_the_board_itself_is_at_fault_nothing_is_said_about_its_devices(laser: Bench):
    assert laser.change("baud: 57600", "baud: fast").fault().where.line == 3
