"""One life of a robot: from its start, under a random operator and random faults, to its end."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hal import parse_fault
from robotd.config import RobotConfig
from robotd.journal.memory import MemoryStore
from robotd.sim.campaign.coverage import Coverage
from robotd.sim.campaign.faults import Faults
from robotd.sim.campaign.operator import LOOK_S, Operator
from robotd.sim.client import Sent
from robotd.sim.invariants import Broken, Watch
from robotd.sim.scenario.deeds import Deeds
from robotd.sim.scenario.model import Fault, Step
from robotd.sim.simulation import CannotSimulate, Simulation, simulate

LAST_S = 2.0
"""At the end somebody is there: a daemon that ends in the middle of something has more to do."""
FELL = "no fall"
"""What is broken when the daemon itself falls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What became of one life."""

    seed: int
    duration_s: float
    """So much virtual time it lasted."""
    digest: str
    broken: Broken | None
    steps: tuple[Step, ...]
    """What was done, each `at_s`; only of a life in which something was broken."""
    coverage: Coverage
    stages: Mapping[str, int]
    """How many commands ended in each terminal stage."""
    faults: Mapping[str, int]
    """How many of each kind began."""
    checked: Mapping[str, int]
    """How often each promise was looked at."""


def live(
    config: RobotConfig,
    seed: int,
    duration_s: float,
    faults: float,
    ends: Callable[[], bool] = lambda: False,
    store: MemoryStore | None = None,
) -> Life:
    """Live one life of `duration_s`, with faults for that share of the time. A seed always lives the same.

    `ends` is asked before each thing that is done: the life is over then, in good order. `store` keeps the
    rows of its journal.

    Raises `CannotSimulate` where the robot has a handler that needs a thread.
    """
    coverage = Coverage(config)
    runs: list[_Run] = []

    async def story(simulation: Simulation) -> None:
        run = _Run(simulation, duration_s, faults, coverage)
        runs.append(run)
        await run.whole(ends)

    fell: Broken | None = None
    try:
        simulate(coverage.watching(config), story, seed=seed, store=store)
    except CannotSimulate:
        raise
    except Exception as error:
        fell = Broken(FELL, f"the daemon fell: {_said(error)}", runs[0].simulation.now if runs else 0.0)
    return runs[0].told(coverage, fell) if runs else _stillborn(seed, coverage, fell)


def _said(error: BaseException) -> str:
    """What it is, and where it was raised: the first of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}: {error} (in {last.name}, {last.filename}:{last.lineno})"


def _stillborn(seed: int, coverage: Coverage, fell: Broken | None) -> Life:
    """The daemon fell before it was ready."""
    return Life(
        seed=seed,
        duration_s=0.0,
        digest="",
        broken=fell,
        steps=(),
        coverage=coverage,
        stages={},
        faults={},
        checked={},
    )


class _Run:
    """One life beside its daemon."""

    def __init__(self, simulation: Simulation, duration_s: float, faults: float, coverage: Coverage) -> None:
        self.simulation = simulation
        self._duration_s = duration_s
        seed = simulation.seed
        self._operator = Operator(simulation, random.Random(f"operator {seed}"))
        self._faults = Faults(simulation.config, faults, random.Random(f"faults {seed}"))
        self._begun: Counter[str] = Counter()
        self._steps: list[Step] = []
        self._waiting: asyncio.Future[None] | None = None
        self._ended_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.watch = Watch(simulation, simulation.config.invariants, self._wake_up)
        coverage.states.update(simulation.engine.machine.active)
        simulation.engine.dispatcher.observers.append(coverage.decision)
        self._deeds = Deeds(simulation, _Unwritten(), _Asked(), _nothing)

    async def whole(self, ends: Callable[[], bool]) -> None:
        """Until its time is over, or something is broken."""
        simulation, end = self.simulation, self._duration_s
        await self._deeds.begin()
        deed_at = self._operator.pause_s()
        fault_at, fault = self._faults.next(0.0)
        while True:
            if deed_at >= end and simulation.now < end - LAST_S:
                deed_at = end - LAST_S
                self._operator.hurry()
            due = min(deed_at, fault_at, end)
            await self._until(due)
            if self.watch.broken is not None or due == end or ends():
                break
            if due == fault_at and fault is not None:
                await self._take(fault)
                fault_at, fault = self._faults.next(fault_at)
            elif self._operator.looks_on():
                deed_at += LOOK_S
            else:
                await self._take(self._operator.draw())
                deed_at = max(deed_at, round(simulation.now, 6)) + self._operator.pause_s()
        self._ended_at = simulation.now
        await self._deeds.end()

    async def _take(self, step: Step) -> None:
        self._steps.append(Step(step.do, at_s=round(self.simulation.now, 6), for_s=step.for_s))
        if isinstance(step.do, Fault):
            self._begun[parse_fault(step.do.text).kind] += 1
        await self._deeds.carry_out(step)

    def told(self, coverage: Coverage, fell: Broken | None) -> Life:
        """What became of it."""
        engine = self.simulation.engine
        broken = fell or self.watch.broken
        return Life(
            seed=self.simulation.seed,
            duration_s=self._ended_at or self.simulation.now,
            digest=self.simulation.recording.digest,
            broken=broken,
            steps=tuple(self._steps) if broken else (),
            coverage=coverage,
            stages=dict(engine.ledger.counts),
            faults=dict(self._begun),
            checked=dict(self.watch.checked),
        )

    async def _until(self, at_s: float) -> None:
        """Or until something is broken."""
        due = self.simulation.began + at_s
        if due <= self._loop.time() or self.watch.broken is not None:
            return
        waiting = self._waiting = self._loop.create_future()
        timer = self._loop.call_at(due, self._wake_up)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting = None

    def _wake_up(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class _Forgotten(dict[str, str]):
    """Keeps nothing."""

    def __setitem__(self, key: str, value: str) -> None:
        """Forget it at once."""


class _Unwritten:
    """Nobody writes a life down: hours of it would fill the memory."""

    def __init__(self) -> None:
        self.types: dict[str, str] = _Forgotten()

    def note(self, kind: str, text: str) -> None:
        """Something was done."""


class _Asked:
    """The newest command of each type, to cancel."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.last: Sent | None = None
        self.answer: Callable[[], Mapping[str, Any] | None] = lambda: None


def _nothing() -> None: ...
