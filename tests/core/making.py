"""Messages, readings and expressions for the tests of the core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from robotd.core.chart import Chart, Do, Region, State, Step, Transition
from robotd.core.expression import Expression, compile_expression
from robotd.core.machine import StateMachine
from robotd.core.message import NO_PAYLOAD, Command, Event, Lane

UNITS = {
    "bumper.active": "bool",
    "cliff.active": "bool",
    "battery.value": "V",
    "range.value": "m",
}
AT_EASE: Mapping[str, float | bool | None] = {
    "bumper.active": False,
    "cliff.active": False,
    "battery.value": 12.0,
    "range.value": 2.0,
}


def when(text: str, states: tuple[str, ...] = ()) -> Expression:
    return compile_expression(text, readings=UNITS, states=states)


def command(
    kind: str, payload: Mapping[str, Any] = NO_PAYLOAD, *, lane: Lane = Lane.COMMAND, name: str = "c"
) -> Command:
    return Command(type=kind, id=name, trace_id="0" * 32, at=0.0, source="test", lane=lane, payload=payload)


def event(
    kind: str, *, lane: Lane = Lane.EVENT, name: str = "e", stamp: int | None = None, sticky: bool = False
) -> Event:
    return Event(
        type=kind, id=name, trace_id="0" * 32, at=0.0, source="test", lane=lane, stamp=stamp, sticky=sticky
    )


def do(name: str) -> Do:
    return Do(name, (Step(name),))


def arrow(
    triggers: str, sources: str, dest: str | None = None, guard: Expression | None = None, action: str = ""
) -> Transition:
    """Several triggers or sources are separated by spaces; none makes an `always` transition."""
    doing = do(action) if action else None
    return Transition(tuple(triggers.split()), tuple(sources.split()), dest, guard, doing)


def region(
    *states: State | str, transitions: Iterable[Transition] = (), name: str = "main", initial: str = ""
) -> Region:
    """States in the order of the file, parents first; a text is a state without anything else."""
    listed = [State(state) if isinstance(state, str) else state for state in states]
    return Region(
        name, initial or listed[0].path, {state.path: state for state in listed}, tuple(transitions)
    )


def chart(*regions: Region, events: Iterable[str] = ()) -> Chart:
    """Every trigger that is not one of `events` is a command."""
    triggers = {
        trigger for region in regions for transition in region.transitions for trigger in transition.triggers
    }
    return Chart(1, regions, frozenset(triggers) - frozenset(events))


def started(*regions: Region, events: Iterable[str] = ()) -> StateMachine:
    machine = StateMachine(chart(*regions, events=events))
    machine.start(event("start"), AT_EASE)
    return machine
