"""Messages and what the machine did about them, told by where each came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from robotd.journal.kinds import BUG, DECISION, LEASE, RESET, SHUTDOWN, STOP
from robotd.journal.row import Row
from robotd.journal.why.case import SAME_STORY_S, Body, Case, Fact, quoted
from robotd.journal.why.guards import said
from robotd.journal.why.leases import loss
from robotd.journal.why.lives import lost_device


def decision(case: Case, row: Row) -> Fact:
    """A message and what the machine did about it, told by where the message came from."""
    origin = str(row.data["source"]).partition(":")[0]
    return _BY_ORIGIN.get(origin, _asked)(case, row, row.data)


def _asked(case: Case, row: Row, body: Body) -> Fact:
    name = case.name(row.id or "", row) if body.get("command") else body["type"]
    phrase = f"{name} from {body['source']} at {case.clock(row)}"
    return Fact(row, phrase, f"{name} from {body['source']}: {_did(body)}.", case.before(row))


def _by_rule(case: Case, row: Row, body: Body) -> Fact:
    reading = str(body["source"]).partition(":")[2]
    saw = body.get("saw") or {}
    values = f"{said(saw)}" if saw else reading
    phrase = f"{body['type']} at {case.clock(row)} ({values})"
    return Fact(row, phrase, f"The event {body['type']} came about ({values}): {_did(body)}.")


def _by_board(case: Case, row: Row, body: Body) -> Fact:
    board, _, what = str(body["type"]).rpartition(".")
    detail = quoted(body.get("payload", {}).get("detail"))
    why = f": {detail}" if detail else ""
    phrase = f"{board} {_BOARD.get(what, what)} at {case.clock(row)}{f' ({detail})' if detail else ''}"
    return Fact(
        row, phrase, f"The board {board} {_BOARD.get(what, what)}{why}. {_BOARD_NEXT.get(what, '')}".strip()
    )


_BOARD = {
    "lost": "was lost",
    "silent": "fell silent",
    "refused": "refused",
    "back": "came back",
}
_BOARD_NEXT = {
    "lost": "Next: mend that; it reconnects by itself, and its devices stay inactive until a state that "
    "activates them is entered again.",
    "silent": "Next: mend that; its devices stay inactive until a state that activates them is entered "
    "again.",
    "back": "Its devices stay inactive until a state that activates them is entered again.",
}


def _by_timer(case: Case, row: Row, body: Body) -> Fact:
    state = str(body["source"]).partition(":")[2]

    def enters(_: Row, other: Body) -> bool:
        return state in other.get("entered", ())

    began = case.last(DECISION, where=enters, below=row.seq, boot=row.boot)
    since = "" if began is None else f", entered at {case.clock(began)}"
    phrase = (
        f"{body['type']} at {case.clock(row)} (the time of {state}{since}{',' if since else ''} was over)"
    )
    return Fact(row, phrase, f"The time of {state}{since}{',' if since else ''} was over: {_did(body)}.")


def _by_action(case: Case, row: Row, body: Body) -> Fact:
    """An action has ended, well or not."""
    action, _, how = str(body["type"]).rpartition(".")
    payload = body.get("payload", {})
    message = quoted(payload.get("message"))
    how = {"done": "ended", "failed": "failed"}.get(how, how)
    phrase = f"{action} {how} at {case.clock(row)}{f' ({message})' if message else ''}"
    sentence = f"{action} {how}{f': {message}' if message else ''}. Then: {_did(body)}."
    return Fact(row, phrase, sentence, _why_ended(case, row, action, payload))


def _why_ended(case: Case, row: Row, action: str, payload: Body) -> Row | None:
    """What hardware or user code did to it; of one that ended well, what it was begun by."""
    reason, message = str(payload.get("reason", "")), str(payload.get("message", ""))
    if reason == "handler_error":
        return case.near(row, BUG, where=lambda _, other: other["action"] == action, within_s=SAME_STORY_S)
    if reason in ("operator_lost", "no_lease"):
        return loss(case, row)
    if message:
        return lost_device(case, row, message) if reason.startswith("device_") else None
    return case.before(row)


def _by_lease(case: Case, row: Row, body: Body) -> Fact:
    def lapsed(_: Row, other: Body) -> bool:
        return bool(other["what"] == "lapsed")

    phrase = f"{body['type']} at {case.clock(row)}"
    sentence = f"Nobody moved the robot any more, and nobody took over: {_did(body)}."
    return Fact(row, phrase, sentence, case.last(LEASE, where=lapsed, below=row.seq, boot=row.boot))


def _by_daemon(case: Case, row: Row, body: Body) -> Fact:
    if body["type"] == "start":
        place = f"in {', '.join(body['after'])} since the start at {case.clock(row)}"
        return Fact(row, place, f"{place.capitalize()}. A start moves nothing.")
    ended = case.near(row, SHUTDOWN, within_s=SAME_STORY_S)
    return Fact(row, f"{body['type']} at {case.clock(row)}", f"{body['type']}: {_did(body)}.", ended)


def stopping(case: Case, row: Row) -> Row:
    """The row of the stop or reset that an event `estop` or `reset` tells the machine of."""
    kind = {"estop": STOP, "reset": RESET}.get(str(row.data["type"]))
    return (case.last(kind, below=row.seq, boot=row.boot) if kind else None) or row


_BY_ORIGIN: Mapping[str, Callable[[Case, Row, Body], Fact]] = {
    "rule": _by_rule,
    "board": _by_board,
    "timer": _by_timer,
    "executor": _by_action,
    "lease": _by_lease,
    "daemon": _by_daemon,
}


def _did(body: Body) -> str:
    """What the machine did: `armed.auto -> armed.teleop, starts base.halt`."""
    if body["outcome"] == "refused":
        return f"refused ({body['refusal']['message']})"
    if body["outcome"] == "ignored":
        return f"ignored ({body.get('note') or 'it means nothing here'})"
    before, after = ", ".join(body["before"]), ", ".join(body["after"])
    moved = f"{before} -> {after}" if body["outcome"] == "moved" and before else f"in {after}"
    starts = ", ".join(body.get("starts", ()))
    return f"{moved}{f', starts {starts}' if starts else ''}"
