"""Why a command may not be carried out now, for who sent it: what is wrong, and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from robotd.core.decision import Refusal
from robotd.core.expression import Expression, Verdict


def guard_false(command: str, guard: Expression, verdict: Verdict, saw: Mapping[str, Any]) -> Refusal:
    """The guard of its transition does not hold; `saw` is what it looked at (`Expression.saw`)."""
    hint = f"it needs {guard.text}; {_said(saw)}"
    data = {"hint": hint, "expression": guard.text, "values": saw, "why": verdict.reason}
    return Refusal("guard_false", f"{command}: {_WHY[verdict.reason]}", data)


def not_in_this_state(command: str, leaves: Sequence[str], possible: Sequence[str]) -> Refusal:
    """No present state handles it; `possible` are the commands that one does."""
    hint = f"possible here: {', '.join(possible)}" if possible else "no command is possible here"
    data = {"hint": hint, "state": list(leaves), "possible": list(possible)}
    return Refusal("not_in_this_state", f"{command} has no meaning in {' and '.join(leaves)}", data)


_WHY = {
    "false": "its condition does not hold",
    "stale": "a reading that its condition needs is stale",
    "missing": "a value that its condition needs is missing from the payload",
}
_VALUES = {"None": "unknown", "True": "true", "False": "false"}


def _said(values: Mapping[str, Any]) -> str:
    """For people: `now bumper.active is true`."""
    return "now " + ", ".join(f"{name} is {_VALUES.get(str(value), value)}" for name, value in values.items())
