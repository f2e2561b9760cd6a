"""How a command ended, and why: refused, expired, replaced, broken off, failed, unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from robotd.journal.kinds import (
    BUG,
    COMMAND,
    DEAD,
    DECISION,
    DEVICE,
    ENDED,
    HALT,
    LIMIT,
    SHUTDOWN,
    STARTED,
    STOP,
)
from robotd.journal.row import Row
from robotd.journal.telling import arguments
from robotd.journal.why.case import SAME_STORY_S, Body, Case, Fact, quoted
from robotd.journal.why.conditions import guard
from robotd.journal.why.leases import loss
from robotd.journal.why.process import trouble

BY_HAND = ("expired", "unknown")
"""What ended so may still be wanted: a person decides."""
RESTART = "restart"
"""The reason of what a new daemon settled for the last one."""


def command(case: Case, row: Row) -> Fact:
    """What was asked, and by whom."""
    body = row.data
    name = f"{body['type']} #{row.seq}"
    asked = arguments(body.get("payload", {}))
    phrase = f"{name} from {body['source']} at {case.clock(row)}"
    return Fact(
        row, phrase, f"{name}{f' ({asked})' if asked else ''} came from {body['source']}.", case.before(row)
    )


def unfinished(case: Case, asked: Row) -> Fact:
    """A command that the journal knows no end of."""
    name = command(case, asked).phrase
    found = (case.about(asked.id or "", kind, near=asked) for kind in (STARTED, DECISION))
    reached = next(filter(None, found), asked)
    where = {
        STARTED: f"has been under way since {case.clock(reached)}",
        DECISION: f"was decided at {case.clock(reached)} and has not ended",
        COMMAND: "waits to be decided",
    }[reached.kind]
    return Fact(reached, f"{name} {where}", f"{name} {where}.")


def started(case: Case, row: Row) -> Fact:
    """What began to move."""
    body = row.data
    name = case.name(row.id or "", row)
    phrase = f"{body['action']} under way since {case.clock(row)}, by {name} from {body['source']}"
    began = "was renewed" if body.get("stream") else "began"
    return Fact(row, phrase, f"{body['action']} {began}, by {name} from {body['source']}.")


def ended(case: Case, row: Row) -> Fact:
    """Its terminal stage, the reason, and the next step that its answer told."""
    body = row.data
    error = body.get("error") or {}
    reason, message = body.get("reason"), quoted(error.get("message"))
    why = ": ".join(str(part) for part in (reason, message) if part)
    who = f"{case.name(row.id or '', row)} from {body.get('source', 'somebody')}"
    hint = quoted((error.get("data") or {}).get("hint"))
    if reason == "out_of_range":
        hint = f"{hint or 'ask for less'}, or change the limit in the file"
    sentence = f"{who} ended as {body['stage']}{f' ({why})' if why else ''}."
    if hint and body["stage"] not in BY_HAND:
        sentence += f" Next: {hint}."
    if body["stage"] in BY_HAND:
        sentence += (
            f" Next: see where the robot is; then robotd dead resend {row.seq}, or dead drop {row.seq}."
        )
    cause = _why(case, row, body, str(reason or ""), error)
    phrase = f"{who} {body['stage']} at {case.clock(row)}"
    short = why if cause is None or reason == "not_in_this_state" else str(reason or "")
    if short and short != body["stage"]:
        phrase += f" ({short})"
    return Fact(row, phrase, sentence, cause)


def refused(case: Case, row: Row) -> Fact:
    """A decision that was a refusal; the row of the command's end says the same, and more."""
    end = None if row.id is None else case.about(row.id, ENDED, DEAD, near=row)
    if end is not None:
        return ended(case, end)
    body = row.data
    refusal = body["refusal"]
    who = f"{case.name(row.id or '', row)} from {body['source']}"
    why = f"{refusal['reason']}: {refusal['message']}"
    cause = guard if refusal["reason"] == "guard_false" else _led_here
    phrase = f"{who} refused at {case.clock(row)} ({why})"
    return Fact(row, phrase, f"{who} was refused ({why}).", cause(case, row, {}))


def limit(case: Case, row: Row) -> Fact:
    """What a limit changed or refused."""
    body = row.data
    if "feedback" in body:
        return _felt(case, row, f"{body['device']}: {body['feedback']}")
    if "message" in body:
        said_so = quoted(body["message"])
    else:
        said_so = f"asked for {_shown(body['asked'])}, allowed {_shown(body['sent'])}"
    who = f", by {case.name(body['command'], row)}" if "command" in body else ""
    phrase = f"{body['action']} beyond its limit at {case.clock(row)} ({said_so}){who}"
    return Fact(
        row, phrase, f"{body['action']}{who}: {said_so}. Next: ask for less, or change the limit in the file."
    )


def _felt(case: Case, row: Row, said: str) -> Fact:
    """What a device really does, beyond its limit: for that the robot was stopped, if it was not already."""
    sentence = (
        f"{said}. Next: find out why it does not do what it is told; until then no reset ends the stop."
    )
    return Fact(row, f"{said}, at {case.clock(row)}", sentence)


def _shown(value: Any) -> str:
    return arguments(value) if isinstance(value, Mapping) else str(value)


# -- why ------------------------------------------------------------------------------------------------


def _why(case: Case, row: Row, body: Body, reason: str, error: Body) -> Row | Fact | None:
    if reason == RESTART:
        return case.start(row.boot)
    if reason == "expired" and body["stage"] == "failed":
        return _halted(case, row, error)
    if reason.startswith("left "):
        return case.near(row, DECISION, where=lambda _, other: reason[5:] in other.get("left", ()))
    finder = _BY_REASON.get(reason)
    return None if finder is None else finder(case, row, error)


def _halted(case: Case, row: Row, error: Body) -> Row | None:
    def its(_: Row, other: Body) -> object:
        return other.get("command") == row.id

    return case.near(row, HALT, where=its, within_s=SAME_STORY_S)


def _stopped(case: Case, row: Row, _error: Body) -> Row | None:
    return case.last(STOP, below=row.seq + 1, boot=row.boot) or case.near(row, STOP)


def _bug(case: Case, row: Row, _error: Body) -> Row | None:
    return case.near(row, BUG, within_s=SAME_STORY_S)


def _no_device(case: Case, row: Row, error: Body) -> Row | None:
    """The device that the sentence begins with was lost before, or just now; or no state activates it."""
    name = str(error.get("message", "")).partition(":")[0]
    halted = _halted(case, row, error)
    if halted is not None:
        return halted
    return case.last(
        DEVICE, where=lambda _, other: other["device"] == name, below=row.seq, boot=row.boot
    ) or _led_here(case, row, error)


def _led_here(case: Case, row: Row, _error: Body) -> Row | None:
    """The decision that led to the state in which the command has no meaning."""
    return case.last(DECISION, where=lambda _, other: other.get("entered"), below=row.seq, boot=row.boot)


def _journal(case: Case, row: Row, _error: Body) -> Row | None:
    return trouble(case, row)


def _lost_lease(case: Case, row: Row, _error: Body) -> Row | None:
    return loss(case, row)


def _shutting_down(case: Case, row: Row, _error: Body) -> Row | None:
    return case.next(SHUTDOWN, above=row.seq, boot=row.boot)


def _replaced(case: Case, row: Row, _error: Body) -> Fact | None:
    """The newer one began just before the older one was told."""
    newer = case.near(row, STARTED, where=lambda other, _: other.id != row.id)
    if newer is None:
        return None
    by = f"{case.name(newer.id or '', newer)} from {newer.data['source']}"
    return Fact(newer, f"replaced by {by} at {case.clock(newer)}", f"{by} took its place.")


def _out_of_range(case: Case, row: Row, _error: Body) -> Row | None:
    return case.near(row, LIMIT, where=lambda _, other: other.get("command") == row.id)


def _too_late(case: Case, row: Row, _error: Body) -> Fact | None:
    """How long it had waited, and where: on the wire, or in the queue."""
    asked = case.about(row.id, COMMAND, near=row) if row.id is not None else None
    if asked is None:
        return None
    body = asked.data
    name, source = f"{body['type']} #{asked.seq}", body["source"]
    waited_ms = (row.at - body.get("at", asked.at)) * 1000
    wire_ms = (asked.at - body.get("at", asked.at)) * 1000
    valid = f", {body['valid_for_ms']:g} ms were allowed" if "valid_for_ms" in body else ""
    place = "on its way from the client" if wire_ms > waited_ms / 2 else "in the queue"
    return Fact(
        asked,
        f"it had waited {waited_ms:.0f} ms {place}{valid}",
        f"{name} from {source} had waited {waited_ms:.0f} ms, mostly {place}{valid}. "
        + (
            "Next: look at the network."
            if wire_ms > waited_ms / 2
            else "Next: send less, or ask what keeps the robot busy."
        ),
    )


def _cancelled(case: Case, row: Row, _error: Body) -> Fact:
    return Fact(row, "a client cancelled it", "A client cancelled it.")


_BY_REASON: Mapping[str, Callable[[Case, Row, Body], Row | Fact | None]] = {
    "freshness": _halted,
    "halted": _halted,
    "stopped": _stopped,
    "latched": _stopped,
    "guard_false": guard,
    "not_in_this_state": _led_here,
    "device_unavailable": _no_device,
    "device_gone": _no_device,
    "device_silent": _no_device,
    "handler_error": _bug,
    "out_of_range": _out_of_range,
    "expired": _too_late,
    "newer": _replaced,
    "cancelled": _cancelled,
    "shutting_down": _shutting_down,
    "journal_unavailable": _journal,
    "operator_lost": _lost_lease,
    "no_lease": _lost_lease,
}

COMMANDS: Mapping[str, Callable[[Case, Row], Fact]] = {
    COMMAND: command,
    STARTED: started,
    ENDED: ended,
    DEAD: ended,
    LIMIT: limit,
}
