"""Takes a trace at its word: the real machine does each step, with the readings and the payload it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robotd.check import Origin, TraceStep
from robotd.core.chart import Chart
from robotd.core.decision import Decision
from robotd.core.machine import ChartCycle, StateMachine
from tests.core.making import command, event

NOTHING: Mapping[str, float | bool | None] = {}


class Replay:
    """A machine after a trace."""

    def __init__(self, chart: Chart, trace: Sequence[TraceStep]) -> None:
        """Fails where a step leads elsewhere than the trace says."""
        self.machine = StateMachine(chart)
        self.decisions: list[Decision] = []
        self.cycle: ChartCycle | None = None
        """What the last step ended in, if it never came to rest."""
        for number, step in enumerate(trace):
            self.cycle = None
            readings = {**NOTHING, **step.readings}
            try:
                self.decisions.append(self._take(step, readings))
            except ChartCycle as cycle:
                self.cycle = cycle

            assert self.machine.leaves == step.after, f"step {number + 1}, {step.trigger}"

    def _take(self, step: TraceStep, readings: Mapping[str, float | bool | None]) -> Decision:
        if step.origin is Origin.START:
            return self.machine.start(event("start"), readings)
        if step.origin is Origin.COMMAND:
            return self.machine.decide(command(step.trigger, step.payload), readings)
        return self.machine.decide(event(step.trigger), readings)
