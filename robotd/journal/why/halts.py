"""Why an actuator was told to stand still: what halted it, or why nobody renewed its setpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from robotd.journal.kinds import (
    BUG,
    COMMAND,
    DEAD,
    DECISION,
    DEVICE,
    ENDED,
    LEASE,
    SESSION,
    SHUTDOWN,
    STARTED,
    STOP,
)
from robotd.journal.row import Row
from robotd.journal.telling import arguments
from robotd.journal.why.case import Body, Case, Fact, quoted
from robotd.journal.why.leases import has_lapsed, loss
from robotd.journal.why.lives import LOST
from robotd.journal.why.process import trouble

FRESHNESS = "freshness"
LATE_S = 10.0
"""A setpoint that comes within this time after the lapse was late; one that comes later is another story."""
NOT_TAKEN = ("rejected", "expired")


def halt(case: Case, row: Row) -> Fact:
    """The device, the reason, and how old its setpoint was where that is the reason."""
    body = row.data
    device, why = body["device"], body["why"]
    if why == FRESHNESS:
        return _lapse(case, row)
    moved_by = f", moved by {body['action']}," if "action" in body else ""
    said = f": {quoted(body['message'])}" if "message" in body else ""
    sentence = f"{device}{moved_by} was told to stand still ({_words(why)}){said}."
    return Fact(row, f"{device} stopped ({_words(why)})", sentence, _what_halted(case, row))


def _words(reason: str) -> str:
    return _WORDS.get(reason, reason.replace("_", " "))


_WORDS = {
    "left": "its state was left",
    "failed": "its action failed",
    "stopped": "estop",
    "operator_lost": "operator_lost",
}


# -- a setpoint that lapsed -----------------------------------------------------------------------------


def _lapse(case: Case, row: Row) -> Fact:
    body = row.data
    device, age_ms = body["device"], body.get("age_ms")
    age = "" if age_ms is None else f" {age_ms:.0f} ms"
    phrase = f"{device} stopped ({FRESHNESS}{age and ','}{age})"
    late = f"{device} was stopped: its setpoint was not renewed{age and ' for'}{age}."
    if not str(body.get("action", "")).startswith(f"{device}."):
        return Fact(row, phrase, late, _handler_was_late(case, row))
    command = case.about(body["command"], COMMAND, near=row) if "command" in body else None
    if command is None:
        return Fact(row, phrase, late)
    if _is_finite(case, row, command):
        return Fact(row, phrase, f"{device} was stopped: its time was over.", _took_too_long(case, command))
    said = command.data
    name = f"{said['type']} #{command.seq}"
    asked = arguments(said.get("payload", {}))
    last = Fact(
        command,
        f"last {name} from {said['source']} at {case.clock(command)}",
        f"The last {said['type']} was #{command.seq}{f' ({asked})' if asked else ''}, from {said['source']}.",
        _silence(case, row, command),
    )
    return Fact(row, phrase, late, last)


def _is_finite(case: Case, row: Row, command: Row) -> bool:
    """Whether the command was for a motion with an end: such a one has failed, a setpoint is done."""
    end = case.about(command.id or "", ENDED, DEAD, near=row)
    return end is not None and end.data["stage"] == "failed"


def _took_too_long(case: Case, command: Row) -> Fact:
    body = command.data
    valid = f"{body['valid_for_ms']:g} ms" if "valid_for_ms" in body else "its time"
    name = f"{body['type']} #{command.seq}"
    return Fact(
        command,
        f"{name} from {body['source']} at {case.clock(command)} was valid for {valid}",
        f"{name} from {body['source']} was valid for {valid}, and its motion took longer. "
        "Next: send it with a longer valid_for_ms, or ask for less at once.",
    )


def _silence(case: Case, row: Row, setpoint: Row) -> Row | Fact:
    """Why no setpoint followed: the next ones were not taken, came too late, or the client fell silent."""
    kind, source = setpoint.data["type"], setpoint.data["source"]

    def not_taken(other: Row, body: Body) -> object:
        same = body.get("type") == kind and body.get("source") == source
        return same and body["stage"] in NOT_TAKEN and other.at <= row.at

    def has_gone(_: Row, body: Body) -> object:
        return body["source"] == source and body["what"] == "closed"

    def comes(_: Row, body: Body) -> object:
        return body["source"] == source

    above, boot = setpoint.seq, row.boot
    if (refused := case.next(ENDED, DEAD, where=not_taken, above=above, boot=boot)) is not None:
        return refused
    closed = case.next(SESSION, where=has_gone, above=above, boot=boot)
    if closed is not None and closed.data.get("last_at", setpoint.at) <= row.at:
        return _client_silent(case, closed, kind)
    following = case.next(COMMAND, where=comes, above=above, boot=boot)
    if following is not None and following.data["type"] == kind and following.at - row.at <= LATE_S:
        late_ms = (following.at - setpoint.at) * 1000
        name = f"{kind} #{following.seq}"
        return Fact(
            following,
            f"the next one, {name}, came only {late_ms:.0f} ms later",
            f"The next one, {name}, came {late_ms:.0f} ms after it: too late. "
            f"Next: look at the network and at what {source} was doing meanwhile.",
        )
    opened = case.last(SESSION, where=lambda _, body: body["source"] == source, below=above, boot=boot)
    lapsed = case.next(LEASE, where=lambda _, body: has_lapsed(body, source), above=above, boot=boot)
    stayed = ", and stayed connected" if opened is not None else ""
    if lapsed is not None:
        stayed += f" (it lost the lease after {lapsed.data['silent_ms']:.0f} ms)"
    return _client_stopped(setpoint, following, kind, source, stayed)


def _client_silent(case: Case, closed: Row, kind: str) -> Fact:
    body = closed.data
    why = f" ({body['why']})" if body.get("why") else ""
    since = f"silent since {case.clock(closed, body['last_at'])}, " if "last_at" in body else ""
    return Fact(
        closed,
        f"client {since}connection closed at {case.clock(closed)}{why}",
        f"The client {body['source']}: {since}connection closed{why}. "
        f"Next: connect again and send a new {kind}.",
    )


def _client_stopped(setpoint: Row, following: Row | None, kind: str, source: str, stayed: str) -> Fact:
    other = "" if following is None else f"; it sent {following.data['type']} #{following.seq} instead"
    return Fact(
        following or setpoint,
        f"client sent no further {kind}{stayed}{other}",
        f"{source} sent no further {kind}{stayed}{other}. "
        f"Next: send {kind} again, and go on as long as it is to move.",
    )


def _handler_was_late(case: Case, row: Row) -> Row | Fact | None:
    """A handler's setpoint: it has ended meanwhile, or is busy with something else."""
    action = row.data.get("action")
    if action is None:
        return None
    ended = case.last(
        DECISION,
        where=lambda _, body: body["type"] in (f"{action}.done", f"{action}.failed"),
        below=row.seq,
        boot=row.boot,
    )
    began = case.last(STARTED, where=lambda _, body: body["action"] == action, below=row.seq, boot=row.boot)
    if began is None or (ended is not None and ended.seq > began.seq):
        return ended
    return Fact(
        began,
        f"{action}, under way since {case.clock(began)}, did not renew it",
        f"{action} has been under way since then and did not renew its setpoint in time. "
        f"Next: let it call the verb again before the setpoint lapses, also while it waits for something.",
    )


# -- a halt by somebody -----------------------------------------------------------------------------------


def _what_halted(case: Case, row: Row) -> Row | Fact | None:
    body = row.data
    why = body["why"]
    if why.startswith("device_"):
        return _loss(case, row, body["device"])
    return _BY_WHY.get(why, _by_decision)(case, row)


def _by_decision(case: Case, row: Row) -> Row | None:
    body = row.data
    decided = case.about(body["cause"], DECISION, near=row) if "cause" in body else None
    return decided or case.near(row, DECISION, where=lambda _, other: _halts(other, body))


def _halts(decision: Body, halted: Body) -> bool:
    """Whether a decision ends what moved the device: it leaves a state, or gives it something else."""
    begins = any(str(name).startswith(f"{halted['device']}.") for name in decision.get("starts", ()))
    return bool(decision.get("left")) or begins


def _by_stop(case: Case, row: Row) -> Row | None:
    return case.near(row, STOP) or case.last(STOP, below=row.seq, boot=row.boot)


def _by_failure(case: Case, row: Row) -> Row | None:
    """What the action raised; where hardware was the reason, the machine was told so."""
    action = row.data.get("action")
    bug = case.near(row, BUG, where=lambda _, other: other["action"] == action)
    return bug or case.near(row, DECISION, where=lambda _, other: other["type"] == f"{action}.failed")


def _by_client(case: Case, row: Row) -> Fact:
    name = case.name(row.data["command"], row) if "command" in row.data else "its command"
    return Fact(
        row, f"{name} was cancelled by a client", f"{name} was cancelled by a client. Next: send a new one."
    )


def _by_end(case: Case, row: Row) -> Row | None:
    return case.next(SHUTDOWN, above=row.seq, boot=row.boot)


def _loss(case: Case, row: Row, device: str) -> Row | None:
    """The device's own loss or fault; of a device made of others, that of one of them."""

    def its(_: Row, body: Body) -> object:
        return body["device"] == device and body["state"] in LOST

    def any_device(_: Row, body: Body) -> object:
        return body["state"] in LOST

    return case.near(row, DEVICE, where=its) or case.near(row, DEVICE, where=any_device)


_BY_WHY: Mapping[str, Callable[[Case, Row], Row | Fact | None]] = {
    "stopped": _by_stop,
    "failed": _by_failure,
    "cancelled": _by_client,
    "shutting_down": _by_end,
    "journal_unavailable": trouble,
    "operator_lost": loss,
    "no_lease": loss,
}
