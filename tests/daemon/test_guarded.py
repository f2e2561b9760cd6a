"""A daemon with its guard, both real processes, and a twin at the far end of a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hal import serve_pty
from robotd.client import RemoteError, RemoteRobot
from robotd.client.guard import stop_by_guard
from tests.cli.conftest import RunningRobot, rover_on_any_port
from tests.daemon.test_real_path import DRIVE, make_twin, running, until


def guard_of(robot: RunningRobot) -> int:
    """The process of its guard."""
    children = Path(f"/proc/{robot.process.pid}/task/{robot.process.pid}/children").read_text().split()
    (guard,) = [
        int(child) for child in children if b"guard.py" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return guard


def unix_socket(file: Path) -> str:
    return f"unix://{file.parent / 'r.sock'}"


async def drive(client: RemoteRobot, twin: Any) -> None:
    await client.send("arm", wait="done")
    await client.send("drive", DRIVE, valid_for_s=30.0)
    await until(lambda _: twin.world()["left_duty"] != 0, client)


async def reset(client: RemoteRobot, latch_id: str) -> None:
    """As soon as everything has been at rest for long enough."""
    while True:
        try:
            await client.reset(latch_id)
        except RemoteError as refusal:
            await asyncio.sleep(refusal.data["retry_after_ms"] / 1000)
        else:
            return


def rover_with_a_socket(folder: Path) -> Path:
    file = rover_on_any_port(folder)
    file.write_text(file.read_text().replace("unix: robotd.sock", f"unix: {folder}/r.sock"))
    return file


async def test_a_stop_told_to_the_guard_stops_a_daemon_that_is_well_and_takes_three_steps_to_undo(
    tmp_path: Path,
):
    file, port = rover_with_a_socket(tmp_path), tmp_path / "arduino"
    twin = make_twin(file)
    async with asyncio.timeout(60), serve_pty(twin, port), running(file, port) as (robot, client):
        first = guard_of(robot)
        await drive(client, twin)

        assert stop_by_guard(unix_socket(file), "somebody on the track")
        status = await until(lambda status: status["latch"] is not None, client)
        assert status["latch"]["by"] == "guard:stop"
        assert status["latch"]["reason"] == "somebody on the track"
        assert status["guard"]["state"] == "tripped"
        # The twin reads its wire in this process, which may be the last to get its turn.
        await until(lambda _: twin.world()["left_duty"] == 0, client)
        await reset(client, status["latch"]["latch_id"])
        status = await until(lambda status: status["guard"]["state"] == "ready", client)
        assert status["state"] == "disarmed"
        assert guard_of(robot) != first
        await drive(client, twin)


async def test_a_guard_that_is_killed_stops_the_robot_and_another_takes_over(tmp_path: Path):
    file, port = rover_with_a_socket(tmp_path), tmp_path / "arduino"
    twin = make_twin(file)
    async with asyncio.timeout(60), serve_pty(twin, port), running(file, port) as (robot, client):
        first = guard_of(robot)
        await drive(client, twin)
        os.kill(first, signal.SIGKILL)
        status = await until(lambda status: status["latch"] is not None, client)
        await until(lambda _: twin.world()["left_duty"] == 0, client)
        again = await until(lambda status: status["guard"]["ports"] == ["arduino"], client)

        assert status["latch"]["reason"] == "the guard process died"
        assert again["devices"]["base"]["state"] == "inactive"
        assert guard_of(robot) != first


async def test_a_killed_daemon_is_stopped_by_its_guard_and_the_next_one_starts_stopped(tmp_path: Path):
    file, port = rover_with_a_socket(tmp_path), tmp_path / "arduino"
    twin = make_twin(file)
    async with asyncio.timeout(60), serve_pty(twin, port):
        async with running(file, port) as (robot, client):
            await drive(client, twin)
            robot.process.kill()
            await asyncio.to_thread(robot.process.wait)
            while twin.world()["left_duty"]:  # noqa: ASYNC110  # another process changes it
                await asyncio.sleep(0.005)
        async with running(file, port) as (_, client):
            status = await client.status()
            with pytest.raises(RemoteError, match="the daemon died"):
                await client.send("arm", wait="done")

            assert status["state"] == "estopped"
            assert status["latch"]["by"] == "guard:daemon_died"
            assert status["latch"]["kept"]
            assert twin.world()["left_duty"] == 0


async def test_a_clean_end_leaves_no_latch_and_no_guard(tmp_path: Path):
    file, port = rover_with_a_socket(tmp_path), tmp_path / "arduino"
    twin = make_twin(file)
    async with asyncio.timeout(60), serve_pty(twin, port):
        async with running(file, port) as (robot, client):
            guard = guard_of(robot)
            await drive(client, twin)
            robot.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(robot.process.wait)

            assert code == 0
            with pytest.raises(ProcessLookupError):
                os.kill(guard, 0)
            assert not stop_by_guard(unix_socket(file), "nobody is there any more")
        async with running(file, port) as (_, client):
            assert (await client.status())["latch"] is None


async def test_without_a_guard_that_is_said_and_a_killed_daemon_leaves_no_word(tmp_path: Path):
    file, port = rover_with_a_socket(tmp_path), tmp_path / "arduino"
    file.write_text(file.read_text() + "guard: off\n")
    async with (
        asyncio.timeout(60),
        serve_pty(make_twin(file), port),
        running(file, port) as (robot, client),
    ):
        status = await client.status()

        assert status["guard"]["state"] == "off"
        assert b'"guard: off"' in robot.log.read_bytes()
        assert not stop_by_guard(unix_socket(file), "nobody hears")


def test_only_a_unix_socket_leads_to_a_guard():
    assert not stop_by_guard("tcp://127.0.0.1:1", "far away")
    assert not stop_by_guard("unix:///nowhere/robotd.sock", "nobody there")
