"""Why the condition of a command did not hold: since when the value that decided was as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robotd.journal.kinds import DECISION, DEVICE, READINGS
from robotd.journal.row import Row
from robotd.journal.why.case import Body, Case, Fact
from robotd.journal.why.guards import culprits, said, would_hold
from robotd.journal.why.lives import LOST

SHORT_CONDITION = 50
"""A longer one is not for the summary."""
EVIDENCE_ROWS = 2_000
"""So many rows are looked through for since when a reading was as it was."""


def guard(case: Case, row: Row, error: Body) -> Row | Fact | None:
    """Since when the value that decided was as it was, and what brought it about."""
    asked = _condition(case, row, error)
    text, values = asked.get("expression"), asked.get("values")
    if not text or not values:
        return None
    deciding = culprits(text, values)
    name, value = next(iter(deciding.items()))
    if value is None and (lost := _lost(case, row, name.partition(".")[0])) is not None:
        return lost
    evidence = _since(case, row, name, lambda other: would_hold(text, values, name, other))
    if evidence is not None and _is_event_of(name, evidence):
        return evidence
    known = f" since {case.clock(evidence)} or before" if evidence is not None else ""
    needed = f" (needed: {text})" if len(text) <= SHORT_CONDITION else ""
    return Fact(
        evidence or row,
        f"{said(deciding)}{known}{needed}",
        f"{said(deciding)}{known}; the condition is {text}. Next: change that, and send it again.",
    )


def _condition(case: Case, row: Row, error: Body) -> Body:
    """The condition that did not hold and what it saw: as the answer told it, else as it was decided."""
    data: Body = error.get("data") or {}
    if "expression" in data or row.id is None:
        return data
    decided = row if row.kind == DECISION else case.about(row.id, DECISION, near=row)
    refusal: Body | None = None if decided is None else decided.data.get("refusal")
    return refusal or {}


def _lost(case: Case, row: Row, device: str) -> Row | None:
    def its(_: Row, body: Body) -> object:
        return body["device"] == device and body["state"] in LOST

    return case.last(DEVICE, where=its, below=row.seq, boot=row.boot)


def _since(case: Case, row: Row, name: str, lets_pass: Callable[[Any], bool]) -> Row | None:
    """The event of the reading `name` since which it never let the condition pass, as far as rows tell.

    Where it made no event, the oldest row that has it so.
    """
    oldest = None
    for looked_at, other in enumerate(case.back(READINGS, DECISION, below=row.seq, boot=row.boot)):
        if _is_event_of(name, other):
            return other
        body = other.data
        values = body.get("values" if other.kind == READINGS else "saw") or {}
        if name in values:
            if values[name] is None or lets_pass(values[name]):
                return oldest
            oldest = other
        if looked_at >= EVIDENCE_ROWS:
            # Whenever it comes to be so anew there is an event: the newest one tells since when.
            event = case.last(
                DECISION, where=lambda one, _: _is_event_of(name, one), below=other.seq, boot=row.boot
            )
            return event or oldest
    return oldest


def _is_event_of(name: str, row: Row) -> bool:
    return row.kind == DECISION and row.data["source"] == f"rule:{name}"
