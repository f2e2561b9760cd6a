"""How much faster than real time the whole rover lives in a campaign: on one core, by its processor time."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path

from robotd.config import RobotConfig, load
from robotd.sim.campaign.life import live
from robotd.sim.loop import run
from robotd.sim.simulation import Simulation, simulate
from tests.benchmarks.figures import Report, interleaved, median

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
GOAL = 1_000
FAULTS = 0.02
SEED = 7
REPORTS_HZ = 20
"""How often the rover's board reports: no simulation of it can take fewer steps than that."""


def sim(report: Report, *, rounds: int, hours: float) -> None:
    """A life with 2 % faults, an idle daemon, and the yardstick: timers alone, one for each report."""
    report.title("sim (virtual seconds in a second of one core, medians)")
    logging.getLogger().addHandler(logging.NullHandler())
    config, duration_s = load(ROVER), hours * 3600
    found = interleaved(
        rounds,
        life=partial(_life, config, duration_s),
        idle=partial(_idle, config, duration_s / 2),
        timers=partial(_timers, duration_s / 2),
    )
    rows = [
        ("a random life, 2 % faults, every promise watched", f"{median(found['life']):,.0f}"),
        ("the daemon and its twin, nobody there", f"{median(found['idle']):,.0f}"),
        (f"a loop in virtual time with a timer at {REPORTS_HZ} Hz", f"{median(found['timers']):,.0f}"),
    ]
    report.table(("", "times real time"), rows)
    life = median(found["life"])
    report.goal(f"at least {GOAL:,} times real time: {life:,.0f}", life >= GOAL)


def _life(config: RobotConfig, duration_s: float) -> float:
    began = time.process_time()
    lived = live(config, SEED, duration_s, FAULTS)
    if lived.broken is not None:
        raise RuntimeError(f"seed {SEED} broke {lived.broken}")
    return duration_s / (time.process_time() - began)


def _idle(config: RobotConfig, duration_s: float) -> float:
    async def nothing(simulation: Simulation) -> None:
        await simulation.sleep(duration_s)

    began = time.process_time()
    simulate(config, nothing)
    return duration_s / (time.process_time() - began)


def _timers(duration_s: float) -> float:
    async def tick() -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def again() -> None:
            if loop.time() < duration_s:
                loop.call_later(1 / REPORTS_HZ, again)
            else:
                over.set_result(None)

        again()
        await over

    began = time.process_time()
    run(tick(), seed=0)
    return duration_s / (time.process_time() - began)
