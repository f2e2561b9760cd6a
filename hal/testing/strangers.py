"""Stories of strangers: a wire with something else at its end, and a scan that knows of nothing yet."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from hal.board import BoardEvent
from hal.device import DeviceState
from hal.driver import Driver
from hal.errors import HalError
from hal.link import Link
from hal.links.memory import TwinLink, memory_pair
from hal.registry import find_driver
from hal.testing.stories import Stories, report_bugs
from hal.testing.wires import Nonsense

COMPLAINS_WITHIN_S = 30.0
GOES_ON_S = 10.0
"""So long after its first complaint it is listened to."""
SCANNED_WITHIN_S = 60.0


class StrangerContract(Stories):
    """Errors say the probable cause and the next step, and nothing moves that nobody meant."""

    def test_silence_is_told_with_a_cause_and_a_next_step(self) -> None:
        """Nobody is at the far end of the wire, and nobody reads there."""

        async def story(seed: int) -> None:
            near, _ = memory_pair("/dev/odd")
            await self._expect_a_complaint(near, random.Random(seed))

        self.tell(story)

    def test_nonsense_is_told_with_a_cause_and_a_next_step(self) -> None:
        """Something else is at the far end of the wire."""

        async def story(seed: int) -> None:
            rng = random.Random(seed)
            await self._expect_a_complaint(TwinLink("/dev/odd", Nonsense(rng)), rng)

        self.tell(story)

    async def _expect_a_complaint(self, link: Link, rng: random.Random) -> None:
        spec = self.driver.board_spec.model_validate(self.robot.board)
        board = self.driver.board("odd", spec, lambda: link, rng)
        for name, data in self.robot.devices.items():
            if "board" in data:
                board.add(name, self.driver.device_specs[data["kind"]].model_validate(data))
        events, complained = list[BoardEvent](), asyncio.Event()

        def listen(event: BoardEvent) -> None:
            events.append(event)
            complained.set()

        board.listener = listen
        report_bugs(board)
        task = asyncio.create_task(board.run())
        async with asyncio.timeout(COMPLAINS_WITHIN_S):
            await complained.wait()
        await asyncio.sleep(GOES_ON_S)

        assert {event.kind for event in events} <= {"lost", "refused"}
        assert all("?" in event.detail or ";" in event.detail for event in events), events
        assert {device.state for device in board.devices.values()} == {DeviceState.ABSENT}
        task.cancel()
        await asyncio.wait({task})

    def test_a_scan_finds_it_at_its_speed_and_moves_nothing(self) -> None:
        """Twice over: it closes the port that it opened."""
        if not self.driver.probes:
            pytest.skip("its driver does not scan")

        async def story(seed: int) -> None:
            rig = self.rig(seed)
            link, board = TwinLink("/dev/scanned", rig.twins[self.robot.name]), rig.boards[self.robot.name]
            for _ in range(2):
                async with asyncio.timeout(SCANNED_WITHIN_S):
                    probes = [probe for probe in self.driver.probes if probe.baud == board.spec.baud]
                    found = [each for probe in probes for each in [one async for one in probe.find(link)]]

                assert found
                assert not self.robot.moves(rig.twins[self.robot.name].world())

        self.tell(story)

    def test_a_scan_of_something_else_ends_and_finds_nothing(self) -> None:
        """At every speed that it knows."""
        if not self.driver.probes:
            pytest.skip("its driver does not scan")

        async def story(seed: int) -> None:
            link = TwinLink("/dev/odd", Nonsense(random.Random(seed)))
            for probe in self.driver.probes:
                async with asyncio.timeout(SCANNED_WITHIN_S):
                    with suppress(HalError):
                        assert [each async for each in probe.find(link)] == []

        self.tell(story)

    @property
    def driver(self) -> Driver:
        """The robot's."""
        return find_driver(self.robot.board["driver"])
