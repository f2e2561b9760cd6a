"""Stops of every sort and at every moment: what they prove, what they end, and what leads out of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hal.links.memory import TwinLink
from robotd.core.message import Lane
from robotd.errors import Refused
from tests.daemon.story import Story, robot_file, tell
from tests.daemon.tap import Gag, Tap

DRIVE = {"linear": 0.3, "angular": 0.0}
ANSWERED_WITHIN_S = 0.1 + 1e-6


async def timed_stop(story: Story) -> tuple[float, dict[str, Any]]:
    """Stop; returns how long the evidence took, and the evidence."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    evidence = await story.service.estop("test", "test")
    return loop.time() - began, evidence


def proofs(evidence: dict[str, Any]) -> set[str]:
    return {word for proof in evidence["evidence"].values() for word in proof}


def test_a_stop_is_proved_for_every_actuator_of_a_board_that_answers():
    async def body(story: Story) -> None:
        await story.arm()
        story.send("drive", DRIVE)
        await asyncio.sleep(0.2)

        took_s, evidence = await timed_stop(story)

        assert took_s <= ANSWERED_WITHIN_S
        assert set(evidence["evidence"]) == {"left", "right", "mast", "lamp"}
        assert proofs(evidence) == {"confirmed"}

    tell(body)


def test_a_stop_is_answered_in_100_ms_by_a_robot_whose_board_does_not_answer():
    async def body(story: Story) -> None:
        gag = Gag(story.rig)
        await story.arm()
        story.send("drive", DRIVE)
        await asyncio.sleep(0.2)
        gag.on = True

        took_s, evidence = await timed_stop(story)

        assert took_s <= ANSWERED_WITHIN_S
        assert proofs(evidence) == {"unconfirmed"}
        assert "did not answer" in evidence["evidence"]["left"]["unconfirmed"]["why"]
        assert story.stands_still()

    tell(body)


def test_a_stop_without_a_board_says_so_and_holds_when_the_board_is_back():
    async def body(story: Story) -> None:
        board = story.rig.boards["arduino"]
        tap = Tap(story.rig)
        await story.arm()
        story.send("drive", DRIVE)
        await asyncio.sleep(0.2)
        assert isinstance(board.link, TwinLink)
        board.link.close()
        await asyncio.sleep(0.01)

        took_s, evidence = await timed_stop(story)

        assert took_s <= ANSWERED_WITHIN_S
        assert proofs(evidence) == {"unconfirmed"}
        assert "not connected" in evidence["evidence"]["left"]["unconfirmed"]["why"]
        stopped_at = asyncio.get_running_loop().time()
        await asyncio.wait_for(board.online(), 10)
        assert story.state == "estopped"
        assert (await story.do("drive", DRIVE)).reason == "latched"
        await asyncio.sleep(0.5)
        assert tap.moved_since(stopped_at) == []
        assert story.service.reset(evidence["latch_id"], "test")["ready"]

    tell(body)


def test_a_cable_pulled_while_the_proof_is_awaited_is_no_proof():
    async def body(story: Story) -> None:
        link = story.rig.boards["arduino"].link
        assert isinstance(link, TwinLink)
        asking = asyncio.ensure_future(timed_stop(story))
        await asyncio.sleep(0)
        link.cut()

        took_s, evidence = await asking

        assert took_s <= ANSWERED_WITHIN_S
        assert proofs(evidence) == {"unconfirmed"}

    tell(body)


def test_a_stop_whose_proof_nobody_awaits_is_a_stop():
    async def body(story: Story) -> None:
        await story.arm()
        driving = story.send("drive", DRIVE)
        await story.settle()

        story.service.estop("test", "test")

        assert story.stands_still()
        await story.settle()
        assert story.names(driving)[-1] == "cancelled"
        waiting = asyncio.ensure_future(story.service.estop("again", "test"))
        waiting.cancel()
        await asyncio.sleep(0.2)
        assert story.state == "estopped"

    tell(body)


def test_a_second_stop_is_another_latch_and_the_first_leads_out_no_more():
    async def body(story: Story) -> None:
        first = await story.service.estop("first", "alice")
        await asyncio.sleep(0.6)
        second = await story.service.estop("second", "bob")
        await asyncio.sleep(0.6)

        assert second["latch_id"] != first["latch_id"]
        assert second["epoch"] == first["epoch"] + 1
        with pytest.raises(Refused) as refusal:
            story.service.reset(first["latch_id"], "alice")
        assert refusal.value.reason == "latched"
        assert refusal.value.data["latch_id"] == second["latch_id"]
        assert refusal.value.data["who"] == "bob"
        assert story.service.reset(second["latch_id"], "bob")["ready"]
        await story.settle()
        assert story.state == "disarmed"
        with pytest.raises(Refused, match="nothing is latched"):
            story.service.reset(second["latch_id"], "bob")

    tell(body)


def test_a_reset_that_comes_too_early_says_when_to_come_again():
    async def body(story: Story) -> None:
        await story.arm()
        story.send("drive", DRIVE)
        await asyncio.sleep(0.2)
        evidence = await story.service.estop("test", "test")

        with pytest.raises(Refused) as refusal:
            story.service.reset(evidence["latch_id"], "test")

        assert refusal.value.reason == "latched"
        wait_ms = refusal.value.data["retry_after_ms"]
        assert 0 < wait_ms <= 501
        await asyncio.sleep(wait_ms / 1000)
        assert story.service.reset(evidence["latch_id"], "test")["ready"]

    tell(body)


def test_a_stop_right_after_a_reset_wins():
    async def body(story: Story) -> None:
        evidence = await story.service.estop("test", "test")
        await asyncio.sleep(0.5)

        story.service.reset(evidence["latch_id"], "test")
        story.service.estop("no", "test")
        armed = await story.do("arm")

        assert story.state == "estopped"
        assert armed.reason == "latched"

    tell(body)


@pytest.mark.parametrize("lane", [Lane.COMMAND, Lane.BACKGROUND])
def test_what_was_queued_before_a_stop_is_dead_for_ever(lane: Lane):
    async def body(story: Story) -> None:
        await story.arm()
        queued = [story.send("drive", DRIVE, priority=lane, valid_for_s=60.0) for _ in range(5)]

        evidence = await story.service.estop("test", "test")
        await asyncio.sleep(0.6)
        story.service.reset(evidence["latch_id"], "test")
        await story.settle()
        await story.arm()
        await asyncio.sleep(1)

        assert [story.names(command)[-1] for command in queued] == ["cancelled"] * 5
        assert story.rig.world()["x"] == 0

    tell(body)


@pytest.mark.no_cover
def test_a_flood_of_stops_is_one_long_stop():
    async def body(story: Story) -> None:
        await story.arm()
        story.send("drive", DRIVE)
        await asyncio.sleep(0.2)

        for count in range(1000):
            story.service.estop(f"stop {count}", "test")
        await story.settle()

        assert story.state == "estopped"
        assert story.stands_still()
        latch = story.engine.stop.latch
        assert latch is not None
        assert latch.reason == "stop 999"
        assert story.engine.queue.depths()["safety"] == 0
        assert len(story.events("estop")) <= 70
        await asyncio.sleep(0.6)
        assert story.service.reset(latch.latch_id, "test")["ready"]
        await story.settle()
        assert story.state == "disarmed"

    tell(body)


def test_more_urgent_events_than_the_lane_holds_stop_the_robot():
    async def body(story: Story) -> None:
        await story.arm()
        driving = story.send("drive", {"linear": -0.3})
        await asyncio.sleep(0.1)
        bumper: Any = story.rig.devices["bumper"]

        for edge in range(200):
            bumper.update(edge % 2 == 0, asyncio.get_running_loop().time())

        assert story.engine.stop.latch is not None
        assert "safety lane is full" in story.engine.stop.latch.reason
        assert story.stands_still()
        await story.settle()
        assert story.state == "estopped"
        assert story.names(driving)[-1] == "cancelled"

    tell(body)


def test_outcomes_that_have_no_place_any_more_stop_the_robot_rather_than_be_lost(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states: {disarmed: {}, armed: {active: all}}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: drive, source: armed, do: {base.forward: {}, mode: parallel}}
        - {trigger: base.forward.failed, source: armed, dest: disarmed}
    """
    file = robot_file(tmp_path, machine=machine, events="events: {}\n", limits="limits: {queue_event: 2}\n")

    async def body(story: Story) -> None:
        await story.arm()
        for _ in range(16):
            story.send("drive", {"distance": 1.0, "speed": 5.0})
        await story.settle()

        assert story.engine.stop.latch is not None
        assert story.each_ended_once()

    tell(body, file)


def test_after_the_end_of_the_daemon_a_stop_still_stops_and_a_reset_is_refused():
    async def body(story: Story) -> None:
        await story.engine.shut_down()
        await story.settle()

        took_s, evidence = await timed_stop(story)

        assert took_s <= ANSWERED_WITHIN_S
        assert proofs(evidence) == {"confirmed"}
        await asyncio.sleep(0.6)
        with pytest.raises(Refused, match="the daemon is ending"):
            story.service.reset(evidence["latch_id"], "test")
        assert story.state == "down"

    tell(body)


def test_what_came_before_a_stop_and_waited_in_its_session_is_dead_after_the_reset():
    async def body(story: Story) -> None:
        arrived = story.service.now()
        await asyncio.sleep(0.01)
        await timed_stop(story)
        latch = story.engine.stop.latch
        assert latch is not None
        await asyncio.sleep(0.6)
        story.service.reset(latch.latch_id, "test")
        await story.settle()

        old = await story.do("arm", at=arrived)

        assert (old.stage, old.reason) == ("cancelled", "stopped")
        assert story.state == "disarmed"
        assert (await story.do("arm")).stage == "done"

    tell(body)
