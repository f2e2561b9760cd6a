"""The robot that a handler holds: what it may touch, for how long, and what it says otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from hal import Actuator, DeviceSilent, Rig
from robotd.runtime.readings import ReadingTable
from robotd.runtime.robot import GRACE_S, Fenced, Permit, Robot, within
from tests import virtual
from tests.hal.rover import simulated_rover


class Hand:
    """A robot in a handler's hand: all devices active."""

    def __init__(self, rig: Rig) -> None:
        loop = asyncio.get_running_loop()
        self.rig = rig
        self.taken: list[str] = []
        self.permit = Permit("own", commanding=lambda device, _: self.taken.append(device.name))
        self.table = ReadingTable(rig.devices, loop.time)
        self.robot = Robot(self.table, self.permit, loop.time, None, {"speed": 0.2})

    def device(self, name: str) -> Actuator:
        device = self.rig.devices[name]
        assert isinstance(device, Actuator)
        return device


def held(body: Callable[[Hand], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            await asyncio.sleep(0.1)
            for device in rig.devices.values():
                device.activate()
            await body(Hand(rig))

    virtual.run(whole())


def test_what_it_commands_is_written_down_and_told():
    async def body(hand: Hand) -> None:
        hand.robot.lamp.write(True)
        hand.robot.base.drive(linear_m_s=0.2)

        assert list(hand.permit.used) == [hand.device("base")]
        assert hand.taken == ["base"]

    held(body)


def test_a_refused_verb_takes_nothing_from_anybody_but_would_be_halted():
    async def body(hand: Hand) -> None:
        with pytest.raises(Exception, match="beyond the limit"):
            hand.robot.base.drive(linear_m_s=9.0)

        assert hand.taken == []
        assert list(hand.permit.used) == [hand.device("base")]

    held(body)


def test_after_the_end_of_motion_only_what_moves_nothing_is_allowed():
    async def body(hand: Hand) -> None:
        hand.permit.end_motion()

        with pytest.raises(Fenced, match="refused to 'own', which is over"):
            hand.robot.base.drive(linear_m_s=0.2)
        with pytest.raises(Fenced):
            await hand.robot.mast.move_to(0.1)
        hand.robot.lamp.write(False)
        hand.robot.base.halt()

        hand.permit.end()
        with pytest.raises(Fenced):
            hand.robot.lamp.write(True)
        assert hand.robot.read("battery").unit == "V"

    held(body)


def test_a_verb_kept_from_before_the_end_is_fenced_too():
    async def body(hand: Hand) -> None:
        drive, turn = hand.robot.base.drive, hand.robot.base.turn
        hand.permit.end()

        with pytest.raises(Fenced):
            drive(linear_m_s=0.2)
        with pytest.raises(Fenced):
            await turn(1.0, rate_rad_s=1.0)

    held(body)


def test_motions_under_way_are_known_and_halted_together():
    async def body(hand: Hand) -> None:
        tasks = [
            asyncio.create_task(hand.robot.base.turn(1.0, rate_rad_s=0.5)),
            asyncio.create_task(hand.robot.mast.move_to(1.0)),
        ]
        await asyncio.sleep(0.1)
        assert set(hand.permit.motions) == {hand.device("base"), hand.device("mast")}

        hand.permit.halt_motions()
        ends = await asyncio.gather(*tasks, return_exceptions=True)

        assert ["halted" in str(end) for end in ends] == [True, True]
        assert hand.permit.motions == ()
        assert hand.device("base").at_rest

    held(body)


@pytest.mark.parametrize(
    ("touch", "sentence"),
    [
        (lambda robot: robot.nobody, "this robot has no device 'nobody'"),
        (
            lambda robot: robot.base.fly,
            r"base \(drive_base\) has no verb 'fly'; it has: drive, forward, halt",
        ),
        (lambda robot: robot.battery.write, "has no verb 'write'; it has: none"),
        (lambda robot: robot.read("nobody"), "this robot has no device 'nobody'"),
    ],
)
def test_what_is_not_there_is_said(touch: Callable[[Robot], Any], sentence: str):
    async def body(hand: Hand) -> None:
        with pytest.raises(AttributeError, match=sentence):
            touch(hand.robot)

    held(body)


def test_a_stale_reading_is_worse_than_none():
    async def body(hand: Hand) -> None:
        link = hand.rig.boards["arduino"].link
        assert link is not None
        link.close()
        await asyncio.sleep(0.01)

        with pytest.raises(DeviceSilent, match="no fresh reading"):
            hand.robot.read("battery")

    held(body)


def test_its_clock_is_the_robots():
    async def body(hand: Hand) -> None:
        began = hand.robot.now()
        await hand.robot.sleep(3.0)

        assert hand.robot.now() == pytest.approx(began + 3.0)
        assert hand.robot.payload == {"speed": 0.2}

    held(body)


async def ignores_its_end(for_s: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + for_s
    while (left_s := until - loop.time()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(left_s)


def test_a_verb_that_ignores_the_end_of_its_time_is_told_of_when_its_grace_is_over_and_no_other():
    async def body(hand: Hand) -> None:
        base = hand.device("base")
        told: dict[str, float] = {}
        permit = Permit("turn", hangs=lambda _, verb: told.update({verb: hand.robot.now()}))
        await within(1.0, base, "quick", asyncio.sleep(0.9), permit)
        with pytest.raises(DeviceSilent):
            await within(1.0, base, "heeds", asyncio.sleep(9), permit)
        await within(1.0, base, "tidies up", ignores_its_end(1.0 + GRACE_S - 0.1), permit)
        await asyncio.sleep(5.0)
        began = hand.robot.now()
        await within(1.0, base, "hangs", ignores_its_end(9.0), permit)

        assert told == {"hangs": pytest.approx(began + 1.0 + GRACE_S)}

    held(body)


def test_a_verb_that_does_not_come_back_is_silent():
    async def body(hand: Hand) -> None:
        with pytest.raises(DeviceSilent, match="turn did not end within 5 s"):
            await within(5.0, hand.device("base"), "turn", asyncio.sleep(9), Permit("turn"))

    held(body)
