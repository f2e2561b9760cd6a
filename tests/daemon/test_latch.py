"""A stop outlives the daemon: what a start makes of it, and what leads out of it then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal import Actuator, DeviceState
from robotd.config import load
from robotd.errors import Refused
from robotd.journal.kinds import STARTED, STOP
from robotd.journal.memory import MemoryStore
from robotd.journal.why import explain
from robotd.safety.latch import FILE, LatchInMemory
from robotd.sim.simulation import Disk, Simulation, simulate
from tests.counts import cases
from tests.daemon.story import ROVER, Story, robot_file, tell
from tests.daemon.tap import Tap

DRIVE = {"linear": 0.3, "angular": 0.0}
REST_S = 0.5
FROM_A_GUARD = b'{"latch_id": "ab-1", "reason": "the daemon died", "by": "guard:daemon_died", "wall": 0.5}'
Body = Callable[[Story], Coroutine[Any, Any, None]]


class Lives:
    """Daemons of one robot, one after the other, with the same journal and the same latch."""

    def __init__(self, file: Path = ROVER) -> None:
        self.latch = LatchInMemory()
        self.store = MemoryStore()
        self._file = file
        self._count = 0

    def live(self, body: Body) -> None:
        """One of them, from its start to its clean end."""
        self._count += 1  # the seed: no two daemons choose the same ids
        tell(body, self._file, Disk(self.store, 0.0), self.latch, self._count)


async def stopped(story: Story) -> None:
    """Somebody stops it while it drives."""
    await story.arm()
    story.send("drive", DRIVE)
    await asyncio.sleep(0.1)
    await story.service.estop("smoke", "ws:ann")


async def nothing(_: Story) -> None:
    """It starts and ends."""


def latch_of(story: Story) -> dict[str, Any]:
    """What a client sees of it."""
    latch: dict[str, Any] | None = story.service.status()["latch"]
    assert latch is not None
    return latch


def active(story: Story) -> list[str]:
    """The actuators that would take a setpoint."""
    devices = story.rig.devices.items()
    return [name for name, one in devices if isinstance(one, Actuator) and one.state is DeviceState.ACTIVE]


# -- the start ------------------------------------------------------------------------------------------


def test_a_stop_holds_over_a_restart_and_a_reset_ends_it_for_good():
    lives = Lives()
    lives.live(stopped)

    async def next_day(story: Story) -> None:
        latch = latch_of(story)
        assert story.state == "estopped"
        assert (latch["by"], latch["reason"], latch["kept"]) == ("ws:ann", "smoke", True)
        assert story.service.status()["epoch"] == 1
        refused = await story.do("arm")
        assert (refused.stage, refused.reason) == ("rejected", "latched")
        await asyncio.sleep(REST_S)
        story.service.reset(latch["latch_id"], "ws:bob")
        await story.settle()
        assert story.state == "disarmed"
        assert active(story) == []

    async def day_after(story: Story) -> None:
        assert story.state == "disarmed"
        assert story.service.status()["latch"] is None

    lives.live(next_day)
    assert lives.latch.content is None
    lives.live(day_after)


def test_a_stop_that_nobody_resets_holds_over_any_number_of_restarts():
    lives = Lives()
    lives.live(stopped)
    seen: list[str] = []

    async def look(story: Story) -> None:
        seen.append(latch_of(story)["latch_id"])
        assert story.state == "estopped"

    for _ in range(5):
        lives.live(look)

    assert len(seen) == 5
    assert len(set(seen)) == 1


def test_a_stop_while_the_daemon_ends_is_found_by_the_next():
    lives = Lives()

    async def stopped_at_the_end(story: Story) -> None:
        await story.engine.shut_down()
        await story.service.estop("too late?", "ws:ann")

    lives.live(stopped_at_the_end)

    async def next_day(story: Story) -> None:
        assert latch_of(story)["reason"] == "too late?"

    lives.live(next_day)


def test_an_end_without_a_stop_leaves_nothing():
    lives = Lives()
    lives.live(nothing)

    assert lives.latch.content is None


def test_what_nobody_can_read_counts_as_a_stop():
    lives = Lives()
    lives.latch.content = b"{half a la"

    async def next_day(story: Story) -> None:
        latch = latch_of(story)
        assert "no latch that robotd wrote" in latch["reason"]
        assert story.state == "estopped"
        await asyncio.sleep(REST_S)
        story.service.reset(latch["latch_id"], "ws:ann")
        await story.settle()
        assert story.state == "disarmed"

    lives.live(next_day)
    assert lives.latch.content is None


EAGER = """
machine:
  regions:
    main:
      initial: eager
      states:
        eager: {active: all, do: hurry, unattended: true, timeout: {after: 1 s, trigger: late}}
        idle: {}
      transitions:
        - {trigger: late, source: eager, dest: idle}
        - {trigger: arm, source: idle, dest: eager}
    lights:
      initial: on
      states:
        "on": {active: [lamp], do: shine, unattended: true}
      transitions: []
"""
HURRY = """
    from robotd import Robot, handler


    @handler
    async def hurry(robot: Robot) -> None:
        robot.lamp.write(True)
        await robot.mast.move_to(0.5)


    @handler
    async def shine(robot: Robot) -> None:
        robot.lamp.write(True)
"""


@pytest.fixture
def eager(tmp_path: Path) -> Path:
    """A robot that would do all sorts of things at its start, whose servo a stop moves to its middle."""
    file = robot_file(tmp_path, handlers=HURRY, machine=EAGER, events="events: {}\n")
    text = file.read_text()
    assert "kind: servo," in text
    file.write_text(text.replace("kind: servo,", "kind: servo, on_stop: zero,"))
    return file


def test_a_start_that_finds_a_stop_begins_nothing_of_the_initial_states(eager: Path):
    lives = Lives(eager)
    lives.live(nothing)
    begun = sum(row.kind == STARTED for row in lives.store.rows())
    assert begun > 0

    lives.latch.content = b"left by a guard"

    async def next_day(story: Story) -> None:
        tap = Tap(story.rig)
        await asyncio.sleep(3.0)
        assert story.state == "estopped"
        assert active(story) == []
        assert story.rig.world()["lamp"] is False
        assert (tap.servo, tap.told) == ([], [])

    lives.live(next_day)
    assert sum(row.kind == STARTED for row in lives.store.rows()) == begun


# -- why ------------------------------------------------------------------------------------------------


def why(lives: Lives) -> str:
    """The last line of what `robotd why` says, of a robot that runs."""
    return explain(lives.store).summary


def test_why_leads_to_the_stop_before_the_restart():
    lives = Lives()
    lives.live(stopped)

    async def ask(story: Story) -> None:
        await story.rows()
        since, _, root = why(lives).partition(" <- ")
        assert since.startswith("stopped since before the start at ")
        assert since.endswith("by ws:ann (smoke)")
        assert root.startswith("stop by ws:ann at ")
        told = explain(lives.store).as_data()["links"]
        assert "not reset before that daemon ended" in told[0]["sentence"]
        assert f"reset with latch_id {latch_of(story)['latch_id']}" in told[-1]["sentence"]

    lives.live(ask)
    lives.live(ask)


def test_why_leads_to_the_start_where_a_guard_stopped_the_robot_of_a_dead_daemon():
    lives = Lives()
    lives.latch.content = FROM_A_GUARD

    async def ask(story: Story) -> None:
        await story.rows()
        since, _, root = why(lives).partition(" <- ")
        assert since.endswith("by guard:daemon_died (the daemon died)")
        assert root.startswith("robotd started at ")

    lives.live(ask)
    assert [row.data.get("kept") for row in lives.store.rows() if row.kind == STOP] == [True]


# -- what leads out of it -------------------------------------------------------------------------------


def test_after_a_restart_the_robot_rests_before_a_reset_however_old_the_stop_is():
    lives = Lives()
    lives.latch.content = FROM_A_GUARD

    async def next_day(story: Story) -> None:
        latch = latch_of(story)
        assert latch["age_s"] > 3600.0
        with pytest.raises(Refused, match="not at rest") as early:
            story.service.reset(latch["latch_id"], "ws:ann")
        wait_ms = early.value.data["retry_after_ms"]
        await asyncio.sleep(wait_ms / 1000)
        assert story.service.reset(latch["latch_id"], "ws:ann")["ready"]
        with pytest.raises(Refused, match="nothing is latched"):
            story.service.reset(latch["latch_id"], "ws:ann")

    lives.live(next_day)


def test_a_reset_waits_for_what_caused_the_stop():
    lives = Lives()
    lives.live(stopped)

    async def next_day(story: Story) -> None:
        pressed = ["the stop button is pressed"]
        story.engine.stop.causes.append(lambda: pressed[0] if pressed else None)
        latch_id = latch_of(story)["latch_id"]
        await asyncio.sleep(10.0)
        with pytest.raises(Refused, match="the stop button is pressed"):
            story.service.reset(latch_id, "ws:ann")
        pressed.clear()
        assert story.service.reset(latch_id, "ws:ann")["ready"]

    lives.live(next_day)


def test_the_latch_of_the_last_daemon_ends_no_newer_stop():
    lives = Lives()
    lives.live(stopped)

    async def next_day(story: Story) -> None:
        old = latch_of(story)["latch_id"]
        await story.service.estop("fire", "ws:bob")
        await asyncio.sleep(REST_S)
        with pytest.raises(Refused) as refusal:
            story.service.reset(old, "ws:ann")
        assert refusal.value.data["who"] == "ws:bob"
        assert latch_of(story)["kept"] is False
        assert story.state == "estopped"

    lives.live(next_day)

    async def day_after(story: Story) -> None:
        assert latch_of(story)["reason"] == "fire"

    lives.live(day_after)


def test_nobody_gets_motion_from_a_reset_alone():
    lives = Lives()
    lives.live(stopped)

    async def next_day(story: Story) -> None:
        tap = Tap(story.rig)
        early = [story.send("drive", DRIVE, valid_for_s=60.0), story.send("arm", valid_for_s=60.0)]
        await asyncio.sleep(REST_S)
        story.service.reset(latch_of(story)["latch_id"], "ws:ann")
        await asyncio.sleep(5.0)
        assert [story.names(command)[-1] for command in early] == ["rejected", "rejected"]
        assert (await story.do("drive", DRIVE)).stage == "rejected"
        await story.arm()
        await asyncio.sleep(5.0)
        assert tap.moved_since(0.0) == []

        story.send("drive", DRIVE)
        await asyncio.sleep(0.1)
        assert tap.moved_since(0.0) != []

    lives.live(next_day)


# -- the whole daemon, and its file -----------------------------------------------------------------------


def test_the_whole_daemon_keeps_its_stop_in_a_file(tmp_path: Path):
    file = tmp_path / "state" / FILE
    config = load(ROVER)

    async def stop(sim: Simulation) -> None:
        console = await sim.connect("ann")
        console.stop("smoke")
        await sim.sleep(0.2)

    async def reset(sim: Simulation) -> None:
        assert sim.state == ("estopped", "ok")
        console = await sim.connect("ann")
        await sim.sleep(REST_S)
        latch = sim.engine.stop.latch
        assert latch is not None
        console.reset(latch.latch_id)
        await sim.sleep(0.2)
        assert sim.state == ("disarmed", "ok")

    async def look(sim: Simulation) -> None:
        assert sim.state == ("disarmed", "ok")

    simulate(config, stop, latch=file)
    assert json.loads(file.read_bytes())["reason"] == "smoke"
    simulate(config, reset, latch=file)
    assert not file.exists()
    simulate(config, look, latch=file)


# -- in any order ---------------------------------------------------------------------------------------

RESETS = ("present", "older", "empty", "unknown")
steps = st.one_of(
    st.sampled_from([("stop",), ("arm",), ("drive",), ("drive",), ("disarm",)]),
    st.tuples(st.just("reset"), st.sampled_from(RESETS)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.1, 0.3, 0.499, 0.6])),
)
careful = st.just((("wait", 0.6), ("reset", "present"), ("wait", 0.0), ("arm",), ("wait", 0.0), ("drive",)))
whole_lives = st.lists(st.one_of(steps.map(lambda step: (step,)), careful), max_size=8)


class Rules:
    """What must be true of a robot that is stopped and reset in any order, over restarts."""

    def __init__(self) -> None:
        self.latches: list[str] = []
        """Every one that there was."""
        self.latched = False
        self.armed = False
        """Since the last stop or start it was armed, by a command that came after that."""

    async def live(self, story: Story, taken: list[tuple[tuple[Any, ...], ...]]) -> None:
        """One daemon."""
        tap = Tap(story.rig)
        self.armed = False
        latch = story.service.status()["latch"]
        assert (latch is not None) == self.latched
        assert (story.state == "estopped") == self.latched
        assert latch is None or latch["latch_id"] == self.latches[-1]
        stopped_at = asyncio.get_running_loop().time() - 0.2  # telling a story begins so long after the start
        for what, *how in (step for some in taken for step in some):
            now, written = asyncio.get_running_loop().time(), len(tap.told)
            if what == "stop":
                evidence = await story.service.estop("at random", "test")
                assert evidence["latch_id"] not in self.latches
                self.latches.append(evidence["latch_id"])
                self.latched, self.armed, stopped_at = True, False, now
            elif what == "reset":
                self._reset(story, how[0], now - stopped_at)
            elif what == "wait":
                await asyncio.sleep(how[0])
            else:
                stage = await story.do(what, DRIVE if what == "drive" else {})
                assert not self.latched or stage.reason == "latched"
                if stage.stage == "done":
                    self.armed = what == "arm"
            await story.settle()
            assert (story.state == "estopped") == self.latched
            assert self.armed or not any(told.duty for told in tap.told[written:])
            assert self.armed or active(story) == []

    def _reset(self, story: Story, which: str, rested_s: float) -> None:
        known = {"present": self.latches[-1:], "older": self.latches[:-1], "empty": [""]}
        latch_id = next(reversed(known.get(which, [])), "no such latch")
        refused = None
        try:
            story.service.reset(latch_id, "test")
        except Refused as error:
            refused = error
        right = self.latched and which == "present"
        if refused is None:
            assert right
            assert rested_s >= REST_S
            self.latched = False
        else:
            assert not right or ("rest" in str(refused) and rested_s < REST_S)


@settings(max_examples=cases(150), deadline=None)
@given(st.lists(whole_lives, min_size=1, max_size=4))
def test_whatever_is_done_over_restarts_only_three_deliberate_steps_move_it(
    taken: list[list[tuple[tuple[Any, ...], ...]]],
):
    lives, rules = Lives(), Rules()
    for life in taken:

        async def live(story: Story, life: Any = life) -> None:
            await rules.live(story, life)

        lives.live(live)
    assert (lives.latch.content is not None) == rules.latched
