"""Whether the daemon still does its work: what the guard's tick carries and systemd's watchdog is fed from.

A loop that turns proves little: what must move on is told beside it. Nothing here runs by itself; a thread
that beats for a dead loop would be a lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

STUCK_S = 1.5
"""What has something to do and has not moved on for so long is stuck. The guard counts it likewise."""

Count = Callable[[], int | None]
"""A number that changes as often as a part moves on; None while it has nothing to do."""


class Words(NamedTuple):
    """Each part as one word: its count, or `-` while it is idle."""

    dispatcher: str
    executor: str
    journal: str


class Progress:
    """The three parts without which a daemon only looks alive."""

    def __init__(self, dispatcher: Count, executor: Count, journal: Count) -> None:
        self._dispatcher = dispatcher
        self._executor = executor
        self._journal = journal

    def words(self) -> Words:
        """How far each part has come. Cheap enough for every tick."""
        return Words(_word(self._dispatcher()), _word(self._executor()), _word(self._journal()))


class Watch:
    """Tells from one look to the next which part is stuck."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seen = Words("-", "-", "-")
        self._since = [0.0, 0.0, 0.0]

    def stuck(self, now: float) -> str | None:
        """The part that has not moved on for longer than `STUCK_S`, or None. Times in s, any clock."""
        words = self._progress.words()
        stuck = None
        for place, (part, word) in enumerate(zip(Words._fields, words, strict=True)):
            if word == "-" or word != self._seen[place]:
                self._since[place] = now
            elif now - self._since[place] > STUCK_S:
                stuck = stuck or part
        self._seen = words
        return stuck


def _word(count: int | None) -> str:
    return "-" if count is None else str(count)
