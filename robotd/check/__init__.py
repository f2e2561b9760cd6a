"""Proves from the file alone that a robot's machine is sound, over every configuration that can be reached.

```python
report = prove(Subject(chart=chart, actions=actions))
for finding in report.findings:
    print(finding.where, finding.code, finding.sentence)
```

Guards over states are decided exactly. Readings and payload may have any value at every message, but the
same throughout one: what is called impossible is impossible, and what a trace shows can be done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from robotd.check import hardware, motion, names, states, transitions
from robotd.check.context import Context, warning
from robotd.check.finding import Finding, Origin, Report, Severity, TraceStep
from robotd.check.local import TooLarge
from robotd.check.subject import Subject
from robotd.core.chart import NOWHERE

__all__ = ["Finding", "Origin", "Report", "Severity", "Subject", "TraceStep", "prove"]

Proof = Callable[[Context], Iterator[Finding]]

WHOLE: tuple[Proof, ...] = (states.unreachable, states.traps, states.ways_back, motion.bounds, names.failures)
"""Proofs that say "never" or "nowhere", for which every configuration must have been looked at."""
ANY: tuple[Proof, ...] = (
    states.stops,
    states.invariants,
    transitions.dead,
    transitions.cycles,
    names.untaken,
    motion.stop_values,
    motion.unattended,
    hardware.unused,
    hardware.unprotected,
)


def prove(subject: Subject) -> Report:
    """Everything that is to be said about a robot's file without faults. Never raises."""
    where = next((state.where for state in subject.chart.states), NOWHERE)
    try:
        context = Context(subject)
    except TooLarge as error:
        return Report.of([warning("unproven", where, f"nothing is proven: {error}")], 0)
    findings = [finding for proof in ANY for finding in proof(context)]
    if context.exploration.complete:
        findings += [finding for proof in WHOLE for finding in proof(context)]
    else:
        looked = len(context.exploration)
        findings.append(
            warning(
                "unproven",
                where,
                f"the machine has more than {looked} configurations: it is not proven that every state can "
                "be reached, left and come back to, nor that every motion ends",
                "regions that share nothing make a machine large: join those that depend on one another",
            )
        )
    return Report.of(findings, len(context.exploration))
