"""Where every trigger of the chart can come from, and in which states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from robotd.check.finding import Origin
from robotd.check.guards import Payload
from robotd.check.subject import Subject
from robotd.core.action import Parameter
from robotd.core.chart import (
    ALWAYS,
    ESTOP,
    ESTOPPED,
    OPERATOR_LOST,
    RESET,
    Chart,
    Do,
    Region,
    State,
    Transition,
)

OUTCOMES = ("done", "failed")
BOARD_EVENTS = ("lost", "back", "silent", "refused", "degraded")

NO_PAYLOAD: Payload = {}


@dataclass(frozen=True, slots=True)
class Source:
    """One way in which a trigger comes."""

    origin: Origin
    detail: str = ""
    states: frozenset[str] | None = None
    """It comes only while one of these is present; None: at any time..."""
    unless: frozenset[str] = frozenset()
    """...but not while one of these is."""


@dataclass(frozen=True, slots=True)
class Running:
    """Something that is done, and the states during whose stay it may be under way."""

    do: Do
    states: tuple[str, ...]
    commands_only: bool
    """Nothing but clients' commands start it, and they hear how it ends."""
    transition: Transition | None = None
    """What starts it; None: entering the state."""


class Origins:
    """The sources of every trigger of one robot."""

    def __init__(self, subject: Subject) -> None:
        chart = subject.chart
        self.running = tuple(_running(chart))
        self._commands = chart.commands
        self._sources: dict[str, list[Source]] = {}
        for rule in subject.rules:
            self._add(rule.name, Source(Origin.EVENT, rule.when.text))
        for state in chart.states:
            if state.timeout:
                after = f"after {state.timeout.after_s:g} s in {state.path}"
                self._add(state.timeout.trigger, Source(Origin.TIMEOUT, after, frozenset({state.path})))
        for running in self.running:
            for outcome in OUTCOMES:
                what = f"of {running.do.name}"
                self._add(
                    f"{running.do.name}.{outcome}", Source(Origin.OUTCOME, what, frozenset(running.states))
                )
        for board in subject.boards:
            for event in BOARD_EVENTS:
                self._add(f"{board}.{event}", Source(Origin.BOARD))
        for command in sorted(self._commands):
            # While a stop is latched, commands are refused before the machine sees them.
            self._add(command, Source(Origin.COMMAND, unless=frozenset({ESTOPPED})))
        self._add(OPERATOR_LOST, Source(Origin.LEASE))
        self._add(ESTOP, Source(Origin.ESTOP))
        self._add(RESET, Source(Origin.RESET, states=frozenset({ESTOPPED})))
        self._add(ALWAYS, Source(Origin.ALWAYS))
        self._payloads = {command: _payload(subject, command) for command in sorted(self._commands)}

    def _add(self, trigger: str, source: Source) -> None:
        self._sources.setdefault(trigger, []).append(source)

    def sources(self, trigger: str) -> tuple[Source, ...]:
        """The ways in which it comes; empty: it never does."""
        return tuple(self._sources.get(trigger, ()))

    def states(self, trigger: str) -> frozenset[str]:
        """The states on which it depends whether it comes."""
        found: set[str] = set()
        for source in self.sources(trigger):
            found |= source.unless | (source.states or frozenset())
        return frozenset(found)

    def payload(self, trigger: str) -> Payload:
        """What it carries that a guard may look at."""
        return self._payloads.get(trigger, NO_PAYLOAD)


def _payload(subject: Subject, command: str) -> Payload:
    info = subject.commands.get(command)
    if info is not None:
        return {parameter.wire_name: parameter for parameter in info.parameters}
    found: dict[str, Parameter] = {}
    for region in subject.chart.regions:
        for transition in region.transitions:
            guard = transition.guard if command in transition.triggers else None
            for name in sorted(guard.payload) if guard else ():
                kind: type = bool if guard and name in guard.payload_flags else float
                found[name] = Parameter(name, name, kind, required=False)
    return found


def _running(chart: Chart) -> Iterator[Running]:
    """Everything that is done. What a transition does belongs to the state where it comes to rest."""
    for region in chart.regions:
        for state in region.states.values():
            if state.do:
                yield Running(state.do, (state.path,), commands_only=False)
        for transition in region.transitions:
            if transition.do:
                first = transition.sources if transition.dest is None else (transition.dest,)
                by_commands = bool(transition.triggers) and chart.commands.issuperset(transition.triggers)
                yield Running(transition.do, tuple(_rests(region, first)), by_commands, transition)


def _rests(region: Region, first: Iterable[str]) -> list[str]:
    """`first`, and where `always` transitions may lead on from there before anything is at rest."""
    found = dict.fromkeys(first)
    queue = list(found)
    for path in queue:
        around = [*region.lineage(path), *_inside(region.states, path)]
        for transition in region.transitions:
            dest = transition.dest
            leaves = not transition.triggers and any(source in around for source in transition.sources)
            if leaves and dest and dest not in found:
                found[dest] = None
                queue.append(dest)
    return list(found)


def _inside(states: Mapping[str, State], path: str) -> Iterator[str]:
    return (other for other in states if other.startswith(f"{path}."))
