"""Stories of a board's life: it comes online, is lost, restarts, falls silent, and is back and inactive."""

from __future__ import annotations

import asyncio
import random

import pytest

from hal.board import BoardEvent, BoardState
from hal.device import Actuator, DeviceState, Sensor
from hal.faults import parse_fault
from hal.rig import Rig
from hal.testing.robot import PUSH_S, Pilot
from hal.testing.stories import Stories, comes_to_stay, states
from hal.testing.wires import FAR_ENDS, WIRES, any_fault

ONLINE_WITHIN_S = 30.0
MOVES_WITHIN_S = 10.0
MOVES_AGAIN_WITHIN_S = 2.0
AFTERWARDS_S = 1.0
"""So long is driven on when the last fault has begun."""
PROVED_WITHIN_S = 60.0
FOUND_OUT_WITHIN_S = 5.0
"""A far end that hangs, restarted or hears nothing is found out so soon, at the latest..."""
RECOVERS_WITHIN_S = 8.0
"""...and so soon it is online and still, when all that went wrong is over."""

QUIET_WIRES = ("good", "one byte at a time", "late", "noisy")
"""Those that lose nothing."""


class LifeContract(Stories):
    """Whatever the wire and the far end do."""

    @pytest.mark.parametrize("wire", [*WIRES, *FAR_ENDS])
    def test_on_every_wire_it_comes_online_moves_and_stands_still_when_it_is_stopped(self, wire: str) -> None:
        """A person who drives through all that goes wrong, a stop, and the proof of it."""
        faults = {**WIRES, **FAR_ENDS}[wire]
        begun_s = max([parse_fault(fault.replace("SENSOR", "it")).after_s for fault in faults], default=0.0)

        async def story(seed: int) -> None:
            rig = self.rig(seed, faults)
            pilot = Pilot(self.robot, rig)
            async with rig:
                async with asyncio.timeout(ONLINE_WITHIN_S):
                    await rig.online()
                moved = await pilot.push_for(begun_s + AFTERWARDS_S)
                if self.robot.move is not None:
                    assert moved or await pilot.push_until_it_moves(MOVES_WITHIN_S)

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
            assert states(rig) == {DeviceState.ABSENT}

        self.tell(story)

    def test_whatever_goes_wrong_together_it_is_online_and_still_when_that_is_over(self) -> None:
        """Five seconds in which faults of all kinds begin and end."""

        async def story(seed: int) -> None:
            rig, rng, name = self.rig(seed), random.Random(seed), self.robot.name
            pilot = Pilot(self.robot, rig)
            sensors = [self.robot.sensor] if self.robot.sensor else []
            actuators = self.robot.runaways(rig.twins[name])
            async with rig:
                await rig.online()
                for _ in range(100):
                    if rng.random() < 0.1:
                        rig.inject(name, any_fault(rng, sensors, actuators))
                    await pilot.push_for(PUSH_S)
                rig.halt()
                rig.mend(name)

                board = rig.boards[name]
                assert await comes_to_stay(
                    lambda: board.state is BoardState.ONLINE and not pilot.sees_motion, RECOVERS_WITHIN_S
                )

        self.tell(story)

    @pytest.mark.parametrize("wire", QUIET_WIRES)
    def test_on_a_wire_that_loses_nothing_it_does_not_move_unasked_and_every_sensor_is_heard(
        self, wire: str
    ) -> None:
        """Looked at after each write, and for a second of activation; later its readings are fresh."""

        async def story(seed: int) -> None:
            moved = list[bytes]()

            def look(_: str, way: str, data: bytes) -> None:
                if way == "to" and self.robot.moves(rig.twins[self.robot.name].world()):
                    moved.append(data)

            rig = self.rig(seed, WIRES[wire], tap=look)
            pilot = Pilot(self.robot, rig)
            async with rig:
                await rig.online()
                for _ in range(50):
                    pilot.activate()
                    await asyncio.sleep(0.02)
                    assert not pilot.sees_motion
                await asyncio.sleep(1)
                for device in rig.devices.values():
                    if isinstance(device, Sensor):
                        self._expect_freshness(device)
            assert moved == []

        self.tell(story)

    def _expect_freshness(self, sensor: Sensor) -> None:
        reading = sensor.reading()

        assert reading is not None, f"{sensor.name} was never heard"
        assert sensor.stale_after_s is not None, f"{sensor.name} never grows stale"
        assert asyncio.get_running_loop().time() - reading.at < sensor.stale_after_s

    @pytest.mark.parametrize("wire", ["good", "one byte at a time", "late"])
    def test_after_a_cut_it_is_back_within_two_seconds_inactive_and_still(self, wire: str) -> None:
        """The plug is pulled in motion, and put back after five seconds."""
        self._cut(wire, back_within_s=2.0)

    @pytest.mark.parametrize("wire", ["lossy", "corrupt"])
    def test_after_a_cut_it_is_back_on_a_wire_that_damages_too(self, wire: str) -> None:
        """As before, but luck decides how soon."""
        self._cut(wire, back_within_s=ONLINE_WITHIN_S)

    def _cut(self, wire: str, back_within_s: float) -> None:
        async def story(seed: int) -> None:
            rig = self.rig(seed, WIRES[wire])
            async with rig:
                events = await self._befall(rig, "unplug 5 s")
                await asyncio.sleep(4.99)
                assert _last(events) == "lost"
                async with asyncio.timeout(0.01 + back_within_s):
                    await rig.online()

                self._expect_it_back(rig, events)

        self.tell(story)

    def test_a_far_end_that_falls_silent_is_found_out_and_back_when_it_speaks(self) -> None:
        """Its wire stays where it is, but nothing passes."""

        async def story(seed: int) -> None:
            rig = self.rig(seed)
            async with rig:
                events = await self._befall(rig, "drop 100% for 6 s")
                await asyncio.sleep(FOUND_OUT_WITHIN_S)
                assert _last(events) in ("silent", "lost")
                assert DeviceState.ACTIVE not in states(rig)
                async with asyncio.timeout(ONLINE_WITHIN_S):
                    await rig.online()

                self._expect_it_back(rig, events)

        self.tell(story)

    def test_a_far_end_that_restarts_in_motion_is_found_out_or_moves_on(self) -> None:
        """What it forgot it is told again by whoever comes back; and it can be moved again."""

        async def story(seed: int) -> None:
            rig = self.rig(seed)
            pilot = Pilot(self.robot, rig)
            async with rig:
                events = await self._befall(rig, "reboot")
                await pilot.push_until(lambda: _last(events) == "back", FOUND_OUT_WITHIN_S, activate=False)
                if events:
                    await pilot.push_for(AFTERWARDS_S, activate=False)
                    self._expect_it_back(rig, events)
                assert self.robot.move is None or await pilot.push_until_it_moves(MOVES_AGAIN_WITHIN_S)

        self.tell(story)

    async def _befall(self, rig: Rig, fault: str) -> list[BoardEvent]:
        """Let something happen while it is in motion; returns all events: on a good wire none until then."""
        events = list[BoardEvent]()
        rig.listen(events.append)
        await rig.online()
        await Pilot(self.robot, rig).push_for(0.5)
        rig.inject(self.robot.name, fault)
        return events

    def _expect_it_back(self, rig: Rig, events: list[BoardEvent]) -> None:
        assert _last(events) == "back"
        assert states(rig) == {DeviceState.INACTIVE}
        assert not self.robot.moves(rig.world())


def _last(events: list[BoardEvent]) -> str | None:
    return events[-1].kind if events else None
