"""Whether a fact that a scenario expects is so, and what is so instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf, isclose
from typing import Any

from hal import Device
from robotd.core.stage import REJECTED
from robotd.sim.client import Sent
from robotd.sim.scenario.chronicle import Chronicle
from robotd.sim.scenario.model import (
    RELATIVE_TOLERANCE,
    Amount,
    Answered,
    BoardIs,
    Bound,
    Counted,
    DeviceIs,
    Fact,
    InOrder,
    InState,
    ReadingIs,
    StageIs,
    Told,
    WorldIs,
)
from robotd.sim.scenario.writing import flow
from robotd.sim.simulation import Simulation

NOTHING = "nothing"
EDGE_S = 1e-6
"""What happens less than this apart happens at one moment."""
LOOKING_S = 0.001
"""How often the simulated world and the state of a board are looked at, which tell nobody of a change."""
SHOWN_STAGES = 6
"""So many of the last stages of a command are told."""


class Judge:
    """Looks at one running daemon."""

    def __init__(self, simulation: Simulation, chronicle: Chronicle) -> None:
        self._simulation = simulation
        self._chronicle = chronicle
        self._since = 0
        self._used: dict[str, int] = {}
        self._orders: dict[InOrder, tuple[int, int]] = {}
        self.sent: dict[str, Sent] = {}
        """The newest command of each name and type."""
        self.last: Sent | None = None
        """The newest command of all."""
        self.answer: Callable[[], Mapping[str, Any] | None] = lambda: None
        """What the newest question of all was answered with, of whatever kind it was."""

    def met(self, facts: Iterable[Fact]) -> None:
        """These were expected and are so: `event` and `no_event` count from this moment on.

        What an `event` was met by meets no other; what else came at this very moment does.
        """
        told = self._chronicle.told
        self._since = len(told)
        while self._since and told[self._since - 1].at > self._simulation.now - EDGE_S:
            self._since -= 1
        self._used |= {fact.event: len(told) for fact in facts if isinstance(fact, Told)}

    def holds(self, fact: Fact) -> bool:
        """Whether it is so, now."""
        match fact:
            case InState():
                return fact.state in self._simulation.engine.machine.active
            case ReadingIs(name, wanted):
                return _fits(self._simulation.reading(name), wanted)
            case WorldIs(name, wanted):
                return _fits(self._simulation.rig.world()[name], wanted)
            case BoardIs():
                return self._simulation.rig.boards[fact.board].state.value == fact.state
            case DeviceIs():
                return self._simulation.rig.devices[fact.device].state.value == fact.state
            case Told():
                last = self._chronicle.last.get(fact.event, -1)
                return (last >= self._begin(fact.event)) is fact.happened
            case Counted():
                return self._chronicle.counts[fact.event] == fact.times
            case InOrder():
                return self._found(fact) == len(fact.events)
            case StageIs():
                sent = self._command(fact)
                return sent is not None and any(
                    stage["stage"] == fact.stage and fact.reason in (None, _reason(stage))
                    for stage in _heard(sent)
                )
            case Answered():
                return _contains(self.answer(), fact.parts)

    def seen(self, fact: Fact) -> str:
        """What is so, in the words of an expectation."""
        match fact:
            case InState():
                return f"state {', '.join(self._simulation.state)}"
            case ReadingIs(name):
                value = self._simulation.reading(name)
                return f"{name} {_said(value, self._simulation.config.readings[name], 'stale')}"
            case WorldIs(name, wanted):
                unit = wanted.unit if isinstance(wanted, Bound) else ""
                return f"world {name} {_said(self._simulation.rig.world()[name], unit, NOTHING)}"
            case BoardIs():
                board = self._simulation.rig.boards[fact.board]
                return f"board {fact.board} {board.state.value} ({board.detail})"
            case DeviceIs():
                device = self._simulation.rig.devices[fact.device]
                why = f" ({device.fault})" if device.fault else ""
                return f"device {fact.device} {device.state.value}{why}"
            case Told():
                came = ", ".join(dict.fromkeys(self._chronicle.events(self._begin(fact.event))))
                return f"{came or NOTHING} since the last expectation was met"
            case Counted():
                return f"{fact.event} {self._chronicle.counts[fact.event]} times"
            case InOrder():
                came = ", ".join(event for event in self._chronicle.events() if event in fact.events)
                return came or NOTHING
            case StageIs():
                sent = self._command(fact)
                return NOTHING if sent is None else f"{sent.type} {_stages(sent)}"
            case Answered():
                return f"answer {flow(self.answer())}"

    def look_at(self, facts: Iterable[Fact]) -> float:
        """When to look again at what may become so, or end, without anybody being told: the loop's time."""
        engine = self._simulation.engine
        soon = engine.clock() + LOOKING_S
        due = inf
        for fact in facts:
            if isinstance(fact, WorldIs | BoardIs):
                due = min(due, soon)
            elif isinstance(fact, ReadingIs):
                device, _, reading = fact.name.partition(".")
                due = min(due, _stale_at(engine.rig.devices[device], reading, engine.clock()))
        return due

    def turned_away(self) -> Iterator[str]:
        """The newest commands that never reached the machine, and why: no message tells of them."""
        for sent in {id(sent): sent for sent in self.sent.values()}.values():
            error = sent.answer.get("error") if sent.answer else None
            if error is not None and [stage["stage"] for stage in sent.stages] == [REJECTED]:
                yield f"{sent.type}: {error['message']}"

    def _command(self, fact: StageIs) -> Sent | None:
        return self.last if fact.command is None else self.sent.get(fact.command)

    def _begin(self, event: str) -> int:
        """The number of the first message by which an expectation of `event` may be met."""
        return max(self._since, self._used.get(event, 0))

    def _found(self, order: InOrder) -> int:
        """How many of its events came by now, one after the other. What was looked through stays so."""
        looked, found = self._orders.get(order, (0, 0))
        for event in self._chronicle.events(looked):
            if found < len(order.events) and event == order.events[found]:
                found += 1
        self._orders[order] = len(self._chronicle.told), found
        return found


def expected(fact: Fact) -> str:
    """A fact, for people."""
    match fact:
        case InState():
            return f"state {fact.state}"
        case ReadingIs():
            return f"{fact.name} {_wanted(fact.value)}"
        case WorldIs():
            return f"world {fact.name} {_wanted(fact.value)}"
        case BoardIs():
            return f"board {fact.board} {fact.state}"
        case DeviceIs():
            return f"device {fact.device} {fact.state}"
        case Told():
            return f"event {fact.event}" if fact.happened else f"no event {fact.event}"
        case Counted():
            return f"{fact.event} {fact.times} times"
        case InOrder():
            return f"events in this order: {', '.join(fact.events)}"
        case StageIs():
            reason = f" ({fact.reason})" if fact.reason else ""
            return f"{fact.command or 'the last command'} {fact.stage}{reason}"
        case Answered():
            return f"answer {flow(fact.parts)}"


def _fits(seen: float | bool | None, wanted: Bound | bool | None) -> bool:
    if isinstance(wanted, Bound):
        return seen is not None and not isinstance(seen, bool) and wanted.holds(seen)
    return seen is wanted


def _stale_at(device: Device, name: str, now: float) -> float:
    """When a reading goes stale if nothing new comes; infinite where it never does, or has done so."""
    reading = device.reading(name)
    if reading is None or device.stale_after_s is None:
        return inf
    at = reading.at + device.stale_after_s + EDGE_S
    return at if at > now else inf


def _contains(seen: Any, wanted: Any) -> bool:
    """Whether `seen` says all that `wanted` says."""
    if isinstance(wanted, Mapping):
        return isinstance(seen, Mapping) and all(
            key in seen and _contains(seen[key], item) for key, item in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(seen, list)
            and len(seen) == len(wanted)
            and all(_contains(one, other) for one, other in zip(seen, wanted, strict=True))
        )
    if isinstance(wanted, float) and isinstance(seen, int | float) and not isinstance(seen, bool):
        return isclose(seen, wanted, rel_tol=RELATIVE_TOLERANCE)
    return type(seen) is type(wanted) and bool(seen == wanted)


def _reason(stage: Mapping[str, Any]) -> str | None:
    error = stage.get("error")
    reason = stage.get("reason") or (error["data"]["reason"] if error else None)
    return None if reason is None else str(reason)


def _heard(sent: Sent) -> Sequence[Mapping[str, Any]]:
    """The stages that its sender knows of: of a repeated id, only the one that answers it."""
    answered = sent.answer.get("result") if sent.answer else None
    return sent.stages or ([answered] if answered and "stage" in answered else [])


def _stages(sent: Sent) -> str:
    return " ".join(_stage_texts(sent)) or "sent, and nothing heard"


def _stage_texts(sent: Sent) -> Iterator[str]:
    for stage in _heard(sent)[-SHOWN_STAGES:]:
        reason = _reason(stage)
        yield f"{stage['stage']} ({reason})" if reason else str(stage["stage"])


def _wanted(value: Bound | bool | None) -> str:
    return "stale" if value is None else flow(value) if isinstance(value, bool) else str(value)


def _said(value: float | bool | None, unit: str, nothing: str) -> str:
    if value is None or isinstance(value, bool):
        return nothing if value is None else flow(value)
    return str(Amount(float(f"{value:.6g}"), unit))
