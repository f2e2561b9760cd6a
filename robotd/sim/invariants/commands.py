"""What is promised about commands and about the queue."""

from __future__ import annotations

from collections.abc import Callable

from robotd.core.decision import Decision
from robotd.core.message import Lane
from robotd.core.stage import ACCEPTED, RECEIVED, TERMINAL, Stage
from robotd.sim.invariants.promise import ROUNDING_S, Promise
from robotd.sim.simulation import Simulation

SAFETY_WAITS_S = 0.002
"""A message of the SAFETY lane is decided upon within this time."""


class OneEnd(Promise):
    """Follows each command from its arrival to its end."""

    name = "one end"
    sentence = "each command ends in exactly one terminal stage, and nothing comes after it"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._open: dict[str, None] = {}

    def stage(self, stage: Stage) -> None:
        """Received once, ended once, and silent after that."""
        self.checked += 1
        if stage.stage == RECEIVED:
            if stage.id in self._open:
                self.breaks(f"the command {stage.id} was received twice")
            self._open[stage.id] = None
        elif stage.id not in self._open:
            self.breaks(f"the command {stage.id} is {stage.stage} after its end")
        elif stage.stage in TERMINAL:
            del self._open[stage.id]

    def end(self) -> None:
        """None is left without an end."""
        self.checked += 1
        for left in self._open:
            self.breaks(f"the command {left} never ended")


class InTime(Promise):
    """Looks at each command that is carried out, and at what is urgent."""

    name = "in time"
    sentence = "a command is not carried out after its time, and what is urgent does not wait"

    def decision(self, decision: Decision) -> None:
        """By the clock at the moment of the decision."""
        self.checked += 1
        message, now = decision.message, self.engine.clock()
        if message.expires_at is not None and now > message.expires_at + ROUNDING_S:
            self.breaks(f"{message.type} was decided {now - message.expires_at:.3f} s after it had expired")
        if message.lane is Lane.SAFETY and now - message.at > SAFETY_WAITS_S:
            self.breaks(f"{message.type} waited {now - message.at:.3f} s in the safety lane")


class Bounds(Promise):
    """Looks at the queue when a command has come in, and after each decision."""

    name = "bounds"
    sentence = "no lane of the queue holds more than its places"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        limits = simulation.config.limits
        self._places = {
            "safety": limits.queue_safety,
            "command": limits.queue_command,
            "event": limits.queue_event,
            "background": limits.queue_background,
        }
        self._fewest = min(self._places.values())

    def stage(self, stage: Stage) -> None:
        """One more waits."""
        if stage.stage == ACCEPTED:
            self._look()

    def decision(self, decision: Decision) -> None:
        """What it caused may wait."""
        self._look()

    def _look(self) -> None:
        self.checked += 1
        if len(self.engine.queue) <= self._fewest:
            return
        for lane, waiting in self.engine.queue.depths().items():
            if waiting > self._places[lane]:
                self.breaks(
                    f"{waiting} messages wait in the {lane} lane, which has {self._places[lane]} places"
                )


class Settles(Promise):
    """Looks at the engine when nothing is left to do."""

    name = "settles"
    sentence = "at the end nothing waits, runs or is remembered as open"

    def end(self) -> None:
        """Queue, ledger and executor are empty."""
        self.checked += 1
        engine = self.engine
        for what, count in (
            ("messages wait in the queue", len(engine.queue)),
            ("commands are open in the ledger", len(engine.ledger)),
            ("actions are under way", engine.executor.running),
        ):
            if count:
                self.breaks(f"{count} {what} after the end")
