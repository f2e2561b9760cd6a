"""Which faults are in force, and which begin or end when. No clock: time is an argument."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import NamedTuple

from hal.faults.grammar import KINDS, Fault


class Change(NamedTuple):
    """A fault begins, or one that lasts ends."""

    at: float
    order: int
    """Of the faults as they were asked for: what is due at one moment happens in this order."""
    fault: Fault
    begins: bool


class Plan:
    """The faults of one wire. Those of `first` count from `start`, those that are added later from then."""

    def __init__(self, first: Iterable[Fault] = ()) -> None:
        self._first = list(first)
        self._coming: list[Change] = []
        self._lasting: dict[tuple[str, str], Change] = {}
        """By kind, or by the quantity: of what would contradict each other, one is in force."""
        self._count = 0

    @property
    def lasting(self) -> list[Fault]:
        """Those that are in force now."""
        return [change.fault for change in self._lasting.values()]

    @property
    def quiet(self) -> bool:
        """Nothing is in force and nothing is to come."""
        return not (self._first or self._coming or self._lasting)

    @property
    def next_at(self) -> float:
        """When something begins or ends; infinite where nothing does."""
        return self._coming[0].at if self._coming else math.inf

    def start(self, now: float) -> None:
        """The wire is opened: the first time, its first faults begin to count."""
        for fault in self._first:
            self.add(fault, now)
        self._first.clear()

    def add(self, fault: Fault, now: float) -> None:
        """One more, `after_s` from now. It takes over from one of its kind, or of its quantity."""
        self._count += 1
        heapq.heappush(self._coming, Change(now + fault.after_s, self._count, fault, begins=True))

    def take(self, now: float) -> Change | None:
        """The next change that is due by `now`, or None."""
        while self._coming and self._coming[0].at <= now:
            change = heapq.heappop(self._coming)
            fault = change.fault
            key = ("", fault.name) if fault.name else (fault.kind, "")
            if not change.begins:
                if self._lasting.get(key) is not change:
                    continue  # a newer one took over
                del self._lasting[key]
            elif KINDS[fault.kind].lasts:
                ends_at = math.inf if fault.for_s is None else change.at + fault.for_s
                end = self._lasting[key] = change._replace(at=ends_at, begins=False)
                if fault.for_s is not None:
                    heapq.heappush(self._coming, end)
            return change
        return None

    def clear(self) -> list[Fault]:
        """Forget all of them; returns those that were in force."""
        ended = self.lasting
        self._first.clear()
        self._coming.clear()
        self._lasting.clear()
        return ended
