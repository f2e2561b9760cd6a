"""Why the robot stands still now: the newest reason why no actuator moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from robotd.journal.kinds import (
    BOOT,
    DEAD,
    DECISION,
    DEVICE,
    ENDED,
    HALT,
    JOURNAL,
    READINGS,
    RESET,
    SHUTDOWN,
    STARTED,
    STOP,
)
from robotd.journal.row import Row
from robotd.journal.why.case import MOMENT_S, Case, Fact
from robotd.journal.why.ways import ways_to_activity

Body = Mapping[str, Any]

NOT_CARRIED_OUT = ("rejected", "expired", "failed")
TROUBLE = ("slow", "full")


def standing(case: Case, newest: Row) -> Row | Fact:
    """What holds the robot now, the strongest first: its end, a stop, its journal; else what came last."""
    boot = newest.boot
    last = case.last(BOOT, SHUTDOWN, STOP, RESET)
    if last is not None and last.kind in (SHUTDOWN, STOP):
        return last
    trouble = case.last(JOURNAL, where=lambda _, body: body["what"] in (*TROUBLE, "well"), boot=boot)
    if trouble is not None and trouble.data["what"] in TROUBLE:
        return trouble
    start = case.last(BOOT, boot=boot)
    moving = _moving(case, boot)
    if moving is not None:
        return moving
    return _newest_reason(case, start, boot) or _never_asked(case, start, newest)


# -- does it move? --------------------------------------------------------------------------------------


def _moving(case: Case, boot: str) -> Fact | None:
    """The newest motion that began and has not ended, as far as the journal tells."""
    began = case.last(STARTED, boot=boot)
    if began is None or _over(case, began):
        return None
    body = began.data
    name = case.name(began.id or "", began)
    what = f"{body['action']} under way since {case.clock(began)}, by {name} from {body['source']}"
    sentence = f"{body['action']} has been under way since then, by {name} from {body['source']}."
    return Fact(began, f"not told to stand still: {what}", sentence)


def _over(case: Case, began: Row) -> bool:
    body = began.data
    action, device = body["action"], str(body["action"]).partition(".")[0]
    is_verb = device != action

    def ends(row: Row, other: Body) -> bool:
        if row.kind == HALT:
            return bool(other["device"] == device or other.get("action") == action)
        if row.kind == READINGS:
            return (other.get("values") or {}).get(f"{device}.moving") is False
        if row.kind == DECISION:
            gone = bool(other.get("left")) and row.id != began.id
            return other["type"] in (f"{action}.done", f"{action}.failed") or (gone and not is_verb)
        # A command that leads to a state is done at once; what the state does goes on.
        return row.id == began.id and (is_verb or row.at - began.at > MOMENT_S)

    rows = case.back(HALT, READINGS, DECISION, ENDED, DEAD, boot=began.boot)
    return any(ends(row, row.data) for row in _until(rows, began.seq))


def _until(rows: Iterable[Row], seq: int) -> Iterable[Row]:
    for row in rows:
        if row.seq <= seq:
            return
        yield row


# -- what came last ---------------------------------------------------------------------------------------


def _newest_reason(case: Case, start: Row | None, boot: str) -> Row | None:
    """The newest of: a halt, an actuator that is not active any more, a command that was not taken."""
    stopped, inactive = _last_halt(case, boot), _inactive(case, start, boot)
    reason = max(filter(None, (stopped, inactive)), key=lambda row: row.seq, default=None)
    if stopped is not None and inactive is not None and abs(inactive.at - stopped.at) <= MOMENT_S:
        reason = stopped  # what deactivates a device halts it first: it is one story
    above = max((row.seq for row in (stopped, inactive) if row is not None), default=0)
    refused = _not_taken(case, start, boot, above=above)
    told = stopped is not None and refused is not None and stopped.data.get("command") == refused.id
    if refused is not None and not told:
        return refused
    return reason or case.last(ENDED, where=lambda _, body: body.get("started", True), boot=boot)


def _last_halt(case: Case, boot: str) -> Row | None:
    """The newest halt; of several at the same moment one that names what moved the device."""
    newest = None
    for row in case.back(HALT, boot=boot):
        if newest is None:
            newest = row
        if newest.at - row.at > MOMENT_S:
            break
        if "action" in row.data:
            return row
    return newest


def _inactive(case: Case, start: Row | None, boot: str) -> Row | None:
    """Of the actuators that were active or there once and are not now, the one that changed last.

    Of those that changed at the same moment, the one that was moved last.
    """
    actuators = None if start is None else start.data.get("actuators")
    newest: dict[str, Row] = {}
    lives: set[str] = set()
    """Those with an earlier row: a device whose only row is its first never was more than inactive."""
    for row in case.back(DEVICE, boot=boot):
        name = row.data["device"]
        if actuators is None or name in actuators:
            if name in newest:
                lives.add(name)
            newest.setdefault(name, row)
        if actuators is not None and len(lives) == len(actuators):
            break
    gone = [row for name, row in newest.items() if name in lives and row.data["state"] != "active"]
    if not gone:
        return None
    moved = case.last(STARTED, boot=boot)
    favourite = "" if moved is None else str(moved.data["action"]).partition(".")[0]
    together = [row for row in gone if gone[0].at - row.at <= MOMENT_S]
    return next((row for row in together if row.data["device"] == favourite), gone[0])


def _not_taken(case: Case, start: Row | None, boot: str, *, above: int) -> Row | None:
    """The newest command since `above` that would have moved something, and did not."""
    moves = None if start is None else start.data.get("moves")

    def matters(row: Row, body: Body) -> bool:
        if body["stage"] not in NOT_CARRIED_OUT:
            return False
        return moves is None or body.get("type") in moves or body.get("reason") == "guard_false"

    for row in _until(case.back(ENDED, DEAD, boot=boot), above):
        if matters(row, row.data):
            return row
    return None


def _never_asked(case: Case, start: Row | None, newest: Row) -> Fact:
    """Nothing moved since the start."""
    where = case.last(DECISION, boot=newest.boot)
    states = () if where is None else tuple(where.data["after"])
    place = f" in {', '.join(states)}" if any(states) else ""
    body = {} if start is None else start.data
    ways = [way for state in states for way in ways_to_activity(body.get("chart") or {}, state)]
    enter = f"{' or '.join(ways)}, then " if ways else ""
    moves = ", ".join(body.get("moves", ())) or "what moves it"
    return Fact(
        where or start or newest,
        f"never asked to move since the start{place and f',{place}'}",
        f"Since its start the robot was never asked to move; it is{place or ' up'}. "
        f"Next: send {enter}a command that moves something ({moves}).",
        start,
    )
