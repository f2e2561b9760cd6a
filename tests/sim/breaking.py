"""A robot that lives as it should until something impossible is done to it, watched for every promise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from robotd.config import RobotConfig, load
from robotd.sim.client import Console
from robotd.sim.invariants.promise import Broken
from robotd.sim.invariants.watch import Watch
from robotd.sim.simulation import Simulation, simulate

Wrong = Callable[[Simulation, Console], Awaitable[None] | None]
CONFIG = Path(__file__).parents[2] / "config"


@cache
def shipped(robot: str) -> RobotConfig:
    """One of the robots in `config/`."""
    return load(CONFIG / f"{robot}.yaml")


def first_broken(
    robot: str, begin: Callable[[Simulation, Console], Awaitable[None]], wrong: Wrong
) -> Broken | None:
    """What is said of this robot, which has begun something, when `wrong` is done to it."""

    async def story(sim: Simulation) -> Watch:
        watch = Watch(sim)
        console = await sim.connect()
        await begin(sim, console)
        assert watch.broken is None
        done = wrong(sim, console)
        if done is not None:
            await done
        await sim.sleep(0.1)
        return watch

    return simulate(shipped(robot), story).broken
