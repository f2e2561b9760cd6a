"""One timer for each stay that has a time-out."""

from __future__ import annotations

import asyncio

from robotd.core.chart import State, Timeout
from robotd.core.decision import Decision, Entry, Outcome
from robotd.runtime.timers import StateTimers
from tests import virtual
from tests.core.making import event

SLOW = State("slow", timeout=Timeout(10.0, "too_long"))
QUICK = State("slow.quick", timeout=Timeout(1.0, "too_long"))
CALM = State("calm")


def moved(exits: tuple[Entry, ...] = (), entries: tuple[Entry, ...] = ()) -> Decision:
    return Decision(event("go"), Outcome.MOVED, ("a",), ("b",), exits, entries)


class Watch:
    """Timers, and what they fired and when."""

    def __init__(self) -> None:
        self.fired: list[tuple[float, str, int]] = []
        self.timers = StateTimers(self._fire)

    def _fire(self, trigger: str, entry: Entry) -> None:
        self.fired.append((asyncio.get_running_loop().time(), trigger, entry.number))


def test_each_stay_is_timed_by_itself():
    async def body() -> None:
        watch = Watch()
        watch.timers.apply(moved(entries=(Entry(1, SLOW), Entry(2, QUICK), Entry(3, CALM))))
        await asyncio.sleep(20)

        assert watch.fired == [(1.0, "too_long", 2), (10.0, "too_long", 1)]

    virtual.run(body())


def test_a_stay_that_is_left_is_not_timed_any_more_and_one_entered_again_anew():
    async def body() -> None:
        watch = Watch()
        watch.timers.apply(moved(entries=(Entry(1, SLOW),)))
        await asyncio.sleep(9)
        watch.timers.apply(moved(exits=(Entry(1, SLOW),), entries=(Entry(2, SLOW),)))
        await asyncio.sleep(9)
        assert watch.fired == []
        await asyncio.sleep(9)

        assert watch.fired == [(19.0, "too_long", 2)]
        watch.timers.apply(moved(exits=(Entry(2, SLOW), Entry(7, CALM))))

    virtual.run(body())


def test_closed_they_fire_no_more():
    async def body() -> None:
        watch = Watch()
        watch.timers.apply(moved(entries=(Entry(1, SLOW), Entry(2, QUICK))))
        watch.timers.close()
        await asyncio.sleep(20)

        assert watch.fired == []

    virtual.run(body())
