"""What is common to the robots that come along: each is proven without a warning, and soon there."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from robotd.config import load
from robotd.sim.simulation import Simulation, simulate

RIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_it_is_proven_without_a_warning_in_a_second_of_the_processor(path: Path) -> None:
    begun = time.process_time()

    done = CliRunner().invoke(app, ["check", str(path), "--strict"])

    assert done.exit_code == Exit.DONE, done.stderr
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_two_seconds_after_its_start_all_its_boards_are_there_and_it_is_in_its_first_states(
    path: Path,
) -> None:
    config = load(path)

    async def story(simulation: Simulation) -> tuple[str, ...]:
        async with asyncio.timeout_at(2.0):
            await simulation.rig.online()
        return simulation.state

    assert simulate(config, story) == tuple(region.initial for region in config.chart.regions)
