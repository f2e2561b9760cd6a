"""What a client may ask, method by method; `send`, which has a rate and a life, is the session's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from robotd.errors import Refused
from robotd.wire.guest import Guest
from robotd.wire.hub import Subscriber
from robotd.wire.lookups import Lookups
from robotd.wire.outbox import Outbox
from robotd.wire.params import (
    MAX_HZ,
    MOST_WINDOW_MS,
    check_names,
    flag,
    number,
    read_about,
    read_burial,
    read_query,
    read_topics,
    required_text,
    stop_reason,
    whole,
)
from robotd.wire.replies import Reply
from robotd.wire.resuming import MOST_PAST, TOPIC, Resumption
from robotd.wire.service import PastStages, Service, Who

PROTOCOL = 1
MOST_JOURNAL_BYTES = 128 * 1024
"""Of rows in one answer; never more than half of an outbox, or a client would be cut off for asking."""


class Method(NamedTuple):
    """What carries a method out, and the names of its params; None: it takes whatever comes."""

    call: Callable[[Any, Reply, float], None]
    params: frozenset[str] | None


class Methods:
    """The methods of one client. Each takes checked names and a reply, and sees to the rest."""

    def __init__(self, service: Service, guest: Guest, subscriber: Subscriber, outbox: Outbox) -> None:
        self._service = service
        self._guest = guest
        self._subscriber = subscriber
        self._outbox = outbox
        self._session_id = service.new_id()
        self._evidence: set[asyncio.Future[dict[str, Any]]] = set()
        self._lookups = Lookups(outbox)
        self._resumption: Resumption | None = None
        self._listens = True
        self._table: Mapping[str, Method] = {
            "hello": _method(self._hello, "token", "client", "protocol"),
            "describe": _method(self._describe),
            "status": _method(self._status),
            "cancel": _method(self._cancel, "id"),
            "estop": Method(_timeless(self._estop), None),
            "reset": _method(self._reset, "latch_id"),
            "subscribe": _method(self._subscribe, "topics", "max_hz", "since_seq"),
            "unsubscribe": _method(self._unsubscribe, "topics"),
            "journal.read": _method(
                self._read_journal,
                *("since_seq", "until_seq", "limit", "newest_first", "kinds", "id", "trace_id", "device"),
            ),
            "why": _method(self._why, "id", "seq"),
            "dead.bury": _method(self._bury, "letter", "how"),
            "lease.acquire": _arriving(self._acquire, "window_ms", "steal"),
            "lease.renew": _arriving(self._renew, "lease_id"),
            "lease.release": _method(self._release, "lease_id"),
        }

    def call(self, name: str, params: Any, reply: Reply, arrived: float) -> None:
        """Carry out a method that came at `arrived`. A refusal is replied, not raised."""
        method = self._table.get(name)
        try:
            if method is not None or self._guest.is_stranger:
                self._guest.require(name)
            if method is None:
                known = ", ".join(sorted([*self._table, "send"]))
                raise Refused(
                    "method_not_found", f"there is no method '{name[:64]}'", hint=f"there are {known}"
                )
            if method.params is not None:
                check_names(params, method.params)
            method.call(params, reply, arrived)
        except Refused as refused:
            reply.refuse(refused)

    @property
    def who(self) -> Who:
        """Who asks; a `hello` may change it."""
        return self._guest.who

    def proceed(self) -> None:
        """The client has read what was sent."""
        self._lookups.proceed()
        if self._resumption is not None:
            self._resumption.proceed()

    def end_news(self) -> None:
        """The client hears no more of any topic."""
        self._listens = False
        self._resume_no_more()
        self._service.hub.unsubscribe(self._subscriber)

    def shut_down(self) -> None:
        """The daemon ends: nothing is looked up any more."""
        self._lookups.refuse(
            Refused("shutting_down", "the daemon is ending", hint="ask again in a few seconds")
        )

    def close(self) -> None:
        """The client is gone."""
        self.end_news()
        self._lookups.forget()

    def _hello(self, params: Any, reply: Reply) -> None:
        wanted = params.get("protocol", [PROTOCOL])
        if type(wanted) is not list or PROTOCOL not in wanted:
            raise Refused("invalid_params", f"this robot speaks protocol {PROTOCOL}", protocol=[PROTOCOL])
        self._guest.hello(params.get("token"))
        session = {"protocol": PROTOCOL, "role": str(self.who.role), "session": self._session_id}
        reply.answer({**self._service.hello(), **session})

    def _describe(self, params: Any, reply: Reply) -> None:
        reply.answer(self._service.describe())

    def _status(self, params: Any, reply: Reply) -> None:
        reply.answer(self._service.status())

    def _cancel(self, params: Any, reply: Reply) -> None:
        reply.answer(self._service.cancel(required_text(params, "id"), self.who.principal))

    # -- the stop -------------------------------------------------------------------------------------

    def _estop(self, params: Any, reply: Reply) -> None:
        # Nothing about the params keeps a stop from being one, so they are not checked.
        evidence = asyncio.ensure_future(
            self._service.estop(stop_reason(params), self.who.source, reply.trace.id)
        )

        def tell(_: asyncio.Future[dict[str, Any]]) -> None:
            self._evidence.discard(evidence)
            if evidence.cancelled():
                reply.refuse(Refused("shutting_down", "stopped; the daemon ended before the evidence was in"))
            else:
                reply.answer(evidence.result())

        self._evidence.add(evidence)
        evidence.add_done_callback(tell)

    def _reset(self, params: Any, reply: Reply) -> None:
        latch_id = required_text(params, "latch_id")
        reply.answer(self._service.reset(latch_id, self.who.source, reply.trace.id))

    # -- the lease ------------------------------------------------------------------------------------

    def _acquire(self, params: Any, reply: Reply, arrived: float) -> None:
        window_ms = number(params, "window_ms", MOST_WINDOW_MS)
        window_s = None if window_ms is None else window_ms / 1000
        reply.answer(self._service.acquire(self.who, arrived, window_s, steal=flag(params, "steal")))

    def _renew(self, params: Any, reply: Reply, arrived: float) -> None:
        reply.answer(self._service.renew(self.who, required_text(params, "lease_id"), arrived))

    def _release(self, params: Any, reply: Reply) -> None:
        reply.answer(self._service.release(self.who, required_text(params, "lease_id")))

    # -- topics ---------------------------------------------------------------------------------------

    def _subscribe(self, params: Any, reply: Reply) -> None:
        max_hz = number(params, "max_hz", MAX_HZ)
        since_seq = whole(params, "since_seq", 0)
        topics = self._service.hub.match(read_topics(params))
        period_s = None if max_hz is None else 1 / max_hz
        if since_seq is None:
            self._listen(topics, period_s, reply, {"topics": topics})
        elif TOPIC in topics:
            self._resume(topics, period_s, since_seq, reply)
        else:
            raise Refused("invalid_params", "only stages are kept", hint=f"'since_seq' needs topic '{TOPIC}'")

    def _listen(
        self, topics: tuple[str, ...], period_s: float | None, reply: Reply, answer: Mapping[str, Any]
    ) -> None:
        """Subscribe, answer, and tell what is so now."""
        hub = self._service.hub
        # Of stages, whoever resumes hears already, in their right order.
        own = tuple(topic for topic in topics if topic != TOPIC or self._resumption is None)
        if self._listens:
            hub.subscribe(self._subscriber, own)
            self._outbox.limit(own, period_s)
        reply.answer(answer)
        for snapshot in hub.snapshots(topics):
            self._subscriber.update(snapshot)

    def _resume(self, topics: tuple[str, ...], period_s: float | None, since_seq: int, reply: Reply) -> None:
        """Subscribe to stages from the row `since_seq` on, and to the other topics from now on."""

        async def ask() -> PastStages:
            self._resume_no_more()
            if self._listens:
                self._resumption = Resumption(self._service.hub, self._subscriber, self._outbox)
            try:
                return await self._service.past_stages(since_seq, MOST_PAST)
            except BaseException:
                self._resume_no_more()
                raise

        def found(past: PastStages) -> None:
            gap = {} if past.gap is None else {"gap": past.gap}
            self._listen(topics, period_s, reply, {"topics": topics, "last_seq": past.last_seq, **gap})
            if self._resumption is not None:
                self._outbox.limit((TOPIC,), None)
                self._resumption.begin(past, since_seq)

        self._lookups.ask(ask, found, reply)

    def _unsubscribe(self, params: Any, reply: Reply) -> None:
        topics = self._service.hub.match(read_topics(params))
        if TOPIC in topics:
            self._resume_no_more()
        self._service.hub.unsubscribe(self._subscriber, topics)
        self._outbox.forget(topics)
        reply.answer({"topics": topics})

    def _resume_no_more(self) -> None:
        if self._resumption is not None:
            self._resumption.close()
            self._resumption = None

    # -- the journal ----------------------------------------------------------------------------------

    def _read_journal(self, params: Any, reply: Reply) -> None:
        query = read_query(params, min(MOST_JOURNAL_BYTES, self._service.limits.outbox_bytes // 2))
        self._lookups.ask(lambda: self._service.read_journal(query), reply.answer, reply)

    def _why(self, params: Any, reply: Reply) -> None:
        about = read_about(params)
        self._lookups.ask(lambda: self._service.why(about), reply.answer, reply)

    def _bury(self, params: Any, reply: Reply) -> None:
        letter, how = read_burial(params)
        self._lookups.ask(lambda: self._service.bury(letter, how, self.who.source), reply.answer, reply)


def _method(call: Callable[[Any, Reply], None], *names: str) -> Method:
    return _arriving(_timeless(call), *names)


def _arriving(call: Callable[[Any, Reply, float], None], *names: str) -> Method:
    """One for which it matters when it came."""
    return Method(call, frozenset({*names, "traceparent"}))


def _timeless(call: Callable[[Any, Reply], None]) -> Callable[[Any, Reply, float], None]:
    return lambda params, reply, _: call(params, reply)
