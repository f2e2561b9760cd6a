"""Every command and the stage it has reached: each ends in exactly one terminal stage, once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from robotd.core.message import Command
from robotd.core.stage import ACCEPTED, RECEIVED, REJECTED, STARTED, TERMINAL, Stage
from robotd.errors import Refused
from robotd.runtime.readings import Clock

REMEMBERED = 4_096
"""How many settled ids that clients chose are remembered; the oldest is forgotten first."""

Tell = Callable[[Stage], None]


class Tracked:
    """One command under way, or settled and remembered."""

    __slots__ = ("body", "command", "early", "last", "listeners")

    def __init__(self, command: Command, body: object | None, tell: Tell, *, early: bool) -> None:
        self.command = command
        self.body = body
        """What the client asked for, to compare with a repeated id; None where nobody can repeat the id."""
        self.early = early
        """Whether the client also wants to hear that the command was received and accepted."""
        self.listeners = [tell]
        self.last: Stage | None = None
        """The stage reached; one that nobody wanted to hear is not kept."""

    @property
    def settled(self) -> bool:
        """Whether it has reached its terminal stage."""
        return self.last is not None and self.last.stage in TERMINAL


class Ledger:
    """Keeps the stages. `state` says the chart's present leaf, for the stages that are told."""

    def __init__(self, clock: Clock, state: Callable[[], str]) -> None:
        self._clock = clock
        self._state = state
        self._open: dict[str, Tracked] = {}
        self._settled: OrderedDict[str, Tracked] = OrderedDict()
        self.observers: list[Tell] = []
        """Told every stage of every command. While there is none, some stages are not even made."""
        self.counts: dict[str, int] = {}
        """How many commands ended in each terminal stage."""

    def __len__(self) -> int:
        return len(self._open)

    def find(self, command_id: str) -> Tracked | None:
        """The command with this id, under way or remembered."""
        return self._open.get(command_id) or self._settled.get(command_id)

    def reached(self, tracked: Tracked) -> Stage:
        """The stage that a command has reached."""
        return tracked.last or self._stage(tracked.command, ACCEPTED, None, None, None)

    def open(self, command: Command, body: object | None, tell: Tell, *, early: bool = True) -> None:
        """A command has arrived; its id must not be known yet. `early`: `tell` hears this stage already."""
        tracked = self._open[command.id] = Tracked(command, body, tell, early=early)
        self._tell_early(tracked, RECEIVED)

    def accept(self, command: Command) -> None:
        """It is in the queue."""
        self._tell_early(self._open[command.id], ACCEPTED)

    def start(self, command_id: str, result: Any = None) -> None:
        """Its action has begun, with what a setpoint really sent. No effect for an id that is not open."""
        tracked = self._open.get(command_id)
        if tracked is not None and (tracked.last is None or tracked.last.stage != STARTED):
            self._tell(tracked, STARTED, result=result)

    def settle(
        self,
        command_id: str,
        stage: str,
        reason: str | None = None,
        result: Any = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """It has ended. The first end counts: no effect for an id that is not open (an event's, say)."""
        tracked = self._open.pop(command_id, None)
        if tracked is None:
            return
        self.counts[stage] = self.counts.get(stage, 0) + 1
        if tracked.body is not None:
            self._settled[command_id] = tracked
            if len(self._settled) > REMEMBERED:
                self._settled.popitem(last=False)
        self._tell(tracked, stage, reason, result, error)
        tracked.listeners.clear()

    def refuse(self, command: Command, refused: Refused) -> None:
        """It was not even queued. Nothing of it is remembered: the same id may be tried again."""
        self._open[command.id].body = None
        self.settle(command.id, REJECTED, refused.reason, error=refused.as_error())

    def settle_all(self, stage: str, reason: str) -> None:
        """Every command still open ends like this (the end of the daemon)."""
        for command_id in list(self._open):
            self.settle(command_id, stage, reason)

    def _tell_early(self, tracked: Tracked, stage: str) -> None:
        """At this rate of commands, making a stage that nobody listens to is worth avoiding."""
        if tracked.early or self.observers:
            self._tell(tracked, stage)

    def _tell(
        self,
        tracked: Tracked,
        stage: str,
        reason: str | None = None,
        result: Any = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        told = tracked.last = self._stage(tracked.command, stage, reason, result, error)
        for listener in tracked.listeners:
            listener(told)
        for observe in self.observers:
            observe(told)

    def _stage(
        self, command: Command, stage: str, reason: str | None, result: Any, error: Mapping[str, Any] | None
    ) -> Stage:
        return Stage(command.id, stage, self._clock(), self._state(), command.trace_id, reason, result, error)
