"""What handlers of users do, well and badly, seen from the machine that waits for their end."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robotd.core.decision import Outcome
from robotd.core.message import Message
from robotd.json import encode
from tests.daemon.story import Story, robot_file, tell, telling
from tests.daemon.tap import Tap

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
    - {trigger: work, source: armed.teleop, dest: armed.busy}
    - {trigger: leave, source: armed.busy, dest: armed.other}
    - {trigger: bump, source: armed, do: base.halt}
    - {trigger: [own.done, own.failed], source: armed.busy, dest: armed.teleop}
"""
EVENTS = "events: {bump: {when: bumper.active, lane: safety}}\n"


def robot_with(folder: Path, body: str, *, blocking: bool = False) -> Path:
    """A rover whose state `armed.busy` does what `body` says; `shared` is a dict that the test sees."""
    head = "@handler(blocking=True)\ndef" if blocking else "@handler\nasync def"
    source = "import asyncio, hal, sys, threading\nfrom robotd import Robot, handler\n\nshared = {}\n\n"
    source += f"{head} own(robot: Robot) -> None:\n" + textwrap.indent(textwrap.dedent(body), "    ")
    return robot_file(folder, handlers=source, machine=MACHINE, events=EVENTS)


def outcomes(story: Story) -> list[Message]:
    """How the handler ended, each time."""
    return [d.message for d in story.decisions if d.message.type in ("own.done", "own.failed")]


async def work(story: Story, for_s: float = 1.0) -> dict[str, Any]:
    """Let the handler run; returns what it shares."""
    await story.arm()
    assert (await story.do("work")).stage == "done"
    await asyncio.sleep(for_s)
    shared: dict[str, Any] = story.engine.config.handlers["own"].__globals__["shared"]
    return shared


DRIVE = "robot.base.drive(linear_m_s=0.3, angular_rad_s=0.0)"


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        ("hal.DeviceSilent('mast', 'no answer')", "device_silent"),
        ("hal.DeviceGone('mast', 'unplugged')", "device_gone"),
        ("hal.DeviceRefused('mast', 'will not')", "device_refused"),
        ("hal.DeviceUnavailable('mast', 'inactive')", "device_unavailable"),
        ("hal.Halted('mast', 'halted')", "halted"),
        ("hal.OutOfRange('mast', 'too far', limit=1.4, unit='rad')", "out_of_range"),
        ("hal.HalError('something else')", "device_refused"),
        ("ValueError('a bug')", "handler_error"),
        ("SystemExit(3)", "handler_error"),
        ("asyncio.CancelledError()", "handler_error"),
        ("ExceptionGroup('two', [ValueError('a'), ValueError('b')])", "handler_error"),
        ("type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()", "handler_error"),
    ],
)
def test_however_a_handler_fails_the_machine_hears_of_it_and_the_robot_stands(
    tmp_path: Path, raised: str, reason: str
):
    async def body(story: Story) -> None:
        await work(story)

        assert [(m.type, m.payload["reason"]) for m in outcomes(story)] == [("own.failed", reason)]
        assert story.state == "armed.teleop"
        assert story.stands_still()
        assert story.engine.executor.running == 0
        assert not story.engine.crashed.done()

    tell(body, robot_with(tmp_path, f"{DRIVE}\nraise {raised}"))


@pytest.mark.parametrize(
    "raised", ["ValueError(text)", "hal.OutOfRange('mast', text, limit=float('nan'), unit=text)"]
)
def test_no_text_that_a_handler_raises_can_harm_the_answer_that_carries_it(tmp_path: Path, raised: str):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states: {disarmed: {}, armed: {active: all}}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: work, source: armed, do: own}
    """

    async def body(story: Story) -> None:
        await story.arm()
        failed = await story.do("work")

        assert failed.error is not None
        message = json.loads(encode(failed.error))["message"]
        assert "????" in message
        assert len(message) < 1100

    robot_with(tmp_path, f"text = '\\ud800' * 10_000\nraise {raised}")
    handlers = (tmp_path / "own.py").read_text()
    tell(body, robot_file(tmp_path, handlers=handlers, machine=machine, events=EVENTS))


@pytest.mark.parametrize("end", ["await task", "asyncio.current_task().cancel(); await robot.sleep(1)"])
def test_a_handler_that_ends_by_a_cancellation_of_its_own_has_failed(tmp_path: Path, end: str):
    source = (
        f"{DRIVE}\ntask = asyncio.create_task(robot.sleep(9))\nawait robot.sleep(0)\ntask.cancel()\n{end}"
    )

    async def body(story: Story) -> None:
        await work(story, 0.02)

        assert [m.payload["message"] for m in outcomes(story)] == ["it cancelled itself"]
        assert story.stands_still()

    tell(body, robot_with(tmp_path, source))


@pytest.mark.parametrize("body", ["return", "await robot.sleep(0)", "return robot.read('battery')"])
def test_a_handler_that_returns_at_once_is_done(tmp_path: Path, body: str):
    async def story_of(story: Story) -> None:
        await work(story, 0.01)

        assert [m.type for m in outcomes(story)] == ["own.done"]
        assert story.state == "armed.teleop"
        assert story.engine.executor.running == 0

    tell(story_of, robot_with(tmp_path, body))


def test_a_motion_halted_from_outside_ends_the_handler_that_waited_for_it(tmp_path: Path):
    async def body(story: Story) -> None:
        await work(story, 0.3)
        story.rig.set_world("bumper", True)
        await asyncio.sleep(0.05)

        assert [(m.type, m.payload["reason"]) for m in outcomes(story)] == [("own.failed", "halted")]
        assert story.state == "armed.teleop"
        assert story.stands_still()

    tell(body, robot_with(tmp_path, "await robot.base.turn(3.0, rate_rad_s=0.5)"))


def test_the_outcome_of_a_stay_that_is_over_is_dropped(tmp_path: Path):
    """The handler ends in the very turn in which its state is left, and a command comes before an event."""

    async def body(story: Story) -> None:
        shared = await work(story, 0.1)
        shared["go"].set_result(None)
        story.send("leave")
        await story.settle()

        assert story.state == "armed.other"
        late = [d for d in story.decisions if d.message.type == "own.done"]
        assert [(d.outcome, d.note) for d in late] == [(Outcome.IGNORED, "outdated")]

    tell(
        body,
        robot_with(tmp_path, "shared['go'] = asyncio.get_running_loop().create_future()\nawait shared['go']"),
    )


BACKGROUND = """
async def go_on():
    while True:
        try:
            robot.base.drive(linear_m_s=0.3)
        except Exception as error:
            shared["refused"] = str(error)
            return
        await robot.sleep(0.05)

shared["task"] = asyncio.create_task(go_on())
await robot.sleep(0.3)
"""


def test_a_background_task_of_a_handler_moves_nothing_after_its_end(tmp_path: Path):
    async def body(story: Story) -> None:
        tap = Tap(story.rig)
        shared = await work(story, 0.35)
        ended_at = outcomes(story)[0].at
        await asyncio.sleep(1)

        assert "own" in shared["refused"]
        assert "is over" in shared["refused"]
        assert tap.moved_since(ended_at + 0.001) == []
        assert story.stands_still()

    tell(body, robot_with(tmp_path, BACKGROUND))


def test_a_motion_begun_in_the_background_ends_with_its_handler(tmp_path: Path):
    source = """
    shared["task"] = asyncio.create_task(robot.base.turn(3.0, rate_rad_s=0.5))
    await robot.sleep(0.3)
    """

    async def body(story: Story) -> None:
        shared = await work(story, 0.31)

        assert [m.type for m in outcomes(story)] == ["own.done"]
        assert story.stands_still()
        assert "halted" in str(shared["task"].exception())

    tell(body, robot_with(tmp_path, source))


def test_a_handler_keeps_nothing_of_the_robot_for_its_next_call(tmp_path: Path):
    source = """
    if "kept" in shared:
        shared["kept"].base.drive(linear_m_s=0.3)
    shared["kept"] = robot
    """

    async def body(story: Story) -> None:
        await work(story, 0.1)
        await story.do("work")
        await asyncio.sleep(0.1)

        assert [(m.type, m.payload.get("reason")) for m in outcomes(story)] == [
            ("own.done", None),
            ("own.failed", "device_refused"),
        ]
        assert story.stands_still()

    tell(body, robot_with(tmp_path, source))


def test_the_late_bug_of_a_handler_that_is_over_halts_nobody_else(tmp_path: Path):
    source = """
    robot.base.drive(linear_m_s=0.3)
    try:
        await robot.sleep(9)
    except asyncio.CancelledError:
        await robot.sleep(0.1)
        raise ValueError("in its clean-up") from None
    """

    async def body(story: Story) -> None:
        await work(story, 0.1)
        await story.do("leave")
        driving = await story.do("drive", {"linear": 0.2})
        await asyncio.sleep(0.2)

        assert driving.stage == "started"
        assert story.reading("base.target_linear") == 0.2
        assert outcomes(story) == []
        assert story.engine.executor.zombies == 0

    tell(body, robot_with(tmp_path, source))


def test_handlers_that_clean_up_within_their_grace_are_not_counted_with_one_that_does_not(tmp_path: Path):
    source = """
    shared["calls"] = calls = shared.get("calls", 0) + 1
    try:
        await robot.sleep(1000)
    except asyncio.CancelledError:
        await robot.sleep(5.0 if calls == 1 else 0.2)
    """
    machine = MACHINE.replace(
        "source: armed.busy, dest: armed.other", "source: armed.busy, dest: armed.teleop"
    )

    async def body(story: Story) -> None:
        await story.arm()
        for _ in range(12):
            await story.do("work")
            await story.do("leave")
            await asyncio.sleep(0.04)

        assert story.engine.executor.zombies == 1
        assert not story.engine.crashed.done()

    robot_with(tmp_path, source)
    tell(
        body, robot_file(tmp_path, handlers=(tmp_path / "own.py").read_text(), machine=machine, events=EVENTS)
    )


# -- handlers that block ---------------------------------------------------------------------------


def with_thread(file: Path, check: Callable[[Story], None], *, ends: bool = True) -> None:
    """In real time: a thread cannot live in virtual time. It waits for the handler, not for a clock."""

    async def whole() -> None:
        async with asyncio.timeout(20), telling(file) as story:
            await story.arm()
            await story.do("work")
            while ends and not outcomes(story):  # noqa: ASYNC110  # what a thread does is no event here
                await asyncio.sleep(0.001)
            check(story)

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 3", ("own.done", None)),
        ("raise ValueError('a bug')", ("own.failed", "ValueError: a bug")),
        ("sys.exit(3)", ("own.failed", "SystemExit: 3")),
        ("raise StopIteration('x')", ("own.failed", "RuntimeError: own raised StopIteration('x')")),
        ("raise hal.DeviceSilent('mast', 'no answer')", ("own.failed", "mast: no answer")),
        (
            "robot.base.drive(linear_m_s=9.0)",
            ("own.failed", "base: linear 9.0 is beyond the limit of 0.8 m/s"),
        ),
        ("robot.read('nobody')", ("own.failed", "AttributeError: this robot has no device 'nobody'")),
        (
            "robot.sleep(0.001); assert robot.read('battery').value > 10 < robot.now() + 10",
            ("own.done", None),
        ),
        ("robot.base.turn(0.01, rate_rad_s=1.0)", ("own.done", None)),
    ],
)
def test_a_blocking_handler_ends_as_any_other(tmp_path: Path, body: str, told: tuple[str, str | None]):
    def check(story: Story) -> None:
        assert [(m.type, m.payload.get("message")) for m in outcomes(story)] == [told]

    with_thread(robot_with(tmp_path, body, blocking=True), check)


def test_the_end_of_the_daemon_does_not_wait_for_a_thread_that_never_ends(tmp_path: Path):
    source = "shared['there'] = threading.Event()\nshared['there'].set()\nthreading.Event().wait(60)"

    async def whole() -> float:
        loop = asyncio.get_running_loop()
        async with telling(robot_with(tmp_path, source, blocking=True)) as story:
            await story.arm()
            await story.do("work")
            began = loop.time()
        return loop.time() - began

    assert asyncio.run(whole()) < 1.0
