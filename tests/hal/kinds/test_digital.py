import math

import pytest

from hal.device import Reading
from hal.errors import DeviceUnavailable
from hal.kinds import DigitalInput, DigitalInputSpec, DigitalOutput, DigitalOutputSpec
from tests.hal.bench import Wire


def lamp(wire: Wire, **spec: object) -> DigitalOutput:
    device = DigitalOutput("lamp", DigitalOutputSpec.model_validate(spec), wire)
    device.present()
    device.activate()
    return device


@pytest.mark.parametrize(("active", "on_level", "off_level"), [("high", 1.0, 0.0), ("low", 0.0, 1.0)])
async def test_a_switch_writes_the_level_that_means_on(active, on_level, off_level):
    wire = Wire()
    device = lamp(wire, active=active)

    assert device.write(True) is True
    assert device.write(False) is False
    assert wire.values == [on_level, off_level]


@pytest.mark.parametrize(("active", "off_level"), [("high", 0.0), ("low", 1.0)])
async def test_a_stop_switches_off(active, off_level):
    wire = Wire()
    device = lamp(wire, active=active)
    device.write(True)
    device.halt()
    reading = device.reading()

    assert wire.last == off_level
    assert reading is not None
    assert reading.value is False


async def test_a_switch_that_keeps_is_left_as_it_is_by_a_stop():
    wire = Wire()
    device = lamp(wire, on_stop="keep")
    device.write(True)
    device.deactivate()
    reading = device.reading()

    assert wire.values == [1.0]
    assert reading is not None
    assert reading.value is True
    with pytest.raises(DeviceUnavailable):
        device.write(False)


async def test_whether_a_lamp_is_on_is_not_known_before_it_was_switched():
    assert lamp(Wire()).reading() is None


@pytest.mark.parametrize(("active", "level"), [("high", True), ("low", False)])
def test_an_input_is_active_at_its_active_level(active, level):
    device = DigitalInput("bumper", DigitalInputSpec(active=active))
    device.update(level, at=1.0)
    assert device.reading() == Reading(True, "bool", 1.0)

    device.update(not level, at=2.0)
    assert device.reading() == Reading(False, "bool", 2.0)


def test_listeners_are_told_of_edges_only_and_the_age_counts_from_the_boards_last_word():
    device = DigitalInput("bumper", DigitalInputSpec())
    told: list[str] = []
    device.listeners.append(lambda _, name: told.append(name))
    device.heard(at=0.5)
    assert device.reading() is None

    device.update(True, at=1.0)
    device.update(True, at=1.1)
    device.heard(at=1.2)

    assert told == ["active"]
    assert device.reading() == Reading(True, "bool", 1.2)


def test_listeners_are_told_when_a_stale_level_is_fresh_again():
    device = DigitalInput("bumper", DigitalInputSpec.model_validate({"stale": "200 ms"}))
    told: list[str] = []
    device.listeners.append(lambda _, name: told.append(name))
    device.update(True, at=1.0)
    device.heard(at=1.3)

    assert told == ["active", "active"]
    assert device.stale_after_s == 0.2
    assert math.isclose(DigitalInput("bumper", DigitalInputSpec()).stale_after_s or 0, 0.5)
