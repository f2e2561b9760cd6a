"""A belt: it runs until it is halted, and what its drive says is held against what it was told."""

from __future__ import annotations

import asyncio

import pytest

from hal.device import SETTLED_S, DeviceState
from hal.errors import DeviceGone, DeviceUnavailable, Halted, LinkFull, OutOfRange
from hal.kinds import Belt, BeltSpec
from tests import virtual
from tests.hal.bench import Wire


def belt(wire: Wire, **spec: object) -> Belt:
    device = Belt("belt", BeltSpec.model_validate({"max_speed": "0.5 m/s", **spec}), wire)
    device.present()
    device.activate()
    return device


async def begun(device: Belt, speed_m_s: float) -> asyncio.Task[float]:
    task = asyncio.create_task(device.run(speed_m_s))
    await asyncio.sleep(0)
    return task


def test_it_runs_for_hours_and_ends_with_a_halt() -> None:
    async def story() -> None:
        wire = Wire()
        device = belt(wire)
        task = await begun(device, 0.3)
        await asyncio.sleep(10_000)
        assert not task.done()
        device.halt()

        with pytest.raises(Halted):
            await task
        assert wire.values == [0.3, 0.0]
        assert device.at_rest

    virtual.run(story())


def test_a_newer_speed_takes_over_without_a_stop_in_between() -> None:
    async def story() -> None:
        wire = Wire()
        device = belt(wire)
        older, newer = await begun(device, 0.3), await begun(device, 0.2)
        await asyncio.sleep(1)

        with pytest.raises(Halted, match="another speed"):
            await older
        assert not newer.done()
        assert wire.values == [0.3, 0.2]
        device.halt()
        await asyncio.wait({newer})
        newer.exception()

    virtual.run(story())


def test_who_gives_up_waiting_stops_it() -> None:
    async def story() -> None:
        wire = Wire()
        task = await begun(belt(wire), 0.3)
        task.cancel()
        await asyncio.wait({task})

        assert wire.last == 0.0

    virtual.run(story())


@pytest.mark.parametrize("speed", [0.51, -0.01, float("nan"), float("inf")])
async def test_beyond_its_limits_it_is_told_nothing(speed: float) -> None:
    wire = Wire()

    with pytest.raises(OutOfRange):
        await belt(wire).run(speed)
    assert wire.values == []


async def test_one_that_is_reversible_runs_backwards() -> None:
    wire = Wire()
    device = belt(wire, reversible=True)
    task = await begun(device, -0.5)
    device.halt()
    await asyncio.wait({task})
    task.exception()

    assert wire.values == [-0.5, 0.0]


async def test_one_that_is_not_active_takes_no_speed() -> None:
    device = belt(Wire())
    device.deactivate()

    with pytest.raises(DeviceUnavailable):
        await device.run(0.1)


async def test_a_speed_that_the_wire_did_not_take_leaves_it_at_rest() -> None:
    wire = Wire()
    wire.refusal = LinkFull("full")
    device = belt(wire)

    with pytest.raises(LinkFull):
        await device.run(0.3)
    assert device.at_rest


def test_a_speed_beyond_its_limit_twice_in_a_row_stops_it() -> None:
    async def story() -> None:
        wire = Wire()
        device = belt(wire)
        told: list[float] = []
        device.limit_listeners.append(lambda _, value, *__: told.append(value))
        task = await begun(device, 0.5)
        device.update(0.52, 1.0)
        device.update(0.6, 1.1)
        device.update(0.4, 1.2)
        device.update(0.6, 1.3)
        assert told == []
        device.update(0.6, 1.4)

        assert told == [0.6]
        assert wire.last == 0.0
        await asyncio.wait({task})
        task.exception()

    virtual.run(story())


def test_a_belt_that_still_runs_when_its_ramp_is_over_is_beyond_its_limit() -> None:
    async def story() -> None:
        wire = Wire()
        device = belt(wire, stop_time="1 s")
        task = await begun(device, 0.3)
        device.halt()
        halted_at = asyncio.get_running_loop().time()
        for late_s in (0.1, 0.5, 1.0):
            device.update(0.3, halted_at + late_s)
        assert device.violations == {}
        for late_s in (1.0 + SETTLED_S, 1.1 + SETTLED_S):
            device.update(0.3, halted_at + late_s)

        assert device.violations == {"speed": "its feedback says speed 0.3 m/s, beyond the limit of 0 m/s"}
        await asyncio.wait({task})
        task.exception()

    virtual.run(story())


async def test_what_it_shows_is_as_old_as_the_last_word_of_its_drive() -> None:
    device = belt(Wire(), stale="300 ms")
    device.update(0.25, 7.0)
    readings = {name: device.reading(name) for name in device.readings_units()}

    assert device.stale_after_s == 0.3
    assert {name: one and (one.value, one.at) for name, one in readings.items()} == {
        "speed": (0.25, 7.0),
        "target": (0.0, 7.0),
        "moving": (True, 7.0),
    }


async def test_a_wire_that_is_gone_ends_it_with_that_reason() -> None:
    device = belt(Wire())
    task = await begun(device, 0.3)
    device.vanish()

    with pytest.raises(DeviceGone):
        await task
    assert device.state is DeviceState.ABSENT


def test_a_stop_that_a_full_wire_did_not_take_is_told_again() -> None:
    async def story() -> None:
        wire = Wire()
        device = belt(wire)
        task = await begun(device, 0.3)
        wire.refusal = LinkFull("full")
        device.halt()
        assert wire.last == 0.3
        wire.refusal = None
        await asyncio.sleep(0.1)

        assert wire.last == 0.0
        await asyncio.wait({task})
        task.exception()

    virtual.run(story())
