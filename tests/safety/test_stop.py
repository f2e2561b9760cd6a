"""The stop alone: its latch, its proof, and the way out of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hal import Actuator, Evidence, Rig
from robotd.errors import Refused
from robotd.safety.stop import EVIDENCE_S, REST_S, Stop
from tests import virtual
from tests.hal.rover import simulated_rover


class Bench:
    """A rover with all devices active, and its stop."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.loop = asyncio.get_running_loop()
        numbers = itertools.count(1)
        self.stop = Stop(rig, self.loop.time, lambda: f"latch-{next(numbers)}")

    @property
    def world(self) -> dict[str, float | bool]:
        return self.rig.twins["arduino"].world()

    def drive(self) -> None:
        self.rig.devices["base"].drive(0.3)  # type: ignore[attr-defined]  # it is the rover's drive base


def told(body: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            for device in rig.devices.values():
                device.activate()
            await body(Bench(rig))

    virtual.run(whole())


def test_the_robot_is_stopped_when_trip_returns():
    async def body(bench: Bench) -> None:
        bench.drive()
        await asyncio.sleep(0.2)
        assert bench.world["left_duty"]

        latch = bench.stop.trip("a test", "test")

        assert bench.world["left_duty"] == bench.world["right_duty"] == 0
        assert bench.stop.latch is latch
        assert (latch.latch_id, latch.reason, latch.by) == ("latch-1", "a test", "test")
        assert all(device.at_rest for device in bench.rig.devices.values() if isinstance(device, Actuator))

    told(body)


def test_each_stop_is_a_new_epoch_with_a_new_latch():
    async def body(bench: Bench) -> None:
        first, second = bench.stop.trip("one", "a"), bench.stop.trip("two", "b")

        assert bench.stop.epoch == 2
        assert first.latch_id != second.latch_id
        refusal = bench.stop.refusal()
        assert refusal is not None
        assert refusal.data["latch_id"] == second.latch_id

    told(body)


def test_nothing_is_refused_without_a_latch():
    async def body(bench: Bench) -> None:
        assert bench.stop.refusal() is None
        with pytest.raises(Refused, match="nothing is latched"):
            bench.stop.check_reset("latch-1")

    told(body)


def test_a_reset_needs_the_present_latch_and_half_a_second_of_rest():
    async def body(bench: Bench) -> None:
        bench.drive()
        await asyncio.sleep(0.1)
        latch = bench.stop.trip("a test", "test")
        with pytest.raises(Refused) as wrong:
            bench.stop.check_reset("another")
        assert "retry_after_ms" not in wrong.value.data
        await asyncio.sleep(REST_S / 2)
        with pytest.raises(Refused, match="not at rest for") as early:
            bench.stop.check_reset(latch.latch_id)
        assert early.value.data["retry_after_ms"] == pytest.approx(REST_S / 2 * 1000, abs=1)
        await asyncio.sleep(REST_S / 2 + 1e-6)

        bench.stop.check_reset(latch.latch_id)
        bench.stop.clear()

        assert bench.stop.refusal() is None

    told(body)


def test_what_moves_again_keeps_the_latch():
    async def body(bench: Bench) -> None:
        latch = bench.stop.trip("a test", "test")
        await asyncio.sleep(1)
        bench.drive()

        with pytest.raises(Refused, match="at rest"):
            bench.stop.check_reset(latch.latch_id)

    told(body)


def test_the_evidence_tells_of_every_actuator_of_every_board():
    async def body(bench: Bench) -> None:
        bench.stop.trip("a test", "test")
        evidence = await bench.stop.evidence()

        assert set(evidence) == {"left", "right", "mast", "lamp"}
        assert evidence["left"] == {"confirmed": {"value": 0.0, "age_ms": 0.0}}

    told(body)


async def sleeps() -> dict[str, Evidence]:
    await asyncio.sleep(9)
    return {}


async def breaks() -> dict[str, Evidence]:
    raise RuntimeError("a bug")


async def omits() -> dict[str, Evidence]:
    return {}


@pytest.mark.parametrize(
    ("answer", "why"),
    [(sleeps, "no answer within 100 ms"), (breaks, "a bug"), (omits, "arduino says nothing of it")],
)
def test_what_a_board_does_not_prove_is_said_to_be_unproved(
    answer: Callable[[], Coroutine[Any, Any, dict[str, Evidence]]], why: str
):
    async def body(bench: Bench) -> None:
        board = bench.rig.boards["arduino"]
        board.confirm_stop = answer  # type: ignore[method-assign]  # a driver that cannot
        bench.stop.trip("a test", "test")
        began = bench.loop.time()
        evidence = await bench.stop.evidence()

        assert bench.loop.time() - began <= EVIDENCE_S + 1e-9
        assert evidence["left"] == {"unconfirmed": {"why": why}}

    told(body)


def test_a_board_is_asked_no_longer_when_nobody_waits():
    async def body(bench: Bench) -> None:
        before = len(asyncio.all_tasks())
        asking = asyncio.ensure_future(bench.stop.evidence())
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.sleep(0.001)

        assert len(asyncio.all_tasks()) == before

    told(body)


def test_a_drivers_bug_in_the_stop_frames_stops_no_stop(caplog: pytest.LogCaptureFixture):
    async def body(bench: Bench) -> None:
        bench.drive()
        await asyncio.sleep(0.1)
        board = bench.rig.boards["arduino"]
        board.stop_frames = lambda: b"" + 1 // 0  # type: ignore[method-assign,operator]  # a driver with a bug

        bench.stop.trip("a test", "test")

        assert bench.stop.latch is not None
        assert bench.world["left_duty"] == bench.world["right_duty"] == 0

    told(body)
    assert "the stop could not be written" in caplog.text
