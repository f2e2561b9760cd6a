"""What a proof says when it fails: a code, a place, a sentence, and how the robot gets there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from robotd.core.chart import NOWHERE, Where


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """A proof failed."""
    WARNING = "warning"
    """It is hardly meant; `--strict` takes it for an error."""
    NOTE = "note"
    """A fact worth knowing, which somebody has acknowledged in the file."""


class Origin(StrEnum):
    """Where a trigger comes from."""

    START = "start"
    COMMAND = "command"
    EVENT = "event"
    """A rule of `events:` fires."""
    TIMEOUT = "timeout"
    OUTCOME = "outcome"
    """An action ends, well or not."""
    BOARD = "board"
    """A board is lost, silent, back or refused."""
    LEASE = "lease"
    """Who moved the robot was lost."""
    ESTOP = "estop"
    RESET = "reset"
    ALWAYS = "always"
    """A reading changes, and with it the guard of a transition that needs no trigger."""


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One trigger on the way from the start to what was found."""

    trigger: str
    origin: Origin
    detail: str
    """What makes it come: the rule's condition, the time-out's seconds."""
    where: tuple[Where, ...]
    """The transitions that it takes, those of `always` that follow included; none for what is built in."""
    after: tuple[str, ...]
    """The leaf of each region after it."""
    readings: Mapping[str, float | bool | None] = field(default_factory=dict)
    """Values for which all guards on the way hold, of the readings that they name; None: stale or unheard."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What the command carries, in SI."""

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "trigger": self.trigger,
            "origin": self.origin.value,
            "detail": self.detail,
            "where": [str(where) for where in self.where],
            "after": list(self.after),
            "readings": dict(self.readings),
            "payload": dict(self.payload),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One proof that failed, at one place."""

    code: str
    """Of the table in `robotd.check.codes`."""
    severity: Severity
    where: Where
    sentence: str
    hint: str | None = None
    trace: tuple[TraceStep, ...] = ()
    """A shortest way from the start to where it shows; empty where no way leads there or none is needed."""

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "file": self.where.file,
            "line": self.where.line,
            "column": self.where.column,
            "sentence": self.sentence,
            "hint": self.hint,
            "trace": [step.as_json() for step in self.trace],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found, in the order of the file."""

    findings: tuple[Finding, ...]
    configurations: int
    """How many there are that can be reached: one leaf of each region, and what history remembers."""

    @classmethod
    def of(cls, findings: Iterable[Finding], configurations: int) -> Report:
        """Sort them by place; what was found twice is said once."""
        different = {(one.where, one.code, one.sentence): one for one in findings}.values()
        in_order = sorted(different, key=lambda one: (one.where == NOWHERE, one.where.line, one.where.column))
        return cls(tuple(in_order), configurations)

    def failed(self, *, strict: bool = False) -> bool:
        """Whether a proof failed: an error, or under `strict` a warning."""
        failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return any(one.severity in failing for one in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings of that severity there are."""
        return sum(one.severity is severity for one in self.findings)

    def codes_at(self, where: Where) -> tuple[str, ...]:
        """The codes of the errors and warnings at one place of the chart, for a drawing of it."""
        return tuple(
            one.code for one in self.findings if one.where == where and one.severity is not Severity.NOTE
        )
