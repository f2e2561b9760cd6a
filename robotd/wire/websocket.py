"""The WebSocket server, with the HTTP pages on the same port: the only server file that imports `websockets`.

`websockets` parses and checks handshakes and frames. What its high-level interface does with them afterwards
is replaced: it costs a task switch a message, waits for slow readers, and has no bound that would keep one
client's flood from another's stop. Here

- frames are handed to the session inside `data_received`; there is no task for each message;
- the answers of one turn of the loop leave in one write, and nobody waits for it;
- a client that is heard at all is alive (`heartbeat.py`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from email.utils import format_datetime
from functools import partial
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage
from websockets.frames import BINARY, CONT, TEXT, CloseCode, Frame
from websockets.http11 import Request as Handshake
from websockets.http11 import Response
from websockets.protocol import CONNECTING, OPEN, Event
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from robotd.clock import WallClock, wall_time
from robotd.errors import Refused
from robotd.wire.admission import Admission
from robotd.wire.guest import Entry
from robotd.wire.heartbeat import Heartbeat
from robotd.wire.http import Access, Answer, Pages, Request, unavailable, unreadable
from robotd.wire.listen import Listen, listen_tcp, stay_here
from robotd.wire.service import Service
from robotd.wire.session import Session
from robotd.wire.tls import HANDSHAKE, Tls, TlsTransport
from robotd.wire.transport import LOST, READ_BYTES, SEND_BUFFER_BYTES, WRITE_HIGH_BYTES, why_lost

logger = logging.getLogger(__name__)

SUBPROTOCOL = Subprotocol("robotd.v1")
CLOSE_TIMEOUT_S = 0.5
"""For the far end's part of a closing handshake."""
PONG_HEADER = 0x8A
"""The first byte of an unfragmented pong (RFC 6455, section 5.2)."""


class WebSocketConnection(ServerConnection):
    """One client: a shell around a session, or an HTTP request that is answered and closed."""

    def __init__(self, door: _Door, protocol: ServerProtocol, server: Server, **options: Any) -> None:
        super().__init__(protocol, server, **options)
        self._door = door
        self._session: Session | None = None
        self._pending: Answer | Awaitable[Answer] | None = None
        self._entry: Entry | None = None
        """How it came in; None before, and where there was no room."""
        self._outlet = _Outlet(self)
        self._heartbeat = Heartbeat(self, door.service.limits)
        self._ending: asyncio.TimerHandle | None = None
        """What cuts it off when the far end does not do its part of a closing handshake."""
        self._message: bytearray | None = None

    # -- from asyncio -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected; what they want is not known yet."""
        if self._door.tls is not None and not isinstance(transport, TlsTransport):
            self._door.tls.begin(transport, self)
            return
        super().connection_made(transport)
        # How much one read takes. With asyncio's 256 KiB a stop waits 31 ms behind the floods of others.
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # of selector transports, not of all
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.host, self.port = transport.get_extra_info("peername")[:2]
        if len(self._door.opening) >= self._door.service.limits.connections:
            self.transport.abort()
        self._door.opening[self] = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; every whole message in them is handled before this returns, or kept by the session."""
        self._heartbeat.heard = True
        if self._session is not None:
            self._session.begin_read(self.transport.get_extra_info("read_size", len(data)))
        elif self.request is None and data[0] == HANDSHAKE:
            # TLS where none is spoken: without an answer the client would wait for one.
            self.transport.write(self._door.response(unreadable()).serialize())
            self.transport.close()
            return
        super().data_received(data)
        if self.protocol.close_expected() and self._ending is None:
            self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._door.opening.pop(self, None)
        self._heartbeat.end()
        if self._ending is not None:
            self._ending.cancel()
        if self._session is not None:
            self._session.close(self._why_lost(exc))
            self._door.clients.pop(self, None)
        if self._entry is not None:
            found = self._session or self._entry.who
            self._door.admission.leave(self.host, stranger=found.is_stranger)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is told things."""
        super().pause_writing()
        if self._session is not None:
            self._session.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if self._session is not None:
            self._session.resume_writing()

    # -- from websockets ----------------------------------------------------------------------------

    def process_event(self, event: Event) -> None:
        """Take the handshake's request, or one frame."""
        if isinstance(event, Handshake):
            # Here and not in the handshake's task: a stop by POST acts before this returns.
            self._pending = self._door.pages.answer(self._as_request(event))
            super().process_event(event)
        elif self._session is None:
            self.transport.abort()  # frames before the handshake was answered (RFC 6455, section 4.1)
        elif isinstance(event, Frame):
            self._take(event, self._session)

    def send_data(self) -> None:
        """Write what the protocol has to say, in one system call."""
        writes = self.protocol.data_to_send()
        if self.request is None and isinstance(self.protocol.handshake_exc, InvalidMessage):
            # websockets says nothing to what it cannot read, a request with a body included.
            writes.insert(0, self._door.response(unreadable()).serialize())
        if self.paused:
            # A client that pings and does not read would make this buffer grow without end.
            writes = [data for data in writes if not data or data[0] != PONG_HEADER]
        ends = b"" in writes
        if data := b"".join(writes):
            self.transport.write(data)
        if ends and self.transport.can_write_eof():
            self.transport.write_eof()
        elif ends:
            self.transport.close()

    async def answer(self, request: Handshake) -> Response | None:
        """The page that was asked for, or None where a WebSocket is wanted and there is room."""
        pending = self._pending
        if pending is None and self.protocol.state is CONNECTING:
            admission = self._door.admission
            self.source = f"ws:{self.host}:{self.port}"
            entry = Entry(admission, self.host, admission.gate.comer(self.source))
            refusal = admission.enter(self.host, stranger=entry.who.is_stranger)
            self._entry = entry if refusal is None else None
            return None if refusal is None else self._door.response(unavailable(refusal))
        if pending is None:
            return self._door.response(unreadable())  # it has gone already; nobody reads this
        return self._door.response(pending if isinstance(pending, Answer) else await pending)

    def accepted(self, response: Response) -> None:
        """The handshake is about to be answered: from here on there may be frames."""
        if response.status_code == 101:
            del response.headers["Date"]  # the library asks the system for it
            response.headers["Date"] = self._door.date
            self._door.opening.pop(self, None)
            self._session = Session(self._door.service, self.source, self._outlet, entry=self._entry)
            self._door.clients[self] = None
            self._heartbeat.begin()

    @property
    def ends_with(self) -> CloseCode:
        """What it is closed with when all is said."""
        return self._door.ends_with

    def end(self, code: CloseCode, why: str) -> None:
        """Begin a closing handshake, and wait for the other half of it no longer than `CLOSE_TIMEOUT_S`."""
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, why)
            self.send_data()
            self._end_soon()

    def _end_soon(self) -> None:
        self._heartbeat.end()
        if self._ending is not None:
            self._ending.cancel()
        self._ending = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    # -- frames ---------------------------------------------------------------------------------------

    def _take(self, frame: Frame, session: Session) -> None:
        opcode = frame.opcode
        if opcode is TEXT and frame.fin:
            session.receive(bytes(frame.data))
        elif opcode is TEXT:
            self._message = bytearray(frame.data)
        elif opcode is BINARY:
            self._message = None
            session.refuse(Refused("invalid_request", "a binary frame", hint="send JSON in text frames"))
        elif opcode is CONT:
            self._take_part(frame, session)
        else:
            self._heartbeat.count_control_frame()

    def _take_part(self, frame: Frame, session: Session) -> None:
        """A later part of a message; the protocol has checked that there was a first, and their sum."""
        if not frame.data:
            self._heartbeat.count_control_frame()
        if self._message is not None:
            self._message += frame.data
            if frame.fin:
                message, self._message = bytes(self._message), None
                session.receive(message)

    # -- life -----------------------------------------------------------------------------------------

    @property
    def may_be_silent(self) -> bool:
        """As `robotd.wire.heartbeat.Peer`."""
        return self.paused or not self.transport.is_reading()

    def ask_for_pong(self) -> None:
        """As `robotd.wire.heartbeat.Peer`."""
        if self.protocol.state is OPEN:
            self.protocol.send_ping(b"")
            self.send_data()

    def cut_off(self, why: str) -> None:
        """As `robotd.wire.heartbeat.Peer`."""
        if self._session is not None:
            self._session.cut_off(why)

    def shut_down(self) -> None:
        """The server ends: the client gets what it still waits for."""
        if self._session is not None:
            self._session.shut_down()

    def _why_lost(self, exc: Exception | None) -> str:
        protocol = self.protocol
        if exc is not None or protocol.close_rcvd_then_sent:
            return why_lost(exc)
        if protocol.close_sent is not None:
            return f"it broke the WebSocket protocol ({protocol.close_sent.code})"
        return f"{LOST}: no closing handshake"

    def _as_request(self, request: Handshake) -> Request:
        peer = f"http:{self.host}:{self.port}"
        host, origin, parent = (_only(request.headers, name) for name in ("Host", "Origin", "traceparent"))
        token = _only(request.headers, "Authorization")
        return Request(request.method, request.path, host, origin, peer, parent, token, self.host)


class _Outlet:
    """What a session asks of its connection (`robotd.wire.transport.Transport`)."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection

    def write(self, messages: list[bytes]) -> None:
        """Send each as a text frame, all in one system call."""
        protocol = self._connection.protocol
        if protocol.state is OPEN:
            for message in messages:
                protocol.send_text(message)
            self._connection.send_data()

    def pause_reading(self) -> None:
        """Leave what comes in the socket."""
        self._connection.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._connection.transport.resume_reading()

    def close(self) -> None:
        """End with a closing handshake, after all that was written."""
        self._connection.end(self._connection.ends_with, "")

    def abort(self, why: str) -> None:
        """End now; the reason goes out where the socket still takes it."""
        logger.warning("%s is cut off: %s", self._connection.source, why)
        self._connection.end(CloseCode.POLICY_VIOLATION, why)
        self._connection.transport.abort()


class _Door:
    """What all connections of one server share."""

    def __init__(
        self, service: Service, pages: Pages, admission: Admission, wall_clock: WallClock, tls: Tls | None
    ) -> None:
        self.service = service
        self.pages = pages
        self.admission = admission
        self.tls = tls
        self._wall_clock = wall_clock
        self.opening: dict[WebSocketConnection, None] = {}
        """Those whose handshake is not done: at most as many as may be connected."""
        self.clients: dict[WebSocketConnection, None] = {}
        self.ends_with = CloseCode.NORMAL_CLOSURE
        """What a connection is closed with when all is said."""

    @property
    def date(self) -> str:
        """Now, as a header says it (RFC 9110, section 5.6.7)."""
        return format_datetime(self._wall_clock(), usegmt=True)

    def response(self, answer: Answer) -> Response:
        """An answer, with what every one has."""
        headers = Headers(
            [
                ("Date", self.date),
                ("Connection", "close"),
                ("Content-Length", str(len(answer.body))),
                *answer.headers,
            ]
        )
        return Response(answer.status.value, answer.status.phrase, headers, answer.body)


@asynccontextmanager
async def serve_websocket(
    service: Service,
    host: str,
    port: int,
    *,
    access: Access,
    admission: Admission,
    listen: Listen = listen_tcp,
    wall_clock: WallClock = wall_time,
    tls: Tls | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serve WebSockets and pages at `host:port`; gives the address it really is. At the end all are closed.

    With `tls`, nothing else is spoken there. Raises `CannotListen`.
    """
    limits = service.limits
    door = _Door(service, Pages(service, access, admission.gate), admission, wall_clock, tls)
    if tls is None or not admission.gate.asks:
        stay_here(host)
    listener = listen(host, port)
    address = listener.getsockname()[:2]
    library_logger = logging.getLogger(f"{__name__}.library")
    library_logger.setLevel(logging.ERROR)  # websockets tells of each connection at INFO
    async with serve(
        _until_closed,
        sock=listener,
        create_connection=partial(WebSocketConnection, door),  # type: ignore[arg-type]  # a factory does
        process_request=_process_request,
        process_response=_process_response,
        select_subprotocol=_select_subprotocol,
        compression=None,
        server_header=None,
        open_timeout=limits.handshake_s,
        close_timeout=CLOSE_TIMEOUT_S,
        ping_interval=None,
        max_size=limits.message_bytes,
        write_limit=WRITE_HIGH_BYTES,
        logger=library_logger,
    ):
        try:
            yield address
        finally:
            for connection in tuple(door.opening):
                connection.transport.abort()
            door.ends_with = CloseCode.GOING_AWAY
            for connection in tuple(door.clients):
                connection.shut_down()


async def _until_closed(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def _process_request(connection: ServerConnection, request: Handshake) -> Response | None:
    return await connection.answer(request) if isinstance(connection, WebSocketConnection) else None


def _process_response(connection: ServerConnection, request: Handshake, response: Response) -> None:
    if isinstance(connection, WebSocketConnection):
        connection.accepted(response)


def _select_subprotocol(connection: ServerConnection, offered: Any) -> Subprotocol | None:
    """Ours where it is offered; else none, and the client decides whether that will do."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _only(headers: Headers, name: str) -> str | None:
    """A header's value. One that came twice is joined to what no list holds."""
    values = headers.get_all(name)
    return ", ".join(values) if values else None
