"""The core alone: deciding on charts of three sizes, and the queue, against the library and a plain deque."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections import deque
from functools import partial

from transitions import Machine

from robotd.core.chart import Chart, Region, State, Transition
from robotd.core.expression import compile_expression
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Lane
from robotd.core.queue import MessageQueue
from tests.benchmarks.figures import Report, interleaved, median

SIZES = (10, 100, 1_000)
DECISIONS = 4_000
ITEMS = 20_000
ROUNDS = 7


class _Readings:
    def get(self, name: str) -> float:
        return 12.0


def _command(name: str) -> Command:
    return Command(type=name, id="c1", trace_id="0" * 31 + "1", at=0.0, source="bench", lane=Lane.COMMAND)


def ring(size: int, failing: int = 0) -> Chart:
    """States in a ring; `next` goes on, after `failing` transitions whose guards do not hold."""
    guard = compile_expression("battery.value < 10.8", readings={"battery.value": "V"})
    paths = [f"s{number}" for number in range(size)]
    transitions = []
    for place, path in enumerate(paths):
        following = paths[(place + 1) % size]
        transitions += [Transition(("next",), (path,), following, guard)] * failing
        transitions.append(Transition(("next",), (path,), following))
    states = {path: State(path) for path in paths}
    return Chart(1, (Region("main", paths[0], states, tuple(transitions)),), frozenset({"next"}))


def _decide_us(machine: StateMachine) -> float:
    readings, message = _Readings(), _command("next")
    began = time.perf_counter()
    for _ in range(DECISIONS):
        machine.decide(message, readings)
    return (time.perf_counter() - began) / DECISIONS * 1e6


class _Model:
    state: str


def _library_us(size: int) -> float:
    model = _Model()
    paths = [f"s{number}" for number in range(size)]
    machine = Machine(model, states=paths, initial=paths[0], auto_transitions=False)
    for place, path in enumerate(paths):
        machine.add_transition("next", path, paths[(place + 1) % size])
    trigger = machine.events["next"].trigger
    began = time.perf_counter()
    for _ in range(DECISIONS):
        trigger(model)
    return (time.perf_counter() - began) / DECISIONS * 1e6


def decide(report: Report) -> None:
    """`decide` for 10, 100 and 1,000 states, with none and three failing guards; what loading costs."""
    report.title("decide (microseconds a decision, medians)")
    rows = []
    worst = 0.0
    for size in SIZES:
        plain, guarded = StateMachine(ring(size)), StateMachine(ring(size, failing=3))
        for machine in (plain, guarded):
            machine.start(_command("start"), _Readings())
        found = interleaved(
            ROUNDS,
            library=partial(_library_us, size),
            plain=partial(_decide_us, plain),
            guarded=partial(_decide_us, guarded),
        )
        figures = [median(found[name]) for name in ("library", "plain", "guarded")]
        worst = max(worst, figures[2])
        rows.append((f"{size} states", *(f"{figure:.1f}" for figure in figures)))
    report.table(("", "bare transitions", "decide", "three guards fail"), rows)
    report.goal(f"at most 15 us at 1,000 states with three failing guards: {worst:.1f} us", worst <= 15)

    chart = ring(1_000, failing=3)
    began = time.perf_counter()
    StateMachine(chart)
    took_s = time.perf_counter() - began
    tracemalloc.start()
    kept = StateMachine(chart)
    used_mib = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    del kept
    report.goal(
        f"1,000 states load in 2 s and 100 MiB: {took_s:.2f} s, {used_mib:.0f} MiB",
        took_s <= 2 and used_mib <= 100,
    )


def _queue_us() -> float:
    async def through() -> float:
        queue = MessageQueue(dict.fromkeys(Lane, ITEMS))
        message = _command("next")
        began = time.perf_counter()
        for _ in range(ITEMS):
            queue.offer(message)
        queue.close()
        async for _ in queue:
            pass
        return (time.perf_counter() - began) / ITEMS * 1e6

    return asyncio.run(through())


def _priority_queue_us() -> float:
    async def through() -> float:
        queue: asyncio.PriorityQueue[tuple[int, int]] = asyncio.PriorityQueue()
        began = time.perf_counter()
        for number in range(ITEMS):
            queue.put_nowait((1, number))
        for _ in range(ITEMS):
            await queue.get()
        return (time.perf_counter() - began) / ITEMS * 1e6

    return asyncio.run(through())


def _deque_us() -> float:
    items: deque[int] = deque()
    began = time.perf_counter()
    for number in range(ITEMS):
        items.append(number)
    for _ in range(ITEMS):
        items.popleft()
    return (time.perf_counter() - began) / ITEMS * 1e6


def queue(report: Report) -> None:
    """One message in and out of the queue."""
    report.title("queue (microseconds a message, medians)")
    found = interleaved(ROUNDS, ours=_queue_us, priority=_priority_queue_us, bare=_deque_us)
    rows = [
        ("four lanes with bounds", f"{median(found['ours']):.2f}"),
        ("asyncio.PriorityQueue", f"{median(found['priority']):.2f}"),
        ("a deque", f"{median(found['bare']):.2f}"),
    ]
    report.table(("", "us"), rows)
