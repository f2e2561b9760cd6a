"""One region of the chart: where it is, and which transition a trigger takes there. Only this file imports
`transitions`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, NamedTuple

from transitions import Event as Trigger
from transitions import EventData, Machine, Transition

from robotd.core.chart import Region
from robotd.core.decision import Entry
from robotd.core.expression import Expression, Readings, Verdict
from robotd.core.flatten import Arrow, FlatRegion

_LEAF = "_leaf"
"""The attribute in which `transitions` keeps the present leaf; no trigger may have this name."""


class Place(NamedTuple):
    """Where a region is, to be put back there."""

    leaf: str
    history: Mapping[str, str]


class _Position:
    """What a `transitions.Machine` moves. It attaches nothing to it, so a trigger may have any name."""

    __slots__ = ("chosen", "failed", _LEAF)

    def __init__(self) -> None:
        self.chosen: Arrow | None = None
        """The transition taken in the last choice."""
        self.failed: tuple[Expression, Verdict] | None = None
        """The first guard that did not hold in the last choice."""


class _Transition(Transition):
    """One transition of one leaf: a guard of the chart and no callbacks, and it tells which one was taken."""

    def __init__(self, source: str, dest: str | None, *_: Any, arrow: Arrow) -> None:
        super().__init__(source, dest)  # type: ignore[arg-type]  # its stub forgets that None is internal
        self.arrow = arrow

    def execute(self, event_data: EventData) -> bool:
        """Without the library's dozen calls for callbacks that are not there: half the time of a decision."""
        position: Any = event_data.model
        guard = self.arrow.transition.guard
        if guard is not None:
            verdict = guard.test(*event_data.args)
            if not verdict.holds:
                position.failed = position.failed or (guard, verdict)
                return False
        if self.dest is not None:
            event_data.machine.set_state(self.dest, position)
        position.chosen = self.arrow
        return True


class _Trigger(Trigger):
    """One trigger: its transitions, by leaf."""

    def trigger(self, model: Any, *args: Any, **_: Any) -> bool:
        """Without the library's queue, which is off, and its lists of callbacks, which are empty."""
        event_data = EventData(None, self, self.machine, model, args, {})
        for transition in self.transitions[getattr(model, _LEAF)]:  # noqa: SIM110  # any() is a call and a generator more
            if transition.execute(event_data):
                return True
        return False


class _FlatMachine(Machine):
    transition_cls = _Transition
    event_cls = _Trigger


class RegionMachine:
    """One region of the chart, flat, over one `transitions.Machine` that holds its table."""

    def __init__(self, region: Region, number: int) -> None:
        """`number` is its place in the chart; the first region, 0, has the built-in states."""
        self.number = number
        self.flat = FlatRegion(region, built_in=number == 0)
        self.initial = region.initial
        self.leaf = ""
        self._history: Mapping[str, str] = {}
        """For a state with history that was left: the path to enter in it. Replaced, never changed."""
        # It asks several times for each trigger whether it may log it.
        logging.getLogger("transitions").setLevel(logging.WARNING)
        self._position = _Position()
        self._machine = _FlatMachine(
            model=None,
            states=list(self.flat.leaves),
            initial=None,
            auto_transitions=False,
            model_attribute=_LEAF,
        )
        for leaf, trigger, arrow in self.flat.arrows():
            dest = arrow.transition.dest
            dest_leaf = None if dest is None else self.flat.leaf_of(dest, {})
            self._machine.add_transition(trigger, leaf, dest_leaf, arrow=arrow)
        self._events = self._machine.events
        self._handled: dict[str, list[str]] = {}
        """By leaf, filled on demand: the library looks through all triggers, and refusals come in floods."""

    @property
    def triggers(self) -> Iterable[str]:
        """All that some state of the region handles."""
        return self._events

    def handled(self) -> list[str]:
        """The triggers that the present states handle."""
        handled = self._handled.get(self.leaf)
        if handled is None:
            handled = self._handled[self.leaf] = self._machine.get_triggers(self.leaf)
        return handled

    @property
    def failed(self) -> tuple[Expression, Verdict] | None:
        """The first guard that did not hold in the last choice, and why not."""
        return self._position.failed

    def choose(
        self, trigger: str, readings: Readings, payload: Mapping[str, Any], active: Set[str]
    ) -> Arrow | None:
        """The transition to take. The one chosen must be taken: the table has already moved on."""
        position = self._position
        position.failed = position.chosen = None
        event = self._events[trigger]
        if self.leaf in event.transitions:
            event.trigger(position, readings, payload, active)
        return position.chosen

    def leave(self, kept: int, entries: dict[str, Entry], *, forget: bool) -> list[Entry]:
        """End the stays inside the outermost `kept`, innermost first, and remember what has history."""
        memories = dict(self.flat.memories(self.leaf, kept))
        if forget:
            self._history = {}
        elif memories:
            self._history = {**self._history, **memories}
        return [entries.pop(path) for path in reversed(self.flat.lines[self.leaf][kept:])]

    def enter(self, dest: str, kept: int, entries: dict[str, Entry], numbers: Iterator[int]) -> list[Entry]:
        """Begin the stays from inside the outermost `kept` to the leaf in which entering `dest` ends."""
        self._settle(self.flat.leaf_of(dest, self._history))
        began: list[Entry] = []
        for path in self.flat.lines[self.leaf][kept:]:
            entry = entries[path] = Entry(next(numbers), self.flat.states[path])
            began.append(entry)
        return began

    @property
    def memory(self) -> str:
        """Its history, told; the same for the same history, however it came about."""
        return " ".join([f"{path}:{inner}" for path, inner in sorted(self._history.items())])

    @property
    def place(self) -> Place:
        """Where the region is, to be put back there."""
        return Place(self.leaf, self._history)

    def put_back(self, place: Place) -> None:
        """Undo what happened since `place` was asked for; the stays are the caller's matter."""
        self._history = place.history
        self._settle(place.leaf)

    def _settle(self, leaf: str) -> None:
        self.leaf = leaf
        # The table goes to the initial leaf of a state; its history may lead to another.
        if getattr(self._position, _LEAF, None) != leaf:
            self._machine.set_state(leaf, self._position)
