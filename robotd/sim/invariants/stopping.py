"""What is promised about stops: a new epoch for each, and a latch that only `reset` lifts."""

from __future__ import annotations

import math
from collections.abc import Callable

from robotd.core.chart import ESTOP, ESTOPPED, RESET, SHUTDOWN
from robotd.core.decision import Decision
from robotd.core.message import Command
from robotd.core.stage import STARTED, Stage
from robotd.sim.invariants.promise import Promise
from robotd.sim.simulation import Simulation


class Epoch(Promise):
    """Counts the stops, and looks at when each command came that is carried out."""

    name = "epoch"
    sentence = "each stop begins a new epoch, and nothing that came before it is carried out after it"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._latch_id = ""
        self._first = self.engine.stop.epoch
        self._stops = 0
        self._stopped_at = -math.inf

    def decision(self, decision: Decision) -> None:
        """The machine hears of each stop; and moves by no older command."""
        message, latch = decision.message, self.engine.stop.latch
        if latch is not None:
            self._stopped_at = latch.at
        if message.type == ESTOP and message.payload["latch_id"] != self._latch_id:
            self.checked += 1
            self._latch_id = message.payload["latch_id"]
            self._stops += 1
            if self.engine.stop.epoch < self._first + self._stops:
                self.breaks(f"after {self._stops} stops it is still epoch {self.engine.stop.epoch}")
        elif type(message) is Command and decision.refusal is None:
            self._require_newer(message)

    def stage(self, stage: Stage) -> None:
        """Nor does an older one begin."""
        if stage.stage == STARTED and stage.at > self._stopped_at:
            tracked = self.engine.ledger.tracked(stage.id)
            if tracked is not None:
                self._require_newer(tracked.command)

    def _require_newer(self, command: Command) -> None:
        self.checked += 1
        if command.at < self._stopped_at:
            ago_s = self._stopped_at - command.at
            self.breaks(f"{command.type} was carried out, and had come {ago_s:.3f} s before the stop")


class Latch(Promise):
    """Compares the latch with the state whenever nothing waits that would change either."""

    name = "latch"
    sentence = "the robot is `estopped` as long as the latch is set, and only `reset` lifts it"

    def decision(self, decision: Decision) -> None:
        """By which message the state was left, and whether both agree."""
        self.checked += 1
        before, after, kind = decision.before[0], decision.after[0], decision.message.type
        if before == ESTOPPED and after != ESTOPPED and kind not in (RESET, SHUTDOWN):
            self.breaks(f"{kind} led out of `estopped`")
        engine = self.engine
        if engine.closing or len(engine.queue):
            return
        latched = engine.stop.latch is not None
        if latched is not (after == ESTOPPED):
            self.breaks(f"the latch is {'set' if latched else 'not set'}, and the state is {after}")
