import math

import pytest
from pydantic import ValidationError

from hal.device import Device, Reading
from hal.kinds import AnalogInput, AnalogInputSpec


def analog(**spec: str) -> AnalogInput:
    return AnalogInput("battery", AnalogInputSpec.model_validate(spec))


def test_a_raw_value_is_scaled_and_has_the_unit_of_the_scale():
    battery = analog(scale="15.7 mV")
    battery.update(764, at=1.0)

    assert battery.reading() == Reading(764 * 0.0157, "V", 1.0)
    assert battery.readings_units() == AnalogInput.units_of(battery.spec) == {"value": "V"}


def test_an_offset_is_what_a_raw_zero_stands_for():
    sensor = analog(scale="0.5 degC", offset="-50 degC")
    sensor.update(0, at=1.0)
    assert sensor.reading() == Reading(-50.0, "degC", 1.0)

    sensor.update(200, at=2.0)
    assert sensor.reading() == Reading(50.0, "degC", 2.0)


def test_an_offset_in_another_unit_is_refused():
    with pytest.raises(ValidationError, match="the offset is in V, the scale in degC"):
        analog(scale="0.5 degC", offset="-50 mV")


def test_without_a_scale_the_reading_is_the_raw_count():
    sensor = analog()
    sensor.update(512, at=1.0)

    assert sensor.reading("value") == Reading(512.0, "", 1.0)


def test_listeners_are_told_of_every_report():
    battery = analog(scale="1 V")
    told: list[tuple[Device, str]] = []
    battery.listeners.append(lambda device, name: told.append((device, name)))
    battery.update(3, at=1.0)
    battery.update(3, at=1.05)

    assert told == [(battery, "value")] * 2
    assert battery.reading() == Reading(3.0, "V", 1.05)


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf, 1e308])
def test_a_report_that_is_no_finite_number_is_left_out(raw):
    battery = analog(scale="1000 V")
    battery.update(3, at=1.0)
    battery.update(raw, at=2.0)

    assert battery.reading() == Reading(3000.0, "V", 1.0)


@pytest.mark.parametrize(
    ("spec", "stale_after_s"),
    [
        ({}, 0.15),
        ({"sample": "100 ms"}, 0.3),
        ({"sample": "10 ms"}, 0.1),
        ({"sample": "10 ms", "stale": "30 ms"}, 0.03),
    ],
)
def test_a_reading_goes_stale_after_three_periods_but_not_within_100_ms(spec, stale_after_s):
    assert analog(**spec).stale_after_s == pytest.approx(stale_after_s)
