"""From a life in which something was broken to a short scenario that breaks the same.

The steps of the life become a scenario, which is run as `robotd test` runs it. Fewer and simpler steps are
tried as long as the same promise is broken and there is time: the last ones alone, all without some (delta
debugging: A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input", 2002), shorter
waits, plainer steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from robotd.config import RobotConfig
from robotd.core.message import NO_PAYLOAD
from robotd.sim.campaign.life import Life
from robotd.sim.scenario.model import (
    OPERATOR,
    Cancel,
    Connect,
    Disconnect,
    Lease,
    Reset,
    Scenario,
    Send,
    Step,
    Stop,
    Wait,
    Write,
)
from robotd.sim.scenario.runner import Failure, run_scenario
from robotd.sim.scenario.script import Script

TAILS = (5, 10, 20, 40, 80, 160, 320, 640, 1280)
"""So many of the last steps are tried alone, before all of them are."""
AFTERWARDS_S = (0.0, 1.0, 5.0)
"""So long it goes on after the moment at which the life was broken."""
WAITS_S = (0.0, 0.05, 0.5)
"""Waits that are tried in place of longer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """A scenario that breaks the same promise, or None where the steps alone do not."""

    scenario: Scenario | None
    sentence: str
    """What is broken in it."""
    runs: int
    """How many scenarios were tried."""


def shrink(
    config: RobotConfig, life: Life, robot: str, *, within_s: float, clock: Callable[[], float]
) -> Shrunk:
    """Look for the shortest scenario for at most `within_s` by `clock`. `robot` is how it names its file."""
    search = _Search(config, life, robot, clock, clock() + within_s)
    search.go()
    return Shrunk(scenario=search.best, sentence=search.sentence, runs=search.runs)


@dataclass(frozen=True, slots=True)
class _Paced:
    """A step, and how long after the one before it comes."""

    after_s: float
    step: Step


class _Search:
    """Keeps the shortest that breaks the same so far."""

    def __init__(
        self, config: RobotConfig, life: Life, robot: str, clock: Callable[[], float], until: float
    ) -> None:
        if life.broken is None:
            raise ValueError(f"nothing was broken in the life of seed {life.seed}")
        self._config = config
        self._life = life
        self._broken = life.broken
        self._robot = robot
        self._clock = clock
        self._until = until
        self._steps: list[_Paced] = []
        self.best: Scenario | None = None
        self.sentence = ""
        self.runs = 0

    def go(self) -> None:
        """First whatever breaks the same, then less and less of it."""
        if not self._begin():
            return
        self._leave_out()
        self._shorten_waits()
        self._simplify()
        self._leave_out()

    @property
    def _in_time(self) -> bool:
        return self._clock() < self._until

    # -- to begin with

    def _begin(self) -> bool:
        every = _paced(self._life.steps)
        last_at_s = self._life.steps[-1].at_s or 0.0 if self._life.steps else 0.0
        rest_s = max(0.0, self._broken.at - last_at_s)
        tails = [count for count in TAILS if count < len(every)] + [len(every)]
        for count in tails:
            for more_s in AFTERWARDS_S:
                if self.runs and self._clock() >= self._until:
                    return False
                end = _Paced(0.0, Step(Wait(round(rest_s + more_s, 3) + 0.001)))
                if self._breaks([*_with_clients(every[len(every) - count :]), end]):
                    return True
        return False

    # -- less

    def _leave_out(self) -> None:
        """Delta debugging: all without one part of it, the parts smaller and smaller."""
        parts = 2
        while len(self._steps) > 1:
            size = -(-len(self._steps) // parts)
            if self._leave_out_one_of(size):
                parts = max(parts - 1, 2)
            elif size == 1 or self._clock() >= self._until:
                return
            else:
                parts = min(parts * 2, len(self._steps))

    def _leave_out_one_of(self, size: int) -> bool:
        """The first part of that size without which the same breaks."""
        for begin in range(0, len(self._steps), size):
            left = self._without(begin, begin + size)
            if left and self._in_time and self._breaks(left):
                return True
        return False

    def _without(self, begin: int, end: int) -> list[_Paced]:
        """The time that those take passes all the same, before the next one."""
        gap_s = sum(paced.after_s for paced in self._steps[begin:end])
        rest = self._steps[end:]
        if rest:
            rest = [replace(rest[0], after_s=round(rest[0].after_s + gap_s, 6)), *rest[1:]]
        return self._steps[:begin] + rest

    def _shorten_waits(self) -> None:
        for place in range(len(self._steps)):
            paced = self._steps[place]
            shorter = [replace(paced, after_s=wait_s) for wait_s in WAITS_S if wait_s < paced.after_s]
            self._try_each(place, shorter)
            do = self._steps[place].step.do
            if isinstance(do, Wait):
                waits = [Step(Wait(wait_s)) for wait_s in WAITS_S if 0 < wait_s < do.duration_s]
                self._try_each(place, [replace(self._steps[place], step=wait) for wait in waits])

    def _simplify(self) -> None:
        """A plainer step in the place of each."""
        for place, paced in enumerate(self._steps):
            self._try_each(place, [replace(paced, step=plainer) for plainer in _plainer(paced.step)])

    def _try_each(self, place: int, others: Sequence[_Paced]) -> None:
        """Take the first of `others` in that place with which the same breaks."""
        for other in others:
            if self._in_time and self._breaks([*self._steps[:place], other, *self._steps[place + 1 :]]):
                return

    def _breaks(self, steps: list[_Paced]) -> bool:
        """Whether these steps break the same promise; they are the best so far if they do."""
        told = _told(steps)
        if told is None or told == self._steps:
            return False
        self.runs += 1
        scenario = Scenario(
            robot=self._robot,
            title=f"{self._broken.name} (found by robotd sim, seed {self._life.seed})",
            seed=self._life.seed,
            steps=_placed(told),
        )
        failure = run_scenario(Script.of(scenario, self._config)).failure
        if failure is None or not self._is_the_same(failure):
            return False
        self._steps, self.best, self.sentence = told, scenario, failure.sentence
        return True

    def _is_the_same(self, failure: Failure) -> bool:
        broken = self._broken
        if broken.where is not None:
            return failure.where == broken.where
        return failure.sentence.startswith((f"{broken.name}: ", broken.sentence.partition(":")[0]))


def _paced(steps: Sequence[Step]) -> list[_Paced]:
    before = 0.0
    paced = []
    for step in steps:
        at_s = step.at_s or 0.0
        paced.append(_Paced(round(at_s - before, 6), replace(step, at_s=None)))
        before = at_s
    return paced


def _with_clients(steps: Sequence[_Paced]) -> list[_Paced]:
    """Whoever speaks without having come, since that was before, comes at once."""
    here = {OPERATOR}
    missing: dict[str, None] = {}
    for paced in steps:
        do = paced.step.do
        if isinstance(do, Connect):
            here.add(do.client)
        elif (client := getattr(do, "client", OPERATOR)) not in here:
            missing[client] = None
    come = [_Paced(0.0, Step(Connect(client))) for client in missing]
    return [*come, *(replace(steps[0], after_s=0.0), *steps[1:])] if steps else come


def _told(steps: Sequence[_Paced]) -> list[_Paced] | None:
    """As a file must have it; None where somebody speaks, or goes, who is away.

    Who comes though there hangs up first: that is what the operator did, or the robot did it for them.
    """
    here = {OPERATOR}
    told = []
    for paced in steps:
        do = paced.step.do
        client = getattr(do, "client", None)
        if isinstance(do, Connect):
            if client in here:
                told.append(replace(paced, step=Step(Disconnect(do.client))))
                paced = replace(paced, after_s=0.0)
            here.add(do.client)
        elif client is not None and client not in here:
            return None
        elif isinstance(do, Disconnect):
            here.remove(do.client)
        told.append(paced)
    return told


def _placed(steps: Sequence[_Paced]) -> tuple[Step, ...]:
    """As a scenario has them: each `at` its moment, or right after the one before."""
    at_s = 0.0
    placed = []
    for paced in steps:
        at_s = round(at_s + paced.after_s, 6)
        placed.append(replace(paced.step, at_s=at_s if paced.after_s else None))
    return tuple(placed)


def _plainer(step: Step) -> list[Step]:
    """The plainest first."""
    do = step.do
    others: list[Step] = []
    if isinstance(do, Send):
        once = Send(do.type, do.payload)
        others += [Step(Send(do.type, NO_PAYLOAD)), Step(Send(do.type, _rounded(do))), Step(once)]
        others += [Step(replace(once, times=times)) for times in (2, 10, 50) if times < do.times]
        others += [Step(do), replace(step, do=once), Step(replace(do, client=OPERATOR))]
    elif isinstance(do, Stop | Reset | Lease | Cancel | Write):
        others.append(replace(step, do=replace(do, client=OPERATOR)))
    return [other for other in others if other != step]


def _rounded(send: Send) -> dict[str, object]:
    return {
        name: round(value, 1) if isinstance(value, float) and abs(value) < 1e6 else value
        for name, value in send.payload.items()
    }
