"""What `check` found, for people: each finding with its line of the file, and the way there."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robotd.check import Finding, TraceStep
    from robotd.check.codes import Explanation
    from robotd.config import RobotConfig

EXPLAINED_COLUMNS = 100


def finding_text(finding: Finding, config: RobotConfig) -> str:
    """One finding as `FILE:LINE:COLUMN: error[code]: ...`, its source line, its trace, its hint."""
    from robotd.config.errors import shown

    line = config.document.line(finding.where.line) if finding.where.line else ""
    label = f"{finding.severity}[{finding.code}]"
    trace = trace_lines(finding.trace)
    return "\n".join(shown(finding.where, label, finding.sentence, finding.hint, line, trace))


def trace_lines(trace: tuple[TraceStep, ...]) -> Iterator[str]:
    """One line for each step: what comes, where it leads, the lines of the file that say so."""
    heads = [_head(step) for step in trace]
    width = max(map(len, heads), default=0)
    for number, (head, step) in enumerate(zip(heads, trace, strict=True), start=1):
        places = ", ".join(f"{where.file}:{where.line}" for where in step.where)
        parts = [f"{number:>3}. {head:<{width}}  ->  {' + '.join(step.after)}", places, _values(step)]
        yield "  ".join(filter(None, parts))


def _head(step: TraceStep) -> str:
    said = " ".join(filter(None, (step.origin.value, step.detail)))
    return step.trigger if said == step.trigger else f"{step.trigger} ({said})"


def _values(step: TraceStep) -> str:
    values = {f"payload.{name}": value for name, value in step.payload.items()} | dict(step.readings)
    return f"with {', '.join(f'{name} {_value(value)}' for name, value in values.items())}" if values else ""


def _value(value: object) -> str:
    if value is None:
        return "stale"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def explanation_text(code: str, explanation: Explanation) -> str:
    """What a code means, with its example and mend."""
    means = fill(explanation.means, EXPLAINED_COLUMNS)
    return f"{code}\n\n{means}\n\nExample:\n{explanation.example}\n\nMend:\n{explanation.mend}"
