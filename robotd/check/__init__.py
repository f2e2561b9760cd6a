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
from robotd.check.explore import CONFIGURATIONS_AT_MOST
from robotd.check.finding import Finding, Origin, Report, Severity, TraceStep
from robotd.check.local import TooLarge
from robotd.check.subject import Subject
from robotd.core.chart import NOWHERE

__all__ = ["Finding", "Origin", "Report", "Severity", "Subject", "TraceStep", "prove"]

JOIN = "each region multiplies them: join regions that depend on one another, remember less in history"

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
    motion.leaseless,
    hardware.unused,
    hardware.unprotected,
    hardware.feedback,
    hardware.unguarded,
)


def prove(subject: Subject, *, at_most: int = CONFIGURATIONS_AT_MOST) -> Report:
    """Everything that is to be said about a robot's file without faults. Never raises.

    Milliseconds for a robot with one region; about a second for each 100,000 configurations, of which no more
    than `at_most` are looked at.
    """
    where = next((state.where for state in subject.chart.states), NOWHERE)
    try:
        context = Context(subject, at_most)
    except TooLarge as error:
        return Report.of([warning("unproven", where, f"nothing is proven: {error}", JOIN)], 0)
    findings = [finding for proof in ANY for finding in proof(context)]
    if context.exploration.complete:
        findings += [finding for proof in WHOLE for finding in proof(context)]
    else:
        sentence = (
            f"the machine has more than {len(context.exploration)} configurations, and not all were looked "
            "at: what is not found here is not proven"
        )
        findings.append(warning("unproven", where, sentence, JOIN))
    return Report.of(findings, len(context.exploration))
