"""The whole daemon in virtual time, as a story sees it: unchanged, with every door that it has."""

from __future__ import annotations

import asyncio
import json
import threading
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from robotd.client import connect as connect_client
from robotd.config import load
from robotd.sim.simulation import CannotSimulate, Simulation, simulate
from tests.daemon.story import robot_file

ROVER = load(Path(__file__).parents[2] / "config" / "rover.yaml")


async def drive_and_stop(sim: Simulation) -> dict[str, object]:
    console = await sim.connect()
    console.send("arm")
    driven = console.send("drive", {"linear": 0.3})
    await sim.sleep(0.2)
    speed = sim.reading("base.linear")
    stopped = console.stop("enough")
    await sim.sleep(0.7)
    latched = sim.state
    reset = console.reset()
    await sim.sleep(0.1)
    return {
        "speed": speed,
        "stages": [stage["stage"] for stage in driven.stages],
        "evidence": stopped.answer and "result" in stopped.answer,
        "latched": latched,
        "reset": reset.answer and reset.answer["result"]["ready"],
        "state": sim.state,
        "bugs": sim.bugs,
    }


def test_an_operator_drives_stops_and_resets_through_the_wire():
    assert simulate(ROVER, drive_and_stop) == {
        "speed": 0.3,
        "stages": ["received", "accepted", "journaled", "started", "cancelled"],
        "evidence": True,
        "latched": ("estopped", "ok"),
        "reset": True,
        "state": ("disarmed", "ok"),
        "bugs": [],
    }


def test_somebody_elses_websocket_client_is_served_in_virtual_time():
    async def story(sim: Simulation) -> tuple[str, float]:
        async with connect("ws://127.0.0.1:8080/ws") as client:
            await sim.sleep(300)
            await client.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status"}))
            answer = json.loads(await client.recv())
        return answer["result"]["state"], sim.now

    state, now = simulate(ROVER, story)

    assert state == "disarmed"
    assert now == pytest.approx(300, abs=1)


def test_our_own_python_client_is_served_in_virtual_time():
    async def story(_: Simulation) -> str:
        async with connect_client("tcp://127.0.0.1:8081") as robot:
            command = await robot.send("arm", wait="done")
        return command.stage

    assert simulate(ROVER, story) == "done"


def test_a_page_says_the_simulated_time_of_the_wall():
    async def story(_: Simulation) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", 8080)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer.decode()

    assert "Date: Thu, 01 Jan 2026 00:00:00 GMT" in simulate(ROVER, story)


def test_the_answer_to_a_websocket_says_the_simulated_time_of_the_wall_and_no_other():
    async def story(sim: Simulation) -> list[str]:
        await sim.sleep(60)
        async with connect("ws://127.0.0.1:8080/ws") as client:
            assert client.response is not None
            return client.response.headers.get_all("Date")

    assert simulate(ROVER, story) == ["Thu, 01 Jan 2026 00:01:00 GMT"]


def test_lines_of_the_log_are_told():
    told: list[tuple[str, str]] = []

    async def story(sim: Simulation) -> None:
        sim.rig.inject("arduino", "unplug 1 s")
        await sim.sleep(3)

    simulate(ROVER, story, logs=lambda level, event, _: told.append((level, event)))

    assert ("warning", "arduino.lost") in told


def test_the_digest_knows_every_byte_on_the_wire():
    async def story(sim: Simulation, battery_v: float) -> str:
        sim.rig.set_world("battery", battery_v)
        await sim.sleep(1)
        return sim.recording.digest

    digests = [simulate(ROVER, partial(story, battery_v=volts)) for volts in (12.0, 12.0, 12.1)]

    assert digests[0] == digests[1] != digests[2]


def test_the_digest_knows_every_command():
    async def story(sim: Simulation, kind: str) -> str:
        console = await sim.connect()
        console.send(kind)
        await sim.sleep(0.01)
        return sim.recording.digest

    digests = [simulate(ROVER, partial(story, kind=kind)) for kind in ("disarm", "disarm", "dance")]

    assert digests[0] == digests[1] != digests[2]


def test_a_bug_that_nobody_caught_is_kept():
    async def story(sim: Simulation) -> int:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await sim.sleep(0.1)
        return len(sim.bugs)

    assert simulate(ROVER, story) == 1


def test_what_a_story_raises_ends_the_simulation_and_comes_out():
    async def story(_: Simulation) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        simulate(ROVER, story)


def test_nothing_is_left_when_a_simulation_has_ended():
    before = threading.active_count()

    async def story(sim: Simulation) -> None:
        await sim.connect()

    simulate(ROVER, story)

    assert threading.active_count() == before


def test_a_robot_whose_handler_needs_a_thread_is_refused_by_its_name(tmp_path: Path):
    file = robot_file(
        tmp_path,
        handlers="""
            from robotd import handler

            @handler(blocking=True)
            def patrol(robot) -> None:
                robot.sleep(1)
            """,
    )

    async def story(_: Simulation) -> None: ...

    with pytest.raises(CannotSimulate, match="the handler 'patrol' is blocking"):
        simulate(load(file), story)
