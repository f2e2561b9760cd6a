import asyncio
import math

import pytest

from hal.errors import LinkFull, OutOfRange
from hal.kinds import Motor, MotorSpec
from tests import virtual
from tests.hal.bench import Wire


def motor(wire: Wire, **spec: object) -> Motor:
    device = Motor("pump", MotorSpec.model_validate(spec), wire)
    device.present()
    device.activate()
    return device


async def test_a_duty_is_written_and_returned():
    wire = Wire()

    assert motor(wire).set_duty(-0.25) == -0.25
    assert wire.values == [-0.25]


@pytest.mark.parametrize("duty", [0.81, -1.0, math.nan, math.inf, -math.inf])
async def test_a_duty_beyond_the_largest_is_refused(duty):
    wire = Wire()

    with pytest.raises(OutOfRange, match=r"pump: duty .* -?0\.8$") as refusal:
        motor(wire, max_duty=0.8).set_duty(duty)

    assert abs(refusal.value.limit) == 0.8
    assert refusal.value.unit == ""
    assert wire.log == []


async def test_a_clamping_motor_cuts_a_finite_duty_and_refuses_one_that_is_no_number():
    wire = Wire()
    device = motor(wire, max_duty=0.8, on_limit="clamp")

    assert device.set_duty(99) == 0.8
    assert device.set_duty(-1.0) == -0.8
    with pytest.raises(OutOfRange):
        device.set_duty(math.nan)


async def test_a_duty_that_rounding_put_beyond_the_limit_is_cut_and_one_that_is_no_number_stops():
    wire = Wire()
    device = motor(wire)
    device.apply(math.nextafter(1.0, 2.0), now=0.0)
    device.apply(math.nan, now=0.0)
    device.apply(-math.inf, now=0.0)

    assert wire.values == [1.0, 0.0, -1.0]


async def test_a_duty_that_the_wire_refused_is_not_told_as_if_it_were_there():
    wire = Wire()
    device = motor(wire)
    wire.refusal = LinkFull("4096 bytes wait")
    with pytest.raises(LinkFull):
        device.set_duty(0.5)

    reading = device.reading()
    assert reading is not None
    assert reading.value == 0.0
    assert device.at_rest


@pytest.mark.parametrize("on_stop", ["zero", "off"])
def test_a_stop_writes_zero_even_when_nothing_was_commanded(on_stop):
    wire = Wire()
    motor(wire, on_stop=on_stop).halt()

    assert wire.values == [0.0]


def test_a_vacuum_pump_keeps_running_over_a_stop_and_counts_as_at_rest():
    wire = Wire()

    async def story() -> None:
        pump = motor(wire, on_stop="keep")
        pump.set_duty(0.9)
        pump.halt()
        assert pump.at_rest
        assert pump.rest_since == 0.0
        reading = pump.reading("moving")
        assert reading is not None
        assert reading.value is True
        pump.set_duty(0.9)
        assert not pump.at_rest
        await asyncio.sleep(1)
        assert wire.values == [0.9, 0.9]
        pump.vanish()
        pump.present()
        reading = pump.reading("duty")
        assert reading is not None
        assert reading.value == 0.0

    virtual.run(story())


def test_rest_counts_from_the_last_movement_not_from_the_last_stop():
    async def story() -> None:
        device = motor(Wire())
        assert device.rest_since == -math.inf
        device.set_duty(0.5)
        assert not device.at_rest
        await asyncio.sleep(0.1)
        device.set_duty(0.0)
        await asyncio.sleep(0.1)
        device.halt()
        assert device.rest_since == pytest.approx(0.1)

    virtual.run(story())
