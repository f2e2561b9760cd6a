"""What a second call does while the first still runs, and what ends a motion before its own end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.daemon.story import Story, robot_file, tell

ADVANCE = {"distance": 0.4, "speed": 0.2}


def robot(folder: Path, mode: str) -> Path:
    machine = f"""
    machine:
      version: 1
      initial: disarmed
      states:
        disarmed: {{}}
        armed: {{active: all}}
      transitions:
        - {{trigger: arm, source: disarmed, dest: armed}}
        - {{trigger: advance, source: armed, do: {{base.forward: {{}}, mode: {mode}}}}}
        - {{trigger: leave, source: armed, dest: disarmed}}
    """
    return robot_file(folder, machine=machine, events="events: {}\n")


def test_queued_calls_run_one_after_the_other(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        first, second, third = (story.send("advance", ADVANCE) for _ in range(3))
        await story.settle()
        assert [story.names(c)[-1] for c in (first, second, third)] == ["started", "journaled", "journaled"]

        await asyncio.sleep(12)

        assert [story.names(c)[-1] for c in (first, second, third)] == ["done"] * 3
        assert abs(story.rig.world()["x"] - 1.2) < 0.1

    tell(body, robot(tmp_path, "queued"))


def test_cancelling_the_first_of_a_queue_lets_the_next_begin(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        first, second = (story.send("advance", ADVANCE) for _ in range(2))
        await asyncio.sleep(0.5)

        story.service.cancel(first, "local")
        await asyncio.sleep(4)

        assert story.names(first)[-1] == "cancelled"
        assert story.names(second) == ["received", "accepted", "journaled", "started", "done"]

    tell(body, robot(tmp_path, "queued"))


def test_leaving_the_state_ends_a_whole_queue_and_begins_none_of_it(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        sent = [story.send("advance", ADVANCE) for _ in range(3)]
        await asyncio.sleep(0.5)

        await story.do("leave")
        await asyncio.sleep(5)

        assert [story.names(c)[-1] for c in sent] == ["cancelled"] * 3
        assert "started" not in story.names(sent[1]) + story.names(sent[2])
        assert story.each_ended_once()
        assert story.stands_still()

    tell(body, robot(tmp_path, "queued"))


def test_a_queued_call_that_waited_too_long_is_never_begun(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        story.send("advance", ADVANCE)
        late = story.send("advance", ADVANCE, valid_for_s=1.0)
        await asyncio.sleep(5)

        assert story.names(late) == ["received", "accepted", "journaled", "expired"]

    tell(body, robot(tmp_path, "queued"))


def test_a_single_call_refuses_a_second_as_busy(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        first = story.send("advance", ADVANCE)
        await asyncio.sleep(0.5)

        second = await story.do("advance", ADVANCE)

        assert (second.stage, second.reason) == ("rejected", "busy")
        await asyncio.sleep(4)
        assert story.names(first)[-1] == "done"

    tell(body, robot(tmp_path, "single"))


@pytest.mark.parametrize("mode", ["restart", "parallel"])
def test_the_newest_motion_of_one_device_wins(tmp_path: Path, mode: str):
    async def body(story: Story) -> None:
        await story.arm()
        first = story.send("advance", ADVANCE)
        await asyncio.sleep(0.5)
        second = story.send("advance", ADVANCE)
        await asyncio.sleep(5)

        assert story.names(first)[-1] == "preempted"
        assert story.names(second)[-1] == "done"
        assert story.each_ended_once()

    tell(body, robot(tmp_path, mode))


def test_a_motion_ends_with_the_time_of_its_command(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        command = story.send("advance", {"distance": 1.0, "speed": 0.2}, valid_for_s=1.0)
        await asyncio.sleep(1.1)

        assert story.names(command)[-1] == "failed"
        assert story.stages[command][-1].reason == "expired"
        assert story.stands_still()

    tell(body, robot(tmp_path, "restart"))


def test_an_id_that_was_refused_at_the_door_may_be_tried_again(tmp_path: Path):
    async def body(story: Story) -> None:
        latch = await story.service.estop("test", "test")
        assert (await story.do("arm", id="mine")).reason == "latched"
        await asyncio.sleep(0.6)
        story.service.reset(latch["latch_id"], "test")
        await story.settle()

        assert (await story.do("arm", id="mine")).stage == "done"

    tell(body, robot(tmp_path, "restart"))


def test_the_same_id_runs_once_and_another_body_is_a_conflict(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        story.send("advance", ADVANCE, id="mine")
        await asyncio.sleep(4)
        decided = len(story.decisions)

        again = await story.do("advance", ADVANCE, id="mine")
        other = await story.do("advance", {"distance": 9.0, "speed": 0.1}, id="mine")

        assert again.stage == "done"
        assert (other.stage, other.reason) == ("rejected", "id_conflict")
        assert len(story.decisions) == decided

    tell(body, robot(tmp_path, "restart"))
