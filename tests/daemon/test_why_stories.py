"""`why`, asked of a whole daemon after something was done to it: the last line names the true cause."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from hal import Actuator
from robotd.config import RobotConfig, load
from robotd.journal.why import Explanation, explain
from robotd.sim.browser import Browser
from robotd.sim.client import Console, Sent
from robotd.sim.simulation import Simulation, simulate
from tests.counts import cases
from tests.daemon.story import ROVER, robot_file

FORWARD = {"linear": 0.3, "angular": 0.0}
RENEW_S = 0.1
BEGUN_S = 1.75
"""When each story begins: two seconds after midnight, as the clock on the wall says."""
ANN, BOB = "ws:127.0.0.1:40001", "tcp:127.0.0.1:40002"
"""The first and the second who connect."""


class Incident:
    """A rover that Ann has armed from her browser, and Bob's console beside it."""

    def __init__(self, sim: Simulation, ann: Browser, bob: Console) -> None:
        self.sim = sim
        self.ann = ann
        self.bob = bob

    async def drive(self, duration_s: float = 1.0) -> Sent:
        """Ann drives, renewing in time; returns her last drive."""
        sent = self.ann.send("drive", FORWARD)
        for _ in range(round(duration_s / RENEW_S) - 1):
            await self.sim.sleep(RENEW_S)
            sent = self.ann.send("drive", FORWARD)
        await self.sim.sleep(RENEW_S / 2)
        return sent

    async def why(self, about: Sent | int | None = None) -> Explanation:
        """What `robotd why` says."""
        subject = about.id if isinstance(about, Sent) else about
        found: Explanation = await self.sim.engine.opened.read(lambda rows: explain(rows, subject))
        return found

    async def root(self, about: Sent | None = None) -> str:
        """The end of the last line."""
        return (await self.why(about)).summary.rpartition(" <- ")[2]


def happen(story: Callable[[Incident], Awaitable[None]], robot: RobotConfig | None = None) -> None:
    """Tell a story about an armed rover, in virtual time; Bob stopped and reset it a moment ago."""

    async def whole(sim: Simulation) -> None:
        ann = await Browser.connect("ann")
        bob = await sim.connect("bob")
        rover = Incident(sim, ann, bob)
        ann.send("arm")
        await rover.drive(0.2)
        bob.stop("a decoy")
        await sim.sleep(0.6)
        bob.reset()
        await sim.sleep(0.1)
        ann.send("arm")
        await sim.sleep(BEGUN_S - sim.now)
        await story(rover)

    simulate(robot or load(ROVER), whole, seed=1)


def for_all(folder: Path) -> RobotConfig:
    """A rover that anybody moves at any time."""
    return load(robot_file(folder, lease="lease: off\n"))


# -- the six --------------------------------------------------------------------------------------------


def test_freshness_a_client_that_stays_but_renews_no_more() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        await rover.sim.sleep(3.0)
        rover.bob.send("light", {"on": True})
        await rover.sim.sleep(0.1)

        for about in (None, last):
            summary = (await rover.why(about)).summary
            assert "base stopped (freshness, 400 ms) <- last drive #" in summary
            assert f"from {ANN} at 00:00:02.900 <- client sent no further drive, and stayed" in summary
            assert BOB not in summary

    happen(story)


def test_operator_gone_a_client_that_falls_silent_while_it_drives() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.sim.network.silence(10.0)
        await rover.sim.sleep(6.0)

        for about in (None, last):
            root = await rover.root(about)
            assert root.startswith("client silent since 00:00:02.900, connection closed at 00:00:04.")
            assert root.endswith("(no pong for 1 s)")

    happen(story)


def test_operator_gone_a_connection_that_is_closed_while_it_drives() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.ann.close()
        await rover.sim.sleep(5.0)

        for about in (None, last):
            assert (await rover.root(about)).startswith("client silent since 00:00:02.900, connection closed")
            assert BOB not in (await rover.why(about)).summary

    happen(story)


def test_bump_the_bumper_is_pressed_while_it_drives() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.sim.engine.rig.set_world("bumper", True)
        await rover.sim.sleep(0.5)
        pressed = "bump at 00:00:02.950 (bumper.active true, bumper_rear.active false)"

        assert (await rover.why()).summary == f"base stopped (halted) <- {pressed}"
        assert await rover.root(last) == pressed

        refused = rover.ann.send("drive", FORWARD)
        await rover.sim.sleep(0.1)

        for about in (None, refused):
            assert "rejected" in (await rover.why(about)).summary
            assert await rover.root(about) == pressed

    happen(story)


def test_dead_board_its_cable_is_pulled_while_it_drives() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.sim.engine.rig.inject("arduino", "unplug 3 s")
        await rover.sim.sleep(1.0)

        for about in (None, last):
            summary = (await rover.why(about)).summary
            assert "base stopped (device gone) <- arduino was lost at 00:00:02.950 (its wire" in summary

        await rover.sim.sleep(5.0)

        assert (await rover.why()).summary.startswith("base there again since")
        assert (await rover.root()).startswith("arduino was lost at 00:00:02.950")
        refused = rover.ann.send("drive", FORWARD)
        await rover.sim.sleep(0.1)
        assert (await rover.root(refused)).startswith("arduino was lost at 00:00:02.950")

    happen(story)


def test_dead_board_it_says_nothing_more_while_it_drives() -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        rover.sim.engine.rig.inject("arduino", "stall 3 s")
        refused = await rover.drive(0.8)

        for about in (None, refused):
            assert (await rover.root(about)).startswith("arduino fell silent at 00:00:03.070")

    happen(story)


def test_limit_more_than_the_base_may_do() -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        await rover.sim.sleep(2.0)
        rover.ann.call("lease.acquire", {})
        asked = rover.ann.send("drive", {"linear": 2.0, "angular": 0.0})
        await rover.sim.sleep(0.5)

        for about in (None, asked):
            root = await rover.root(about)
            assert root.startswith("drive #")
            assert root.endswith("(out_of_range: base: linear 2.0 is beyond the limit of 0.8 m/s)")

    happen(story)


def test_limit_an_angle_that_the_mast_cannot_reach() -> None:
    async def story(rover: Incident) -> None:
        asked = rover.ann.send("look", {"angle": "85 deg"})
        await rover.sim.sleep(0.5)

        for about in (None, asked):
            assert "is beyond the limit of 1.39626 rad" in await rover.root(about)

    happen(story)


FALLING = """
from robotd import Robot, handler


@handler
async def patrol(robot: Robot) -> None:
    for left in (2, 1, 0):
        robot.base.drive(linear_m_s=0.6 / left, angular_rad_s=0.0)
        await robot.sleep(0.1)
"""


def test_handler_bug_a_patrol_that_divides_by_zero(tmp_path: Path) -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        patrol = rover.ann.send("patrol")
        await rover.sim.sleep(0.5)
        rover.bob.send("light", {"on": True})
        await rover.sim.sleep(0.5)

        assert rover.sim.state == ("armed.teleop", "ok")
        for about in (None, patrol):
            summary = (await rover.why(about)).summary
            assert summary.startswith("base stopped (its action failed) <- patrol raised ZeroDivisionError")
            assert "own.py:8" in await rover.root(about)

    happen(story, load(robot_file(tmp_path, handlers=FALLING)))


LAZY = """
from robotd import Robot, handler


@handler
async def patrol(robot: Robot) -> None:
    robot.base.drive(linear_m_s=0.2, angular_rad_s=0.0)
    await robot.sleep(60.0)
"""
GREEDY = """
from robotd import Robot, handler


@handler
async def patrol(robot: Robot) -> None:
    robot.base.drive(linear_m_s=0.2, angular_rad_s=0.0)
    await robot.sleep(0.2)
    robot.base.drive(linear_m_s=20.0, angular_rad_s=0.0)
"""


def test_a_handler_that_forgets_its_setpoint_is_named(tmp_path: Path) -> None:
    async def story(rover: Incident) -> None:
        patrol = rover.ann.send("patrol")
        await rover.sim.sleep(2.0)

        assert (await rover.root(patrol)) == "patrol, under way since 00:00:02.000, did not renew it"

    happen(story, load(robot_file(tmp_path, handlers=LAZY)))


def test_a_handler_that_asks_for_too_much_is_named_with_the_limit(tmp_path: Path) -> None:
    async def story(rover: Incident) -> None:
        patrol = rover.ann.send("patrol")
        await rover.sim.sleep(2.0)

        for about in (None, patrol):
            assert (await rover.why(about)).summary == (
                "base stopped (halted) <- patrol failed at 00:00:02.200 "
                "(base: linear 20.0 is beyond the limit of 0.8 m/s)"
            )

    happen(story, load(robot_file(tmp_path, handlers=GREEDY)))


def test_a_motion_that_a_newer_one_replaced_names_it(tmp_path: Path) -> None:
    async def story(rover: Incident) -> None:
        first = rover.ann.send("look", {"angle": 1.0})
        await rover.sim.sleep(0.1)
        rover.bob.send("look", {"angle": -1.0})
        await rover.sim.sleep(5.0)

        assert (await rover.root(first)).startswith("replaced by look #")
        assert (await rover.why()).summary.startswith("look #")

    happen(story, for_all(tmp_path))


# -- and what else stops a robot ------------------------------------------------------------------------


def test_a_stop_names_who_and_why_until_it_is_reset_and_something_else_holds_it() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.bob.stop("somebody on the track")
        await rover.sim.sleep(1.0)

        stopped = f"stop by {BOB} at 00:00:02.950 (somebody on the track)"
        assert (await rover.why()).summary == stopped
        assert await rover.root(last) == stopped
        assert f"reset with latch_id {rover.bob.latch_id}" in (await rover.why()).links[-1].sentence

        rover.bob.reset()
        await rover.sim.sleep(0.1)
        refused = rover.ann.send("drive", FORWARD)
        await rover.sim.sleep(0.1)

        assert (await rover.why(refused)).summary.startswith("drive #")
        assert (await rover.why()).summary == (await rover.why(refused)).summary
        assert "not_in_this_state" in (await rover.why()).summary
        assert f"<- reset by {BOB} at 00:00:03.950 <- stop by {BOB}" in (await rover.why()).summary

    happen(story)


def test_a_flat_battery_names_its_voltage() -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        rover.sim.engine.rig.set_world("battery", 10.5)
        last = await rover.drive(1.0)
        await rover.sim.sleep(3.0)

        assert rover.sim.state == ("docked", "low")
        assert "battery_low at 00:00:02.970 (battery.value 10.5)" in await rover.root()
        assert "battery_low at 00:00:02.970 (battery.value 10.5)" in await rover.root(last)

    happen(story)


def test_drives_that_a_gap_held_up_are_told_to_have_come_too_late(tmp_path: Path) -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.sim.network.silence(0.7)
        held_up = rover.ann.send("drive", FORWARD)
        await rover.sim.sleep(0.9)

        assert (await rover.root(last)).startswith("the next one, drive #")
        assert held_up.id

    happen(story, for_all(tmp_path))


def test_a_cancel_by_another_client_is_told_as_such() -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.bob.call("cancel", {"id": last.id})
        await rover.sim.sleep(0.5)

        assert (await rover.root()).endswith("was cancelled by a client")
        assert (await rover.root(last)) == "a client cancelled it"

    happen(story)


def test_a_stream_that_another_client_took_over_names_its_successor(tmp_path: Path) -> None:
    async def story(rover: Incident) -> None:
        last = await rover.drive()
        rover.bob.send("drive", {"linear": -0.2, "angular": 0.0})
        await rover.sim.sleep(1.0)

        root = await rover.root(last)
        assert root.startswith("replaced by drive #")
        assert root.endswith(f"from {BOB} at 00:00:02.950")
        assert f"last drive #{root.split('#')[1].split()[0]} from {BOB}" in (await rover.why()).summary

    happen(story, for_all(tmp_path))


def test_a_motion_whose_time_was_over_names_the_time_that_it_had() -> None:
    async def story(rover: Incident) -> None:
        asked = rover.ann.send("look", {"angle": 1.0}, valid_for_ms=50)
        await rover.sim.sleep(0.5)

        for about in (None, asked):
            root = await rover.root(about)
            assert root.startswith("look #")
            assert root.endswith("was valid for 50 ms")

    happen(story)


def test_a_patrol_whose_time_is_over_names_its_state(tmp_path: Path) -> None:
    machine = ROVER.read_text().partition("\nmachine:")[2].partition("\nlisten:")[0]
    short = robot_file(tmp_path, machine=f"machine:{machine.replace('10 min', '2 s')}\n")

    async def story(rover: Incident) -> None:
        patrol = rover.ann.send("patrol")
        await rover.sim.sleep(3.0)

        for about in (None, patrol):
            assert (await rover.root(about)) == (
                "patrol_timeout at 00:00:04.000 (the time of armed.auto, entered at 00:00:02.000, was over)"
            )

    happen(story, load(short))


def test_a_bumper_ends_a_patrol_and_is_named() -> None:
    async def story(rover: Incident) -> None:
        patrol = rover.ann.send("patrol")
        await rover.sim.sleep(1.0)
        rover.sim.engine.rig.set_world("bumper", True)
        await rover.sim.sleep(0.5)

        for about in (None, patrol):
            assert "base stopped (its state was left) <- bump at" in (await rover.why(about)).summary

    happen(story)


def test_a_slow_disk_is_named_while_it_is_slow_and_afterwards() -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        rover.sim.disk.writer.delay_s = 3.0
        await rover.drive(2.0)
        rover.sim.disk.writer.delay_s = 0.0
        await rover.sim.sleep(3.0)

        assert (await rover.why()).summary.startswith(
            "base stopped (journal unavailable) <- the journal was slow"
        )

    happen(story)


def test_a_board_that_was_lost_before_the_robot_was_armed_again_is_past() -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        rover.sim.engine.rig.inject("arduino", "unplug 1 s")
        await rover.sim.sleep(4.0)
        rover.ann.send("disarm")
        await rover.sim.sleep(0.1)
        rover.ann.send("arm")
        await rover.sim.sleep(0.5)

        assert (await rover.why()).summary.startswith("not asked to move since arm #")
        await rover.drive()
        await rover.sim.sleep(1.0)
        assert "arduino" not in (await rover.why()).summary

    happen(story)


def test_a_robot_that_nobody_asked_to_move_is_told_which_command_leads_there() -> None:
    async def story(sim: Simulation) -> None:
        await sim.sleep(1.0)
        found: Explanation = await sim.engine.opened.read(lambda rows: explain(rows))

        assert found.summary.startswith(
            "never asked to move since the start, in disarmed, ok <- robotd started at"
        )
        assert "Next: send arm, then a command that moves something" in found.links[-1].sentence

    simulate(load(ROVER), story, seed=1)


@pytest.mark.parametrize("seed", range(cases(20)))
def test_at_any_moment_of_a_random_life_it_says_whether_something_moves(seed: int) -> None:
    chance = Random(seed)

    async def story(rover: Incident) -> None:
        rig = rover.sim.engine.rig
        for _ in range(15):
            match chance.choice(
                ("arm", "drive", "look", "patrol", "disarm", "stop", "reset", "press", "fault")
            ):
                case "drive":
                    await rover.drive(chance.choice((0.1, 0.5)))
                case "look":
                    rover.ann.send("look", {"angle": chance.choice((0.5, 1.0, 2.0))})
                case "stop":
                    rover.bob.stop("chance")
                case "reset":
                    rover.bob.reset()
                case "press":
                    rig.set_world("bumper", chance.choice((True, None)))
                case "fault":
                    rig.inject("arduino", chance.choice(("unplug 1 s", "stall 800 ms", "full 300 ms")))
                case command:
                    rover.ann.send(command)
            await rover.sim.sleep(chance.choice((0.05, 0.3, 1.0)))
            await rover.sim.engine.journal.settle(1.0)

            summary = (await rover.why()).summary
            moves = any(isinstance(one, Actuator) and not one.at_rest for one in rig.devices.values())
            under_way = moves or rover.sim.engine.executor.running > 0
            assert summary.startswith("not told to stand still") is under_way, summary

    happen(story)


def test_every_row_of_a_story_can_be_asked_about() -> None:
    async def story(rover: Incident) -> None:
        await rover.drive()
        rover.ann.send("patrol")
        await rover.sim.sleep(1.0)
        rover.bob.stop("enough")
        await rover.sim.sleep(1.0)
        rover.bob.reset()
        await rover.sim.sleep(0.5)

        for seq in range(1, rover.sim.engine.journal.durable_seq + 1):
            found = await rover.why(seq)
            assert found.summary
            assert all(link.sentence[-1] in ".?" for link in found.links), found

    happen(story)
