"""The commands of one client: how many are under way, which stage answers each, and the newest setpoints."""

from __future__ import annotations

from collections.abc import Callable

from robotd.core.message import NO_PAYLOAD
from robotd.core.stage import JOURNALED, PREEMPTED, TERMINAL, Stage
from robotd.errors import Refused
from robotd.wire.guest import Guest
from robotd.wire.params import DEFAULT_WAIT, read_send
from robotd.wire.protocol import Call, is_stop
from robotd.wire.replies import Replies, Reply
from robotd.wire.service import SendRequest, Service

BUSY_RETRY_MS = 100


class _Sent(Reply):
    """The way back to one `send`: it hears of every stage, and one of them is the answer."""

    __slots__ = ("_answered", "_ended", "_sending", "stages")

    stages: frozenset[str]
    """Those that answer it."""

    def __init__(self, sending: Sending, replies: Replies, call: Call) -> None:
        # As in Reply, without the way up to it: one is made for each command.
        replies.unanswered += call.answered
        self._replies = replies
        self._call = call
        self._sending = sending
        self._answered = False
        self._ended = False

    def tell(self, stage: Stage) -> None:
        """The command has reached `stage`."""
        if not self._ended and stage.stage in TERMINAL:
            self._ended = True
            self._sending.in_flight -= 1
        if not self._answered and stage.stage in self.stages:
            self._answered = True
            self._replies.settle(self._call, self._call.tell(stage))


class Sending:
    """Takes the `send` calls of one client to the service."""

    def __init__(self, service: Service, guest: Guest, replies: Replies) -> None:
        self._service = service
        self._source = guest.who.source
        self._guest = guest
        self._replies = replies
        self._newest: dict[str, tuple[SendRequest, _Sent]] = {}
        self.in_flight = 0
        """Commands that have not ended."""

    def send(self, call: Call, arrived: float) -> None:
        """Hand the command to the service now."""
        if sent := self._read(call, arrived):
            request, reply = sent
            self._service.send(request, self._source, reply.tell, early=JOURNALED in reply.stages)

    def keep_newest(self, command: str, call: Call, arrived: float) -> None:
        """Let a setpoint wait for `send_newest`. An older one that waits ends here, as `preempted`."""
        if older := self._newest.pop(command, None):
            self._preempt(*older)
        if sent := self._read(call, arrived):
            self._newest[command] = sent

    def keeps(self, command: str) -> bool:
        """Whether a setpoint of this type waits, which a newer one must not overtake."""
        return command in self._newest

    def send_newest(self, may_send: Callable[[], bool]) -> None:
        """Hand the setpoints that wait to the service, as many as `may_send` allows."""
        while self._newest and may_send():
            request, reply = self._newest.pop(next(iter(self._newest)))
            self._service.send(request, self._source, reply.tell, early=JOURNALED in reply.stages)

    def close(self) -> None:
        """The client is gone, and what it only wanted is forgotten."""
        self._newest.clear()

    def _preempt(self, request: SendRequest, reply: _Sent) -> None:
        """End a setpoint that the service never saw."""
        service = self._service
        stage = Stage(
            request.id, PREEMPTED, service.now(), service.state(), request.trace_id, "newer_setpoint"
        )
        reply.tell(stage)

    def _read(self, call: Call, arrived: float) -> tuple[SendRequest, _Sent] | None:
        """The command in `call`, from now on in flight; None where it was refused."""
        service, who = self._service, self._guest.who
        reply = _Sent(self, self._replies, call)
        try:
            if not self._guest.may_send:
                self._guest.require("send")
            request, reply.stages = read_send(
                call.params, arrived, service.new_id, service.new_trace_id, who.principal
            )
            request.role = who.role
            if self.in_flight >= service.limits.in_flight:
                raise Refused(
                    "busy",
                    f"{self.in_flight} commands of this client have not ended",
                    hint="wait for the last stage of some",
                    retry_after_ms=BUSY_RETRY_MS,
                )
        except Refused as refused:
            if not is_stop(call):
                reply.trace = self._replies.trace(call)
                reply.refuse(refused)
                return None
            # Whatever is wrong with the rest of it, it says stop.
            trace = self._replies.trace(call)
            request = SendRequest("estop", NO_PAYLOAD, service.new_id(), trace.id, arrived, who.principal)
            reply.stages = DEFAULT_WAIT
        self.in_flight += 1
        return request, reply
