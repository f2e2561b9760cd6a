"""What one message does, while the machine is still working it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robotd.core.decision import Decision, Entry, Outcome, Start
from robotd.core.message import Message


class Change:
    """Stays that end and begin, and what transitions run, in the order in which it comes about."""

    __slots__ = ("_actions", "_before", "_message", "entries", "exits")

    def __init__(self, message: Message, before: tuple[str, ...]) -> None:
        """`before`: the leaf of each region before the message."""
        self._message = message
        self._before = before
        self._actions: list[tuple[int, Start]] = []
        self.exits: list[Entry] = []
        self.entries: list[Entry] = []

    def acts(self, region: int, start: Start) -> None:
        """A transition of that region runs something. What states run follows from `entries`."""
        self._actions.append((region, start))

    def copy(self) -> Change:
        """It may be as it is now once more: the `always` transitions that follow may have to be undone."""
        copy = Change(self._message, self._before)
        copy._actions, copy.exits, copy.entries = self._actions[:], self.exits[:], self.entries[:]
        return copy

    def drop_passing(self, present: Mapping[str, Entry], leaves: Sequence[str]) -> None:
        """A state that was only passed through leaves no trace: nothing of it is started or ended.

        What a transition runs is not lost with the state it led to: the state where its region rests owns it.
        `present` are the stays by path, `leaves` the leaf of each region, where all has come to rest.
        """
        passing = {entry.number for entry in self.entries} & {entry.number for entry in self.exits}
        self.exits = [entry for entry in self.exits if entry.number not in passing]
        self.entries = [entry for entry in self.entries if entry.number not in passing]
        alive = {entry.number for entry in present.values()}
        self._actions = [
            (region, start if start.entry.number in alive else Start(start.do, present[leaves[region]]))
            for region, start in self._actions
        ]

    def decision(self, after: tuple[str, ...]) -> Decision:
        """All that follows from it. `after`: the leaf of each region now."""
        starts = [start for _, start in self._actions]
        starts += [Start(entry.state.do, entry) for entry in self.entries if entry.state.do is not None]
        return Decision(
            message=self._message,
            outcome=Outcome.MOVED if self.entries else Outcome.STAYED,
            before=self._before,
            after=after,
            exits=tuple(self.exits),
            entries=tuple(self.entries),
            starts=tuple(starts),
        )
