"""Boards behind a TCP port, such as an Ethernet shield or a serial server; and twins served on one."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
from collections.abc import AsyncIterator

from hal.errors import LinkClosed, LinkError, Unplugged
from hal.link import IN_FLIGHT_LIMIT_BYTES, Peer
from hal.links.base import BaseLink
from hal.links.outbox import Outbox
from hal.twin import Twin, TwinDriver

CONNECT_TIMEOUT_S = 5.0
READ_SIZE_BYTES = 4096
SILENT_LOSS_S = 3
"""A far end that vanished without a word, a cable pulled, is noticed after about this long."""
REFILL_BYTES_S = 64_000.0
"""How fast a connection is taken to be when its window was closed and we look again."""
_SIOCOUTQNSD = 0x894B
"""Linux, <linux/sockios.h>: how many bytes of a socket's output were not sent even once."""


def _unsent(descriptor: int) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(descriptor, _SIOCOUTQNSD, bytes(4)))
    return int(count)


def address_of(host: str, port: int) -> str:
    """The name of a TCP port, as `open_link` takes it: `tcp://192.0.2.1:5000`, `tcp://[::1]:5000`."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


class TcpLink(BaseLink):
    """A TCP connection. At most 64 bytes wait in the system behind a closed window, at most 4 KiB here."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(address_of(host, port))
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._outbox: Outbox | None = None

    async def open(self, peer: Peer) -> None:
        """Connect within 5 s. Raises `LinkError` with the probable cause and the next step."""
        self._require_closed()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                connection = await self._connect()
        except OSError as error:  # TimeoutError and a name that is not known are such too
            raise LinkError(f"{self.name}: {_sentence(error)}") from error
        try:
            loop = self._attach(peer)
        except LinkError:
            connection.close()
            raise
        self._socket = connection
        self._outbox = Outbox(
            connection.fileno(), self.name, rate_bytes_s=REFILL_BYTES_S, broken=self._broken, unsent=_unsent
        )
        loop.add_reader(connection, self._readable)

    def write(self, data: bytes) -> None:
        """Queue `data` whole or not at all; where the far end reads, it is sent now. Never waits."""
        self._require_open()
        if self._outbox is not None:
            self._outbox.write(data)
        self._require_open()  # the write may have found the connection broken

    def flush_output(self) -> None:
        """Discard what waits here. What the system took is already on its way."""
        if self._outbox is not None:
            self._outbox.discard()

    @property
    def pending(self) -> int:
        """How many bytes wait in this process."""
        return len(self._outbox) if self._outbox is not None else 0

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        host, port = self._address
        failure = OSError(f"no address is known for {host}")
        for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            connection = socket.socket(family, kind, protocol)
            try:
                _configure(connection)
                await loop.sock_connect(connection, address)
            except OSError as error:
                connection.close()
                failure = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise failure

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(READ_SIZE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._broken(error)
            return
        if data:
            self._deliver(data)
        else:
            self._end(LinkClosed(f"{self.name}: the far end closed the connection"))

    def _broken(self, error: OSError) -> None:
        self._end(LinkClosed(f"{self.name} is gone: {error.strerror or error}"))

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._outbox is not None:
            self._outbox.discard()
            self._outbox = None
        if self._socket is not None:
            loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None


def _configure(connection: socket.socket) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, SILENT_LOSS_S - 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_LOSS_S * 1000)


def _sentence(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return "nothing listens there; is the board's server running, and is this its port?"
        case TimeoutError():
            return f"no answer in {CONNECT_TIMEOUT_S:g} s; is it switched on, and in this network?"
        case socket.gaierror():
            return "that host is not known; write its address, or mend the name"
    return f"cannot connect: {error.strerror or error}"


@contextlib.asynccontextmanager
async def serve_tcp(twin: Twin, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `twin` to one client at a time; yields the address, `tcp://127.0.0.1:5000`. Port 0 picks one.

    Each connection powers the twin on. A second client is hung up on while there is a first, and everybody
    while the twin is unplugged. What a client does not read is lost beyond 4 KiB, as from a serial port.
    Raises `LinkError` where it cannot listen.
    """
    service = _TwinService(twin)
    try:
        server = await asyncio.get_running_loop().create_server(lambda: _Client(service), host, port)
    except OSError as error:
        reason = error.strerror or error
        raise LinkError(f"{address_of(host, port)}: cannot listen there: {reason}") from error
    try:
        yield address_of(host, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        service.hang_up()


class _TwinService:
    """The twin of one TCP port and the one client that it talks to."""

    def __init__(self, twin: Twin) -> None:
        self._driver = TwinDriver(twin, emit=self._emit, failed=self._fail)
        self._client: asyncio.Transport | None = None

    def connected(self, client: asyncio.Transport) -> None:
        if self._client is not None:
            client.abort()
            return
        self._client = client
        self._driver.start()

    def received(self, client: asyncio.Transport, data: bytes) -> None:
        if client is self._client:
            self._driver.feed(data)

    def disconnected(self, client: asyncio.Transport) -> None:
        if client is self._client:
            self._driver.stop()
            self._client = None

    def hang_up(self) -> None:
        self._driver.stop()
        if self._client is not None:
            self._client.abort()
            self._client = None

    def _emit(self, data: bytes) -> None:
        client = self._client
        if client is not None and client.get_write_buffer_size() + len(data) <= IN_FLIGHT_LIMIT_BYTES:
            client.write(data)

    def _fail(self, error: Exception) -> None:
        self.hang_up()
        if not isinstance(error, Unplugged):
            raise error  # a bug of the twin: the loop's exception handler tells it


class _Client(asyncio.Protocol):
    """One connection to a twin."""

    def __init__(self, service: _TwinService) -> None:
        self._service = service
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP transport is a two-way one
        self._service.connected(self._transport)

    def data_received(self, data: bytes) -> None:
        self._service.received(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._service.disconnected(self._transport)
