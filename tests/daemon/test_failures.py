"""What user code and hardware can do to a motion, and that the robot stands still afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

from robotd.runtime.cancelled import TooManyZombies
from tests.daemon.story import Story, robot_file, tell, telling

MACHINE = """
machine:
  version: 1
  initial: disarmed
  states:
    disarmed: {}
    armed:
      active: all
      initial: teleop
      states:
        teleop: {}
        busy: {do: own}
        other: {}
  transitions:
    - {trigger: arm, source: disarmed, dest: armed}
    - {trigger: drive, source: armed, do: base.drive}
    - {trigger: advance, source: armed.teleop, do: base.forward}
    - {trigger: work, source: armed.teleop, dest: armed.busy}
    - {trigger: leave, source: armed.busy, dest: armed.other}
    - {trigger: again, source: armed.other, dest: armed.busy}
    - {trigger: [own.done, own.failed], source: armed.busy, dest: armed.teleop}
"""

DRIVES = """
    import asyncio
    from robotd import Robot, handler

    @handler
    async def own(robot: Robot) -> None:
        while True:
            robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)
            await robot.sleep(0.05)
"""


def with_handler(folder: Path, source: str) -> Path:
    return robot_file(folder, handlers=source, machine=MACHINE, events="events: {}\n")


async def busy(story: Story) -> None:
    await story.arm()
    assert (await story.do("work")).stage == "done"
    await asyncio.sleep(0.3)


def test_a_handler_that_raises_halts_its_devices_and_the_machine_hears_of_it(tmp_path: Path):
    source = DRIVES.replace(
        "await robot.sleep(0.05)", "await robot.sleep(0.2); raise ZeroDivisionError('oops')"
    )

    async def body(story: Story) -> None:
        await busy(story)

        assert story.stands_still()
        assert story.state == "armed.teleop"
        failed = next(d.message for d in story.decisions if d.message.type == "own.failed")
        assert failed.payload["reason"] == "handler_error"
        assert "oops" in failed.payload["message"]

    tell(body, with_handler(tmp_path, source))


def test_leaving_a_state_ends_what_it_does_before_the_next_message(tmp_path: Path):
    async def body(story: Story) -> None:
        await busy(story)
        assert not story.stands_still()

        await story.do("leave")

        await story.until(story.stands_still, 0.01)
        await asyncio.sleep(1.0)
        assert story.stands_still()

    tell(body, with_handler(tmp_path, DRIVES))


def test_a_handler_that_swallows_its_cancellation_is_fenced_and_moves_nothing(tmp_path: Path):
    source = """
    import asyncio
    from robotd import Robot, handler

    @handler
    async def own(robot: Robot) -> None:
        for _ in range(200):
            try:
                robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)
            except BaseException:
                pass
            try:
                await robot.sleep(0.05)
            except BaseException:
                pass
    """

    async def body(story: Story) -> None:
        await busy(story)
        await story.do("leave")
        await story.until(story.stands_still, 0.01)
        for _ in range(100):
            await asyncio.sleep(0.005)
            assert story.stands_still()
        assert story.engine.executor.zombies == 1
        assert (await story.do("drive", {"linear": 0.1})).stage == "started"

    tell(body, with_handler(tmp_path, source))


def test_a_fourth_handler_that_ignores_its_end_ends_the_daemon(tmp_path: Path):
    source = """
    from robotd import Robot, handler

    @handler
    async def own(robot: Robot) -> None:
        for _ in range(40):
            try:
                await robot.sleep(0.5)
            except BaseException:
                pass
    """

    async def body(story: Story) -> None:
        await busy(story)
        for _ in range(3):
            await story.do("leave")
            await story.do("again")
        await story.do("leave")
        await asyncio.sleep(0.3)

        assert isinstance(story.engine.crashed.result(), TooManyZombies)
        assert story.stands_still()

    tell(body, with_handler(tmp_path, source))


def test_a_verb_that_hangs_ends_with_its_time_and_the_robot_stands_still(tmp_path: Path):
    source = """
    import asyncio
    from robotd import Robot, handler

    @handler
    async def own(robot: Robot) -> None:
        robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)
        await asyncio.get_running_loop().create_future()
    """

    async def body(story: Story) -> None:
        await busy(story)
        await asyncio.sleep(0.5)
        assert story.stands_still()
        await story.do("leave")
        assert story.engine.executor.running == 0
        assert story.engine.executor.zombies == 0

    tell(body, with_handler(tmp_path, source))


def test_a_cut_cable_in_the_middle_of_a_finite_verb_fails_its_command(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        command = story.send("advance", {"distance": 1.0, "speed": 0.2})
        await asyncio.sleep(1.0)
        assert story.names(command)[-1] == "started"

        board = story.rig.boards["arduino"]
        assert board.link is not None
        board.link.close()
        board.connection_lost(OSError("unplugged"))
        await story.settle()

        assert story.names(command) == ["received", "accepted", "journaled", "started", "failed"]
        assert story.stages[command][-1].reason == "device_gone"
        await asyncio.sleep(3)
        assert story.stands_still()
        assert story.each_ended_once()

    tell(body, with_handler(tmp_path, DRIVES))


def test_a_finite_verb_can_be_cancelled_by_its_id(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        command = story.send("advance", {"distance": 1.0, "speed": 0.2}, id="mine")
        await asyncio.sleep(0.5)

        assert story.service.cancel(command, "local") == {"id": command, "was": "running"}

        await story.until(story.stands_still, 0.01)
        await story.settle()
        assert story.names(command)[-1] == "cancelled"
        assert story.service.cancel(command, "local")["was"] == "ended"

    tell(body, with_handler(tmp_path, DRIVES))


def test_a_finite_verb_reaches_its_end_and_says_what_it_did(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        command = story.send("advance", {"distance": 0.5, "speed": 0.25})
        await asyncio.sleep(4)

        last = story.stages[command][-1]
        assert last.stage == "done"
        assert abs(last.result - 0.5) < 0.01
        assert abs(story.rig.world()["x"] - 0.5) < 0.05

    tell(body, with_handler(tmp_path, DRIVES))


def test_the_newest_of_two_finite_verbs_wins_and_is_not_halted_by_the_end_of_the_first(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        first = story.send("advance", {"distance": 1.0, "speed": 0.2})
        await asyncio.sleep(0.5)
        second = story.send("advance", {"distance": 0.3, "speed": 0.2})
        await asyncio.sleep(0.3)

        assert story.names(first)[-1] == "preempted"
        assert not story.stands_still()
        await asyncio.sleep(3)
        assert story.names(second)[-1] == "done"
        assert story.stands_still()

    tell(body, with_handler(tmp_path, DRIVES))


def test_the_end_of_the_daemon_halts_first_and_answers_everything(tmp_path: Path):
    async def body(story: Story) -> None:
        await busy(story)
        running = story.send("drive", {"linear": 0.2})
        await story.settle()
        queued = story.send("drive", {"linear": 0.3})

        await story.engine.shut_down()

        assert story.state == "down"
        assert story.stands_still()
        assert story.names(queued)[-1] == "rejected"
        assert story.names(running)[-1] == "cancelled"
        assert story.each_ended_once()
        late = story.send("arm")
        assert story.stages[late][-1].reason == "shutting_down"

    tell(body, with_handler(tmp_path, DRIVES))


def test_a_stop_reaches_a_blocking_handler_whose_thread_goes_on(tmp_path: Path):
    """In real time, since a thread cannot live in virtual time; it waits for the test, not for a clock."""
    source = """
    import threading
    from robotd import Robot, handler

    driving, stopped, refused = threading.Event(), threading.Event(), threading.Event()

    @handler(blocking=True)
    def own(robot: Robot) -> None:
        robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)
        driving.set()
        stopped.wait(5)
        try:
            robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)
        except Exception as error:
            if "which is over" in str(error):
                refused.set()
    """

    async def whole() -> None:
        async with telling(with_handler(tmp_path, source)) as story:
            await story.arm()
            own = story.engine.config.handlers["own"].__globals__
            await story.do("work")
            assert await asyncio.to_thread(own["driving"].wait, 5)
            assert not story.stands_still()

            await story.service.estop("test", "test")
            own["stopped"].set()

            assert await asyncio.to_thread(own["refused"].wait, 5)
            assert story.stands_still()

    asyncio.run(whole())
