"""The ways back to the calls of one client, each with the trace that the call belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from robotd.errors import Refused
from robotd.wire.params import find_trace
from robotd.wire.protocol import Call, traced
from robotd.wire.service import Service
from robotd.wire.tracing import Trace


class Replies:
    """The answers that one client still waits for. `put` sends one, or hears `b""` where there is none."""

    def __init__(self, service: Service, put: Callable[[bytes], None]) -> None:
        self._service = service
        self._put = put
        self.unanswered = 0

    def settle(self, call: Call, answer: bytes) -> None:
        """`call` is answered; the answer goes with those of the rest of its batch."""
        if call.answered:
            self.unanswered -= 1
            self._put(answer if call.batch is None else call.batch.add(answer))

    def trace(self, call: Call) -> Trace:
        """The trace that `call` belongs to: the one that it names, or a new one."""
        return find_trace(call, self._service.new_trace_id)

    def told(self, trace: Trace) -> dict[str, str]:
        """What an answer says of its trace."""
        return trace.told(self._service.new_id)


class Reply:
    """The way back to one call. Exactly one of its methods is called, once, now or later."""

    __slots__ = ("_call", "_replies", "trace")

    def __init__(self, replies: Replies, call: Call) -> None:
        replies.unanswered += call.answered
        self._replies = replies
        self._call = call
        self.trace = replies.trace(call)
        """The trace that call and answer belong to."""

    def answer(self, result: Mapping[str, Any]) -> None:
        """It was done."""
        replies = self._replies
        replies.settle(self._call, self._call.answer({**result, **replies.told(self.trace)}))

    def refuse(self, refused: Refused) -> None:
        """It was not."""
        replies = self._replies
        replies.settle(self._call, self._call.refuse(traced(refused.as_error(), replies.told(self.trace))))
