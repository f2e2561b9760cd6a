"""One JSON object a line, over any stream socket: what TCP and the Unix socket share."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

from robotd.errors import Refused
from robotd.json import too_large
from robotd.wire.admission import Admission
from robotd.wire.guest import Entry
from robotd.wire.protocol import unreadable
from robotd.wire.service import Service
from robotd.wire.session import Session
from robotd.wire.tls import HANDSHAKE, Tls
from robotd.wire.transport import READ_BYTES, SEND_BUFFER_BYTES, WRITE_HIGH_BYTES, why_lost

CLOSE_S = 0.5
"""How long the last answers may take to go out when a server ends."""

logger = logging.getLogger(__name__)

_HTTP = re.compile(rb"[A-Z]+ \S+ HTTP/\d")


class Client(NamedTuple):
    """Who is at the far end of a connection."""

    address: str
    """What its connections are counted by: an IP address, or a user."""
    source: str
    """Its name in the journal."""
    user: int | None = None
    """Whom the system says it is, on this machine."""


class LineConnection(asyncio.Protocol):
    """One client: bytes to lines, lines to bytes. Everything else is its session's."""

    def __init__(
        self,
        service: Service,
        admission: Admission,
        identify: Callable[[asyncio.BaseTransport], Client],
        connections: dict[LineConnection, None],
    ) -> None:
        self._service = service
        self._admission = admission
        self._identify = identify
        self._connections = connections
        self._rest = b""
        self._skips = False
        self._first = True
        self.gone = asyncio.get_running_loop().create_future()
        """Done when the connection is."""

    # -- from asyncio -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a client in, or say why not."""
        self._transport = cast(asyncio.Transport, transport)
        stream = transport.get_extra_info("socket")
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        # How much is read at once: with asyncio's 256 KiB a flood keeps a stop of others waiting for 31 ms.
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # of selector transports, not of all
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        self._client = self._identify(transport)
        self._session: Session | None = None
        self._client = self._client._replace(source=self._own_source())
        address, source, user = self._client
        entry = Entry(self._admission, address, self._admission.gate.comer(source, user))
        if refused := self._admission.enter(address, stranger=entry.who.is_stranger):
            self.write([unreadable(refused).refuse(refused.as_error())])
            self._transport.close()
            return
        self._connections[self] = None
        self._session = Session(self._service, source, self, entry=entry, words=True)

    def _own_source(self) -> str:
        """That of nobody else who is there: a process may have several connections to a Unix socket."""
        source = self._client.source
        taken = {connection._client.source for connection in self._connections}
        further = (f"{source}:{number}" for number in itertools.count(2))
        return next(name for name in itertools.chain((source,), further) if name not in taken)

    def data_received(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""
        session = self._session
        if session is None:
            return
        session.begin_read(self._transport.get_extra_info("read_size", len(data)))
        if self._first and data[0] == HANDSHAKE:
            session.refuse(Refused("invalid_request", "no TLS is spoken here", hint="connect with tcp://"))
            session.end("it speaks TLS")
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._skips:
                self._skips = False
            elif line and not line.isspace():
                self._take(line, session)
        if self._skips:
            self._rest = b""
        elif len(self._rest) > self._service.limits.message_bytes:
            session.refuse(too_large("a line", self._service.limits.message_bytes, "bytes"))
            self._rest = b""
            self._skips = True

    def eof_received(self) -> bool:
        """The client sends nothing more; it may still read."""
        if self._session is not None:
            if self._rest and not self._rest.isspace():
                self._take(self._rest, self._session)
            self._session.end_of_input()
        return True

    def pause_writing(self) -> None:
        """The client reads more slowly than it is told things."""
        if self._session is not None:
            self._session.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._session is not None:
            self._session.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._session is not None:
            self._session.close(why_lost(exc))
            self._admission.leave(self._client.address, stranger=self._session.is_stranger)
            self._connections.pop(self, None)
        self.gone.set_result(None)

    # -- from the session ---------------------------------------------------------------------------

    def write(self, messages: list[bytes]) -> None:
        """Send each on a line, all in one system call."""
        self._transport.write(b"\n".join(messages) + b"\n")

    def pause_reading(self) -> None:
        """Leave what comes in the socket."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def close(self) -> None:
        """End when all that was written has gone out."""
        self._transport.close()

    def abort(self, why: str) -> None:
        """End now."""
        logger.warning("%s is cut off: %s", self._client.source, why)
        self._transport.abort()

    # -- from the server ----------------------------------------------------------------------------

    def end(self) -> None:
        """The server ends: the client gets what it still waits for."""
        if self._session is not None:
            self._session.shut_down()

    def _take(self, line: bytes, session: Session) -> None:
        if self._first:
            self._first = False
            if _HTTP.match(line):
                # A web page can make a browser post here, with commands for a body.
                session.refuse(Refused("invalid_request", "one JSON object a line is spoken here, not HTTP"))
                session.end("it speaks HTTP")
        session.receive(line)


@asynccontextmanager
async def serve_lines(
    service: Service,
    listener: socket.socket,
    *,
    admission: Admission,
    identify: Callable[[asyncio.BaseTransport], Client],
    tls: Tls | None = None,
) -> AsyncIterator[None]:
    """Serve on a socket that listens, and close it at the end. With `tls`, nothing else is spoken there."""
    connections: dict[LineConnection, None] = {}

    def let_in() -> asyncio.Protocol:
        connection = LineConnection(service, admission, identify, connections)
        return connection if tls is None else tls.around(connection)

    server = await asyncio.get_running_loop().create_server(let_in, sock=listener)
    try:
        yield
    finally:
        server.close()
        for connection in tuple(connections):
            connection.end()
        try:
            if connections:
                await asyncio.wait([connection.gone for connection in connections], timeout=CLOSE_S)
        finally:
            for connection in tuple(connections):
                connection.abort("the daemon ends")
            await asyncio.sleep(0)  # in which asyncio tells those that they are gone
