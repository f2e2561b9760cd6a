"""What every driver promises, told as one story on every wire that misbehaves. In virtual time, by seed.

To add a driver: add its robot to `ROBOTS`. Nothing here knows a protocol.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hal import (
    DRIVERS,
    FAULTS,
    Actuator,
    BoardEvent,
    BoardState,
    DeviceState,
    DriveBase,
    HalError,
    Rig,
    Sensor,
    Twin,
    find_driver,
)
from hal.links.memory import MemoryLink, memory_pair
from tests import virtual
from tests.counts import cases
from tests.hal import rover


@dataclass(frozen=True)
class Robot:
    """One board of a driver with as much on it as it can carry."""

    board: Mapping[str, Any]
    devices: Mapping[str, Mapping[str, Any]]
    move: Callable[[Rig], object]
    """Sets something in motion; raises what a verb raises."""
    moves: Callable[[Twin], bool]
    """Whether anything in the twin's world is driven now."""
    sensor: str
    """A quantity of its world that is reported."""


def drive(rig: Rig) -> None:
    base = rig.devices["base"]
    assert isinstance(base, DriveBase)
    base.drive(0.3)


ROBOTS = {
    "firmata": Robot(
        board=rover.BOARDS["arduino"],
        devices=rover.DEVICES,
        move=drive,
        moves=lambda twin: twin.world()["left_duty"] != 0 or twin.world()["right_duty"] != 0,
        sensor="battery",
    )
}

WIRES = {
    "good": [],
    "one byte at a time": ["split"],
    "late": ["delay 5..40 ms"],
    "one late byte at a time": ["split", "delay 1..5 ms"],
    "lossy": ["drop 1%"],
    "corrupt": ["corrupt 1%"],
    "noisy": ["garbage 64 B", "garbage 200 B after 1 s", "garbage 64 B after 1.5 s"],
    "stalling": ["stall 800 ms after 1 s"],
    "full": ["full 500 ms after 1 s"],
    "cut": ["unplug 500 ms after 1 s"],
    "everything": [
        "drop 1%",
        "corrupt 1%",
        "delay 1..10 ms",
        "garbage 64 B after 1 s",
        "unplug 1 s after 2 s",
    ],
}
FAR_ENDS = {
    "restarting": ["reboot after 1 s", "reboot garbage 400 B after 2 s"],
    "frozen": ["freeze SENSOR for 1 s after 1 s"],
    "stuck": ["stuck SENSOR for 1 s after 1 s"],
    "refusing": ["nak for 700 ms after 1 s"],
    "refusing while it is prepared": ["nak for 1 s", "reboot after 2 s", "nak for 1 s after 2 s"],
    "deaf": ["deaf for 700 ms after 1 s"],
    "slow": ["slow clock for 1 s after 1 s", "slow clock 20% for 1 s after 2500 ms"],
    "everything at the far end": [
        "drop 1%",
        "reboot garbage 64 B after 1 s",
        "slow clock 30% for 1 s after 1 s",
        "nak for 200 ms after 2 s",
        "deaf for 200 ms after 3 s",
    ],
}


def test_every_driver_of_the_table_has_its_robot_here() -> None:
    assert set(ROBOTS) == set(DRIVERS)


def simulated(name: str, faults: list[str], seed: int) -> Rig:
    robot = ROBOTS[name]
    faults = [fault.replace("SENSOR", robot.sensor) for fault in faults]
    return Rig.of(
        {"arduino": robot.board}, robot.devices, simulated=["arduino"], faults={"arduino": faults}, seed=seed
    )


def activate_all(rig: Rig) -> None:
    for device in rig.devices.values():
        if device.state is DeviceState.INACTIVE:
            device.activate()


@pytest.mark.parametrize("seed", range(cases(20)))
@pytest.mark.parametrize("wire", [*WIRES, *FAR_ENDS])
@pytest.mark.parametrize("name", ROBOTS)
def test_on_every_wire_it_comes_online_moves_and_stands_still_when_it_is_stopped(
    name: str, wire: str, seed: int
) -> None:
    async def story() -> None:
        robot, rig = ROBOTS[name], simulated(name, (WIRES | FAR_ENDS)[wire], seed)
        board, twin = rig.boards["arduino"], rig.twins["arduino"]
        moved = False
        async with rig:
            async with asyncio.timeout(30):
                await rig.online()
            for _ in range(80):  # four seconds of a person who drives, whatever the wire does
                activate_all(rig)
                with contextlib.suppress(HalError):
                    robot.move(rig)
                await asyncio.sleep(0.05)
                moved = moved or robot.moves(twin)
            assert moved

            rig.halt()
            async with asyncio.timeout(60):
                await rig.online()
                evidence = await rig.confirm_stop()
                while not all(proof.confirmed for proof in evidence.values()):
                    await asyncio.sleep(0.1)
                    evidence = await rig.confirm_stop()
            assert not robot.moves(twin)
            assert set(evidence) == {n for n, d in rig.devices.items() if isinstance(d, Actuator)}
        assert board.state is BoardState.CLOSED
        assert {device.state for device in rig.devices.values()} == {DeviceState.ABSENT}

    virtual.run(story())


def any_fault(rng: random.Random, sensor: str) -> str:
    """One that may be in force together with any other."""
    info = rng.choice([*FAULTS.values()])
    words = [info.example]
    if info.lasts:
        words.append(f"for {rng.randrange(50, 3000)} ms")
    words.append(f"after {rng.randrange(1000)} ms")
    return " ".join(words).replace("battery", sensor).replace("bumper", sensor)


@pytest.mark.parametrize("seed", range(cases(100)))
@pytest.mark.parametrize("name", ROBOTS)
def test_whatever_goes_wrong_together_it_is_online_and_still_when_that_is_over(name: str, seed: int) -> None:
    async def story() -> None:
        robot, rig, rng = ROBOTS[name], simulated(name, [], seed), random.Random(seed)
        async with rig:
            await rig.online()
            for _ in range(200):
                if rng.random() < 0.05:
                    rig.inject("arduino", any_fault(rng, robot.sensor))
                activate_all(rig)
                with contextlib.suppress(HalError):
                    robot.move(rig)
                await asyncio.sleep(0.05)
            rig.halt()
            await asyncio.sleep(15)

            assert rig.twins["arduino"].faults == []
            assert rig.boards["arduino"].state is BoardState.ONLINE
            assert not robot.moves(rig.twins["arduino"])

    virtual.run(story())


@pytest.mark.parametrize("seed", range(cases(20)))
@pytest.mark.parametrize("wire", ["good", "one byte at a time", "late", "lossy", "corrupt"])
@pytest.mark.parametrize("name", ROBOTS)
def test_after_a_cut_it_is_back_within_two_seconds_inactive_and_still(
    name: str, wire: str, seed: int
) -> None:
    async def story() -> None:
        robot, rig = ROBOTS[name], simulated(name, WIRES[wire], seed)
        events: list[BoardEvent] = []
        async with rig:
            await rig.online()
            rig.listen(events.append)
            activate_all(rig)
            rig.inject("arduino", "unplug 5 s")
            await asyncio.sleep(5.001)
            assert [event.kind for event in events][-1] == "lost"
            async with asyncio.timeout(2):
                await rig.online()

            assert [event.kind for event in events][-1] == "back"
            assert {device.state for device in rig.devices.values()} == {DeviceState.INACTIVE}
            assert not robot.moves(rig.twins["arduino"])

    virtual.run(story())


@pytest.mark.parametrize("wire", ["good", "one byte at a time", "late", "noisy"])
@pytest.mark.parametrize("name", ROBOTS)
def test_on_a_wire_that_loses_nothing_every_sensor_is_heard_and_stays_fresh(name: str, wire: str) -> None:
    async def story() -> None:
        rig = simulated(name, WIRES[wire], 0)
        loop = asyncio.get_running_loop()
        async with rig:
            await rig.online()
            await asyncio.sleep(3)
            for sensor in (d for d in rig.devices.values() if isinstance(d, Sensor)):
                reading = sensor.reading()
                assert reading is not None
                assert sensor.stale_after_s is not None
                assert loop.time() - reading.at < sensor.stale_after_s

    virtual.run(story())


@pytest.mark.parametrize("name", ROBOTS)
def test_the_stop_frames_work_from_any_parser_state_of_the_far_end(name: str) -> None:
    async def story() -> None:
        rng = random.Random(1)
        robot = ROBOTS[name]
        for _ in range(cases(500)):
            rig = simulated(name, [], 0)
            twin = rig.twins["arduino"]
            async with rig:
                await rig.online()
                activate_all(rig)
                robot.move(rig)
                now = asyncio.get_running_loop().time()
                # Half of a message that its writer did not live to finish.
                twin.receive(rig.boards["arduino"].stop_frames()[: rng.randrange(9)], now)
                twin.receive(rng.randbytes(rng.randrange(6)), now)
                robot.move(rig)

                twin.receive(rig.boards["arduino"].stop_frames(), now)

                assert not robot.moves(twin)

    virtual.run(story())


class Noise:
    """A far end that answers everything with anything."""

    def __init__(self, link: MemoryLink, rng: random.Random) -> None:
        self._link = link
        self._rng = rng

    def data_received(self, data: bytes) -> None:
        self._link.write(self._rng.randbytes(self._rng.randrange(40)))

    def connection_lost(self, reason: Exception | None) -> None: ...


@pytest.mark.parametrize("seed", range(cases(50)))
@pytest.mark.parametrize("name", ROBOTS)
def test_no_answer_at_all_and_any_nonsense_are_told_with_a_cause_and_a_next_step(
    name: str, seed: int
) -> None:
    async def story() -> None:
        robot, driver, rng = ROBOTS[name], find_driver(name), random.Random(seed)
        near, far = memory_pair("/dev/odd")
        if seed:
            await far.open(Noise(far, rng))
        board = driver.board("odd", driver.board_spec.model_validate(robot.board), lambda: near, rng)
        for device, data in robot.devices.items():
            if data["kind"] in driver.device_specs:
                board.add(device, driver.device_specs[data["kind"]].model_validate(data))
        events: list[BoardEvent] = []
        board.listener = events.append
        task = asyncio.create_task(board.run())
        await asyncio.sleep(60)

        assert [event.kind for event in events] in (
            ["lost"],
            ["refused"],
            ["lost", "refused"],
            ["refused", "lost"],
        )
        assert "?" in events[0].detail or ";" in events[0].detail
        assert {device.state for device in board.devices.values()} == {DeviceState.ABSENT}
        task.cancel()
        await asyncio.wait({task})

    virtual.run(story())
