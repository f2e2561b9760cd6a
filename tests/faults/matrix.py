"""Runs rows of the matrix, and keeps what came out."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from tests.benchmarks.figures import quantile
from tests.faults.bench import Bench
from tests.faults.children import HarnessError
from tests.faults.evidence import NotStopped
from tests.faults.trial import Row, attempt

ALL = 2_000
"""Trials over all rows."""
ROUNDS = 3
"""A row is judged by the best of so many rounds: this machine does other things, too."""
FAILURES_AT_MOST = 5
"""So many trials one after the other that could not be made end the matrix."""
PRIORITY = 20


@dataclass(slots=True)
class Result:
    """What the trials of one row came to."""

    row: Row
    skipped: str | None = None
    rounds: list[list[float]] = field(default_factory=list)
    """For each round, how long each stop took, in seconds."""
    why_missed: list[str] = field(default_factory=list)
    why_again: list[str] = field(default_factory=list)
    """Why trials could not be made, and so were made again."""

    @property
    def took_s(self) -> list[float]:
        """All of them."""
        return [took_s for found in self.rounds for took_s in found]

    @property
    def missed(self) -> int:
        """Trials in which the robot was not stopped, or something else was not as it must be."""
        return len(self.why_missed)

    @property
    def trials(self) -> int:
        """How many there were."""
        return len(self.took_s) + self.missed

    @property
    def judged_s(self) -> float:
        """What is held against the limit: of the best round."""
        judged = [quantile(found, self.row.share) for found in self.rounds if found]
        return min(judged, default=math.nan)

    @property
    def within(self) -> bool:
        """Whether that keeps the limit."""
        return self.skipped is not None or self.judged_s <= self.row.limit_s


class Watcher(Protocol):
    """Who looks on."""

    def begin(self, trials: int) -> None:
        """So many there will be."""

    def step(self, row: Row) -> None:
        """One trial of this row is about to begin."""

    def say(self, sentence: str) -> None:
        """Something a person should know at once."""

    def end(self) -> None:
        """It is over."""


def run(rows: Sequence[Row], share: float, watcher: Watcher) -> list[Result]:
    """So large a share of each row's trials, at least one, in rounds. Raises `HarnessError`."""
    results = [Result(row, row.obstacle()) for row in rows]
    counts = {row.title: max(1, round(row.trials * share)) for row in rows}
    watcher.begin(sum(counts[result.row.title] for result in results if result.skipped is None))
    try:
        with Bench.set_up() as bench, prompt():
            for number in range(ROUNDS):
                for result in results:
                    if result.skipped is None:
                        trials = _of_round(counts[result.row.title], number)
                        result.rounds.append(list(_round(result, trials, bench, watcher)))
    finally:
        watcher.end()
    return results


def _of_round(trials: int, number: int) -> int:
    """So many of these in this round."""
    return trials // ROUNDS + (number < trials % ROUNDS)


def _round(result: Result, trials: int, bench: Bench, watcher: Watcher) -> Iterable[float]:
    def again(why: str) -> None:
        result.why_again.append(why)
        watcher.say(f"{result.row.title}: again, {why}")

    bench.end()
    for _ in range(trials):
        watcher.step(result.row)
        try:
            yield made(result.row, bench, again)
        except NotStopped as missed:
            result.why_missed.append(str(missed))
            watcher.say(f"{result.row.title}: MISSED: {missed}")
            bench.end()


def made(row: Row, bench: Bench, again: Callable[[str], None]) -> float:
    """One trial, as `attempt`; one that could not be made is made again, and `again` told why."""
    for _ in range(FAILURES_AT_MOST - 1):
        try:
            return attempt(row, bench)
        except HarnessError as error:
            again(str(error))
            bench.end()
    return attempt(row, bench)


@contextmanager
def prompt() -> Iterator[None]:
    """Whoever notes the time of a fault should not wait for a processor; permitted or not."""
    before = os.sched_getscheduler(0)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.sched_setscheduler(0, before, os.sched_param(0))
