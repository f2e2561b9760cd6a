"""What a board puts out: what each output was told, what it is at rest, and what the board says of it."""

from __future__ import annotations

REST = 0.005
"""A duty below this is none."""


class Outputs:
    """All outputs of one board, by channel, in the order in which they were added."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        """What each was told last."""
        self.shows: dict[str, float] = {}
        """What the board said last that it is; of one that was not heard of, nothing."""
        self.kept: dict[str, None] = {}
        """Those that keep through a stop what they are."""
        self._rest: dict[str, float] = {}

    def add(self, channel: str, rest: float, *, keeps: bool) -> None:
        """One more, which is `rest` when nothing is wanted of it."""
        self.told[channel] = self._rest[channel] = rest
        if keeps:
            self.kept[channel] = None

    def forget(self) -> None:
        """It may be another board by now, and has been told nothing."""
        self.told = dict(self._rest)
        self.shows.clear()

    def stopped(self) -> dict[str, float]:
        """What all of them are to be after a stop."""
        return self.told | {channel: rest for channel, rest in self._rest.items() if channel not in self.kept}

    def rests(self, channel: str, value: float) -> bool:
        """Whether this is what it is at rest."""
        return value == self._rest[channel]

    def is_safe(self, channel: str, found: float) -> bool:
        """Whether it may be so after a stop."""
        return channel in self.kept or _is_zero(found) == (self._rest[channel] == 0.0)

    def want_a_word(self) -> bool:
        """Whether one is not at rest, which is to be said again, or not what it was told."""
        return any(map(self._wants_a_word, self.told))

    def _wants_a_word(self, channel: str) -> bool:
        told, found = self.told[channel], self.shows.get(channel)
        return not self.rests(channel, told) or (found is not None and _is_zero(found) != (told == 0.0))


def _is_zero(value: float) -> bool:
    return abs(value) < REST
