"""The life of a command, as its sender sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

RECEIVED = "received"
ACCEPTED = "accepted"
JOURNALED = "journaled"
STARTED = "started"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
PREEMPTED = "preempted"
EXPIRED = "expired"
REJECTED = "rejected"
UNKNOWN = "unknown"

STAGES = (
    *(RECEIVED, ACCEPTED, JOURNALED, STARTED),
    *(DONE, FAILED, CANCELLED, PREEMPTED, EXPIRED, REJECTED, UNKNOWN),
)
TERMINAL = frozenset({DONE, FAILED, CANCELLED, PREEMPTED, EXPIRED, REJECTED, UNKNOWN})
"""A command reaches exactly one of these, once."""


class Stage(NamedTuple):
    """One step in the life of the command `id`."""

    id: str
    stage: str
    at: float
    """Seconds on the robot's monotonic clock."""
    state: str
    """The leaf of the chart's first region at that moment."""
    trace_id: str
    reason: str | None = None
    """A stable word for why it ended as it did: `freshness`, `stopped`, `guard_false`..."""
    result: Any = None
    """What the action returned, for `done` and for the `started` of a setpoint."""
    error: Mapping[str, Any] | None = None
    """The error object of the answer, for `rejected`, `expired` and `failed`."""
    seq: int | None = None
    """The number of its row in the journal; None for what is told without one."""
