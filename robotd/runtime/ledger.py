"""Every command and the stage it has reached: each ends in exactly one terminal stage, once.

What a client is told of a command's end, or of its being kept, is durable by then: rows first, words after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from robotd.core.message import LOCAL, Command, Message
from robotd.core.stage import (
    ACCEPTED,
    CANCELLED,
    EXPIRED,
    JOURNALED,
    RECEIVED,
    REJECTED,
    STARTED,
    UNKNOWN,
    Stage,
)
from robotd.errors import Refused
from robotd.runtime.known import Known, KnownIds
from robotd.runtime.readings import Clock
from robotd.runtime.record import Record

WANTED = "cancelled"
"""The reason of an end that the sender asked for."""
_NEVER_RAN = frozenset({REJECTED, EXPIRED, UNKNOWN})

Tell = Callable[[Stage], None]


class Tracked:
    """One command under way, or ended and not told yet."""

    __slots__ = ("begun", "command", "digest", "early", "ended", "last", "listeners", "row", "started")

    def __init__(self, command: Command, digest: str | None, tell: Tell, *, early: bool) -> None:
        self.command = command
        self.digest = digest
        """Of what the client asked for, to compare with a repeated id; None where nobody can repeat it."""
        self.early = early
        """Whether the client also wants to hear that the command was received, accepted and journaled."""
        self.listeners = [tell]
        self.row: int | None = None
        """The row with the command; None before it is accepted."""
        self.started = False
        """Whether there is a row that something of it begins..."""
        self.begun = False
        """...and whether it has."""
        self.last: Stage | None = None
        """The stage told last; one that nobody wanted to hear is not kept."""
        self.ended: Stage | None = None
        """The terminal stage, told when it is durable."""


class Ledger:
    """Keeps the stages. `state` says the chart's present leaf, for the stages that are told."""

    def __init__(self, clock: Clock, state: Callable[[], str], record: Record) -> None:
        self._clock = clock
        self._state = state
        self._record = record
        self._open: dict[str, Tracked] = {}
        self._ending: dict[str, Tracked] = {}
        """Ended, with a row that is not durable yet."""
        self.known = KnownIds()
        self.observers: list[Tell] = []
        """Told every stage of every command. While there is none, some stages are not even made."""
        self.counts: dict[str, int] = {}
        """How many commands ended in each terminal stage."""

    def __len__(self) -> int:
        return len(self._open)

    def find(self, command_id: str, principal: str = LOCAL, *, chosen: bool = True) -> Tracked | Known | None:
        """The command with this id: anybody's while it is under way, for then the id stands for it alone.

        Else the one that is remembered of this principal, which only ids that clients chose are.
        """
        tracked = self.tracked(command_id)
        if tracked is not None or not chosen:
            return tracked
        return self.known.find(command_id, principal, self._clock())

    def tracked(self, command_id: str) -> Tracked | None:
        """The command with this id that has not ended, or has and was not told yet."""
        return self._open.get(command_id) or self._ending.get(command_id)

    @property
    def oldest_row(self) -> int | None:
        """The row of the oldest command that has not ended."""
        for tracked in self._open.values():
            if tracked.row is not None:
                return tracked.row
        return None

    def reached(self, tracked: Tracked) -> Stage:
        """The stage that a command under way has reached, as far as it may be told."""
        return tracked.last or self._stage(tracked.command, ACCEPTED)

    def open(self, command: Command, digest: str | None, tell: Tell, *, early: bool = True) -> None:
        """A command has arrived; its id must not be known yet. `early`: `tell` hears this stage already."""
        tracked = self._open[command.id] = Tracked(command, digest, tell, early=early)
        self._tell_early(tracked, RECEIVED)

    def accept(self, command: Command) -> None:
        """It is in the queue."""
        tracked = self._open[command.id]
        self._tell_early(tracked, ACCEPTED)
        row = tracked.row = self._record.command(command, tracked.digest)
        if tracked.early or self.observers:
            self._record.when_durable(row, partial(self._tell, tracked, self._stage(command, JOURNALED, row)))

    def begin(self, cause: Message, action: str, *, stream: bool = False) -> int:
        """An action is to begin because of `cause`. The row returned is durable before it moves anything."""
        tracked = self._open.get(cause.id)
        if tracked is not None:
            tracked.started = True
        return self._record.started(cause, action, stream=stream)

    def start(self, command_id: str, result: Any = None) -> None:
        """Its action has begun, with what a setpoint really sent. No effect for an id that is not open."""
        tracked = self._open.get(command_id)
        if tracked is not None and not tracked.begun:
            tracked.begun = True
            stage = self._stage(tracked.command, STARTED, result=result)
            if tracked.row is None:
                self._tell(tracked, stage)
            else:
                # After `journaled`, which stands before it in every command's life.
                self._record.when_durable(tracked.row, partial(self._tell, tracked, stage))

    def settle(
        self,
        command_id: str,
        stage: str,
        reason: str | None = None,
        result: Any = None,
        error: Mapping[str, Any] | None = None,
        *,
        unheard: bool = False,
    ) -> None:
        """It has ended. The first end counts: no effect for an id that is not open (an event's, say).

        `unheard`: it failed, and nothing in the chart takes its failure. What never ran, or failed unheard,
        is a dead letter, unless its sender wanted it so.
        """
        tracked = self._open.pop(command_id, None)
        if tracked is None:
            return
        self.counts[stage] = self.counts.get(stage, 0) + 1
        row = None
        if tracked.row is not None:
            unwanted = stage == CANCELLED and not tracked.started and reason != WANTED
            row = self._record.ended(
                tracked.command,
                stage,
                reason,
                result,
                error,
                started=tracked.started,
                dead=unheard or unwanted or stage in _NEVER_RAN,
            )
        ended = tracked.ended = self._stage(tracked.command, stage, row, reason, result, error)
        if row is None:
            self._tell_end(tracked, ended)
        else:
            self._ending[command_id] = tracked
            self._record.when_durable(row, partial(self._tell_end, tracked, ended))

    def refuse(self, command: Command, refused: Refused) -> None:
        """It was not even queued. Nothing of it is remembered: the same id may be tried again."""
        self._open[command.id].digest = None
        self.settle(command.id, REJECTED, refused.reason, error=refused.as_error())

    def settle_all(self, stage: str, reason: str) -> None:
        """Every command still open ends like this (the end of the daemon)."""
        for command_id in list(self._open):
            self.settle(command_id, stage, reason)

    def _tell_early(self, tracked: Tracked, stage: str) -> None:
        """At this rate of commands, making a stage that nobody listens to is worth avoiding."""
        if tracked.early or self.observers:
            self._tell(tracked, self._stage(tracked.command, stage))

    def _tell_end(self, tracked: Tracked, ended: Stage) -> None:
        command_id = ended.id
        self._ending.pop(command_id, None)
        if tracked.digest is not None:
            self.known.remember(command_id, tracked.command.principal, Known(tracked.digest, ended))
        self._tell(tracked, ended)
        tracked.listeners.clear()

    def _tell(self, tracked: Tracked, told: Stage) -> None:
        tracked.last = told
        for listener in tracked.listeners:
            listener(told)
        for observe in self.observers:
            observe(told)

    def _stage(
        self,
        command: Command,
        stage: str,
        row: int | None = None,
        reason: str | None = None,
        result: Any = None,
        error: Mapping[str, Any] | None = None,
    ) -> Stage:
        return Stage(
            command.id, stage, self._clock(), self._state(), command.trace_id, reason, result, error, row
        )
