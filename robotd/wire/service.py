"""What a session asks of the daemon. The wire knows nothing else of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from robotd.core.limits import Limits
from robotd.core.message import Lane
from robotd.core.stage import Stage
from robotd.wire.hub import Hub
from robotd.wire.turns import Turns


@dataclass(slots=True, eq=False)
class SendRequest:
    """A command as a client sent it: well-formed, but not yet bound to what the robot can do."""

    type: str
    payload: Mapping[str, Any]
    id: str
    """The client's own, or made here; at most 64 characters."""
    trace_id: str
    """32 lower-case hex digits; the client's own, or made here."""
    at: float
    """When it arrived, at the earliest that is possible: a message that may have lain in a socket while
    it was not read is as old as the moment when reading stopped. Its freshness counts from here."""
    correlation_id: str | None = None
    priority: Lane = Lane.COMMAND
    """COMMAND or BACKGROUND; SAFETY cannot be asked for."""
    valid_for_s: float | None = None
    """None: the default of the command."""
    version: int | None = None
    """The machine version that the client was written for."""


class Service(Protocol):
    """The daemon, as one session sees it. No method waits; all are called on the event loop."""

    @property
    def limits(self) -> Limits:
        """What a client may use up."""

    @property
    def hub(self) -> Hub:
        """Where the daemon publishes its topics."""

    @property
    def turns(self) -> Turns:
        """What bounds the work of all sessions in one turn of the event loop."""

    @property
    def streamed(self) -> frozenset[str]:
        """The commands that are setpoints of a stream, where only the newest counts (`drive`)."""

    def state(self) -> str:
        """The leaf state of the first region. Cheap: asked for each setpoint that a newer one replaced."""

    def hello(self) -> dict[str, Any]:
        """`server`, `robot`, `version`, `capabilities`, `limits`; the session adds its id and its role."""

    def describe(self) -> dict[str, Any]:
        """The machine, the commands with their schemas, the devices."""

    def status(self) -> dict[str, Any]:
        """Where everything stands now."""

    def send(
        self, request: SendRequest, source: str, tell: Callable[[Stage], None], *, early: bool = True
    ) -> None:
        """Take a command in, or reject it. `tell` hears of each stage, from inside this call or later.

        The same id and body again runs nothing: `tell` hears the stage reached, and those to come.
        """

    def cancel(self, command_id: str, source: str, /) -> dict[str, Any]:
        """End a queued or running command; says which it was. Raises `Refused` for one that is not known."""

    def estop(self, reason: str, by: str) -> Awaitable[dict[str, Any]]:
        """Stop the robot. It IS stopped when this returns; what is awaited is only the evidence."""

    def reset(self, latch_id: str, by: str) -> dict[str, Any]:
        """Take the latch back. Raises `Refused` while a cause stands or the id is not the present latch's."""

    def new_id(self) -> str:
        """An id that nothing else has."""

    def new_trace_id(self) -> str:
        """32 lower-case hex digits, not all zero."""

    def now(self) -> float:
        """Seconds on the robot's monotonic clock, the event loop's."""
