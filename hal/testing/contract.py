"""The stories that every driver has to survive, told of its own robot. Nothing here knows a protocol."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

import pytest

from hal.board import Board, BoardEvent, BoardState
from hal.device import Actuator, DeviceState, Sensor
from hal.link import Link
from hal.links.memory import TwinLink, memory_pair
from hal.registry import find_driver
from hal.rig import Rig
from hal.testing.robot import Pilot, Robot
from hal.testing.wires import FAR_ENDS, WIRES, Nonsense, any_fault
from hal.virtual import run

ONLINE_WITHIN_S = 30.0
PROVED_WITHIN_S = 60.0
MOVES_WITHIN_S = 10.0
INTERRUPTIONS = 10
"""How often, for each seed, a writer dies in the middle of a message."""


class DriverContract:
    """A class of tests: derive from it, name it `Test...`, and give it a `robot`."""

    robot: ClassVar[Robot]
    seeds: ClassVar[Sequence[int]] = range(int(os.environ.get("HAL_SEEDS", "5")))
    """With which each story is told. One that fails names its seed: `seeds = [17]` tells it again."""

    @pytest.mark.parametrize("wire", [*WIRES, *FAR_ENDS])
    def test_on_every_wire_it_comes_online_moves_and_stands_still_when_it_is_stopped(self, wire: str) -> None:
        """Four seconds of a person who drives, a stop, and the proof of it."""
        faults = {**WIRES, **FAR_ENDS}[wire]

        async def story(seed: int) -> None:
            rig = self.robot.simulated(faults, seed)
            pilot = Pilot(self.robot, rig)
            async with rig:
                async with asyncio.timeout(ONLINE_WITHIN_S):
                    await rig.online()
                moved = await pilot.push_for(4.0)
                assert moved or self.robot.move is None

                rig.halt()
                async with asyncio.timeout(PROVED_WITHIN_S):
                    await rig.online()
                    evidence = await rig.confirm_stop()
                    while not all(proof.confirmed for proof in evidence.values()):
                        await asyncio.sleep(0.1)
                        evidence = await rig.confirm_stop()
                await asyncio.sleep(self.robot.stops_within_s)
                assert not pilot.sees_motion
                assert set(evidence) == {n for n, d in rig.devices.items() if isinstance(d, Actuator)}
            assert rig.boards[self.robot.name].state is BoardState.CLOSED
            assert {device.state for device in rig.devices.values()} == {DeviceState.ABSENT}

        self._tell(story)

    def test_whatever_goes_wrong_together_it_is_online_and_still_when_that_is_over(self) -> None:
        """Ten seconds in which faults of all kinds begin and end."""

        async def story(seed: int) -> None:
            rig, rng, name = self.robot.simulated(seed=seed), random.Random(seed), self.robot.name
            pilot, twin = Pilot(self.robot, rig), rig.twins[name]
            sensors = [self.robot.sensor] if self.robot.sensor else []
            actuators = self.robot.runaways(twin.twin)
            async with rig:
                await rig.online()
                for _ in range(200):
                    if rng.random() < 0.05:
                        rig.inject(name, any_fault(rng, sensors, actuators))
                    await pilot.push_for(0.05)
                rig.halt()
                await asyncio.sleep(15)

                assert twin.faults == []
                assert rig.boards[name].state is BoardState.ONLINE
                assert not pilot.sees_motion

        self._tell(story)

    @pytest.mark.parametrize("wire", ["good", "one byte at a time", "late", "lossy", "corrupt"])
    def test_after_a_cut_it_is_back_within_two_seconds_inactive_and_still(self, wire: str) -> None:
        """The plug is pulled in motion, and put back after five seconds."""

        async def story(seed: int) -> None:
            rig = self.robot.simulated(WIRES[wire], seed)
            pilot, events = Pilot(self.robot, rig), list[BoardEvent]()
            async with rig:
                await rig.online()
                rig.listen(events.append)
                await pilot.push_for(0.5)
                rig.inject(self.robot.name, "unplug 5 s")
                await asyncio.sleep(5.001)
                assert [event.kind for event in events][-1] == "lost"
                async with asyncio.timeout(2):
                    await rig.online()

                assert [event.kind for event in events][-1] == "back"
                assert {device.state for device in rig.devices.values()} == {DeviceState.INACTIVE}
                assert not pilot.sees_motion

        self._tell(story)

    @pytest.mark.parametrize("wire", ["good", "one byte at a time", "late", "noisy"])
    def test_on_a_wire_that_loses_nothing_every_sensor_is_heard_and_stays_fresh(self, wire: str) -> None:
        """Three seconds after it came online."""

        async def story(seed: int) -> None:
            rig, loop = self.robot.simulated(WIRES[wire], seed), asyncio.get_running_loop()
            async with rig:
                await rig.online()
                await asyncio.sleep(3)
                for device in rig.devices.values():
                    if isinstance(device, Sensor):
                        reading = device.reading()

                        assert reading is not None, f"{device.name} was never heard"
                        assert device.stale_after_s is not None
                        assert loop.time() - reading.at < device.stale_after_s

        self._tell(story)

    def test_the_stop_frames_work_from_any_parser_state_of_the_far_end(self) -> None:
        """Who wrote to it died in the middle of a message; the stop frames are written by somebody else."""
        if self.robot.move is None:
            pytest.skip("nothing on it moves")

        async def story(seed: int) -> None:
            rng = random.Random(seed)
            for _ in range(INTERRUPTIONS):
                rig = self.robot.simulated(seed=seed)
                async with rig:
                    await rig.online()
                    await self._interrupt(rig, rng)

        self._tell(story)

    async def _interrupt(self, rig: Rig, rng: random.Random) -> None:
        loop, name = asyncio.get_running_loop(), self.robot.name
        board, wire, pilot = rig.boards[name], rig.twins[name], Pilot(self.robot, rig)
        async with asyncio.timeout(MOVES_WITHIN_S):
            while not await pilot.push_for(0.05):
                pass
        rig.inject(name, "full 10 s")  # from here on nothing arrives but what is handed over below
        half = board.stop_frames()[: rng.randrange(9)] + rng.randbytes(rng.randrange(6))
        wire.twin.receive(half, loop.time())
        await asyncio.sleep(board.IDLE_GAP_S)
        wire.twin.receive(board.stop_frames(), loop.time())
        wire.changed()
        await asyncio.sleep(self.robot.stops_within_s)

        assert not pilot.sees_motion

    def test_silence_is_told_with_a_cause_and_a_next_step(self) -> None:
        """Nobody is at the far end of the wire, and nobody reads there."""

        async def story(seed: int) -> None:
            near, _ = memory_pair("/dev/odd")
            await self._expect_a_complaint(near, random.Random(seed))

        self._tell(story)

    def test_nonsense_is_told_with_a_cause_and_a_next_step(self) -> None:
        """Something else is at the far end of the wire."""

        async def story(seed: int) -> None:
            rng = random.Random(seed)
            await self._expect_a_complaint(TwinLink("/dev/odd", Nonsense(rng)), rng)

        self._tell(story)

    async def _expect_a_complaint(self, link: Link, rng: random.Random) -> None:
        board, events = self._board(link, rng), list[BoardEvent]()
        board.listener = events.append
        task = asyncio.create_task(board.run())
        await asyncio.sleep(60)

        assert events
        assert {event.kind for event in events} <= {"lost", "refused"}
        assert all("?" in event.detail or ";" in event.detail for event in events), events
        assert {device.state for device in board.devices.values()} == {DeviceState.ABSENT}
        task.cancel()
        await asyncio.wait({task})

    def _board(self, link: Link, rng: random.Random) -> Board:
        """The board on a wire of another kind than its twin's."""
        robot, driver = self.robot, find_driver(self.robot.board["driver"])
        board = driver.board("odd", driver.board_spec.model_validate(robot.board), lambda: link, rng)
        for name, data in robot.devices.items():
            if "board" in data:
                board.add(name, driver.device_specs[data["kind"]].model_validate(data))
        return board

    def _tell(self, story: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        for seed in self.seeds:
            try:
                run(story(seed), seed=seed)
            except Exception as error:
                error.add_note(f"seed {seed}: with `seeds = [{seed}]` it is told again")
                raise
