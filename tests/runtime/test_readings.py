"""What an expression or a handler is told, and what is too old to be told."""

from __future__ import annotations

import asyncio

from hal.kinds import DigitalOutput, DigitalOutputSpec
from robotd.runtime.readings import ReadingTable
from tests import virtual
from tests.hal.bench import Wire
from tests.hal.rover import simulated_rover


def test_a_reading_is_known_until_it_is_stale():
    async def body() -> None:
        rig = simulated_rover()
        table = ReadingTable(rig.devices, asyncio.get_running_loop().time)
        assert table.get("battery.value") is None
        async with rig:
            await rig.online()
            await asyncio.sleep(0.1)
            battery = rig.devices["battery"]
            value = table.get("battery.value")
            assert isinstance(value, float)
            assert 12 < value < 13
            assert table.fresh(battery, None) == battery.reading("value")
            link = rig.boards["arduino"].link
            assert link is not None
            link.close()
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
            assert table.get("battery.value") is None

    virtual.run(body())


def test_the_age_is_judged_when_it_is_asked_for():
    now = [0.0]
    rig = simulated_rover()
    table = ReadingTable(rig.devices, lambda: now[0])
    bumper = rig.devices["bumper"]
    bumper.present()
    bumper.update(False, 0.0)  # type: ignore[attr-defined]  # it is a switch to ground: low is active
    limit_s = bumper.stale_after_s

    assert table.get("bumper.active") is True
    assert limit_s is not None
    now[0] = limit_s
    assert table.get("bumper.active") is True
    now[0] = limit_s * 1.01
    assert table.get("bumper.active") is None


async def test_what_was_commanded_does_not_age_but_a_fault_ends_it():
    lamp = DigitalOutput("lamp", DigitalOutputSpec(), Wire())
    table = ReadingTable({"lamp": lamp}, lambda: 1e9)
    lamp.present()
    lamp.activate()
    lamp.write(True)

    assert table.get("lamp.on") is True
    lamp.fail("its fuse blew")
    assert table.get("lamp.on") is None


def test_an_unknown_name_is_nothing():
    table = ReadingTable({}, lambda: 0.0)

    assert table.get("nobody.value") is None
