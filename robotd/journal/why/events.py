"""What happened to the robot: events, decisions, stops, boards, bugs, clients, starts and ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from robotd.journal.kinds import (
    BOOT,
    BUG,
    DECISION,
    DEVICE,
    ENDED,
    JOURNAL,
    RESET,
    SESSION,
    SHUTDOWN,
    STARTED,
    STOP,
)
from robotd.journal.row import Row
from robotd.journal.telling import tell
from robotd.journal.why.case import Case, Fact
from robotd.journal.why.guards import said

Body = Mapping[str, Any]

BOARD_EVENTS = ("lost", "silent", "refused", "back")
LOST = ("absent", "faulted")
SAME_STORY_S = 1.0
"""What follows from a row without naming it is written down within this time."""


# -- decisions ------------------------------------------------------------------------------------------


def decision(case: Case, row: Row) -> Fact:
    """A message and what the machine did about it, told by where the message came from."""
    origin = str(row.data["source"]).partition(":")[0]
    return _BY_ORIGIN.get(origin, _asked)(case, row, row.data)


def _asked(case: Case, row: Row, body: Body) -> Fact:
    name = case.name(row.id or "", row) if body.get("command") else body["type"]
    phrase = f"{name} from {body['source']} at {case.clock(row)}"
    return Fact(row, phrase, f"{name} from {body['source']}: {_did(body)}.")


def _by_rule(case: Case, row: Row, body: Body) -> Fact:
    reading = str(body["source"]).partition(":")[2]
    saw = body.get("saw") or {}
    values = f"{said(saw)}" if saw else reading
    phrase = f"{body['type']} at {case.clock(row)} ({values})"
    return Fact(row, phrase, f"The event {body['type']} came about ({values}): {_did(body)}.")


def _by_board(case: Case, row: Row, body: Body) -> Fact:
    board, _, what = str(body["type"]).rpartition(".")
    detail = str(body.get("payload", {}).get("detail", "")).rstrip(".")
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
    message = str(payload.get("message", "")).rstrip(".")
    how = {"done": "ended", "failed": "failed"}.get(how, how)
    phrase = f"{action} {how} at {case.clock(row)}{f' ({message})' if message else ''}"
    sentence = f"{action} {how}{f': {message}' if message else ''}. Then: {_did(body)}."
    return Fact(row, phrase, sentence, _why_ended(case, row, action, payload))


def _why_ended(case: Case, row: Row, action: str, payload: Body) -> Row | None:
    reason = str(payload.get("reason", ""))
    if reason == "handler_error":
        return case.near(
            row, BUG, where=lambda _, other: bool(other["action"] == action), within_s=SAME_STORY_S
        )
    if reason.startswith("device_"):
        return case.near(row, DEVICE, where=lambda _, other: other["state"] in LOST, within_s=SAME_STORY_S)
    return None


def _by_daemon(case: Case, row: Row, body: Body) -> Fact:
    because = {"start": (BOOT,), "shutdown": (SHUTDOWN,)}.get(str(body["type"]), ())
    cause = case.near(row, *because, where=lambda *_: True, within_s=SAME_STORY_S) if because else None
    return Fact(row, f"{body['type']} at {case.clock(row)}", f"{body['type']}: {_did(body)}.", cause)


def stopping(case: Case, row: Row) -> Row:
    """The row of the stop or reset that an event `estop` or `reset` tells the machine of."""
    kind = {"estop": STOP, "reset": RESET}.get(str(row.data["type"]))
    return (case.last(kind, below=row.seq, boot=row.boot) if kind else None) or row


_BY_ORIGIN: Mapping[str, Callable[[Case, Row, Body], Fact]] = {
    "rule": _by_rule,
    "board": _by_board,
    "timer": _by_timer,
    "executor": _by_action,
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


# -- stops ----------------------------------------------------------------------------------------------


def stop(case: Case, row: Row) -> Fact:
    """Who stopped the robot and why; with the way out, unless it was taken."""
    body = row.data
    latch_id = body.get("latch_id")
    reset = case.next(
        RESET, where=lambda _, other: other.get("latch_id") == latch_id, above=row.seq, boot=row.boot
    )
    way_out = (
        f"Next: when nobody is in danger, reset with latch_id {latch_id}, then arm, then send a new command."
        if reset is None
        else f"It was reset by {reset.data['by']} at {case.clock(reset)}."
    )
    reason = str(body.get("reason") or "no reason given")
    phrase = f"stop by {body['by']} at {case.clock(row)} ({reason})"
    return Fact(row, phrase, f"The robot was stopped by {body['by']}: {reason.rstrip('.')}. {way_out}")


def reset(case: Case, row: Row) -> Fact:
    """Who took the latch back."""
    body = row.data
    phrase = f"reset by {body['by']} at {case.clock(row)}"
    sentence = f"The latch was taken back by {body['by']}. Next: arm, then send a new command."
    return Fact(row, phrase, sentence, case.last(STOP, below=row.seq))


# -- devices and bugs -----------------------------------------------------------------------------------


def device(case: Case, row: Row) -> Fact:
    """A device's new life, and what brought it about."""
    body = row.data
    name, state = body["device"], body["state"]
    fault = str(body.get("fault") or "").rstrip(".")
    phrase = f"{name} {state} since {case.clock(row)}"
    sentence = f"{name} became {state}{f': {fault}' if fault else ''}."
    if state in LOST:
        return Fact(
            row, phrase, sentence, case.near(row, DECISION, where=_tells_of_board) or _own(row, fault)
        )
    before = case.last(
        DEVICE, where=lambda _, other: bool(other["device"] == name), below=row.seq, boot=row.boot
    )
    if before is not None and before.data["state"] in LOST:
        sentence = (
            f"{name} is there again, but inactive. Next: leave the present state and enter again one that "
            "activates it."
        )
        return Fact(row, f"{name} there again since {case.clock(row)}, but inactive", sentence, before)
    if state == "inactive":
        sentence += " Next: enter a state that activates it."
    return Fact(row, phrase, sentence, case.near(row, DECISION, STOP, where=_changes_life))


def _own(row: Row, fault: str) -> Fact | None:
    """A fault that no board tells of: it is the device's own."""
    return (
        Fact(row, fault, f"{fault}. Next: mend that, then enter a state that activates it.")
        if fault
        else None
    )


def _tells_of_board(_: Row, body: Body) -> bool:
    return str(body["source"]).startswith("board:") and str(body["type"]).rpartition(".")[2] != "back"


def _changes_life(row: Row, body: Body) -> bool:
    return row.kind == STOP or bool(body.get("left") or body.get("entered"))


_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


def bug(case: Case, row: Row) -> Fact:
    """What user code raised, and on which line of it."""
    body = row.data
    place = _place(str(body.get("traceback", "")))
    at = f" at {place}" if place else ""
    error = str(body["error"]).rstrip(".")
    phrase = f"{body['action']} raised {error}{at}, {case.clock(row)}"
    sentence = (
        f"The handler {body['action']} raised {error}{at}. Next: mend it; robotd journal show {row.seq} "
        "has the whole traceback."
    )
    return Fact(row, phrase, sentence)


def _place(traceback: str) -> str:
    """The innermost line that is the user's own: `patrol.py:14`."""
    frames = _FRAME.findall(traceback)
    own = [frame for frame in frames if not _OURS.search(frame[0])]
    return "{}:{}".format(*max(own[-1:] or frames[-1:])).rpartition("/")[2] if frames else ""


_OURS = re.compile(r"/(robotd|hal|asyncio|site-packages)/|^<frozen")


# -- clients, starts and ends ---------------------------------------------------------------------------


def session(case: Case, row: Row) -> Fact:
    """A client came or went."""
    body = row.data
    why = f" ({body['why']})" if body.get("why") else ""
    what = {"opened": "connected", "closed": "was gone"}.get(body["what"], body["what"])
    phrase = f"{body['source']} {what} at {case.clock(row)}{why}"
    since = f" It had been silent since {case.clock(row, body['last_at'])}." if "last_at" in body else ""
    return Fact(row, phrase, f"The client {body['source']} {what}{why}.{since}")


def boot(case: Case, row: Row) -> Fact:
    """The daemon started, after an end in good order or without one."""
    body = row.data
    phrase = f"robotd started at {case.clock(row)}"
    sentence = (
        f"robotd started ({body.get('robot', '')}, version {body.get('version', '')}). A start moves nothing."
    )
    before = case.at(row.seq - 1)
    if before is None or before.kind == SHUTDOWN:
        return Fact(row, phrase, sentence, before)
    was_doing = _under_way(case, before)
    crash = Fact(
        before,
        f"robotd ended without a word after {case.clock(before)}{f', with {was_doing}' if was_doing else ''} "
        "(crash, kill or power cut)",
        "This is the last that the robotd before it wrote: it crashed, was killed or lost power"
        f"{f', with {was_doing}' if was_doing else ''}. Next: journalctl -u robotd tells more; what was "
        "queued or running then is never run again.",
    )
    return Fact(row, phrase, sentence, crash)


def _under_way(case: Case, last: Row) -> str:
    """What had begun shortly before a crash, and had not ended."""
    began = next(case.back(STARTED, below=last.seq + 1, boot=last.boot), None)
    if began is None or last.at - began.at > SAME_STORY_S:
        return ""
    if began.id is not None and case.about(began.id, ENDED, near=began) is not None:
        return ""
    return f"{began.data['action']} by {case.name(began.id or '', began)} under way"


def shutdown(case: Case, row: Row) -> Fact:
    """The daemon ended in good order."""
    why = f" ({row.data['why']})" if row.data.get("why") else ""
    sentence = (
        f"robotd ended in good order{why}. Next: start it again (robotd run, or systemctl start robotd)."
    )
    return Fact(row, f"robotd ended at {case.clock(row)}{why}", sentence)


def journal(case: Case, row: Row) -> Fact:
    """What the journal says of itself."""
    body = row.data
    message = f" ({body['message']})" if body.get("message") else ""
    phrase = f"the journal was {body['what']} at {case.clock(row)}{message}"
    return Fact(
        row, phrase, f"{tell(row).capitalize().rstrip('.')}. {_JOURNAL_NEXT.get(body['what'], '')}".strip()
    )


_JOURNAL_NEXT = {
    "full": "Nothing new moves until there is room. Next: make room on its disk.",
    "slow": "Nothing new moves until its disk answers in time. Next: look at that disk (dmesg).",
}


def other(case: Case, row: Row) -> Fact:
    """A row that explains itself."""
    text = tell(row)
    return Fact(row, f"{text} at {case.clock(row)}", f"{text}.")


EVENTS: Mapping[str, Callable[[Case, Row], Fact]] = {
    STOP: stop,
    RESET: reset,
    DEVICE: device,
    BUG: bug,
    SESSION: session,
    BOOT: boot,
    SHUTDOWN: shutdown,
    JOURNAL: journal,
}
