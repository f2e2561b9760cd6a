"""A row of the journal in one sentence, for people. All that it says is in the row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from robotd.journal import kinds
from robotd.journal.row import Row

Body = Mapping[str, Any]

SHOWN_READINGS = 12
"""A sample of more is cut there; the row itself has them all."""
SHOWN_BYTES = 200
"""Of a body that cannot be read."""


def tell(row: Row) -> str:
    """One line, whatever is in the row: people also look at journals that are damaged, or newer than this."""
    try:
        said = _TELLERS.get(row.kind, _plain)(row.data)
    except (ValueError, LookupError, TypeError, AttributeError):
        said = f"not to be understood: {row.body[:SHOWN_BYTES].decode(errors='replace')}"
    return " ".join(said.split())


def arguments(payload: Body) -> str:
    """`{"linear": 0.2, "angle": "30 deg"}` -> `linear=0.2 angle="30 deg"`."""
    return " ".join(f"{name}={_value(value)}" for name, value in payload.items())


def _boot(body: Body) -> str:
    twins = _more(", simulated: ", ", ".join(body.get("simulated", ())))
    return f"{body['robot']} starts, robotd {body['version']}{_more(' with ', body.get('file'))}{twins}"


def _command(body: Body) -> str:
    return f"{_asked(body)}{_more(' ', arguments(body.get('payload', {})))} from {body['source']} is accepted"


def _decision(body: Body) -> str:
    asked = f"{body['type']} from {body['source']}"
    match body["outcome"]:
        case "refused":
            return f"{asked} refused: {_refusal(body['refusal'])}"
        case "ignored":
            return f"{asked} ignored{_more(': ', body.get('note'))}"
        case "stayed":
            where = f"stays in {_states(body['after'])}"
        case _:
            where = f"{_states(body['before'])} -> {_states(body['after'])}".removeprefix(" -> ")
    return f"{asked}: {where}{_more(', starts ', ', '.join(body.get('starts', ())))}"


def _refusal(refusal: Body) -> str:
    if "expression" not in refusal:
        return f"{refusal['reason']}{_bracketed(refusal.get('message'))}"
    values: Body = refusal.get("values", {})
    saw = ", ".join(
        f"{name} is {'stale' if value is None else _value(value)}" for name, value in values.items()
    )
    return f"{refusal['reason']} ({refusal['expression']}{_more('; ', saw)})"


def _started(body: Body) -> str:
    what = "is renewed" if body.get("stream") else "starts"
    return f"{body['action']} {what}, by {body['type']} from {body['source']}"


def _ended(body: Body) -> str:
    what = f"{_asked(body)}{_more(' from ', body.get('source'))}: {body['stage']}"
    error = body.get("error") or {}
    result = body.get("result")
    said = _bracketed(body.get("reason")), _more(": ", error.get("message"))
    return what + "".join(said) + ("" if result is None else f", result {_value(result)}")


def _dead(body: Body) -> str:
    return f"dead letter: {_ended(body)}"


def _buried(body: Body) -> str:
    return f"dead letter #{body['letter']} {body['how']} by {body['by']}"


def _stop(body: Body) -> str:
    what = "stopped since before the start by" if body.get("kept") else "stopped by"
    return f"{what} {body['by']}{_more(': ', body.get('reason'))}{_bracketed(body.get('latch_id'))}"


def _evidence(body: Body) -> str:
    said = []
    for name, fact in body["evidence"].items():
        why = (fact.get("unconfirmed") or {}).get("why")
        said.append(f"{name} {'confirmed' if 'confirmed' in fact else f'unconfirmed{_bracketed(why)}'}")
    return f"after the stop {body['latch_id']}: {', '.join(said) or 'there is no actuator'}"


def _reset(body: Body) -> str:
    return f"the latch {body['latch_id']} is lifted by {body['by']}"


def _device(body: Body) -> str:
    return f"{body['device']} is {body['state']}{_more(': ', body.get('fault'))}"


def _halt(body: Body) -> str:
    age_ms = body.get("age_ms")
    reason: str = body["why"]
    why = _WHY_HALTED.get(reason, reason)
    if age_ms is not None:
        why += f", {age_ms:.0f} ms after its last setpoint"
    moved = _more(", moved by ", body.get("action"))
    return f"{body['device']} is halted ({why}){moved}{_more(': ', body.get('message'))}"


_WHY_HALTED = {"left": "its state was left"}
"""Other reasons speak for themselves."""


def _limit(body: Body) -> str:
    if "feedback" in body:
        return f"{body['device']}: {body['feedback']}"
    if "message" in body:
        return f"{body['action']} refused: {body['message']}"
    return f"{body['action']} asked {_value(body['asked'])}, sent {_value(body['sent'])}"


def _lease(body: Body) -> str:
    who = f"{body['source']} ({body['principal']}, {body['role']})"
    match body["what"]:
        case "taken":
            how = "has asked for" if body.get("explicit") else "moves the robot and has"
            had = _more(", until now of ", body.get("from", {}).get("source"))
            return f"{who} {how} the lease, {body['window_ms']:g} ms{had}"
        case "lapsed":
            return f"{who} has lost the lease: not heard for {body['silent_ms']:.0f} ms"
        case "stolen":
            return f"{who} has lost the lease to {body['by']['source']}"
        case _:
            return f"{who} has the lease no more{_more(': ', body.get('why'))}"


def _session(body: Body) -> str:
    who = f"{body['source']}{_bracketed(body.get('principal'))}"
    return f"{who} {_SESSION.get(body['what'], body['what'])}{_more(': ', body.get('why'))}"


_SESSION = {"opened": "is here", "closed": "is gone"}


def _readings(body: Body) -> str:
    dense = body.get("dense", ())
    if dense:
        names = list(dict.fromkeys(name for _, name, _ in dense))
        return f"{len(dense)} readings of {dense[-1][0] - dense[0][0]:.1f} s: {_first_of(names)}"
    values = body["values"].items()
    return _first_of([f"{name} {'-' if value is None else _value(value)}" for name, value in values])


def _first_of(items: Sequence[str]) -> str:
    more = [f"and {len(items) - SHOWN_READINGS} more"] if len(items) > SHOWN_READINGS else []
    return ", ".join([*items[:SHOWN_READINGS], *more])


def _bug(body: Body) -> str:
    return f"{body['action']} raised {body['error']}"


def _fall(body: Body) -> str:
    return f"the daemon before fell: {body['what']} ({body['error']}){_more(' at ', body.get('where'))}"


def _clock(body: Body) -> str:
    return f"the clock on the wall jumped by {body['jump_s']:+g} s"


def _journal(body: Body) -> str:
    rest = {name: value for name, value in body.items() if name not in ("what", "message")}
    what = f"the journal: {body['what']}{_more(' ', arguments(rest))}"
    return f"{what}{_more(': ', body.get('message'))}"


def _audit(body: Body) -> str:
    covered = ("n", "what", "who", "source", "prev", "chain")
    rest = {name: value for name, value in body.items() if name not in covered}
    by = body["who"] if body["who"] == body["source"] else f"{body['who']}{_bracketed(body['source'])}"
    return f"audit {body['n']}: {body['what']} by {by}{_more(', ', arguments(rest))}"


def _shutdown(body: Body) -> str:
    return f"ends in good order{_more(': ', body.get('why'))}"


def _plain(body: Body) -> str:
    return json.dumps(body, ensure_ascii=False)


def _asked(body: Body) -> str:
    return str(body.get("type", "a command"))


def _states(leaves: Iterable[str]) -> str:
    return ", ".join(leaves)


def _more(words: str, what: object) -> str:
    """`words` and what belongs to them, or nothing."""
    return f"{words}{what}" if what else ""


def _bracketed(what: object) -> str:
    return f" ({what})" if what else ""


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "='):
        return value
    return json.dumps(value, ensure_ascii=False)


_TELLERS: Mapping[str, Callable[[Body], str]] = {
    kinds.BOOT: _boot,
    kinds.COMMAND: _command,
    kinds.DECISION: _decision,
    kinds.STARTED: _started,
    kinds.ENDED: _ended,
    kinds.DEAD: _dead,
    kinds.BURIED: _buried,
    kinds.STOP: _stop,
    kinds.EVIDENCE: _evidence,
    kinds.RESET: _reset,
    kinds.DEVICE: _device,
    kinds.HALT: _halt,
    kinds.LIMIT: _limit,
    kinds.LEASE: _lease,
    kinds.SESSION: _session,
    kinds.READINGS: _readings,
    kinds.BUG: _bug,
    kinds.FALL: _fall,
    kinds.CLOCK: _clock,
    kinds.JOURNAL: _journal,
    kinds.AUDIT: _audit,
    kinds.SHUTDOWN: _shutdown,
}
