"""The rover of config/rover.yaml, from command to wheel, in virtual time."""

from __future__ import annotations

import asyncio

from tests.daemon.story import Story, tell

FORWARD = {"linear": 0.3, "angular": 0.0}


def test_a_drive_moves_the_wheels_and_lapses_after_400_ms():
    async def body(story: Story) -> None:
        await story.arm()
        command = story.send("drive", FORWARD)
        await asyncio.sleep(0.38)
        assert story.reading("base.linear") == 0.3
        assert story.rig.world()["left_duty"] > 0

        await asyncio.sleep(0.03)

        assert story.reading("base.linear") == 0.0
        assert story.stands_still()
        assert story.names(command) == ["received", "accepted", "journaled", "started", "done"]
        assert story.stages[command][-1].reason == "freshness"

    tell(body)


def test_a_stream_of_drives_is_one_motion_and_each_replaced_setpoint_ends_preempted():
    async def body(story: Story) -> None:
        await story.arm()
        sent = []
        for _ in range(20):
            sent.append(story.send("drive", FORWARD))
            await asyncio.sleep(0.05)
        assert story.reading("base.moving") is True
        await asyncio.sleep(0.5)

        assert [story.stages[command][-1].stage for command in sent] == ["preempted"] * 19 + ["done"]
        assert story.each_ended_once()

    tell(body)


def test_a_drive_is_refused_before_arming_with_what_is_possible():
    async def body(story: Story) -> None:
        stage = await story.do("drive", FORWARD)

        assert stage.stage == "rejected"
        assert stage.error is not None
        assert stage.error["data"]["reason"] == "not_in_this_state"
        assert "arm" in stage.error["data"]["possible"]
        assert story.stands_still()

    tell(body)


async def drive_into_the_barrel(story: Story) -> float:
    """Drive until the bumper is pressed; returns how long the wheels were still commanded after the edge."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 20
    renewed_at = 0.0
    while not story.rig.world()["bumper"]:
        if loop.time() > deadline:
            raise AssertionError(story.where())
        if loop.time() - renewed_at >= 0.1:
            story.send("drive", FORWARD)
            renewed_at = loop.time()
        await asyncio.sleep(0.001)
    return await story.until(story.stands_still, 1.0)


def test_a_bumper_stops_both_wheels_within_30_ms_and_only_forward_is_refused_then():
    async def body(story: Story) -> None:
        await story.arm()

        took_s = await drive_into_the_barrel(story)

        assert took_s <= 0.030
        await story.settle()
        assert story.each_ended_once()
        assert story.state == "armed.teleop"
        stage = await story.do("drive", FORWARD)
        assert stage.stage == "rejected"
        assert stage.error is not None
        assert stage.error["data"]["reason"] == "guard_false"
        assert stage.error["data"]["values"]["bumper.active"] is True
        assert (await story.do("drive", {"linear": -0.2, "angular": 0.0})).stage == "started"

    tell(body)


def test_a_rover_that_was_stopped_against_an_obstacle_is_reset_armed_and_backs_off():
    async def body(story: Story) -> None:
        await story.arm()
        await drive_into_the_barrel(story)
        latch_id = (await story.service.estop("enough", "test"))["latch_id"]
        await asyncio.sleep(0.6)
        story.service.reset(latch_id, "test")
        await story.settle()
        await story.arm()

        assert (await story.do("drive", FORWARD)).stage == "rejected"
        assert (await story.do("patrol")).stage == "rejected"
        assert story.state == "armed.teleop"
        assert story.stands_still()
        await story.do("drive", {"linear": -0.3, "angular": 0.0})
        await asyncio.sleep(1.0)
        story.take_lease()
        assert story.reading("bumper.active") is False
        assert (await story.do("drive", FORWARD)).stage == "started"

    tell(body)


def test_a_bumper_ends_the_patrol_and_stops_the_wheels():
    async def body(story: Story) -> None:
        await story.arm()
        assert (await story.do("patrol")).stage == "done"
        assert story.state == "armed.auto"
        await story.until(lambda: not story.stands_still(), 5.0)

        story.rig.set_world("bumper", True)
        await story.until(lambda: story.reading("bumper.active") is True, 0.1)
        await asyncio.sleep(0.03)

        assert story.state == "armed.teleop"
        assert story.stands_still()
        await asyncio.sleep(1.0)
        assert story.stands_still()

    tell(body)


def test_the_patrol_turns_away_from_what_is_near_and_goes_on():
    async def body(story: Story) -> None:
        await story.arm()
        await story.do("patrol")
        await asyncio.sleep(9)

        assert story.state == "armed.auto"
        assert abs(story.rig.world()["heading"]) > 0.5
        assert story.rig.world()["bumper"] is False

    tell(body)


def test_a_burst_of_stale_drives_after_a_wifi_gap_moves_nothing():
    async def body(story: Story) -> None:
        await story.arm()
        long_ago = story.service.now() - 12.0
        sent = []
        for place in range(400):
            sent.append(story.send("drive", FORWARD, at=long_ago + place * 0.02))
            if place % 100 == 99:
                await story.settle()
        await asyncio.sleep(0.1)

        assert {story.stages[command][-1].stage for command in sent} == {"expired"}
        assert story.rig.world()["x"] == 0.0
        assert story.stands_still()
        assert story.each_ended_once()

    tell(body)


def test_a_stop_halts_latches_and_only_three_deliberate_steps_move_again():
    async def body(story: Story) -> None:
        await story.arm()
        running = story.send("drive", FORWARD)
        await asyncio.sleep(0.2)

        evidence = await story.service.estop("test", "test")

        assert story.stages[running][-1].stage == "cancelled"
        assert story.stands_still()
        assert story.state == "estopped"
        assert evidence["evidence"]["left"]["confirmed"]["value"] == 0
        assert evidence["evidence"]["right"]["confirmed"]["value"] == 0
        stage = await story.do("drive", FORWARD)
        assert stage.stage == "rejected"
        assert stage.error is not None
        assert stage.error["data"]["reason"] == "latched"
        assert stage.error["data"]["latch_id"] == evidence["latch_id"]

        await asyncio.sleep(0.6)
        assert story.service.reset(evidence["latch_id"], "test")["ready"] is True
        await story.settle()
        assert story.state == "disarmed"
        assert (await story.do("drive", FORWARD)).stage == "rejected"
        await story.arm()
        assert (await story.do("drive", FORWARD)).stage == "started"

    tell(body)


def test_a_lost_cable_ends_the_drive_and_comes_back_inactive():
    async def body(story: Story) -> None:
        await story.arm()
        running = story.send("drive", FORWARD, valid_for_s=5.0)
        await asyncio.sleep(0.2)

        board = story.rig.boards["arduino"]
        assert board.link is not None
        board.link.close()
        board.connection_lost(OSError("unplugged"))
        await story.settle()

        assert story.names(running)[-1] == "failed"
        assert story.stages[running][-1].reason == "device_gone"
        await story.until(lambda: board.state.value == "online", 10.0)
        assert story.rig.devices["base"].state.value == "inactive"
        assert story.stands_still()
        stage = await story.do("drive", FORWARD)
        assert stage.error is not None
        assert stage.error["data"]["reason"] == "device_unavailable"
        assert [d.message.type for d in story.decisions if d.message.type.startswith("arduino.")] == [
            "arduino.lost",
            "arduino.back",
        ]

    tell(body)
