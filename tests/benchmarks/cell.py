"""How soon the stop of a belt is on a Modbus line of 19200 baud on which thirty reads wait."""

from __future__ import annotations

import asyncio
import random

from hal.kinds import Belt
from tests.benchmarks.figures import Report, quantile
from tests.hal.drivers.modbus.slow_line import BUSY, LONGEST_S, STOP, at_its_speed

MARGIN_S = 0.010


async def _trials(trials: int) -> list[float]:
    """From the belt's halt to the first byte of the stop on the line, in s."""
    took: list[float] = []
    rng = random.Random(1)
    async with at_its_speed(BUSY) as (board, line):
        belt, loop = board.devices["conveyor"], asyncio.get_running_loop()
        assert isinstance(belt, Belt)
        for _ in range(trials):
            belt.activate()
            running = loop.create_task(belt.run(0.3))
            await asyncio.sleep(rng.uniform(0.10, 0.13))
            halted_at = loop.time()
            belt.halt()
            await asyncio.wait({running})
            running.exception()
            await asyncio.sleep(2 * LONGEST_S)
            took.append(
                next(word.began for word in line.requests if word.began >= halted_at and word.data == STOP)
                - halted_at
            )
            line.requests.clear()
    return took


def cell(report: Report, trials: int) -> None:
    """As the light curtain of a conveyor cell stops its belt."""
    report.title("curtain to stop write on the bus, 30 reads waiting (ms)")
    took = asyncio.run(_trials(trials))
    figures = [quantile(took, 0.5), quantile(took, 0.99), max(took)]
    limit_s = LONGEST_S + MARGIN_S
    row = (
        "stop write after the halt",
        *(f"{1000 * figure:.1f}" for figure in figures),
        f"{1000 * limit_s:.1f}",
    )
    report.table(("", "p50", "p99", "worst", "one transaction + 10"), [row])
    report.goal(
        f"p99 within one transaction and 10 ms ({1000 * limit_s:.1f} ms): {1000 * figures[1]:.1f} ms",
        figures[1] <= limit_s,
    )
