"""Decides: one message in, one decision out, for all regions of the chart.

Not responsible for time (a stay's timeout is a timer of the runtime), nor for carrying anything out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Set
from hashlib import blake2b
from itertools import count
from typing import Any, NamedTuple

from robotd.core.change import Change
from robotd.core.chart import ALWAYS, BUILT_IN_STATES, BUILT_IN_TRIGGERS, Chart
from robotd.core.decision import Decision, Entry, Outcome, Start
from robotd.core.expression import Readings
from robotd.core.flatten import Arrow
from robotd.core.message import NO_PAYLOAD, Command, Event, Message
from robotd.core.refusal import guard_false, not_in_this_state
from robotd.core.region import RegionMachine

MAX_ALWAYS = 100
"""Rounds of `always` transitions for one message before it is called a cycle."""

_NOT_FOR_COMMANDS = BUILT_IN_TRIGGERS | {ALWAYS}


class ChartCycle(Exception):  # noqa: N818  # it says what it is, as `DeviceSilent` does
    """The chart's `always` transitions follow one another without end.

    They are undone. `decision` is what the message did before them; it has happened and must be carried out.
    """

    def __init__(self, states: tuple[str, ...], decision: Decision) -> None:
        super().__init__(f"the `always` transitions never come to rest: {' -> '.join(states)}")
        self.states = states
        self.decision = decision


class StateMachine:
    """Where the robot is in its chart, and what each message does there."""

    def __init__(self, chart: Chart) -> None:
        """Raises `ValueError` where two regions have a state of the same path."""
        paths = Counter(state.path for state in chart.states)
        if twice := [path for path, times in paths.items() if times > 1]:
            raise ValueError(f"two regions have a state {twice[0]!r}")
        self.leaves: tuple[str, ...] = ("",) * len(chart.regions)
        """The leaf state of each region, in the order of the chart; empty before the start."""
        self._entries: dict[str, Entry] = {}
        self.entries: Mapping[str, Entry] = self._entries
        """The present stays, by the path of their state."""
        self.active: Set[str] = self._entries.keys()
        """Every present state, leaves and those around them. A live view."""
        self._chart = chart
        self._commands = chart.commands
        self._numbers = count(1)
        self._regions = [RegionMachine(region, number) for number, region in enumerate(chart.regions)]
        self._by_trigger: dict[str, list[RegionMachine]] = {}
        for region in self._regions:
            for trigger in region.triggers:
                self._by_trigger.setdefault(trigger, []).append(region)
        self._has_always = ALWAYS in self._by_trigger
        self.always_readings: frozenset[str] = frozenset().union(
            *(
                transition.guard.readings
                for region in chart.regions
                for transition in region.transitions
                if not transition.triggers and transition.guard is not None
            )
        )
        """What guards of `always` transitions mention; a change of one is worth an event `always`."""

    def start(self, message: Message, readings: Readings) -> Decision:
        """Enter the initial states, outermost first. Raises `ChartCycle` as `decide` does."""
        change = Change(message, self.leaves)
        for region in self._regions:
            change.entries += region.enter(region.initial, 0, self._entries, self._numbers)
        self.leaves = tuple([region.leaf for region in self._regions])
        self._rest(change, readings)
        return change.decision(self.leaves)

    def decide(self, message: Message, readings: Readings) -> Decision:
        """What `message` does. The machine has moved when this returns; the decision says what follows.

        All regions choose by the states as they are when the message comes; then they move, in the order of
        the chart. Then `always` transitions are taken until none may be. Raises `ChartCycle` where that has
        no end.
        """
        if type(message) is Event and message.stamp is not None and not self._lives(message.stamp):
            return self._ignored(message, "outdated")
        if message.type in _NOT_FOR_COMMANDS and isinstance(message, Command):
            return self._refused(message, (), readings)
        regions = self._by_trigger.get(message.type, ())
        choices = self._choose(regions, message.type, readings, message.payload)
        if not choices:
            if isinstance(message, Command):
                return self._refused(message, regions, readings)
            return self._ignored(message, _why_ignored(regions))
        if len(choices) == 1 and choices[0].arrow.transition.dest is None and not self._has_always:
            return self._stayed(message, choices[0].arrow)
        change = Change(message, self.leaves)
        self._move(change, choices)
        self._rest(change, readings)
        return change.decision(self.leaves)

    def possible(self) -> tuple[str, ...]:
        """The commands that the present states handle, guards aside; those of the first region first."""
        handled = (trigger for region in self._regions for trigger in region.handled())
        return tuple(dict.fromkeys(trigger for trigger in handled if trigger in self._commands))

    def needed_devices(self, all_devices: Collection[str]) -> frozenset[str]:
        """The devices that the present states name in `active`."""
        needed: set[str] = set()
        for entry in self._entries.values():
            active = entry.state.active
            if active is not None:
                needed.update(all_devices if active == "all" else active)
        return frozenset(needed)

    def digest(self) -> str:
        """16 hexadecimal digits that stand for where the machine is: leaves, stays and what it remembers.

        The same in every process, after the same messages on an equal chart; about 2 us.
        """
        stays = [f"{path} {entry.number}" for path, entry in self._entries.items()]
        memories = [region.memory for region in self._regions]
        text = "\n".join([*self.leaves, *stays, *memories])
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def copy(self) -> StateMachine:
        """Another machine at the same place, to see what a message would do there."""
        other = StateMachine(self._chart)
        other._entries.update(self._entries)
        for region, its in zip(self._regions, other._regions, strict=True):
            its.put_back(region.place)
        other.leaves = self.leaves
        newest = max((entry.number for entry in self._entries.values()), default=0)
        other._numbers = count(newest + 1)
        return other

    @property
    def blocked(self) -> bool:
        """The robot is stopped or going down: nothing may begin to move."""
        return self.leaves[0] in BUILT_IN_STATES

    # Choosing and moving.

    def _choose(
        self, regions: Collection[RegionMachine], trigger: str, readings: Readings, payload: Mapping[str, Any]
    ) -> list[_Choice]:
        active = self.active
        return [
            _Choice(region, arrow)
            for region in regions
            if (arrow := region.choose(trigger, readings, payload, active)) is not None
        ]

    def _move(self, change: Change, choices: Collection[_Choice]) -> None:
        """Take one transition in each of some regions: leave from inside out, enter from outside in."""
        for region, arrow in choices:
            do, dest = arrow.transition.do, arrow.transition.dest
            if dest is not None:
                kept = region.flat.kept(region.leaf, dest)
                change.exits += region.leave(kept, self._entries, forget=arrow.forgets)
                change.entries += region.enter(dest, kept, self._entries, self._numbers)
            if do is not None:
                change.acts(region.number, Start(do, self._entries[dest or arrow.source]))
        self.leaves = tuple([region.leaf for region in self._regions])

    def _rest(self, change: Change, readings: Readings) -> None:
        """Take `always` transitions until none may be taken."""
        regions = self._by_trigger.get(ALWAYS, ())
        choices = self._choose(regions, ALWAYS, readings, NO_PAYLOAD)
        if not choices:
            return
        unmoved = change.copy()
        entries = dict(self._entries)
        places = [region.place for region in self._regions]
        passed: list[str] = []
        for _ in range(MAX_ALWAYS):
            self._move(change, choices)
            passed += [region.leaf for region, _ in choices]
            choices = self._choose(regions, ALWAYS, readings, NO_PAYLOAD)
            if not choices:
                change.drop_passing(self._entries, self.leaves)
                return
        # `entries` is a live view for others: it is put back in place.
        self._entries.clear()
        self._entries.update(entries)
        for region, place in zip(self._regions, places, strict=True):
            region.put_back(place)
        self.leaves = tuple([region.leaf for region in self._regions])
        # By now it has long been going in circles: the later half names each state of the circle.
        circle = tuple(dict.fromkeys(passed[len(passed) // 2 :]))
        raise ChartCycle(circle, unmoved.decision(self.leaves))

    def _lives(self, number: int) -> bool:
        return any(entry.number == number for entry in self._entries.values())

    # What comes of it.

    def _stayed(self, message: Message, arrow: Arrow) -> Decision:
        """One internal transition and nothing else, as a stream of setpoints brings it: the short way."""
        do = arrow.transition.do
        starts = () if do is None else (Start(do, self._entries[arrow.source]),)
        return Decision(message, Outcome.STAYED, self.leaves, self.leaves, (), (), starts)

    def _ignored(self, message: Message, note: str) -> Decision:
        return Decision(message, Outcome.IGNORED, self.leaves, self.leaves, note=note)

    def _refused(self, message: Command, regions: Collection[RegionMachine], readings: Readings) -> Decision:
        failed = next((region.failed for region in regions if region.failed is not None), None)
        if failed is None:
            refusal = not_in_this_state(message.type, self.leaves, self.possible())
        else:
            guard, verdict = failed
            saw = guard.saw(readings, message.payload, self.active)
            refusal = guard_false(message.type, guard, verdict, saw)
        return Decision(message, Outcome.REFUSED, self.leaves, self.leaves, refusal=refusal)


def _why_ignored(regions: Collection[RegionMachine]) -> str:
    """Why an event does nothing: no present state handles it, or a guard does not hold."""
    for region in regions:
        if region.failed is not None:
            return "stale" if region.failed[1].reason == "stale" else "guard_false"
    return "unhandled"


class _Choice(NamedTuple):
    region: RegionMachine
    arrow: Arrow
