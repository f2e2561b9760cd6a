"""Stories of a stop: it works from anywhere, it is put again, and what is said about it is true."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from hal.device import ActuatorSpec
from hal.rig import Rig
from hal.testing.life import FOUND_OUT_WITHIN_S, MOVES_WITHIN_S
from hal.testing.robot import PUSH_S, Pilot
from hal.testing.stories import LOOK_S, Stories, Story, comes_to_stay
from hal.testing.wires import LOSING_A_STOP, RESISTING

INTERRUPTIONS = 10
"""How often, for each seed, a writer dies in the middle of a message."""


class StopContract(Stories):
    """For what moves; a driver of mere sensors skips them."""

    def test_the_stop_frames_work_from_any_parser_state_of_the_far_end(self) -> None:
        """Who wrote to it died in the middle of a message; the stop frames are written by somebody else."""

        async def story(seed: int) -> None:
            rng, written = random.Random(seed), dict[bytes, None]()
            rig = self.rig(seed, tap=partial(_note_what_is_written, written))
            async with rig:
                for _ in range(INTERRUPTIONS):
                    await self._bring_into_motion(rig)
                    await self._interrupt(rig, rng.choice([*written]), rng)
                    rig.mend(self.robot.name)

        self._tell_of_motion(story)

    async def _interrupt(self, rig: Rig, message: bytes, rng: random.Random) -> None:
        now, name = asyncio.get_running_loop().time, self.robot.name
        board, far_end = rig.boards[name], rig.twins[name]
        rig.inject(name, "full 10 s")  # from here on nothing arrives but what is handed over below
        half = rng.choice([message[: rng.randrange(len(message))], rng.randbytes(rng.randrange(6))])
        far_end.twin.receive(half, now())
        await asyncio.sleep(board.IDLE_GAP_S)
        far_end.twin.receive(board.stop_frames(), now())
        far_end.changed()
        await asyncio.sleep(self.robot.stops_within_s)

        assert not self._moves_on(rig), f"it moves on behind {half.hex(' ')}"

    @pytest.mark.parametrize("fault", LOSING_A_STOP)
    def test_a_stop_that_is_lost_on_the_way_is_put_again(self, fault: str) -> None:
        """Nobody asks for a proof of it."""

        async def story(seed: int) -> None:
            rig = self.rig(seed)
            async with rig:
                await self._bring_into_motion(rig)
                rig.inject(self.robot.name, fault)
                await asyncio.sleep(0.01)
                rig.halt()

                assert await comes_to_stay(
                    lambda: not self.robot.moves(rig.world()), FOUND_OUT_WITHIN_S + self.robot.stops_within_s
                )

        self._tell_of_motion(story)

    @pytest.mark.parametrize("fault", RESISTING)
    def test_what_moves_is_never_said_to_have_stopped(self, fault: str) -> None:
        """A far end that resists the stop, for a second and a half."""

        async def story(seed: int) -> None:
            rig, rng = self.rig(seed), random.Random(seed)
            runaways = [name for name in self.robot.runaways(rig.twins[self.robot.name]) if _stops(rig, name)]
            if "ACTUATOR" in fault and not runaways:
                return
            async with rig:
                await self._bring_into_motion(rig)
                rig.inject(self.robot.name, fault.replace("ACTUATOR", rng.choice(runaways or [""])))
                await asyncio.sleep(rng.uniform(0.0, PUSH_S))
                rig.halt()
                lied_s = 0.0
                for _ in range(15):
                    evidence = await rig.confirm_stop()
                    stopped = all(proof.confirmed for proof in evidence.values())
                    lied_s = lied_s + LOOK_S if stopped and self.robot.moves(rig.world()) else 0.0
                    assert lied_s <= self.robot.stops_within_s + LOOK_S, evidence
                    await asyncio.sleep(LOOK_S)

        self._tell_of_motion(story)

    def test_a_far_end_that_hears_nothing_is_found_out_or_stops_by_itself(self) -> None:
        """It goes on with what it was told last, and reports as if nothing were."""

        async def story(seed: int) -> None:
            rig, events = self.rig(seed), list[object]()
            async with rig:
                pilot = await self._bring_into_motion(rig)
                rig.listen(events.append)
                rig.inject(self.robot.name, "deaf for 6 s")
                await pilot.push_until(lambda: events, FOUND_OUT_WITHIN_S, activate=False)

                assert events or not pilot.sees_motion

        self._tell_of_motion(story)

    def test_a_far_end_with_a_deadman_stops_by_itself_when_nobody_writes(self) -> None:
        """As soon as the file says that its firmware does."""

        async def story(seed: int) -> None:
            rig = self.rig(seed)
            deadman_s = rig.boards[self.robot.name].spec.deadman
            if not isinstance(deadman_s, float):
                return
            async with rig:
                await self._bring_into_motion(rig)
                rig.inject(self.robot.name, f"full {deadman_s + 10:g} s")
                await asyncio.sleep(deadman_s + self.robot.stops_within_s + PUSH_S)

                assert not self._moves_on(rig)

        self._tell_of_motion(story)

    def _tell_of_motion(self, story: Story) -> None:
        if self.robot.move is None:
            pytest.skip("nothing on it moves")
        self.tell(story)

    def _moves_on(self, rig: Rig) -> bool:
        """Whether it moves. Its time passes also where the board gave the wire up."""
        twin = rig.twins[self.robot.name].twin
        twin.advance(asyncio.get_running_loop().time())
        return self.robot.moves(twin.world())

    async def _bring_into_motion(self, rig: Rig) -> Pilot:
        await rig.online()
        pilot = Pilot(self.robot, rig)
        assert await pilot.push_until_it_moves(MOVES_WITHIN_S)
        return pilot


def _stops(rig: Rig, name: str) -> bool:
    """Whether a stop stops it: what keeps its output may move on."""
    spec = rig.devices[name].spec
    return not isinstance(spec, ActuatorSpec) or spec.on_stop != "keep"


def _note_what_is_written(written: dict[bytes, None], board: str, way: str, data: bytes) -> None:
    if way == "to":
        written[data] = None
