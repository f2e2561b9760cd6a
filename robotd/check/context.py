"""What every proof is given: the robot, what can be reached, and how to tell a way to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from robotd.check.explore import CONFIGURATIONS_AT_MOST, Exploration
from robotd.check.finding import Finding, Severity, TraceStep
from robotd.check.local import LocalRegion
from robotd.check.origins import Origins
from robotd.check.space import Space
from robotd.check.step import Choice
from robotd.check.subject import Subject
from robotd.check.trace import Tracer
from robotd.core.chart import ESTOP, RESET, Where

LISTED = 5
"""So many states or lines are named in a sentence; the rest are counted."""


class Taken(NamedTuple):
    """What one region may do at a trigger, in one sort of configuration that can be reached."""

    place: int
    """The first configuration of that sort, in the order of the exploration."""
    node: int
    trigger: str
    choice: Choice


class Context:
    """A robot and everything that can become of it."""

    def __init__(self, subject: Subject, at_most: int = CONFIGURATIONS_AT_MOST) -> None:
        """Raises `TooLarge`."""
        self.subject = subject
        self.origins = Origins(subject)
        self.space = Space(subject, self.origins)
        self.exploration = Exploration(self.space, at_most)
        self.tracer = Tracer(subject, self.exploration)
        self.reached: dict[str, int] = {}
        """Every state in which the robot can come to rest, and the place where first."""
        for number, region in enumerate(self.space.regions):
            for (node, _), place in self.exploration.local[number].items():
                for path in region.present(node):
                    self.reached[path] = min(place, self.reached.get(path, place))
        self.passed: dict[str, int] = {}
        """Every state that `always` transitions can lead through, and the place from which first."""
        for region, visited in zip(self.space.regions, self.exploration.visited, strict=True):
            for node, place in visited.items():
                for path in region.present(node):
                    self.passed.setdefault(path, place)

    def regions(self) -> Iterator[tuple[int, LocalRegion]]:
        """Each region with its number."""
        return enumerate(self.space.regions)

    def taken(self, number: int, *, built_in: bool = False) -> Iterator[Taken]:
        """All that a region may choose wherever it can be, nothing included; `built_in`: at stops too."""
        space = self.space
        for (node, mask), place in self.exploration.local[number].items():
            for trigger in space.regions[number].options[node]:
                if (built_in or trigger not in (ESTOP, RESET)) and space.comes(trigger, mask):
                    for choice in space.choices(number, node, trigger, mask):
                        yield Taken(place, node, trigger, choice)


def error(
    code: str, where: Where, sentence: str, hint: str | None = None, trace: tuple[TraceStep, ...] = ()
) -> Finding:
    """A proof failed."""
    return Finding(code, Severity.ERROR, where, sentence, hint, trace)


def warning(
    code: str, where: Where, sentence: str, hint: str | None = None, trace: tuple[TraceStep, ...] = ()
) -> Finding:
    """It is hardly meant."""
    return Finding(code, Severity.WARNING, where, sentence, hint, trace)


def note(code: str, where: Where, sentence: str, hint: str | None = None) -> Finding:
    """A fact that somebody has acknowledged."""
    return Finding(code, Severity.NOTE, where, sentence, hint)


def listed(names: list[str]) -> str:
    """Some names for a sentence."""
    more = len(names) - LISTED
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {more} more" if more > 0 else shown
