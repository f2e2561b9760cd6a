"""What travels along the line: frozen data, wanted (`Command`) or happened (`Event`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

NO_PAYLOAD: Mapping[str, Any] = {}
LOCAL = "local"
"""Who is behind a command of a robot that listens on loopback alone and asks for no token."""


class Lane(IntEnum):
    """How urgent a message is. One never waits for a message of a later lane."""

    SAFETY = 0
    COMMAND = 1
    EVENT = 2
    BACKGROUND = 3


@dataclass(slots=True, eq=False, kw_only=True)
class Message:
    """One thing that was asked for or that happened.

    Treated as frozen everywhere: nothing in robotd assigns to a message after it was made. It is not
    declared frozen because that makes each one 1 us slower to build, and one is built for each command.

    Times are seconds on the robot's monotonic clock; a client's clock is never used.
    """

    type: str
    """The trigger of the chart that this message stands for."""
    id: str
    trace_id: str
    """32 lower-case hex digits, as in a W3C `traceparent`."""
    at: float
    """When it arrived or happened."""
    source: str
    """Who says so: `ws:127.0.0.1:40112`, `unix`, `rule:bump`, `board:arduino`, `timer`, `executor`."""
    lane: Lane
    payload: Mapping[str, Any] = field(default_factory=lambda: NO_PAYLOAD)
    correlation_id: str | None = None
    """The id of the message that this one follows from."""
    version: int | None = None
    """The machine version that the sender was written for; None where it does not care."""
    expires_at: float | None = None
    """After this moment it may no longer run. Every command has one; an event has happened anyway."""


@dataclass(slots=True, eq=False, kw_only=True)
class Command(Message):
    """Something wanted. It may be refused, and it is always answered."""

    principal: str = LOCAL
    """Who is behind it, whatever connection it came by."""


@dataclass(slots=True, eq=False, kw_only=True)
class Event(Message):
    """Something that happened. It cannot be refused; one that means nothing here is ignored and counted."""

    stamp: int | None = None
    """The number of the stay that it belongs to (outcomes, time-outs); it is dropped when that is over."""
    sticky: bool = False
    """An outcome or a loss: the queue never drops it."""
