"""What led to where a story begins, done once more in short."""

from __future__ import annotations

from dataclasses import replace

from robotd.core.chart import BUILT_IN_TRIGGERS, ESTOP
from robotd.core.decision import Outcome
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Event, Message
from robotd.journal.kinds import DECISION, LEASE, RESET, STOP
from robotd.journal.replay import Boot, Decided, decide
from robotd.journal.row import Row
from robotd.safety.stop import REST_S
from robotd.sim.scenario.incident.holding import REPORTED_S, Holding, Said, said_by
from robotd.sim.scenario.incident.notebook import Notebook, led_to
from robotd.sim.scenario.incident.troubles import BOARD
from robotd.sim.scenario.model import Action, Inject, Send, Stop
from robotd.sim.scenario.names import Names

STRIDE_S = 0.2
"""Between two steps on the way; longer than a sensor needs to report."""


class Past:
    """What was before a story: the way from the initial state, and what was known and broken in the end."""

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._start: Decided | None = None
        self._moves: list[Decided] = []
        self.known: dict[str, Said] = {}
        """The newest that was said of each reading."""
        self.undecided: list[Row] = []
        """The stop, or the reset, that the machine has not seen yet."""
        self.lease: Row | None = None
        """In which the lease was taken that somebody had asked for, and had in the end."""
        self.troubles: list[Row] = []
        """The rows in which boards have told something."""

    @property
    def has_started(self) -> bool:
        """Whether the machine was in its initial state by then."""
        return self._start is not None

    def take(self, row: Row) -> None:
        """One row before the story. What comes back to the initial state is no part of the way."""
        for said in said_by(row):
            self.known[said.name] = said
        if row.kind in (STOP, RESET):
            self.undecided = [row]
        if row.kind == LEASE:
            self.lease = row if row.data["what"] == "taken" and row.data.get("explicit") else None
        if row.kind != DECISION:
            return
        decided = self._boot.decide(row)
        self._start = self._start or decided
        if decided.decision.message.type in BUILT_IN_TRIGGERS:
            self.undecided = []
        if decided.decision.message.source.startswith(BOARD):
            self.troubles.append(row)
        if decided.decision.after == self._start.decision.after:
            self._moves.clear()
        elif decided.decision.outcome is Outcome.MOVED:
            self._moves.append(decided)

    def walk(self, began: float, names: Names, holding: Holding, notebook: Notebook) -> float:
        """Go the way once more in short, up to the time when the story began; returns when that begins.

        Before each step the sensors report what the machine saw then, and after the last what is known.
        """
        # A reset may follow, which may not come sooner.
        stopped = bool(self._moves) and self._moves[-1].decision.message.type == ESTOP
        begins_at = at = began - len(self._moves) * STRIDE_S - (REST_S if stopped else 0)
        machine = StateMachine(self._boot.chart)
        if self._start is not None:
            decide(machine, self._start.decision.message, self._start.looked)
        for decided in self._moves:
            # Stays have other numbers here: what ends one of them means the present one.
            message = _unstamped(decided.decision.message)
            row = decided.row._replace(at=at)
            notebook.set(at - REPORTED_S, 0, holding.decide(machine, message, decided.looked))
            action = _again(message, names)
            if action is None:
                notebook.leave_out(row, message.type, "it led to where this begins")
            else:
                notebook.do(row, action)
                notebook.expect(row, led_to(decided.decision))
            decide(machine, message, decided.looked)
            at += STRIDE_S
        for said in self.known.values():
            notebook.set(began, 0, holding.follow(said))
        return begins_at - REPORTED_S


def _again(message: Message, names: Names) -> Action | None:
    """What makes the robot hear the same message once more."""
    if message.type == ESTOP:
        return Stop(str(message.payload.get("reason", "stopped")))
    if isinstance(message, Command) and message.type in names.commands:
        return Send(message.type, message.payload)
    return Inject(message.type, message.payload) if message.type in names.events else None


def _unstamped(message: Message) -> Message:
    return replace(message, stamp=None) if isinstance(message, Event) else message
