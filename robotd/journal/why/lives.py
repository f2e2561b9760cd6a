"""Stops and resets, devices that come and go, and what user code raised."""

from __future__ import annotations

import re

from robotd.journal.kinds import DECISION, DEVICE, RESET, STOP
from robotd.journal.row import Row
from robotd.journal.why.case import SAME_STORY_S, Body, Case, Fact, quoted

LOST = ("absent", "faulted")


def stop(case: Case, row: Row) -> Fact:
    """Who stopped the robot and why; with the way out, unless it was taken."""
    body = row.data
    latch_id = body.get("latch_id")
    reset = case.next(
        RESET, where=lambda _, other: other.get("latch_id") == latch_id, above=row.seq, boot=row.boot
    )
    if reset is not None:
        way_out = f"It was reset by {reset.data['by']} at {case.clock(reset)}."
    elif case.newest is not None and case.newest.boot != row.boot:
        way_out = "It was not reset before that daemon ended."
    else:
        way_out = (
            f"Next: when nobody is in danger, reset with latch_id {latch_id}, then arm, then send a new "
            "command."
        )
    reason = quoted(body.get("reason")) or "no reason given"
    if body.get("kept"):
        phrase = f"stopped since before the start at {case.clock(row)} by {body['by']} ({reason})"
        sentence = f"The robot has been stopped since before this start by {body['by']}: {reason}. {way_out}"
        return Fact(row, phrase, sentence, _first_stop(case, row, latch_id))
    phrase = f"stop by {body['by']} at {case.clock(row)} ({reason})"
    return Fact(row, phrase, f"The robot was stopped by {body['by']}: {reason}. {way_out}")


def _first_stop(case: Case, row: Row, latch_id: object) -> Row | None:
    """The stop itself, of an earlier boot; one that a guard kept no daemon wrote down: then the start."""

    def is_it(_: Row, body: Body) -> bool:
        return body["latch_id"] == latch_id and not body.get("kept")

    return case.last(STOP, where=is_it, below=row.seq) or case.start(row.boot)


def reset(case: Case, row: Row) -> Fact:
    """Who took the latch back."""
    body = row.data
    phrase = f"reset by {body['by']} at {case.clock(row)}"
    sentence = f"The latch was taken back by {body['by']}: initial state, every actuator inactive."
    return Fact(row, phrase, sentence, case.last(STOP, below=row.seq))


def device(case: Case, row: Row) -> Fact:
    """A device's new life, and what brought it about."""
    body = row.data
    name, state = body["device"], body["state"]
    fault = quoted(body.get("fault"))
    phrase = f"{name} {state} since {case.clock(row)}"
    sentence = f"{name} became {state}{f': {fault}' if fault else ''}."
    if state in LOST:
        return Fact(
            row, phrase, sentence, case.near(row, DECISION, where=_tells_of_board) or _own(row, fault)
        )
    before = case.last(DEVICE, where=lambda _, other: other["device"] == name, below=row.seq, boot=row.boot)
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
    error = quoted(body["error"])
    phrase = f"{body['action']} raised {error}{at}, {case.clock(row)}"
    sentence = (
        f"The handler {body['action']} raised {error}{at}. Next: mend it; robotd journal show {row.seq} "
        "has the whole traceback."
    )
    return Fact(row, phrase, sentence)


def _place(traceback: str) -> str:
    """The innermost line that is the user's own: `patrol.py:14`."""
    frames = _FRAME.findall(traceback)
    if not frames:
        return ""
    own = [frame for frame in frames if not _OURS.search(frame[0])]
    file, line = (own or frames)[-1]
    return f"{file.rpartition('/')[2]}:{line}"


_OURS = re.compile(r"/robotd/(core|daemon|runtime)/|/(hal|asyncio|site-packages)/|^<frozen")


def lost_device(case: Case, row: Row, message: str) -> Row | None:
    """The newest loss or fault of the device with whose name `message` begins; else of any at that moment."""
    name = message.partition(":")[0]

    def its(_: Row, body: Body) -> object:
        return body["device"] == name and body["state"] in LOST

    def any_device(_: Row, body: Body) -> object:
        return body["state"] in LOST

    return case.near(row, DEVICE, where=any_device, within_s=SAME_STORY_S) or case.last(
        DEVICE, where=its, below=row.seq, boot=row.boot
    )
