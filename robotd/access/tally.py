"""Says of many things that are alike the first at once, and then how many there were, once in a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

EVERY_S = 60.0
MOST_KEYS = 256
"""So many sorts are told apart; what comes on top is counted as one more."""

Key = tuple[str, ...]
OTHERS: Key = ("others",)


@dataclass(slots=True)
class _Alike:
    said_at: float
    count: int
    say: Callable[[int], object]


class Tally:
    """Nobody can fill a journal by being refused. Times are seconds."""

    def __init__(self, say_others: Callable[[int], object]) -> None:
        """`say_others` is told how many there were of more sorts than are told apart."""
        self._say_others = say_others
        self._of: dict[Key, _Alike] = {}

    def note(self, key: Key, now: float, say: Callable[[int], object]) -> None:
        """It happened; `say` is told how often since it was told last, now or in a later `look`."""
        if key not in self._of and len(self._of) >= MOST_KEYS:
            key, say = OTHERS, self._say_others
        alike = self._of.get(key)
        if alike is None:
            self._of[key] = _Alike(now, 0, say)
            say(1)
        else:
            alike.count += 1
            alike.say = say
            self._say_if_due(alike, now)

    def look(self, now: float) -> None:
        """Say what is due, and forget what did not happen again."""
        for key, alike in [*self._of.items()]:
            if now - alike.said_at >= EVERY_S:
                if alike.count:
                    self._say_if_due(alike, now)
                else:
                    del self._of[key]

    def flush(self) -> None:
        """Say all that was counted: there will be no later."""
        for alike in self._of.values():
            if alike.count:
                alike.say(alike.count)
        self._of.clear()

    @staticmethod
    def _say_if_due(alike: _Alike, now: float) -> None:
        if now - alike.said_at >= EVERY_S:
            count, alike.count, alike.said_at = alike.count, 0, now
            alike.say(count)
