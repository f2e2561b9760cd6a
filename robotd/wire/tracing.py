"""Which trace a call belongs to, as W3C Trace Context says it (https://www.w3.org/TR/trace-context-2/).

What a client sends as `traceparent` is carried on: the answer names the same trace, its flags, and a span of
the robot's own, which whoever collects traces can hang below the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

VERSION = "00"
FLAGS = 0b11
"""`sampled` and `random`; what other flags will mean is not known, so they are not carried on (3.2.2.5)."""
SPAN_BYTES = 8

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
"""Section 3.2: version, trace id, parent id, flags; a later version may add fields."""


class Trace(NamedTuple):
    """The trace of one call."""

    id: str
    """32 lower-case hex digits."""
    flags: int | None = None
    """Those of the `traceparent` that named it; None where none did."""

    def told(self, new_id: Callable[[], str]) -> dict[str, str]:
        """What an answer says of it."""
        if self.flags is None:
            return {"trace_id": self.id}
        return {"trace_id": self.id, "traceparent": self.traceparent(new_id())}

    def traceparent(self, span_of: str) -> str:
        """The trace as a header says it. `span_of`, an id that nothing else has, names our span in it."""
        span = blake2b(span_of.encode(), digest_size=SPAN_BYTES).hexdigest()
        return f"{VERSION}-{self.id}-{span}-{self.flags or 0:02x}"


def read_traceparent(text: object) -> Trace | None:
    """The trace that a `traceparent` names; None for a malformed one, which is ignored (section 4.3)."""
    match = _TRACEPARENT.fullmatch(text) if type(text) is str else None
    if match is None or (match["version"] == VERSION and match["more"]):
        return None
    return Trace(match["trace"], int(match["flags"], 16) & FLAGS)


def read_trace_id(text: object) -> str | None:
    """A trace id, or the UUID of the same 128 bits; None for anything else."""
    trace_id = text.replace("-", "").lower() if type(text) is str else ""
    return trace_id if _TRACE_ID.fullmatch(trace_id) else None
