"""What a session asks of the daemon. The wire knows nothing else of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from robotd.access.who import LOCAL, Who
from robotd.core.limits import Limits
from robotd.core.message import Lane
from robotd.core.role import Role
from robotd.core.stage import Stage
from robotd.wire.hub import Hub
from robotd.wire.turns import Turns

__all__ = ["LOCAL", "JournalQuery", "PastStages", "SendRequest", "Service", "Who"]


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
    principal: str = LOCAL
    """Who wants it; an id is remembered together with it."""
    correlation_id: str | None = None
    priority: Lane = Lane.COMMAND
    """COMMAND or BACKGROUND; SAFETY cannot be asked for."""
    valid_for_s: float | None = None
    """None: the default of the command."""
    version: int | None = None
    """The machine version that the client was written for."""
    role: Role = Role.MAINTAINER
    """Of who wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalQuery:
    """Which rows of the journal a client asks for. What is not given does not narrow the choice."""

    since_seq: int = 0
    """Rows after this one..."""
    until_seq: int | None = None
    """...up to and with this one."""
    kinds: Sequence[str] = ()
    id: str | None = None
    """Rows about this message or command."""
    trace_id: str | None = None
    device: str | None = None
    newest_first: bool = False
    limit: int
    """Rows at most."""
    most_bytes: int
    """Of the answer's rows, as JSON; one row that is longer comes alone."""


class PastStages(NamedTuple):
    """What became of commands, from the journal."""

    stages: Sequence[Mapping[str, Any]]
    """The oldest first, each as the topic `stage` tells it, with its `seq`."""
    last_seq: int
    """The newest row of the journal. One before `since_seq` says that this is another journal."""
    gap: int | None = None
    """None: all are there that were asked for. Else nothing is missing from this row on."""


class Service(Protocol):
    """The daemon, as one session sees it. All is called on the event loop, and no call waits.

    What returns an awaitable may take a while: it is looked up beside the loop. It is cancelled when nobody
    wants it any more, and may raise `Refused` as any other.
    """

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
        """Take a command in, or reject it. `tell` hears of each stage, from inside this call or later;
        those before `started` only if asked for `early`.

        The same id and body again runs nothing: `tell` hears the stage reached, and those to come.
        """

    def cancel(self, command_id: str, principal: str, /) -> dict[str, Any]:
        """End a queued or running command, or say how one of this principal has ended.

        Raises `Refused` for one that is not known.
        """

    def estop(self, reason: str, by: str, trace_id: str | None = None) -> Awaitable[dict[str, Any]]:
        """Stop the robot. It IS stopped when this returns; what is awaited is only the evidence."""

    def reset(self, latch_id: str, by: str, trace_id: str | None = None) -> dict[str, Any]:
        """Take the latch back. Raises `Refused` while a cause stands or the id is not the present latch's."""

    def acquire(self, who: Who, at: float, window_s: float | None, *, steal: bool) -> dict[str, Any]:
        """Give `who` the lease: `lease_id`, `window_ms`, `renew_ms`. Raises `Refused` where another has it.

        `at` is when that was asked for, as in `SendRequest`; `window_s` is None for the usual one.
        """

    def renew(self, who: Who, lease_id: str, at: float) -> dict[str, Any]:
        """Keep the lease, by what arrived at `at`. Raises `Refused` where it is lost, or another's."""

    def release(self, who: Who, lease_id: str) -> dict[str, Any]:
        """Take the lease back; what it moves halts. Raises `Refused` where it is not theirs."""

    def joined(self, source: str, principal: str) -> None:
        """A client is there."""

    def mute(self, source: str) -> None:
        """It says nothing more, but may still wait for answers."""

    def left(self, source: str, why: str, last_at: float) -> None:
        """It is gone. `why` is a sentence in stable words (`robotd.wire.transport`); `last_at` is when it
        last said something, which it never did where that is when it came."""

    def read_journal(self, query: JournalQuery) -> Awaitable[dict[str, Any]]:
        """`records`, `next_seq`, `last_seq`: what `robotd.wire.records.page` makes of the rows."""

    def why(self, about: str | int | None) -> Awaitable[dict[str, Any]]:
        """The causes of a command (its id), of a row (its number), or of standing still now (None)."""

    def past_stages(self, since_seq: int, most: int) -> Awaitable[PastStages]:
        """The stages `journaled` and terminal of rows after `since_seq`, of more than `most` the newest.

        Those of all rows that are written when this is called (it waits until they are durable), and perhaps
        of later ones. All that are told from now on are told to the topic `stage` as well.
        """

    def bury(self, letter: int, how: str, by: str) -> Awaitable[dict[str, Any]]:
        """Note, for good, that a person has dealt with a dead letter: `dropped` or `resent`."""

    def new_id(self) -> str:
        """An id that nothing else has."""

    def new_trace_id(self) -> str:
        """32 lower-case hex digits, not all zero."""

    def now(self) -> float:
        """Seconds on the robot's monotonic clock, the event loop's."""
