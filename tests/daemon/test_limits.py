"""What an actuator really does is compared with its limits: beyond them the robot stops, and says by what."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from robotd.config import load
from robotd.errors import Refused
from robotd.journal.kinds import BOOT, DECISION, LIMIT, STOP
from robotd.journal.telling import tell as tell_row
from robotd.journal.why import explain
from robotd.sim.simulation import Simulation, simulate
from tests.daemon.story import Story, tell

ROUND_S = 4.0
"""In this time each pin of the rover is asked for."""


async def stopped(story: Story) -> dict[str, Any]:
    """Wait for the stop; returns what `status` says of it."""
    await story.until(lambda: story.engine.stop.latch is not None, ROUND_S)
    await story.settle()
    latch: dict[str, Any] = story.service.status()["latch"]
    return latch


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("left", "left: its feedback says duty 1, beyond the limit of 0"),
        ("mast", "mast: its feedback says angle 1.5708 rad, beyond the limit of 1.39626 rad"),
        ("lamp", "lamp: its feedback says level 1, beyond the limit of 0"),
    ],
)
def test_an_actuator_beyond_its_limit_stops_the_robot_with_value_limit_and_unit(name: str, reason: str):
    async def body(story: Story) -> None:
        await story.arm()
        await story.do("look", {"angle": 0.5})
        await asyncio.sleep(1.0)
        story.rig.inject("arduino", f"runaway {name}")

        latch = await stopped(story)

        assert (latch["by"], latch["reason"]) == (f"limit:{name}", reason)
        assert story.state == "estopped"
        rows = await story.rows(STOP)
        assert [(row.data["by"], row.data["reason"]) for row in rows] == [(f"limit:{name}", reason)]

    tell(body)


def test_what_moved_when_the_limit_was_passed_halts_and_why_names_the_limit():
    async def body(story: Story) -> None:
        await story.arm()
        story.rig.inject("arduino", "runaway lamp")
        while story.engine.stop.latch is None:
            driving = story.send("drive", {"linear": 0.3})
            await asyncio.sleep(0.1)
        await story.rows()

        assert story.stands_still()
        assert story.names(driving)[-1] == "cancelled"
        for about in (None, driving):
            said = explain(story.disk.store, about)
            assert "stop by limit:lamp" in said.summary
            assert "its feedback says level 1, beyond the limit of 0" in said.summary

    tell(body)


def test_a_reset_waits_until_the_actuator_is_within_its_limits_again():
    async def body(story: Story) -> None:
        story.rig.inject("arduino", "runaway lamp")
        latch = await stopped(story)
        await asyncio.sleep(10.0)
        with pytest.raises(Refused, match="lamp: its feedback says level 1"):
            story.service.reset(latch["latch_id"], "test")
        assert story.service.status()["latch"]["latch_id"] == latch["latch_id"]

        story.rig.mend("arduino")
        await asyncio.sleep(ROUND_S)

        assert story.service.reset(latch["latch_id"], "test")["ready"]

    tell(body)


def test_a_robot_that_is_stopped_already_remains_stopped_by_whom_it_was():
    async def body(story: Story) -> None:
        evidence = await story.service.estop("smoke", "ws:ann")
        story.rig.inject("arduino", "runaway left")
        await asyncio.sleep(ROUND_S)

        assert story.service.status()["latch"]["latch_id"] == evidence["latch_id"]
        with pytest.raises(Refused, match="left: its feedback says duty 1"):
            story.service.reset(evidence["latch_id"], "ws:ann")
        (row,) = await story.rows(LIMIT)
        assert row.data == {"device": "left", "feedback": "its feedback says duty 1, beyond the limit of 0"}
        assert tell_row(row) == "left: its feedback says duty 1, beyond the limit of 0"
        assert (
            "find out why it does not do what it is told"
            in explain(story.disk.store, row.seq).links[0].sentence
        )

    tell(body)


def test_a_stop_that_the_board_did_not_obey_keeps_the_robot_stopped_until_it_does():
    async def body(story: Story) -> None:
        await story.arm()
        story.send("drive", {"linear": 0.3})
        await asyncio.sleep(0.1)
        story.rig.inject("arduino", "nak")

        latch = await stopped(story)

        assert latch["by"] in ("limit:left", "limit:right")
        assert "beyond the limit of 0" in latch["reason"]

    tell(body)


LAMPS = """
robot: lamps
boards:
  uno:  {driver: firmata, port: /dev/ttyACM0}
  mega: {driver: firmata, port: /dev/ttyACM1}
devices:
  lamp: {kind: digital_output, board: uno, pin: 13}
  horn: {kind: digital_output, board: mega, pin: 8}
machine:
  initial: idle
  states: {idle: {active: all}}
"""


def test_a_limit_that_is_passed_before_the_start_stops_the_robot_at_the_start(tmp_path: Path):
    file = tmp_path / "lamps.yaml"
    file.write_text(LAMPS)

    async def story(sim: Simulation) -> None:
        # The start has waited for the other board, while this one was asked for its pin already.
        assert sim.state == ("estopped",)
        await sim.engine.journal.settle()
        rows = [row for row in sim.disk.store.rows() if row.kind in (BOOT, STOP, DECISION)]
        assert [row.kind for row in rows[:3]] == [BOOT, DECISION, STOP]
        assert rows[2].data["by"] == "limit:lamp"
        assert rows[2].at == rows[1].at

    simulate(load(file), story, faults={"uno": ["runaway lamp"], "mega": ["unplug 1 min"]})


def test_status_says_what_comes_back_from_each_actuator():
    async def body(story: Story) -> None:
        devices = story.service.status()["devices"]

        assert {name: said["feedback"] for name, said in devices.items() if "feedback" in said} == {
            "left": "output",
            "right": "output",
            "base": "output",
            "mast": "output",
            "lamp": "output",
        }

    tell(body)
