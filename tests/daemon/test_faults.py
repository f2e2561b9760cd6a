"""What the rover makes of everything that can go wrong at its Arduino: it stops, says so, and comes back."""

from __future__ import annotations

import asyncio

import pytest

from hal import FAULTS, parse_fault
from tests.daemon.story import Story, tell
from tests.daemon.tap import Tap

DRIVE = {"linear": 0.2, "angular": 0.0}
BOARD_EVENTS = ("arduino.silent", "arduino.lost", "arduino.back", "arduino.refused")
TEXTS = [
    *("corrupt 2%", "drop 5%", "delay 5..40 ms", "split", "stall 800 ms", "full 500 ms", "garbage 64 B"),
    *("unplug 1 s", "reboot", "reboot garbage 400 B", "freeze battery", "stuck bumper", "stuck battery"),
    *("runaway left", "runaway mast", "runaway lamp", "nak", "deaf", "slow clock", "slow clock 20%"),
]
BACK_S = 5.0


def test_every_kind_of_fault_is_told_here() -> None:
    assert {parse_fault(text).kind for text in TEXTS} == set(FAULTS)


async def driving(story: Story) -> str:
    await story.arm()
    command = story.send("drive", DRIVE, valid_for_s=20.0)
    await asyncio.sleep(0.3)
    return command


@pytest.mark.parametrize("fault", TEXTS)
def test_after_a_stop_in_any_fault_nothing_moves_and_the_robot_can_be_used_again(fault: str):
    async def body(story: Story) -> None:
        rig, loop = story.rig, asyncio.get_running_loop()
        tap = Tap(rig)
        await driving(story)
        rig.inject("arduino", fault)
        await asyncio.sleep(0.1)
        stopped_at = loop.time()
        evidence = await story.service.estop("test", "test")
        assert loop.time() - stopped_at <= 0.1 + 1e-9
        await asyncio.sleep(1)
        rig.mend("arduino")
        await asyncio.sleep(BACK_S)

        assert [told for told in tap.told if told.at > stopped_at and told.duty] == []
        assert story.stands_still()
        assert story.each_ended_once()
        story.service.reset(evidence["latch_id"], "test")
        await story.settle()
        await driving(story)
        assert not story.stands_still()

    tell(body)


@pytest.mark.parametrize("fault", TEXTS)
def test_a_drive_in_any_fault_ends_in_its_time_or_with_its_reason(fault: str):
    async def body(story: Story) -> None:
        await story.arm()
        story.rig.inject("arduino", f"{fault} after 300 ms")
        command = story.send("drive", DRIVE, valid_for_s=1.0)
        await asyncio.sleep(1.5)
        assert story.each_ended_once()
        assert story.stages[command][-1].stage in ("done", "failed", "cancelled", "preempted")
        story.rig.mend("arduino")
        await asyncio.sleep(BACK_S)

        assert story.stands_still()

    tell(body)


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        ("unplug 1 s", ["arduino.lost", "arduino.back"]),
        ("stall 1 s", ["arduino.silent", "arduino.back"]),
        ("reboot", ["arduino.lost", "arduino.back"]),
        ("reboot garbage 400 B", ["arduino.lost", "arduino.back"]),
        ("deaf for 3 s", ["arduino.lost", "arduino.back"]),
        ("split for 1 s", []),
        ("freeze battery for 1 s", []),
        ("nak for 1 s", []),
    ],
)
def test_what_takes_the_board_away_is_told_once_and_its_return_too(fault: str, events: list[str]):
    async def body(story: Story) -> None:
        story.rig.inject("arduino", fault)
        await asyncio.sleep(8)

        assert story.events(*BOARD_EVENTS) == events

    tell(body)


def test_a_stuck_bumper_is_a_bump_and_a_stuck_battery_an_empty_one():
    async def body(story: Story) -> None:
        await driving(story)
        story.rig.inject("arduino", "stuck bumper for 1 s")
        await asyncio.sleep(0.05)
        assert story.events("bump") == ["bump"]
        assert story.stands_still()

        story.rig.inject("arduino", "stuck battery")
        await asyncio.sleep(0.1)
        assert story.state == "docked"

    tell(body)


def test_a_frozen_battery_is_no_news_of_an_empty_one_until_it_thaws():
    async def body(story: Story) -> None:
        await story.arm()
        story.rig.inject("arduino", "freeze battery for 2 s")
        story.rig.set_world("battery", 10.0)
        await asyncio.sleep(1.9)
        assert story.events("battery_low") == []

        await asyncio.sleep(0.2)
        assert story.events("battery_low") == ["battery_low"]

    tell(body)


def test_a_stop_that_the_board_refuses_is_not_confirmed_and_said_again_until_it_is_obeyed():
    async def body(story: Story) -> None:
        await driving(story)
        story.rig.inject("arduino", "nak for 1 s")
        await asyncio.sleep(0.01)
        evidence = await story.service.estop("test", "test")
        left = evidence["evidence"]["left"]
        assert "still has a duty" in left["unconfirmed"]["why"]
        assert not story.stands_still()

        await story.until(story.stands_still, 1 + 3.0)

    tell(body)


def test_a_board_that_hears_nothing_is_opened_again_which_stops_it():
    async def body(story: Story) -> None:
        command = await driving(story)
        story.rig.inject("arduino", "deaf")

        await story.until(lambda: bool(story.events("arduino.lost")), 2.6)
        lost = next(d.message for d in story.decisions if d.message.type == "arduino.lost")
        assert "answers nothing" in str(lost.payload)
        await story.until(story.stands_still, 0.5)
        assert story.stages[command][-1].stage == "failed"

    tell(body)
