"""The daemon as its guard sees it: what it is asked for, and what becomes of what the guard says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robotd.daemon.engine import Engine
from robotd.safety.guarding import TICK_S, Guarding, Start


class Watched:
    """Answers the guard for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def progress(self) -> Sequence[str]:
        """How far each part of the daemon has come."""
        return self._engine.progress.words()

    def guard_tripped(self, latch_id: str, why: str, sentence: str) -> None:
        """The guard has stopped the robot: the same stop is the daemon's."""
        self._engine.stopping.estop(sentence, f"guard:{why}", latch_id=latch_id)

    def guard_lost(self, sentence: str) -> None:
        """Without a guard nothing moves. Before the start nothing can."""
        if self._engine.started:
            self._engine.stopping.estop(sentence, "guard")


def guard(engine: Engine, start: Start, *, tick_s: float = TICK_S) -> Guarding:
    """The guard of this engine, which from now on activates nothing without it. Entering it starts it."""
    guarding = Guarding(start, Watched(engine), engine.log, tick_s=tick_s)
    engine.guarding = guarding
    engine.stop.causes.append(guarding.standing)
    engine.stopping.on_reset = guarding.reset
    engine.executor.unguarded = guarding.refusal
    for board in engine.rig.boards.values():
        board.keeper = guarding
    return guarding


def as_data(engine: Engine) -> dict[str, Any]:
    """What `status` says of the guard."""
    if engine.guarding is not None:
        return engine.guarding.as_data()
    if engine.config.guard.on:
        return {"state": "none", "detail": "this daemon was started without a guard process"}
    return {
        "state": "off",
        "detail": "the robot's file says 'guard: off': a daemon that dies does not stop it",
    }
