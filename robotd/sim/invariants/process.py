"""What is promised about the process: no task outlives its purpose, and nothing goes wrong unheard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from robotd.core.decision import Decision
from robotd.runtime.robot import GRACE_S
from robotd.sim.invariants.promise import Promise
from robotd.sim.simulation import Simulation


class NoLeak(Promise):
    """Counts the tasks of actions some time after a state was left, and all tasks at the end."""

    name = "no leak"
    sentence = "no task is left that no present state owns, and none at all at the end"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        chart = simulation.config.chart
        actions = [state.do for state in chart.states]
        actions += [transition.do for region in chart.regions for transition in region.transitions]
        self._names = {do.name for do in actions if do is not None}
        self._looks: asyncio.TimerHandle | None = None
        self._left_at = 0.0
        """When a state was left the last time."""

    def decision(self, decision: Decision) -> None:
        """What a state owned has ended when its grace is over."""
        if decision.exits:
            loop = asyncio.get_running_loop()
            self._left_at = loop.time()
            if self._looks is None:
                self._looks = loop.call_at(self._left_at + 2 * GRACE_S, self._look)

    def end(self) -> None:
        """The daemon took everything with it, but for what ignores its cancellation."""
        if self._looks is not None:
            self._looks.cancel()
        self.checked += 1
        mine = asyncio.current_task()
        left = sorted(task.get_name() for task in asyncio.all_tasks() if task is not mine)
        if len(left) > self.engine.executor.zombies:
            self.breaks(f"left behind at the end: {', '.join(left)}")

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._left_at + GRACE_S > loop.time():
            self._looks = loop.call_at(self._left_at + 2 * GRACE_S, self._look)
            return
        self._looks = None
        self.checked += 1
        executor = self.engine.executor
        tasks = sorted(name for t in asyncio.all_tasks() if (name := t.get_name()) in self._names)
        if len(tasks) > executor.running + executor.zombies:
            self.breaks(f"tasks of {', '.join(tasks)} run on; only {executor.running} actions are under way")


class NoBug(Promise):
    """Hears of every exception that nobody caught, and of steps of a stop that failed."""

    name = "no bug"
    sentence = "no exception goes uncaught, and no step of a stop fails"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._errors = _Errors()
        hal = logging.getLogger("hal")
        hal.addHandler(self._errors)
        simulation.afterwards.callback(hal.removeHandler, self._errors)

    def decision(self, decision: Decision) -> None:
        """Whether anything was caught by then."""
        self.checked += 1
        self._look()

    def end(self) -> None:
        """Once more."""
        self._look()

    def _look(self) -> None:
        for context in self.simulation.bugs[:1]:
            error = context.get("exception")
            self.breaks(f"nobody caught: {error!r}" if error else str(context["message"]))
        for said in self._errors.said[:1]:
            self.breaks(said)


class _Errors(logging.Handler):
    """Keeps the first errors that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.said) < 1:
            error = record.exc_info[1] if record.exc_info else None
            self.said.append(f"{record.getMessage()}: {error!r}")
