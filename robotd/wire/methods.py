"""What a client may ask, method by method; `send`, which has a rate and a life, is the session's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from robotd.errors import Refused
from robotd.wire.hub import Subscriber
from robotd.wire.outbox import Outbox
from robotd.wire.params import MAX_HZ, check_names, number, read_topics, required_text, stop_reason
from robotd.wire.service import Service

PROTOCOL = 1
ROLE = "maintainer"
"""Of everybody, as long as the robot listens on loopback alone."""


class Reply(Protocol):
    """The way back to one call; exactly one of the two is called, once, now or later."""

    def answer(self, result: Any) -> None:
        """It was done."""

    def refuse(self, refused: Refused) -> None:
        """It was not."""


class Methods:
    """The methods of one client. Each takes the params and a reply, checks the one and sees to the other."""

    def __init__(self, service: Service, source: str, subscriber: Subscriber, outbox: Outbox) -> None:
        self._service = service
        self._source = source
        self._subscriber = subscriber
        self._outbox = outbox
        self._session_id = service.new_id()
        self._evidence: set[asyncio.Future[dict[str, Any]]] = set()
        self._table: Mapping[str, Callable[[Any, Reply], None]] = {
            "hello": self._hello,
            "describe": self._describe,
            "status": self._status,
            "cancel": self._cancel,
            "estop": self._estop,
            "reset": self._reset,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }

    def call(self, method: str, params: Any, reply: Reply) -> None:
        """Carry out `method`. A refusal is replied, not raised."""
        handler = self._table.get(method)
        try:
            if handler is None:
                known = ", ".join(sorted([*self._table, "send"]))
                raise Refused(
                    "method_not_found", f"there is no method '{method[:64]}'", hint=f"there are {known}"
                )
            handler(params, reply)
        except Refused as refused:
            reply.refuse(refused)

    def _hello(self, params: Any, reply: Reply) -> None:
        check_names(params, {"token", "client", "protocol"})
        wanted = params.get("protocol", [PROTOCOL])
        if type(wanted) is not list or PROTOCOL not in wanted:
            raise Refused("invalid_params", f"this robot speaks protocol {PROTOCOL}", protocol=[PROTOCOL])
        session = {"protocol": PROTOCOL, "role": ROLE, "session": self._session_id}
        reply.answer({**self._service.hello(), **session})

    def _describe(self, params: Any, reply: Reply) -> None:
        check_names(params, frozenset())
        reply.answer(self._service.describe())

    def _status(self, params: Any, reply: Reply) -> None:
        check_names(params, frozenset())
        reply.answer(self._service.status())

    def _cancel(self, params: Any, reply: Reply) -> None:
        check_names(params, {"id"})
        reply.answer(self._service.cancel(required_text(params, "id"), self._source))

    def _estop(self, params: Any, reply: Reply) -> None:
        # Nothing about the params keeps a stop from being one, so they are not checked.
        evidence = asyncio.ensure_future(self._service.estop(stop_reason(params), self._source))

        def tell(_: asyncio.Future[dict[str, Any]]) -> None:
            self._evidence.discard(evidence)
            if evidence.cancelled():
                reply.refuse(Refused("shutting_down", "stopped; the daemon ended before the evidence was in"))
            else:
                reply.answer(evidence.result())

        self._evidence.add(evidence)
        evidence.add_done_callback(tell)

    def _reset(self, params: Any, reply: Reply) -> None:
        check_names(params, {"latch_id"})
        reply.answer(self._service.reset(required_text(params, "latch_id"), self._source))

    def _subscribe(self, params: Any, reply: Reply) -> None:
        check_names(params, {"topics", "max_hz"})
        max_hz = number(params, "max_hz", MAX_HZ)
        hub = self._service.hub
        topics = hub.subscribe(self._subscriber, read_topics(params))
        self._outbox.limit(topics, None if max_hz is None else 1 / max_hz)
        reply.answer({"topics": topics})
        for snapshot in hub.snapshots(topics):
            self._subscriber.update(snapshot)

    def _unsubscribe(self, params: Any, reply: Reply) -> None:
        check_names(params, {"topics"})
        topics = self._service.hub.match(read_topics(params))
        self._service.hub.unsubscribe(self._subscriber, topics)
        self._outbox.forget(topics)
        reply.answer({"topics": topics})
