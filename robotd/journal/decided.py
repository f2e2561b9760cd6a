"""A decision as the body of its row, and back: what the daemon writes is what a replay compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotd.core.decision import Decision, Refusal
from robotd.core.message import NO_PAYLOAD, Command, Event, Lane, Message
from robotd.journal.row import Row

LANES: Mapping[Lane, str] = {lane: lane.name.lower() for lane in Lane}
"""What a row calls each lane."""
ANSWERS = ("outcome", "before", "after", "entered", "left", "starts", "refusal", "note", "state")
"""The keys that say what was decided; the others, but for `saw`, say upon which message."""

_BY_NAME = {name: lane for lane, name in LANES.items()}


def decided(decision: Decision, saw: Mapping[str, float | bool | None], state: str | None) -> dict[str, Any]:
    """The body of its row. `state`: the machine's digest after it, where it moved."""
    message = decision.message
    body: dict[str, Any] = {
        "type": message.type,
        "source": message.source,
        "lane": LANES[message.lane],
        "at": message.at,
    }
    if message.payload:
        body["payload"] = message.payload
    if type(message) is Command:
        body["command"] = True
    elif type(message) is Event and message.stamp is not None:
        body["stamp"] = message.stamp
    if message.correlation_id is not None:
        body["correlation_id"] = message.correlation_id
    if message.version is not None:
        body["version"] = message.version
    body |= answer(decision, state)
    if saw:
        body["saw"] = saw
    return body


def answer(decision: Decision, state: str | None) -> dict[str, Any]:
    """What was decided: the keys `ANSWERS`."""
    body: dict[str, Any] = {
        "outcome": decision.outcome.value,
        "before": list(decision.before),
        "after": list(decision.after),
    }
    if decision.entries:
        body["entered"] = [entry.state.path for entry in decision.entries]
    if decision.exits:
        body["left"] = [entry.state.path for entry in decision.exits]
    if decision.starts:
        body["starts"] = [start.do.name for start in decision.starts]
    if decision.refusal is not None:
        body["refusal"] = _refusal(decision.refusal)
    if decision.note:
        body["note"] = decision.note
    if state is not None:
        body["state"] = state
    return body


def message_of(row: Row, body: Mapping[str, Any]) -> Message:
    """The message that was decided upon; `body` is the row's, decoded.

    Raises `LookupError` where it does not say all of it.
    """
    said: dict[str, Any] = {
        "type": body["type"],
        "id": row.id or "",
        "trace_id": row.trace,
        "at": body["at"],
        "source": body["source"],
        "lane": _BY_NAME[body["lane"]],
        "payload": body.get("payload", NO_PAYLOAD),
        "correlation_id": body.get("correlation_id"),
        "version": body.get("version"),
    }
    return Command(**said) if body.get("command") else Event(**said, stamp=body.get("stamp"))


def _refusal(refusal: Refusal) -> dict[str, Any]:
    body: dict[str, Any] = {"reason": refusal.reason, "message": refusal.message}
    body |= {key: refusal.data[key] for key in ("expression", "values") if key in refusal.data}
    return body
