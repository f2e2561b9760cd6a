import asyncio

import pytest

from hal.kinds.ticker import PERIOD_S, Ticker
from tests import virtual


def ticks_of(duration_s: float, busy: dict[int, float] | None = None) -> list[float]:
    """When a ticker that began at 1 s ticked; `busy` says how long the loop was busy after which tick."""
    ticks: list[float] = []

    async def story() -> None:
        def tick(now: float) -> None:
            ticks.append(now)
            virtual.spend((busy or {}).get(len(ticks), 0.0))

        ticker = Ticker(tick)
        ticker.start(1.0)
        await asyncio.sleep(1.0 + duration_s)
        ticker.stop()
        assert not ticker.running
        await asyncio.sleep(1)

    virtual.run(story())
    return ticks


@pytest.mark.no_cover
def test_ticks_are_counted_from_the_first_and_do_not_drift_in_an_hour():
    ticks = ticks_of(3600.01)

    assert len(ticks) == 180_001
    assert ticks[-1] == pytest.approx(3601.0, abs=1e-6)


def test_a_missed_tick_is_left_out_and_the_next_is_on_the_grid_again():
    ticks = ticks_of(0.15, busy={2: 0.05})

    assert [(tick - 1.0) / PERIOD_S for tick in ticks] == pytest.approx([0, 1, 3.5, 4, 5, 6, 7])


def test_the_last_tick_may_lie_beside_the_grid():
    ticks: list[float] = []

    async def story() -> None:
        def tick(now: float) -> None:
            ticks.append(now)
            if len(ticks) == 2:
                ticker.next_only_at(now + 0.007)

        ticker = Ticker(tick)
        ticker.start(1.0)
        await asyncio.sleep(2)
        assert not ticker.running

    virtual.run(story())

    assert ticks == pytest.approx([1.0, 1.02, 1.027])
