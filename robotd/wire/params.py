"""The parameters of the methods, checked: a misspelt name or a wrong type is refused, never overlooked."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from typing import Any

from robotd.core.message import NO_PAYLOAD, Lane
from robotd.core.stage import ACCEPTED, JOURNALED, STARTED, TERMINAL
from robotd.errors import Refused
from robotd.wire.protocol import TRACE, Call
from robotd.wire.service import LOCAL, JournalQuery, SendRequest
from robotd.wire.tracing import Trace, read_trace_id, read_traceparent

NAME_LENGTH = 64
"""Characters of an id or the name of a command, at most."""
LONGEST_VALIDITY_MS = 3_600_000.0
MAX_HZ = 1000.0
MOST_WINDOW_MS = 10_000.0
"""Of a lease; which is too short its keeper says."""
REASON_LENGTH = 256
DEFAULT_ROWS = 100
MAX_ROWS = 500
"""Of the journal, in one answer."""
BURIALS = ("dropped", "resent")
TRACE_ID_FORM = "32 hexadecimal digits, not all zero"

SEND_PARAMS = frozenset(
    {"type", "payload", "id", "correlation_id", "priority", "valid_for_ms", "version", "wait", *TRACE}
)
PRIORITIES: Mapping[str, Lane] = {"command": Lane.COMMAND, "background": Lane.BACKGROUND}
WAITS: Mapping[str, frozenset[str]] = {
    "accepted": TERMINAL | {ACCEPTED, JOURNALED, STARTED},
    "journaled": TERMINAL | {JOURNALED, STARTED},
    "started": TERMINAL | {STARTED},
    "done": TERMINAL,
}
"""For each `wait`, the stages that answer a `send`."""
DEFAULT_WAIT = WAITS["started"]


def read_send(
    params: Any,
    at: float,
    new_id: Callable[[], str],
    new_trace_id: Callable[[], str],
    principal: str = LOCAL,
) -> tuple[SendRequest, frozenset[str]]:
    """The command in the `params` of a `send`, and the stages that answer it. Raises `Refused`."""
    check_names(params, SEND_PARAMS)
    kind = params.get("type")
    if type(kind) is not str or not 0 < len(kind) <= NAME_LENGTH:
        raise _wrong("type", "the name of a command", kind)
    payload = params.get("payload", NO_PAYLOAD)
    if type(payload) is not dict and payload is not NO_PAYLOAD:
        raise _wrong("payload", "an object", payload)
    if len(params) == (1 if payload is NO_PAYLOAD else 2):
        return SendRequest(kind, payload, new_id(), new_trace_id(), at, principal), DEFAULT_WAIT

    command_id = _text(params, "id")
    priority = params.get("priority", "command")
    if type(priority) is not str or priority not in PRIORITIES:
        raise _wrong("priority", "'command' or 'background'", priority)
    wait = params.get("wait", "started")
    if type(wait) is not str or wait not in WAITS:
        raise _wrong("wait", "'accepted', 'journaled', 'started' or 'done'", wait)
    version = params.get("version")
    if version is not None and type(version) is not int:
        raise _wrong("version", "a whole number", version)
    valid_for_ms = number(params, "valid_for_ms", LONGEST_VALIDITY_MS)
    trace = read_trace(params)
    request = SendRequest(
        kind,
        payload,
        new_id() if command_id is None else command_id,
        new_trace_id() if trace is None else trace.id,
        at,
        principal,
        _text(params, "correlation_id"),
        PRIORITIES[priority],
        None if valid_for_ms is None else valid_for_ms / 1000,
        version,
    )
    return request, WAITS[wait]


def read_trace(params: Mapping[str, Any]) -> Trace | None:
    """The trace that a client names, if it does. Raises `Refused` for a `trace_id` that is none.

    Where `trace_id` and `traceparent` differ, the former counts.
    """
    parent = read_traceparent(params["traceparent"]) if "traceparent" in params else None
    given = params.get("trace_id")
    if given is None:
        return parent
    trace_id = read_trace_id(given)
    if trace_id is None:
        raise _wrong("trace_id", TRACE_ID_FORM, given)
    return parent if parent is not None and parent.id == trace_id else Trace(trace_id)


def find_trace(call: Call, new_trace_id: Callable[[], str]) -> Trace:
    """The trace of a call that need not be well-formed: the one that it names, or a new one."""
    params, found = call.params, None
    if isinstance(params, Mapping):
        found = read_traceparent(params.get("traceparent"))
        if call.method == "send":
            with suppress(Refused):
                found = read_trace(params)
    return Trace(new_trace_id()) if found is None else found


def check_names(params: Any, names: Set[str]) -> None:
    """Refuse `params` that are no object, or that say something the method does not know."""
    if not isinstance(params, dict):
        raise Refused("invalid_params", "params are an object, by name")
    if params.keys() <= names:
        return
    for name in params:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = (
                f"did you mean '{near[0]}'?" if near else f"parameters: {', '.join(sorted(names)) or 'none'}"
            )
            raise Refused("invalid_params", f"there is no parameter '{name[:NAME_LENGTH]}'", hint=hint)


def required_text(params: Mapping[str, Any], name: str) -> str:
    """A string that must be there. Raises `Refused`."""
    if (text := _text(params, name)) is None:
        raise _wrong(name, "a string", None)
    return text


def whole(params: Mapping[str, Any], name: str, least: int, most: int | None = None) -> int | None:
    """A whole number from `least` to `most`, or None where it is not given. Raises `Refused`."""
    if name not in params:
        return None
    value: Any = params[name]
    if type(value) is not int or value < least or (most is not None and value > most):
        upper = "" if most is None else f" and at most {most}"
        raise _wrong(name, f"a whole number, at least {least}{upper}", value)
    return value


def required_whole(params: Mapping[str, Any], name: str, least: int) -> int:
    """A whole number that must be there. Raises `Refused`."""
    if (value := whole(params, name, least)) is None:
        raise _wrong(name, "a whole number", None)
    return value


def number(params: Mapping[str, Any], name: str, most: float) -> float | None:
    """A finite number above zero and at most `most`, or None where it is not given. Raises `Refused`."""
    if name not in params:
        return None
    value: Any = params[name]
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value <= most:
        raise _wrong(name, f"a number greater than 0 and at most {most:g}", value)
    return float(value)


def flag(params: Mapping[str, Any], name: str) -> bool:
    """True or false; false where it is not given. Raises `Refused`."""
    value = params.get(name, False)
    if type(value) is not bool:
        raise _wrong(name, "true or false", value)
    return value


def read_topics(params: Any) -> list[str]:
    """The `topics` of a subscription. Raises `Refused`."""
    topics = params.get("topics")
    if type(topics) is not list or not topics or not all(type(topic) is str for topic in topics):
        raise _wrong("topics", 'a list such as ["state", "reading.*"]', topics)
    return topics


def read_query(params: Any, most_bytes: int) -> JournalQuery:
    """What a `journal.read` asks for. Raises `Refused`."""
    kinds = params.get("kinds", [])
    if type(kinds) is not list or not all(type(kind) is str for kind in kinds):
        raise _wrong("kinds", 'a list such as ["command", "ended"]', kinds)
    trace_id = None
    if "trace_id" in params and (trace_id := read_trace_id(params["trace_id"])) is None:
        raise _wrong("trace_id", TRACE_ID_FORM, params["trace_id"])
    return JournalQuery(
        since_seq=whole(params, "since_seq", 0) or 0,
        until_seq=whole(params, "until_seq", 0),
        kinds=tuple(kinds),
        id=_text(params, "id"),
        trace_id=trace_id,
        device=_text(params, "device"),
        newest_first=flag(params, "newest_first"),
        limit=whole(params, "limit", 1, MAX_ROWS) or DEFAULT_ROWS,
        most_bytes=most_bytes,
    )


def read_about(params: Any) -> str | int | None:
    """What a `why` asks about: a command's `id`, a row's `seq`, or nothing. Raises `Refused`."""
    if "id" in params and "seq" in params:
        raise Refused("invalid_params", "either 'id' or 'seq'", hint="the id of a command, or a row's number")
    return whole(params, "seq", 1) if "seq" in params else _text(params, "id")


def read_burial(params: Any) -> tuple[int, str]:
    """The `letter` and the `how` of a `dead.bury`. Raises `Refused`."""
    how = params.get("how")
    if how not in BURIALS:
        raise _wrong("how", "'dropped' or 'resent'", how)
    return required_whole(params, "letter", 1), how


def stop_reason(params: Any) -> str:
    """The `reason` of an `estop`: whatever else came with it, nothing keeps a stop from being one."""
    reason = params.get("reason") if isinstance(params, Mapping) else None
    return reason[:REASON_LENGTH] if isinstance(reason, str) else ""


def _text(params: Mapping[str, Any], name: str) -> str | None:
    if name not in params:
        return None
    value = params[name]
    if type(value) is not str or not 0 < len(value) <= NAME_LENGTH:
        raise _wrong(name, f"a string of 1 to {NAME_LENGTH} characters", value)
    return value


def _wrong(name: str, what: str, value: Any) -> Refused:
    shown = repr(value)
    got = shown if len(shown) <= NAME_LENGTH else f"{shown[:NAME_LENGTH]}..."
    return Refused("invalid_params", f"'{name}' must be {what}, not {got}", parameter=name)
