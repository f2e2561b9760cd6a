"""The loop in virtual time, by itself."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from typing import Any

import pytest

from hal.virtual import SimulationStuck, VirtualLoop, run, spend


async def order(count: int, pause_s: float = 1.0) -> list[int]:
    """The order in which tasks that are ready together come."""
    seen: list[int] = []

    async def come(number: int) -> None:
        seen.append(number)
        await asyncio.sleep(pause_s)
        seen.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(come(number))
    return seen


def test_an_hour_takes_no_time_and_ends_on_the_second():
    async def story() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(story()) == 3600.0


def test_timers_come_in_the_order_of_their_times():
    async def story() -> list[str]:
        loop, seen = asyncio.get_running_loop(), list[str]()
        loop.call_later(0.2, seen.append, "second")
        loop.call_later(0.1, seen.append, "first")
        cancelled = loop.call_later(0.15, seen.append, "never")
        cancelled.cancel()
        await asyncio.sleep(0.3)
        return seen

    assert run(story(), seed=5) == ["first", "second"]


def test_the_seed_orders_what_is_ready_together_and_the_same_seed_orders_it_alike():
    orders = [tuple(run(order(5), seed=seed)) for seed in range(10)]

    assert orders == [tuple(run(order(5), seed=seed)) for seed in range(10)]
    assert len(set(orders)) > 5


def test_without_a_seed_the_order_is_that_of_asyncio():
    assert run(order(4, 0)) == asyncio.run(order(4, 0))


@pytest.mark.parametrize("seed", range(10))
def test_callbacks_keep_the_order_in_which_they_were_asked_for_whatever_the_seed(seed: int):
    async def story() -> list[int]:
        loop, seen = asyncio.get_running_loop(), list[int]()
        for number in range(20):
            loop.call_soon(seen.append, number)
            loop.create_task(asyncio.sleep(0))
        await asyncio.sleep(1)
        return seen

    assert run(story(), seed=seed) == list(range(20))


def test_many_cancelled_timers_are_not_kept():
    async def story() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for _ in range(10_000):
            loop.call_later(3600, spend, 1).cancel()
            await asyncio.sleep(0.001)
        return len(loop._scheduled)

    assert run(story()) < 300


def test_a_story_in_which_everybody_waits_for_ever_says_so():
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(SimulationStuck, match="every task waits"):
        run(story())


def test_a_story_that_asks_again_without_end_says_so():
    async def story() -> None:
        await asyncio.sleep(1)
        while True:  # noqa: ASYNC110  # that it never rests is the point
            await asyncio.sleep(0)

    with pytest.raises(SimulationStuck, match=r"time stands still at 1\.000000 s"):
        run(story())


def test_code_that_takes_its_time_makes_timers_late():
    async def story() -> list[float]:
        loop, seen = asyncio.get_running_loop(), list[float]()
        loop.call_later(0.1, lambda: seen.append(loop.time()))
        spend(0.5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return seen

    assert run(story()) == [0.5]


async def test_only_virtual_time_can_be_spent():
    with pytest.raises(TypeError, match="virtual"):
        spend(1.0)


def test_a_thread_is_refused():
    async def story() -> None:
        await asyncio.to_thread(int)

    with pytest.raises(RuntimeError, match="no thread"):
        run(story())


def test_a_call_from_another_thread_is_refused_there():
    refused: list[BaseException] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()

        def call() -> None:
            try:
                loop.call_soon_threadsafe(int)
            except RuntimeError as error:
                refused.append(error)

        other = threading.Thread(target=call)
        other.start()
        other.join()

    run(story())

    assert "no thread" in str(refused[0])


@pytest.mark.parametrize(
    "use",
    [
        lambda loop: loop.add_reader(0, int),
        lambda loop: loop.add_signal_handler(2, int),
        lambda loop: loop.getaddrinfo("localhost", 80),
    ],
)
def test_descriptors_signals_and_names_of_hosts_have_no_place(use: Any):
    async def story() -> None:
        with pytest.raises((NotImplementedError, RuntimeError)):
            use(asyncio.get_running_loop())

    run(story())


def test_the_loop_opens_no_descriptor():
    gc.collect()
    before = sorted(os.listdir("/proc/self/fd"))

    async def story() -> list[str]:
        await asyncio.sleep(1)
        return sorted(os.listdir("/proc/self/fd"))

    assert run(story()) == before
