"""From a step of the file to a Python call, and back out of a thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from hal import Halted
from robotd.core.chart import Step
from robotd.core.message import Command
from robotd.runtime.calls import Caller, in_thread
from robotd.runtime.robot import Permit
from tests.core.making import command, event
from tests.daemon.story import Story, tell

NOBODY: Any = None
"""These functions do not look at the robot that they are given."""


async def test_what_a_thread_returns_or_raises_comes_back():
    assert await in_thread("own", lambda _robot, x: x + 1, NOBODY, {"x": 2}) == 3

    def fails(_robot: object) -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await in_thread("own", fails, NOBODY, {})


async def test_a_stop_iteration_is_told_as_the_bug_that_it_is():
    with pytest.raises(RuntimeError, match=r"own raised StopIteration\(\)") as told:
        await in_thread("own", lambda _robot: next(iter([])), NOBODY, {})

    assert isinstance(told.value.__cause__, StopIteration)


class Thread:
    """A handler that waits for the test, and for nothing of the robot."""

    def __init__(self) -> None:
        self.there, self.go_on = threading.Event(), threading.Event()
        self.cancelled = 0

    def cancel(self) -> None:
        """As `ThreadRobot.cancel`."""
        self.cancelled += 1

    async def begun(self) -> asyncio.Future[Any]:
        """Its end, when it has begun."""
        robot: Any = self
        ending = asyncio.ensure_future(in_thread("own", self._work, robot, {}))
        assert await asyncio.to_thread(self.there.wait, 10)
        return ending

    def _work(self, _robot: object) -> None:
        self.there.set()
        self.go_on.wait(10)
        raise ValueError("a bug of which nobody is told any more")


async def test_a_thread_that_is_cancelled_is_waited_for_to_its_end():
    thread = Thread()
    ending = await thread.begun()
    ending.cancel()
    await asyncio.sleep(0)

    assert thread.cancelled == 1
    assert not ending.done()
    thread.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await ending


async def test_nobody_waits_for_a_thread_that_is_given_up():
    thread = Thread()
    ending = await thread.begun()
    ending.cancel()
    await asyncio.sleep(0)
    ending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ending
    thread.go_on.set()


def caller(story: Story) -> Caller:
    engine = story.engine
    return Caller(
        engine.config.actions,
        engine.config.handlers,
        engine.rig.devices,
        engine.table,
        engine.clock,
        engine.log,
    )


def drive(payload: dict[str, Any]) -> Command:
    return command("drive", payload)


def test_a_payload_stands_over_what_the_file_says_and_an_event_brings_nothing():
    async def body(story: Story) -> None:
        await story.arm()
        calls = caller(story)
        step = Step("base.drive", {"linear_m_s": 0.1, "angular_rad_s": 0.2})
        for cause, target in [
            (drive({"linear": 0.3}), (0.3, 0.2)),
            (drive({}), (0.1, 0.2)),
            (event("bump"), (0.1, 0.2)),
        ]:
            await calls.wait(step, cause, Permit("test"), None)
            assert (story.reading("base.target_linear"), story.reading("base.target_angular")) == target

    tell(body)


def test_a_motion_ends_with_the_time_that_it_was_given():
    async def body(story: Story) -> None:
        await story.arm()
        now = asyncio.get_running_loop().time()
        step = Step("mast.move_to", {"angle_rad": 1.0})

        with pytest.raises(Halted, match="its time was over"):
            await caller(story).wait(step, event("go"), Permit("test"), now + 0.3)

        assert asyncio.get_running_loop().time() == pytest.approx(now + 0.3)
        assert story.reading("mast.moving") is False

    tell(body)
