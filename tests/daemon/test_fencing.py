"""What goes on after its end, a verb or a thread: nothing of it reaches the robot, and somebody counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hal import verb
from hal.kinds import Servo
from robotd.runtime.cancelled import TooManyZombies
from robotd.runtime.robot import GRACE_S
from tests.daemon.story import Story, robot_file, tell, telling
from tests.daemon.test_handlers import outcomes, robot_with

VERB_S = 1.0
STUBBORN = """
shared.setdefault("let", threading.Event())
shared.setdefault("ends", [])
shared["let"].wait(20)
try:
    robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)
except hal.HalError as error:
    shared["ends"].append(str(error))
try:
    robot.sleep(0.0)
except hal.HalError as error:
    shared["ends"].append(str(error))
"""
"""Waits for what the robot knows nothing of, then drives."""


OVER = "robot: refused to 'own', which is over"


@verb(moves=True, timeout_s=VERB_S)
async def ignores_its_end(servo: Servo, angle_rad: float) -> float:
    """A driver's verb with a bug: it takes its cancellation for a hiccup."""
    for _ in range(100):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            servo.spec.model_dump()
    return angle_rad


def test_a_verb_that_ignores_the_end_of_its_time_is_fenced_after_its_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Servo, "move_to", ignores_its_end)

    async def body(story: Story) -> None:
        await story.arm()
        await story.do("drive", {"linear": 0.1}, valid_for_s=60.0)
        looking = story.send("look", {"angle": 0.5})
        await asyncio.sleep(VERB_S + GRACE_S - 0.02)
        before = story.names(looking)[-1]
        await asyncio.sleep(0.04)
        ended = story.stages[looking][-1]
        await asyncio.sleep(GRACE_S)

        assert before == "started"
        assert (ended.stage, ended.reason) == ("failed", "device_silent")
        assert ended.error is not None
        assert ended.error["message"] == "mast: move_to has not ended, and ignores that its time is over"
        assert story.reading("base.target_linear") == 0.1
        assert story.service.status()["counters"]["actions_ignoring_cancellation"] == 1
        await asyncio.sleep(10.0)
        assert story.service.status()["counters"]["actions_ignoring_cancellation"] == 0

    tell(body, robot_file(tmp_path, lease="lease: off\n"))


def in_real_time(file: Path, body: Callable[[Story, dict[str, Any]], Coroutine[Any, Any, None]]) -> None:
    """A thread cannot live in virtual time. It waits for the thread, not for a clock, where it can."""

    async def whole() -> None:
        async with asyncio.timeout(20), telling(file) as story:
            await story.arm()
            await story.do("work")
            shared: dict[str, Any] = story.engine.config.handlers["own"].__globals__["shared"]
            await story.until(lambda: "let" in shared, 5.0)
            try:
                await body(story, shared)
            finally:
                shared["let"].set()

    asyncio.run(whole())


@pytest.mark.parametrize("end", ["leave", "estop"])
def test_a_thread_that_outlives_its_action_is_counted_and_moves_nothing(tmp_path: Path, end: str):
    async def body(story: Story, shared: dict[str, Any]) -> None:
        if end == "estop":
            story.engine.stopping.estop("enough", "test")
        else:
            await story.do("leave")
        await story.until(lambda: story.engine.executor.zombies == 1, 2.0)
        shared["let"].set()
        await story.until(lambda: story.engine.executor.zombies == 0, 5.0)

        assert shared["ends"] == [OVER, OVER]
        assert story.stands_still()

    in_real_time(robot_with(tmp_path, STUBBORN, blocking=True), body)


def test_a_thread_of_an_old_epoch_is_refused_even_when_the_robot_moves_again(tmp_path: Path):
    async def body(story: Story, shared: dict[str, Any]) -> None:
        engine = story.engine
        engine.stopping.estop("enough", "test")
        await story.until(lambda: engine.executor.zombies == 1, 2.0)
        latch = engine.stop.latch
        assert latch is not None
        await asyncio.sleep(0.5)  # every axis has to be at rest for so long
        engine.stopping.reset(latch.latch_id, "test")
        await story.settle()
        await story.arm()
        driving = await story.do("drive", {"linear": 0.1}, valid_for_s=60.0)
        shared["let"].set()
        await story.until(lambda: engine.executor.zombies == 0, 5.0)

        assert driving.stage == "started"
        assert shared["ends"] == [OVER, OVER]
        assert story.reading("base.target_linear") == 0.1

    in_real_time(robot_with(tmp_path, STUBBORN, blocking=True), body)


def test_what_a_thread_waits_for_is_cancelled_with_it(tmp_path: Path):
    source = """
    shared["let"] = threading.Event()
    try:
        robot.sleep(60.0)
    except asyncio.CancelledError:
        shared["cancelled"] = True
        raise
    """

    async def body(story: Story, shared: dict[str, Any]) -> None:
        await story.settle()
        await story.do("leave")
        await story.until(lambda: "cancelled" in shared, GRACE_S)
        await asyncio.sleep(1.5 * GRACE_S)

        assert story.engine.executor.zombies == 0
        assert outcomes(story) == []

    in_real_time(robot_with(tmp_path, source, blocking=True), body)


def test_a_fourth_thread_that_does_not_end_ends_the_daemon(tmp_path: Path):
    source = STUBBORN.replace(
        'shared["let"].wait', 'shared["calls"] = shared.get("calls", 0) + 1\nshared["let"].wait'
    )
    file = robot_with(tmp_path, source, blocking=True)
    file.write_text(
        file.read_text().replace("source: armed.busy, dest: armed.other", "source: armed, dest: armed.teleop")
    )

    async def body(story: Story, shared: dict[str, Any]) -> None:
        def began(call: int) -> bool:
            return bool(shared["calls"] == call)

        for call in range(1, 5):
            await story.until(partial(began, call), 5.0)
            await story.do("leave")
            if call < 4:
                await story.do("work")
        await story.until(story.engine.crashed.done, 5.0)

        assert isinstance(story.engine.crashed.result(), TooManyZombies)

    in_real_time(file, body)
