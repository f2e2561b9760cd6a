"""What every robot is promised, and how a promise that is broken shows."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from robotd.config import load
from robotd.sim.invariants.watch import Watch
from robotd.sim.simulation import Simulation, simulate

ROVER = load(Path(__file__).parents[2] / "config" / "rover.yaml")


def test_who_watches_a_robot_leaves_no_listener_behind_when_the_story_falls() -> None:
    before = [*logging.getLogger("hal").handlers]

    async def story(sim: Simulation) -> None:
        Watch(sim)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        simulate(ROVER, story)

    assert logging.getLogger("hal").handlers == before
