"""Many lives of one robot, one after the other or in several processes, and what they add up to."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from robotd.config import RobotConfig, load
from robotd.sim.campaign.coverage import Coverage
from robotd.sim.campaign.life import Life, live

LONGEST_LIFE_S = 2 * 3600.0
"""A longer campaign is parted into several lives, each with a start and an end: its memory stays bounded."""
NEXT_LIFE = 1_000_003
"""So far apart are the seeds of the lives of one campaign: that of a life repeats it alone."""


class Task(NamedTuple):
    """One life to live."""

    campaign: int
    """The seed of the campaign that it is a part of."""
    seed: int
    duration_s: float
    faults: float


def tasks(seeds: Sequence[int], duration_s: float, faults: float) -> list[Task]:
    """The lives of campaigns of `duration_s` each; the first of each has the campaign's own seed."""
    found = []
    for campaign in seeds:
        left_s, seed = duration_s, campaign
        while left_s > 0:
            found.append(Task(campaign, seed, min(left_s, LONGEST_LIFE_S), faults))
            left_s -= LONGEST_LIFE_S
            seed += NEXT_LIFE
    return found


def live_all(
    config: RobotConfig, due: Sequence[Task], *, jobs: int = 1, ends: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Task, Life]]:
    """Live them, in the order given. With several `jobs` each process loads the robot's file again.

    With one, `ends` is asked all the time, and ends it: the life under way then is not told.

    Raises as `live`.
    """
    if jobs == 1:
        for task in due:
            life = live(config, task.seed, task.duration_s, task.faults, ends)
            if ends():
                return
            yield task, life
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(jobs, len(due)), _begin_process) as pool:
        yield from zip(due, pool.imap(partial(_live_there, config.path), due), strict=True)


@dataclass(slots=True)
class Tally:
    """What the lives so far add up to."""

    coverage: Coverage
    lives: int = 0
    duration_s: float = 0.0
    stages: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    digests: dict[int, list[str]] = field(default_factory=dict)
    """Of the lives of each campaign."""
    broken: list[tuple[Task, Life]] = field(default_factory=list)

    @classmethod
    def of(cls, config: RobotConfig) -> Tally:
        """Of nothing yet."""
        return cls(Coverage(config))

    def add(self, task: Task, life: Life) -> None:
        """One more life."""
        self.lives += 1
        self.duration_s += life.duration_s
        self.coverage.add(life.coverage)
        self.stages.update(life.stages)
        self.faults.update(life.faults)
        self.checked.update(life.checked)
        self.digests.setdefault(task.campaign, []).append(life.digest)
        if life.broken is not None:
            self.broken.append((task, life))

    def digest(self, campaign: int) -> str:
        """Over all that happened in one campaign."""
        digests = self.digests[campaign]
        if len(digests) == 1:
            return digests[0]
        return hashlib.blake2b(" ".join(digests).encode(), digest_size=16).hexdigest()


def quiet() -> None:
    """What a board logs about the faults of a campaign is no news."""
    logging.getLogger().addHandler(logging.NullHandler())


def _begin_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that has a terminal
    quiet()


_robot = cache(load)


def _live_there(path: Path, task: Task) -> Life:
    """In a process of a pool."""
    return live(_robot(path), task.seed, task.duration_s, task.faults)
