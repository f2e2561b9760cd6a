"""Runs a scenario: its steps in virtual time, its expectations judged the moment that something changes."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from hal import FaultError, HalError
from robotd.core.chart import NOWHERE, Where
from robotd.core.invariant import Invariant
from robotd.sim.invariants import Watch
from robotd.sim.scenario.chronicle import SHOWN_LINES, Chronicle, Taken
from robotd.sim.scenario.deeds import Deeds, plain
from robotd.sim.scenario.judging import EDGE_S, Judge, expected
from robotd.sim.scenario.model import Expect, Fact, Step, Wait
from robotd.sim.scenario.script import Script
from robotd.sim.scenario.writing import flow, seconds
from robotd.sim.simulation import CannotSimulate, Simulation, simulate

SETTLING_S = 1e-9
"""When a timer of this length ends all that was due has happened, and practically no time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a scenario does not hold."""

    sentence: str
    where: Where = NOWHERE
    """The step, or the invariant."""
    at: float = 0.0
    """Seconds since the robot was ready."""
    step: int | None = None
    """The number of the step, from 0; None where none is to blame."""
    details: tuple[tuple[str, str], ...] = ()
    """A word and what belongs to it: `expected`, `seen`, `traceback`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a scenario with one seed."""

    script: Script
    seed: int
    failure: Failure | None
    duration_s: float = 0.0
    """So much virtual time passed from ready to the end."""
    digest: str = ""
    """Over all that happened: equal for two runs that are the same."""
    chronicle: Chronicle | None = None
    """None where the robot was never ready."""


def run_scenario(script: Script, *, seed: int | None = None) -> Result:
    """Run it once, with its own seed where none is given. A daemon that falls is a failure, not an error.

    Raises `CannotSimulate` where the robot has a handler that needs a thread.
    """
    scenario = script.scenario
    seed = scenario.seed if seed is None else seed
    world = {name: held for name, value in scenario.world.items() if (held := plain(value)) is not None}
    runs: list[_Run] = []
    early: list[tuple[str, str, Mapping[str, Any]]] = []

    async def story(simulation: Simulation) -> Failure | None:
        run = _Run(simulation, script)
        runs.append(run)
        for line in early:
            run.chronicle.log(*line)
        return await run.whole()

    def log(level: str, event: str, said: Mapping[str, Any]) -> None:
        if not runs:
            early.append((level, event, said))
        for run in runs:
            run.chronicle.log(level, event, said)

    try:
        failure = simulate(script.config, story, seed=seed, faults=scenario.faults, world=world, logs=log)
    except CannotSimulate:
        raise
    except Exception as error:
        failure = _fallen(error, runs)
    if not runs:
        return Result(script=script, seed=seed, failure=failure)
    run = runs[0]
    return Result(
        script=script,
        seed=seed,
        failure=failure or run.bug() or run.unkept(),
        duration_s=run.ended_at,
        digest=run.simulation.recording.digest,
        chronicle=run.chronicle,
    )


def bare(result: Result) -> Result:
    """The same without what happened on the way, which is most of its size."""
    return replace(result, chronicle=None)


def _fallen(error: Exception, runs: list[_Run]) -> Failure:
    lines = "".join(traceback.format_exception(error)).splitlines()[-SHOWN_LINES:]
    at, step = (runs[0].simulation.now, runs[0].step) if runs else (0.0, None)
    return Failure(
        sentence=f"the daemon fell: {type(error).__name__}: {error}",
        at=at,
        step=step,
        details=(("traceback", "\n".join(lines)),),
    )


class _FailedError(Exception):
    """The scenario does not hold."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class _Run:
    """One run beside its daemon."""

    def __init__(self, simulation: Simulation, script: Script) -> None:
        self.simulation = simulation
        self.script = script
        self.ended_at = 0.0
        self.step: int | None = None
        """The number of the step that is under way."""
        self._invariants = [*script.invariants, *script.config.invariants]
        self._broken: Failure | None = None
        self._looks_soon = False
        self._waiting: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self.chronicle = Chronicle(simulation, self._changed)
        self._judge = Judge(simulation, self.chronicle)
        self._watch = Watch(simulation, told=self._wake_up)
        self._deeds = Deeds(simulation, self.chronicle, self._judge, self._wake_up)

    async def whole(self) -> Failure | None:
        """All steps. Returns why it does not hold, if it does not."""
        await self._deeds.begin()
        try:
            await self._settle()
            for number, step in enumerate(self.script.scenario.steps):
                self.step = number
                began = self.simulation.now
                try:
                    await self._take(step)
                finally:
                    self.chronicle.steps.append(Taken(began, self.simulation.now))
            return None
        except _FailedError as failed:
            return failed.failure
        finally:
            self.ended_at = self.simulation.now
            self.chronicle.close()
            await self._deeds.end()

    def bug(self) -> Failure | None:
        """What nobody caught while it ran."""
        for context in self.simulation.bugs:
            error = context.get("exception")
            return Failure(
                sentence=f"nobody caught: {error!r}" if error else str(context["message"]), at=self.ended_at
            )
        return None

    def unkept(self) -> Failure | None:
        """The first of what every robot is promised that was not kept, at the end of the daemon at last."""
        broken = self._watch.broken
        if broken is None:
            return None
        return Failure(sentence=f"{broken.name}: {broken.sentence}", at=broken.at, step=self.step)

    # -- steps

    async def _take(self, step: Step) -> None:
        if step.at_s is not None:
            due = self.simulation.began + step.at_s
            if self._loop.time() > due + EDGE_S:
                self._fail(step, f"it was due at {seconds(step.at_s)}; the steps before took longer")
            await self._pass(due)
        match step.do:
            case Expect(facts):
                await self._expect(step, facts)
                self._judge.met(facts)
            case Wait(duration_s):
                await self._pass(self._loop.time() + duration_s)
            case _:
                try:
                    await self._deeds.carry_out(step)
                except (OSError, HalError, FaultError) as error:
                    self._fail(step, f"this cannot be done: {error}")
        await self._settle()

    async def _expect(self, step: Step, facts: tuple[Fact, ...]) -> None:
        if step.within_s is not None:
            await self._become(facts, self._loop.time() + step.within_s)
        if missing := self._missing(facts):
            late = "" if step.within_s is None else f" within {seconds(step.within_s)}"
            self._disappoint(step, missing, f"not so{late}")
        if step.for_s is not None:
            began = self._loop.time()
            await self._last(facts, began + step.for_s)
            if missing := self._missing(facts):
                held_s = round(self._loop.time() - began, 6)
                self._disappoint(step, missing, f"so for {seconds(held_s)}, not for {seconds(step.for_s)}")

    async def _become(self, facts: tuple[Fact, ...], deadline: float) -> None:
        """Until all of them hold, or until the deadline: what happens at that moment counts."""
        while self._missing(facts) and self._loop.time() < deadline:
            await self._wait(min(deadline, self._judge.look_at(facts)))
            await self._settle()

    async def _last(self, facts: tuple[Fact, ...], end: float) -> None:
        """Until one of them does not hold, or until the end: what happens at that moment is after it."""
        end -= EDGE_S
        while not self._missing(facts) and self._loop.time() < end:
            await self._wait(min(end, self._judge.look_at(facts)))
            if self._loop.time() < end:
                await self._settle()

    def _missing(self, facts: Iterable[Fact]) -> list[Fact]:
        return [fact for fact in facts if not self._judge.holds(fact)]

    def _disappoint(self, step: Step, missing: Iterable[Fact], sentence: str) -> NoReturn:
        details = [
            pair
            for fact in missing
            for pair in (("expected", expected(fact)), ("seen", self._judge.seen(fact)))
        ]
        details += [("refused", text) for text in self._judge.turned_away()]
        self._fail(step, sentence, details)

    def _fail(self, step: Step, sentence: str, details: Iterable[tuple[str, str]] = ()) -> NoReturn:
        raise _FailedError(
            Failure(
                sentence=sentence,
                where=step.where,
                at=self.simulation.now,
                step=self.step,
                details=tuple(details),
            )
        )

    # -- time and what happens in it

    async def _pass(self, until: float) -> None:
        while self._loop.time() < until:
            await self._wait(until)

    async def _settle(self) -> None:
        """Let all that is due now happen."""
        until = self._loop.time() + SETTLING_S
        while self._loop.time() < until:
            await self._wait(until)

    async def _wait(self, until: float) -> None:
        """For the next change, or until then. Raises where an invariant was broken."""
        waiting = self._waiting = self._loop.create_future()
        timer = self._loop.call_at(until, self._wake_up)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting = None
        failure = self._broken or self.unkept()
        if failure is not None:
            raise _FailedError(failure)

    def _wake_up(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _changed(self) -> None:
        """A decision was carried out, or a reading has changed: look when whatever did it is through."""
        if not self._looks_soon:
            self._looks_soon = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._looks_soon = False
        engine = self.simulation.engine
        if self._broken is None:
            for invariant in self._invariants:
                if invariant.broken(engine.table, engine.machine.active):
                    self._broken = self._violation(invariant)
                    break
        self._wake_up()

    def _violation(self, invariant: Invariant) -> Failure:
        engine = self.simulation.engine
        saw = invariant.expression.saw(engine.table, {}, engine.machine.active)
        return Failure(
            sentence=f"{invariant.kind}: {invariant.text}",
            where=invariant.where,
            at=self.simulation.now,
            step=self.step,
            details=(("seen", ", ".join(f"{name} {flow(saw[name])}" for name in sorted(saw))),),
        )
