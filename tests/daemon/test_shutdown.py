"""The end of the whole process, with user code in it that does not want to end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotd.client import connect
from tests.cli.conftest import RunningRobot
from tests.daemon.test_handlers import robot_with

ENDED_WITHIN_S = 2.0
LISTEN = "listen: {websocket: 127.0.0.1:0, tcp: 127.0.0.1:0, unix: robotd.sock}\n"


@pytest.mark.parametrize(
    ("body", "blocking"),
    [
        ("threading.Event().wait()", True),
        ("while True:\n    try:\n        robot.sleep(0.01)\n    except BaseException:\n        pass", True),
        (
            "while True:\n    try:\n        await robot.sleep(0.01)\n    except BaseException:\n        pass",
            False,
        ),
        ("await asyncio.to_thread(threading.Event().wait)", False),
        ("threading.Thread(target=threading.Event().wait).start()", False),
        ("shared['task'] = asyncio.create_task(robot.sleep(1000))\nawait shared['task']", False),
    ],
)
async def test_a_process_ends_within_two_seconds_whatever_its_handler_does(
    tmp_path: Path, body: str, blocking: bool
):
    file = robot_with(tmp_path, body, blocking=blocking)
    text = file.read_text()
    file.write_text(text[: text.index("listen:")] + LISTEN)
    robot = await asyncio.to_thread(RunningRobot, file, "--sim")
    async with connect(robot.tcp) as client:
        await client.send("arm", wait="done")
        await client.send("work", wait="done")
        began = asyncio.get_running_loop().time()

        assert await asyncio.to_thread(robot.end) == 0
        assert asyncio.get_running_loop().time() - began < ENDED_WITHIN_S
    log = robot.log.read_text()
    for complaint in ("Traceback", "never retrieved", "was destroyed", "never awaited"):
        assert complaint not in log


async def test_a_process_with_too_many_handlers_that_ignore_their_end_says_so_and_ends_with_1(tmp_path: Path):
    body = "while True:\n    try:\n        await robot.sleep(0.01)\n    except BaseException:\n        pass"
    file = robot_with(tmp_path, body)
    text = file.read_text().replace(
        "source: armed.busy, dest: armed.other", "source: armed, dest: armed.teleop"
    )
    file.write_text(text[: text.index("listen:")] + LISTEN)
    robot = await asyncio.to_thread(RunningRobot, file, "--sim")
    async with connect(robot.tcp) as client:
        await client.send("arm", wait="done")
        for _ in range(4):
            await client.send("work", wait="done")
            await client.send("leave", wait="done")

        assert await asyncio.to_thread(robot.process.wait, ENDED_WITHIN_S) == 1
    robot.end()
    assert "TooManyZombies: 4 actions ignore their cancellation" in robot.log.read_text()
