"""What led to where a story begins, done once more in short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from robotd.core.chart import ESTOP, Chart
from robotd.core.decision import Outcome
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Event, Message
from robotd.journal.kinds import DECISION
from robotd.journal.replay import Boot, Decided, decide
from robotd.journal.row import Row
from robotd.sim.scenario.incident.holding import REPORTED_S, Holding
from robotd.sim.scenario.incident.notebook import Notebook, led_to
from robotd.sim.scenario.model import Action, Inject, Send, Stop
from robotd.sim.scenario.names import Names

STRIDE_S = 0.2
"""Between two steps on the way; longer than a sensor needs to report."""


class Way:
    """From the initial state to where the story begins."""

    def __init__(
        self, start: Decided | None, strides: Sequence[tuple[Decided, Action]], began: float
    ) -> None:
        self._start = start
        self._strides = strides
        self.begins_at = began - len(strides) * STRIDE_S
        """When the first step is done, on the clock of the rows."""
        self.from_at = strides[0][0].row.at if strides else began
        """When that really happened."""

    def walk(self, chart: Chart, holding: Holding, notebook: Notebook) -> None:
        """Do it, and before each step let the sensors report what the machine saw then."""
        if self._start is None:
            return
        machine = StateMachine(chart)
        decide(machine, self._start.decision.message, self._start.looked)
        for number, (decided, action) in enumerate(self._strides):
            at = self.begins_at + number * STRIDE_S
            # Stays have other numbers here: what ends one of them means the present one.
            message = _unstamped(decided.decision.message)
            row = decided.row._replace(at=at)
            notebook.set(at - REPORTED_S, 0, holding.decide(machine, message, decided.looked, at))
            notebook.do(row, action)
            notebook.expect(row, led_to(decided.decision))
            decide(machine, message, decided.looked)


def lead(boot: Boot, early: Sequence[Row], names: Names, notebook: Notebook, began: float) -> Way:
    """Play what was before the story, which began at `began`, and find the way there.

    Whatever came back to the initial state is no part of it.
    """
    start: Decided | None = None
    moves: list[Decided] = []
    for row in early:
        if row.kind == DECISION:
            decided = boot.decide(row)
            start = start or decided
            if decided.decision.after == start.decision.after:
                moves.clear()
            elif decided.decision.outcome is Outcome.MOVED:
                moves.append(decided)
    strides = []
    for decided in moves:
        message = decided.decision.message
        action = _again(message, names)
        if action is None:
            notebook.leave_out(f"{message.type} (row {decided.row.seq}), which led to where this begins")
        else:
            strides.append((decided, action))
    return Way(start, strides, began)


def _again(message: Message, names: Names) -> Action | None:
    """What makes the robot hear the same message once more."""
    if message.type == ESTOP:
        return Stop(str(message.payload.get("reason", "stopped")))
    if isinstance(message, Command) and message.type in names.commands:
        return Send(message.type, message.payload)
    return Inject(message.type, message.payload) if message.type in names.events else None


def _unstamped(message: Message) -> Message:
    return replace(message, stamp=None) if isinstance(message, Event) else message
