"""The daemon in a process of its own, its Arduino at the far end of a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hal import FaultyTwin, Twin, find_driver, serve_pty
from robotd.client import RemoteRobot, connect
from robotd.config import load
from tests.cli.conftest import RunningRobot, rover_on_any_port

PATIENCE_S = 15.0
DRIVE = {"linear": 0.3, "angular": 0.0}


def make_twin(file: Path) -> Twin:
    config = load(file)
    board = config.boards["arduino"]
    return find_driver(board.driver).twin("arduino", board, config.devices, random.Random(1))


@asynccontextmanager
async def running(file: Path, port: Path) -> AsyncIterator[tuple[RunningRobot, RemoteRobot]]:
    """The daemon of `file` on `port`, and a client of it."""
    robot = await asyncio.to_thread(RunningRobot, file, "--sim", "gps", "--port", f"arduino={port}")
    try:
        async with connect(robot.tcp) as client:
            yield robot, client
    finally:
        await asyncio.to_thread(robot.end)


async def until(true: Callable[[dict[str, Any]], bool], client: RemoteRobot) -> dict[str, Any]:
    """Ask for the status until it says what it should."""
    async with asyncio.timeout(PATIENCE_S):
        while not true(status := await client.status()):  # noqa: ASYNC110  # another process changes it
            await asyncio.sleep(0.01)
    return status


async def test_killing_and_restarting_the_far_end_is_told_and_moves_nothing(tmp_path: Path):
    file, port = rover_on_any_port(tmp_path), tmp_path / "arduino"
    async with asyncio.timeout(60):
        first = serve_pty(make_twin(file), port)
        await first.__aenter__()
        async with running(file, port) as (robot, client):
            await client.send("arm", wait="done")
            driving = await client.send("drive", DRIVE, valid_for_s=30.0)
            await first.__aexit__(None, None, None)

            assert [stage.stage async for stage in driving][-1] == "failed"
            await until(lambda status: status["boards"]["arduino"]["state"] != "online", client)
            twin = make_twin(file)
            async with serve_pty(twin, port):
                status = await until(lambda s: s["boards"]["arduino"]["state"] == "online", client)

                assert status["devices"]["base"]["state"] == "inactive"
                assert twin.world()["left_duty"] == twin.world()["right_duty"] == 0
                assert twin.world()["x"] == 0
                log = [json.loads(line) for line in robot.log.read_text().splitlines()]
                told = [line["event"] for line in log if line["level"] == "warning"]
                assert told == ["arduino.lost", "arduino.back"]


async def test_an_unplugged_far_end_is_told_found_again_and_moves_nothing(tmp_path: Path):
    file, port = rover_on_any_port(tmp_path), tmp_path / "arduino"
    twin = FaultyTwin("arduino", make_twin(file), random.Random(1))
    async with asyncio.timeout(60), serve_pty(twin, port), running(file, port) as (robot, client):
        await client.send("arm", wait="done")
        driving = await client.send("drive", DRIVE, valid_for_s=30.0)
        await until(lambda _: twin.world()["left_duty"] != 0, client)
        twin.inject("unplug 1 s", asyncio.get_running_loop().time())

        assert [stage.stage async for stage in driving][-1] == "failed"
        await until(lambda status: status["boards"]["arduino"]["state"] != "online", client)
        status = await until(lambda status: status["boards"]["arduino"]["state"] == "online", client)
        assert status["devices"]["base"]["state"] == "inactive"
        assert twin.world()["left_duty"] == twin.world()["right_duty"] == 0
        log = [json.loads(line) for line in robot.log.read_text().splitlines()]
        told = [line["event"] for line in log if line["level"] == "warning"]
        assert told == ["arduino.lost", "arduino.back"]


async def test_a_simulated_robot_is_started_with_its_faults(tmp_path: Path):
    file = rover_on_any_port(tmp_path)
    robot = await asyncio.to_thread(
        RunningRobot,
        file,
        "--sim",
        "--fault",
        "arduino=unplug 300 ms after 500 ms",
        "--fault",
        "arduino=delay 1..2 ms",
    )
    try:
        async with asyncio.timeout(20):
            while b"arduino.back" not in robot.log.read_bytes():  # noqa: ASYNC110  # another process writes it
                await asyncio.sleep(0.02)
    finally:
        await asyncio.to_thread(robot.end)

    assert b"arduino.lost" in robot.log.read_bytes()


async def test_sigterm_halts_the_wheels_and_ends_with_0(tmp_path: Path):
    file, port = rover_on_any_port(tmp_path), tmp_path / "arduino"
    twin = make_twin(file)
    async with asyncio.timeout(60), serve_pty(twin, port):
        robot = await asyncio.to_thread(RunningRobot, file, "--sim", "gps", "--port", f"arduino={port}")
        async with connect(robot.tcp) as client:
            await client.send("arm", wait="done")
            driving = await client.send("drive", DRIVE, valid_for_s=30.0)
            async with asyncio.timeout(PATIENCE_S):
                while twin.world()["left_duty"] == 0:  # noqa: ASYNC110  # another process changes it
                    await asyncio.sleep(0.005)

            robot.process.send_signal(signal.SIGTERM)

            assert [stage.stage async for stage in driving][-1] == "cancelled"
        assert await asyncio.to_thread(robot.process.wait, PATIENCE_S) == 0
        robot.end()
        async with asyncio.timeout(PATIENCE_S):
            while twin.world()["left_duty"] or twin.world()["right_duty"]:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.005)  # its last bytes are still on their way through the terminal


async def test_a_second_daemon_on_the_same_serial_port_names_the_holder_and_ends_with_1(tmp_path: Path):
    file, port = rover_on_any_port(tmp_path), tmp_path / "arduino"
    second_user = tmp_path / "second"
    second_user.mkdir()
    async with asyncio.timeout(60), serve_pty(make_twin(file), port), running(file, port) as (first, client):
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "robotd", "run", str(file), "--journal", "memory"),
            *("--sim", "gps", "--port", f"arduino={port}"),
            env={**os.environ, "XDG_RUNTIME_DIR": str(second_user), "XDG_STATE_HOME": str(second_user)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        said, complained = await second.communicate()

        assert second.returncode == 1
        assert said == b""
        assert f"arduino: {port}: in use by ".encode() in complained
        assert f"(pid {first.process.pid})".encode() in complained
        assert (await client.status())["boards"]["arduino"]["state"] == "online"
