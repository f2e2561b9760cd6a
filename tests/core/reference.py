"""The chart's semantics once more, written to be read and not to be fast: the judge of the flat machine.

It shares no code with `robotd.core.machine` and `flatten`: no flattening, no table. It keeps the present
stays of each region as a list from the outermost to the leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robotd.core.chart import Chart, Region, State, Transition
from robotd.core.expression import Readings
from robotd.core.message import Command, Event, Message


@dataclass(frozen=True)
class Stay:
    number: int
    path: str


@dataclass
class Answer:
    outcome: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    exits: list[tuple[int, str]] = field(default_factory=list)
    entries: list[tuple[int, str]] = field(default_factory=list)
    starts: list[tuple[str, int, str]] = field(default_factory=list)
    reason: str = ""
    note: str = ""


class Endless(Exception):  # noqa: N818  # not an error of the judge
    """The `always` transitions did not come to rest; `answer` is what there was before them."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Interpreter:
    """One region after the other, step by step, as one would do it with a pencil."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.last_number = 0
        self.stays: list[list[Stay]] = [[] for _ in chart.regions]
        self.memory: dict[str, list[str]] = {}
        """For a state that was left: the states inside it that were active then, outermost first."""

    # The tree.

    def state(self, region: Region, path: str) -> State:
        return region.states.get(path) or State(path)

    def around(self, region: Region, path: str) -> list[str]:
        """The states around `path`, innermost first."""
        return sorted((other for other in region.states if inside(path, other)), key=len, reverse=True)

    # What is active.

    def leaves(self) -> tuple[str, ...]:
        return tuple(stays[-1].path if stays else "" for stays in self.stays)

    def present(self) -> set[str]:
        return {stay.path for stays in self.stays for stay in stays}

    # One message.

    def start(self, readings: Readings) -> Answer:
        before = self.leaves()
        log: list[tuple[str, Stay]] = []
        for place, region in enumerate(self.chart.regions):
            self.enter(place, region, region.initial, log)
        return self.settle(before, log, [], readings, moved=True)

    def tell(self, message: Message, readings: Readings) -> Answer:
        here = self.leaves()
        stamp = message.stamp if isinstance(message, Event) else None
        if stamp is not None and stamp not in {stay.number for stays in self.stays for stay in stays}:
            return Answer("ignored", here, here, note="outdated")
        is_command = isinstance(message, Command)
        if is_command and message.type in ("estop", "reset", "shutdown", "always"):
            return Answer("refused", here, here, reason="not_in_this_state")
        choices, failures = self.choose(message.type, readings, message.payload)
        if not choices:
            if is_command:
                return Answer(
                    "refused", here, here, reason="guard_false" if failures else "not_in_this_state"
                )
            note = "unhandled"
            if failures:
                note = "stale" if failures[0] == "stale" else "guard_false"
            return Answer("ignored", here, here, note=note)
        log: list[tuple[str, Stay]] = []
        actions: list[tuple[str, Stay, int]] = []
        moved = self.take(choices, log, actions)
        return self.settle(here, log, actions, readings, moved=moved)

    def choose(
        self, trigger: str, readings: Readings, payload: Mapping[str, Any]
    ) -> tuple[dict[int, tuple[str, Transition]], list[str]]:
        """By region: the source and the transition to take. And why the first guard of each region failed."""
        choices: dict[int, tuple[str, Transition]] = {}
        failures: list[str] = []
        present = self.present()
        for place, region in enumerate(self.chart.regions):
            if not self.stays[place]:
                continue
            leaf = self.stays[place][-1].path
            if place == 0 and (trigger in ("estop", "reset", "shutdown") or leaf in ("estopped", "down")):
                dest = self.built_in(trigger, leaf, region)
                if dest is not None:
                    choices[place] = (leaf, Transition((trigger,), (leaf,), dest or None))
                continue
            first_failure = None
            for source in [leaf, *self.around(region, leaf)]:
                for transition in region.transitions:
                    if source not in transition.sources or trigger not in (
                        transition.triggers or ("always",)
                    ):
                        continue
                    if place in choices:
                        continue
                    reason = ""
                    if transition.guard is not None:
                        reason = transition.guard.test(readings, payload, present).reason
                    if reason == "":
                        choices[place] = (source, transition)
                    elif first_failure is None:
                        first_failure = reason
            if place not in choices and first_failure is not None:
                failures.append(first_failure)
        return choices, failures

    def built_in(self, trigger: str, leaf: str, region: Region) -> str | None:
        """Where a built-in trigger leads; empty for nowhere; None: it means nothing here."""
        match trigger, leaf:
            case "shutdown", "down":
                return ""
            case "shutdown", _:
                return "down"
            case "estop", "down":
                return None
            case "estop", "estopped":
                return ""
            case "estop", _:
                return "estopped"
            case "reset", "estopped":
                for path in region.states:
                    self.memory.pop(path, None)
                return region.initial
        return None

    def take(
        self,
        choices: dict[int, tuple[str, Transition]],
        log: list[tuple[str, Stay]],
        actions: list[tuple[str, Stay, int]],
    ) -> bool:
        moved = False
        for place, (source, transition) in choices.items():
            region = self.chart.regions[place]
            owner = source
            if transition.dest is not None:
                moved = True
                owner = transition.dest
                self.leave(place, region, transition.dest, log)
                self.enter(place, region, transition.dest, log)
            if transition.do is not None:
                stay = next(stay for stay in self.stays[place] if stay.path == owner)
                actions.append((transition.do.name, stay, place))
        return moved

    def leave(self, place: int, region: Region, dest: str, log: list[tuple[str, Stay]]) -> None:
        """Leave every state that is not strictly around `dest`, and remember what was inside each."""
        staying = self.around(region, dest)
        inner: list[str] = []
        while self.stays[place] and self.stays[place][-1].path not in staying:
            stay = self.stays[place].pop()
            if inner and stay.path in region.states:
                self.memory[stay.path] = list(inner)
            inner.insert(0, stay.path)
            log.append(("exit", stay))

    def enter(self, place: int, region: Region, dest: str, log: list[tuple[str, Stay]]) -> None:
        way = [*reversed(self.around(region, dest)), dest]
        while (state := self.state(region, way[-1])).initial is not None:
            remembered = self.memory.get(state.path)
            if remembered and state.history == "deep":
                way += remembered
            elif remembered and state.history == "shallow":
                way.append(remembered[0])
            else:
                way.append(state.initial)
        for path in way:
            if path not in [stay.path for stay in self.stays[place]]:
                self.last_number += 1
                stay = Stay(self.last_number, path)
                self.stays[place].append(stay)
                log.append(("enter", stay))

    def settle(
        self,
        before: tuple[str, ...],
        log: list[tuple[str, Stay]],
        actions: list[tuple[str, Stay, int]],
        readings: Readings,
        *,
        moved: bool,
    ) -> Answer:
        at_first = self.account(before, log, actions, moved=moved)
        saved = ([list(stays) for stays in self.stays], dict(self.memory))
        rounds = 0
        while True:
            choices, _ = self.choose("always", readings, {})
            if not choices:
                return self.account(before, log, actions, moved=moved)
            rounds += 1
            if rounds > 100:
                self.stays, self.memory = saved
                raise Endless(at_first)
            moved = self.take(choices, log, actions) or moved

    def account(
        self,
        before: tuple[str, ...],
        log: list[tuple[str, Stay]],
        actions: list[tuple[str, Stay, int]],
        *,
        moved: bool,
    ) -> Answer:
        """What comes of all that was left and entered: nothing of a state that was only passed through."""
        entered = {stay for what, stay in log if what == "enter"}
        left = {stay for what, stay in log if what == "exit"}
        begun = [stay for what, stay in log if what == "enter" and stay not in left]
        starts = []
        for name, stay, place in actions:
            owner = self.stays[place][-1] if stay in left else stay
            starts.append((name, owner.number, owner.path))
        for stay in begun:
            for region in self.chart.regions:
                state = region.states.get(stay.path)
                if state is not None and state.do is not None:
                    starts.append((state.do.name, stay.number, stay.path))
        return Answer(
            "moved" if moved else "stayed",
            before,
            self.leaves(),
            [(stay.number, stay.path) for what, stay in log if what == "exit" and stay not in entered],
            [(stay.number, stay.path) for stay in begun],
            starts,
        )


def inside(path: str, other: str) -> bool:
    return path.startswith(f"{other}.")
