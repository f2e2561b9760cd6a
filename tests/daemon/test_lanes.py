"""Too much at once: lanes that are full, clients that compete, commands that come again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from robotd.core.message import Lane
from robotd.core.queue import TURN_S
from tests import virtual
from tests.daemon.story import Story, robot_file, tell

DRIVE = {"linear": 0.3, "angular": 0.0}


def test_a_full_command_lane_is_busy_and_says_when_to_come_again():
    async def body(story: Story) -> None:
        await story.arm()
        sent = [story.send("drive", DRIVE) for _ in range(300)]

        refused = sent[256:]
        assert [story.names(command) for command in refused] == [["received", "rejected"]] * 44
        error = story.stages[refused[0]][-1].error
        assert error is not None
        assert (error["data"]["reason"], error["data"]["retry_after_ms"]) == ("busy", 50)
        for _ in range(20):
            await story.settle()
        assert [story.names(command)[-1] for command in sent[:255]] == ["preempted"] * 255
        assert story.names(sent[255])[-1] == "started"

    tell(body)


def test_between_many_commands_the_loop_hears_who_asks_for_a_stop():
    async def body(story: Story) -> None:
        await story.arm()
        story.engine.dispatcher.observers.append(lambda _decision: virtual.spend(TURN_S / 4))
        decided = len(story.decisions)
        for _ in range(40):
            story.send("drive", DRIVE)
        turns = list[int]()
        while story.engine.queue:
            await asyncio.sleep(0)
            turns.append(len(story.decisions) - decided)
            decided = len(story.decisions)

        assert sum(turns) == 40
        assert max(turns) <= 5

    tell(body)


def test_a_full_background_lane_gives_up_its_oldest():
    async def body(story: Story) -> None:
        sent = [story.send("arm", priority=Lane.BACKGROUND) for _ in range(300)]
        dropped = story.engine.queue.counters["dropped"]
        await story.settle()

        assert dropped == 44
        assert [story.stages[command][-1].reason for command in sent[:44]] == ["busy"] * 44
        for _ in range(20):
            await story.settle()
        assert story.names(sent[44])[-1] == "done"
        assert {story.stages[command][-1].reason for command in sent[45:]} == {"not_in_this_state"}
        assert story.each_ended_once()

    tell(body)


def test_what_comes_in_the_background_waits_for_every_command():
    async def body(story: Story) -> None:
        await story.arm()
        behind = story.send("disarm", priority=Lane.BACKGROUND)
        before = [story.send("light", {"on": True}) for _ in range(40)]
        for _ in range(5):
            await story.settle()

        decided = [decision.message.id for decision in story.decisions]
        assert decided[decided.index(before[0]) :] == [*before, behind]
        assert story.names(behind)[-1] == "done"

    tell(body)


def test_a_bumper_overtakes_a_full_command_lane():
    async def body(story: Story) -> None:
        await story.arm()
        for _ in range(256):
            story.send("light", {"on": True})
        story.rig.set_world("bumper", True)
        await story.until(lambda: story.events("bump") == ["bump"], 0.025)

        assert story.engine.dispatcher.slowest_safety_s < 0.001

    tell(body)


def test_a_flood_of_drives_that_are_refused_stops_nobody():
    """Their outcomes are events too, of a lane that waits for the commands and has an end."""

    async def body(story: Story) -> None:
        await story.arm()
        sent = []
        for _ in range(150):
            sent += [story.send("drive", {"linear": 5.0}) for _ in range(16)]
            await asyncio.sleep(0)
        await story.settle()

        assert {story.stages[command][-1].reason for command in sent} <= {"out_of_range", "busy", "newer"}
        assert story.engine.stop.latch is None
        assert story.state == "armed.teleop"

    tell(body)


def test_of_the_setpoints_of_two_clients_the_newest_counts():
    async def body(story: Story) -> None:
        await story.arm()
        forward = [await story.do("drive", {"linear": 0.2}) for _ in range(3)]
        backward = [await story.do("drive", {"linear": -0.2}) for _ in range(2)]
        await asyncio.sleep(0.3)
        assert story.reading("base.target_linear") == -0.2
        last = await story.do("drive", {"linear": 0.1})
        await asyncio.sleep(0.5)

        ends = [story.stages[stage.id][-1] for stage in (*forward, *backward, last)]
        assert [(end.stage, end.reason) for end in ends] == [("preempted", "newer")] * 5 + [
            ("done", "freshness")
        ]

    tell(body)


def test_the_same_command_sent_twice_while_it_waits_runs_once_and_tells_both():
    async def body(story: Story) -> None:
        await story.arm()
        first = story.send("look", {"angle": 0.5}, id="mine")
        story.send("look", {"angle": 0.5}, id="mine")
        other = story.send("look", {"angle": 0.6}, id="mine")
        assert first == other
        await asyncio.sleep(3)

        names = story.names("mine")
        assert names.count("started") == names.count("done") == 2
        assert names.count("rejected") == 1
        assert story.events("look") == ["look"]

    tell(body)


def test_a_queue_of_calls_longer_than_pythons_stack_ends_one_by_one(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states: {disarmed: {}, armed: {active: all}}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: advance, source: armed, do: {base.forward: {}, mode: queued}}
    """

    async def body(story: Story) -> None:
        await story.arm()
        advance = {"distance": 0.4, "speed": 0.2}
        first = story.send("advance", advance)
        late = []
        for _ in range(20):
            late += [story.send("advance", advance, valid_for_s=1.0) for _ in range(100)]
            await story.settle()
        last = story.send("advance", advance)
        await asyncio.sleep(6)

        assert {story.names(command)[-1] for command in late} == {"expired"}
        assert story.names(first)[-1] == story.names(last)[-1] == "done"
        assert not story.engine.crashed.done()

    tell(body, robot_file(tmp_path, machine=machine, events="events: {}\n"))


REGIONS = """
machine:
  version: 1
  regions:
    lights:
      initial: dark
      states: {dark: {active: [lamp]}}
      transitions:
        - {trigger: go, source: dark, do: lamp.write}
    wheels:
      initial: parked
      states: {parked: {}, ready: {active: [base]}}
      transitions:
        - {trigger: get_ready, source: parked, dest: ready}
        - {trigger: get_ready, source: ready, dest: ready}
        - {trigger: go, source: ready, do: base.forward}
"""
GO = {"on": True, "distance": 0.2, "speed": 0.2}


def test_a_command_of_two_regions_is_done_with_the_last_of_them(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.do("get_ready")
        command = story.send("go", GO)
        await asyncio.sleep(0.5)
        assert story.names(command) == ["received", "accepted", "journaled", "started"]
        await asyncio.sleep(2)

        assert story.names(command)[-1] == "done"
        assert abs(story.stages[command][-1].result - 0.2) < 0.01

    tell(body, robot_file(tmp_path, machine=REGIONS, events="events: {}\n"))


def test_a_command_that_fails_in_one_of_two_regions_has_failed(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.do("get_ready")
        stage = await story.do("go", {**GO, "speed": 9.0})

        assert (stage.stage, stage.reason) == ("failed", "out_of_range")
        assert story.each_ended_once()

    tell(body, robot_file(tmp_path, machine=REGIONS, events="events: {}\n"))


def test_a_state_entered_again_is_a_new_stay(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.do("get_ready")
        await asyncio.sleep(2)
        again = story.send("get_ready")
        await asyncio.sleep(1)

        region = story.service.status()["regions"]["wheels"]
        assert (region["state"], region["since_s"]) == ("ready", 1.0)
        assert region["why"]["id"] == again

    tell(body, robot_file(tmp_path, machine=REGIONS, events="events: {}\n"))


def test_what_a_state_does_is_not_bounded_by_the_command_that_led_there(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states:
        disarmed: {}
        armed:
          active: all
          do:
            - {base.forward: {distance: 0.4 m, speed: 0.2 m/s}}
            - {base.turn: {angle: 1 rad, rate: 1 rad/s}}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: armed.done, source: armed, dest: disarmed}
    """

    async def body(story: Story) -> None:
        story.send("arm", valid_for_s=0.5)
        await asyncio.sleep(5)

        assert story.events("armed.done", "armed.failed") == ["armed.done"]
        assert abs(story.rig.world()["heading"] - 1.0) < 0.1

    tell(body, robot_file(tmp_path, machine=machine, events="events: {}\n"))
