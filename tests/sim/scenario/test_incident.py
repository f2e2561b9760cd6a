"""What happened to the simulated rover, retold from its journal, leads through the same states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import pytest

from robotd.config import RobotConfig
from robotd.journal.kinds import DECISION
from robotd.journal.memory import MemoryStore
from robotd.journal.store import Select
from robotd.sim.scenario.incident import retell_rows
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.runner import Result, run_scenario
from robotd.sim.scenario.script import Robots
from robotd.sim.simulation import Simulation, simulate
from tests.sim.scenario.making import CONFIG, ROVER, robots

Story = Callable[[Simulation], Awaitable[None]]


async def bump_while_driving(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.3)
    for number in range(12):
        ann.send("drive", {"linear": 0.3})
        if number == 7:
            sim.rig.set_world("bumper", True)
        await sim.sleep(0.1)
    ann.send("drive", {"linear": -0.2})
    await sim.sleep(0.1)
    sim.rig.set_world("bumper", False)
    await sim.sleep(1.0)


async def lapse(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    for _ in range(5):
        ann.send("drive", {"linear": "0.2 m/s"})
        await sim.sleep(0.2)
    await sim.sleep(2.0)


async def lost_cable(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.5)
    ann.send("patrol")
    await sim.sleep(1.0)
    sim.rig.inject("arduino", "unplug 2 s")
    await sim.sleep(1.0)
    ann.send("look", {"angle": "10 deg"})
    await sim.sleep(6.0)
    ann.send("disarm")
    ann.send("arm")
    await sim.sleep(0.5)


async def stop_and_reset(sim: Simulation) -> None:
    ann, bob = await sim.connect("ann"), await sim.connect("bob")
    ann.send("arm")
    await sim.sleep(0.4)
    ann.send("drive", {"linear": 0.4})
    await sim.sleep(0.2)
    bob.stop("a child runs across")
    await sim.sleep(1.5)
    bob.reset()
    await sim.sleep(0.2)
    ann.send("arm")
    await sim.sleep(0.2)


async def refused(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    sim.rig.set_world("battery", 10.2)
    await sim.sleep(1.5)
    ann.send("arm")
    ann.send("drive", {"linear": 0.1})
    await sim.sleep(0.3)
    sim.rig.set_world("battery", 12.0)
    await sim.sleep(0.3)
    ann.send("arm")
    ann.send("drive", {"linear": 7.0})
    await sim.sleep(0.5)


async def silent_board_and_cancelled_look(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.2)
    looking = ann.send("look", {"angle": "70 deg"})
    await sim.sleep(0.05)
    ann.call("cancel", {"id": looking.id})
    await sim.sleep(0.3)
    ann.send("patrol")
    await sim.sleep(1.0)
    sim.rig.inject("arduino", "stall 1 s")
    await sim.sleep(6.0)


STORIES = [
    bump_while_driving,
    lapse,
    lost_cable,
    stop_and_reset,
    refused,
    silent_board_and_cancelled_look,
]


@cache
def rover() -> RobotConfig:
    return robots().load(ROVER)


@cache
def journal_of(story: Story) -> MemoryStore:
    store = MemoryStore()
    simulate(rover(), story, store=store)
    return store


def retold(rows: MemoryStore, folder: Path, robot: str = "example:rover", **span: int) -> Result:
    """Through the text of its file, as a person runs it."""
    file = folder / "incident.yaml"
    file.write_text(retell_rows(rows, rover(), robot, **span).to_yaml())
    known = robots() if robot.startswith("example:") else Robots(CONFIG)
    return run_scenario(read_scenario(file, known))


def way(rows: MemoryStore) -> list[tuple[str, ...]]:
    """Where the machine was led, one after the other."""
    moved = [row.data for row in rows.rows(Select(kinds=[DECISION])) if row.data["outcome"] == "moved"]
    return [tuple(body["after"]) for body in moved if body["type"] not in ("start", "shutdown")]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_an_incident_that_is_retold_leads_through_the_same_states(story: Story, tmp_path: Path) -> None:
    rows = journal_of(story)
    result = retold(rows, tmp_path)

    assert result.failure is None
    assert result.chronicle is not None
    assert [told.after for told in result.chronicle.told if told.outcome == "moved"] == way(rows)


@pytest.mark.parametrize(
    ("story", "line", "instead"),
    [
        (bump_while_driving, "do: base.halt}", "dest: disarmed}"),
        (lapse, "source: disarmed, dest: armed", "source: disarmed, dest: docked"),
        (lost_cable, "patrol.done, patrol.failed]", "patrol.done]"),
        (stop_and_reset, "battery.value > 10.8}", "battery.value > 13}"),
        (refused, "when: battery.value > 10.8}", "when: battery.value > 9}"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_with_a_changed_robot_the_scenario_fails(
    story: Story, line: str, instead: str, tmp_path: Path
) -> None:
    text = ROVER.read_text()
    assert line in text
    (tmp_path / "patrol.py").write_text((CONFIG / "patrol.py").read_text())
    (tmp_path / "rover.yaml").write_text(text.replace(line, instead))

    assert retold(journal_of(story), tmp_path, "rover.yaml").failure is not None
