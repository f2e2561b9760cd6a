"""The parameters of the methods, checked: a misspelt name or a wrong type is refused, never overlooked."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Set
from typing import Any

from robotd.core.message import NO_PAYLOAD, Lane
from robotd.core.stage import ACCEPTED, STARTED, TERMINAL
from robotd.errors import Refused
from robotd.wire.service import SendRequest

NAME_LENGTH = 64
"""Characters of an id or the name of a command, at most."""
LONGEST_VALIDITY_MS = 3_600_000.0
MAX_HZ = 1000.0
REASON_LENGTH = 256

SEND_PARAMS = frozenset(
    {"type", "payload", "id", "trace_id", "traceparent", "correlation_id"}
    | {"priority", "valid_for_ms", "version", "wait"}
)
PRIORITIES: Mapping[str, Lane] = {"command": Lane.COMMAND, "background": Lane.BACKGROUND}
WAITS: Mapping[str, frozenset[str]] = {
    "accepted": TERMINAL | {ACCEPTED, STARTED},
    "started": TERMINAL | {STARTED},
    "done": TERMINAL,
}
"""For each `wait`, the stages that answer a `send`."""
DEFAULT_WAIT = WAITS["started"]

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
"""W3C Trace Context, section 3.2: version, trace id, parent id, flags; a later version may add fields."""


def read_send(
    params: Any, at: float, new_id: Callable[[], str], new_trace_id: Callable[[], str]
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
        return SendRequest(kind, payload, new_id(), new_trace_id(), at), DEFAULT_WAIT

    command_id = _text(params, "id")
    priority = params.get("priority", "command")
    if type(priority) is not str or priority not in PRIORITIES:
        raise _wrong("priority", "'command' or 'background'", priority)
    wait = params.get("wait", "started")
    if type(wait) is not str or wait not in WAITS:
        raise _wrong("wait", "'accepted', 'started' or 'done'", wait)
    version = params.get("version")
    if version is not None and type(version) is not int:
        raise _wrong("version", "a whole number", version)
    valid_for_ms = number(params, "valid_for_ms", LONGEST_VALIDITY_MS)
    request = SendRequest(
        kind,
        payload,
        new_id() if command_id is None else command_id,
        _trace_id(params) or new_trace_id(),
        at,
        _text(params, "correlation_id"),
        PRIORITIES[priority],
        None if valid_for_ms is None else valid_for_ms / 1000,
        version,
    )
    return request, WAITS[wait]


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


def number(params: Mapping[str, Any], name: str, most: float) -> float | None:
    """A finite number above zero and at most `most`, or None where it is not given. Raises `Refused`."""
    if name not in params:
        return None
    value: Any = params[name]
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value <= most:
        raise _wrong(name, f"a number greater than 0 and at most {most:g}", value)
    return float(value)


def read_topics(params: Any) -> list[str]:
    """The `topics` of a subscription. Raises `Refused`."""
    topics = params.get("topics")
    if type(topics) is not list or not topics or not all(type(topic) is str for topic in topics):
        raise _wrong("topics", 'a list such as ["state", "reading.*"]', topics)
    return topics


def stop_reason(params: Any) -> str:
    """The `reason` of an `estop`: whatever else came with it, nothing keeps a stop from being one."""
    reason = params.get("reason") if isinstance(params, Mapping) else None
    return reason[:REASON_LENGTH] if isinstance(reason, str) else ""


def _trace_id(params: Mapping[str, Any]) -> str | None:
    given = params.get("trace_id")
    if given is None:
        # Section 4.3: a traceparent that cannot be parsed is ignored, and a new trace is begun.
        parent = params.get("traceparent")
        match = _TRACEPARENT.fullmatch(parent) if type(parent) is str else None
        return match[1] if match else None
    if type(given) is str:
        # A UUID is the same 128 bits with hyphens in them.
        trace_id = given.replace("-", "").lower()
        if _TRACE_ID.fullmatch(trace_id):
            return trace_id
    raise _wrong("trace_id", "32 hexadecimal digits, not all zero", given)


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
