"""A network in memory: listeners, connections and their flow control, on one loop and without a socket.

Bytes travel in a later turn of the loop, in order, at most `max_size` in one piece. What the far end does not
read waits here up to `WINDOW_BYTES`, as in a socket's buffers, then in the writer's own buffer, and then the
writer is told to pause.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from hal import VirtualLoop

WINDOW_BYTES = 64 * 1024
"""What the two sockets of a connection hold between writer and reader."""
READ_BYTES = 256 * 1024
"""How much comes at once, unless a transport is told otherwise, as with asyncio's own."""
HIGH_BYTES = 64 * 1024
FIRST_PORT = 40_000
"""The ports of clients, and those asked for as port 0, count up from here."""


class Network:
    """Who listens where, on one loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._servers: dict[tuple[str, int], MemoryServer] = {}
        self.ends: dict[MemoryTransport, None] = {}
        """Both of each connection, until they are lost."""
        self._ports = FIRST_PORT
        self._silent_until = 0.0

    def listen(self, host: str, port: int) -> Listener:
        """Take an address; port 0 picks one. Raises `OSError` where it is taken."""
        if port == 0:
            port = self._next_port()
        if (host, port) in self._servers:
            raise OSError(f"{host}:{port} is in use")
        return Listener(host, port)

    def serve(self, protocol_factory: Callable[[], asyncio.Protocol], listener: Listener) -> MemoryServer:
        """Let everybody in who connects to the listener's address."""
        server = self._servers[listener.address] = MemoryServer(self, protocol_factory, listener)
        return server

    def connect(
        self, protocol_factory: Callable[[], asyncio.Protocol], host: str, port: int
    ) -> tuple[MemoryTransport, asyncio.Protocol]:
        """Connect to whoever serves there. Raises `ConnectionRefusedError`."""
        server = self._servers.get((host, port))
        if server is None:
            raise ConnectionRefusedError(f"nobody listens at {host}:{port}")
        here, there = (host, self._next_port()), (host, port)
        near = MemoryTransport(self._loop, self, here, there)
        far = MemoryTransport(self._loop, self, there, here)
        near.other, far.other = far, near
        self.ends |= {far: None, near: None}
        far.begin(server.protocol_factory())
        client = protocol_factory()
        near.begin(client)
        return near, client

    def silence(self, duration_s: float) -> None:
        """Carry nothing for so long, as when the Wi-Fi is lost: nobody is told, and all of it comes later."""
        self._silent_until = max(self._silent_until, self._loop.time() + duration_s)
        self._loop.call_at(self._silent_until, self._carry_on)

    @property
    def silent(self) -> bool:
        """Whether nothing is carried now."""
        return self._loop.time() < self._silent_until

    def _carry_on(self) -> None:
        if not self.silent:
            for end in [*self.ends]:
                end.carry_on()

    async def for_ever(self) -> None:
        """Wait until cancelled."""
        await self._loop.create_future()

    def forget(self, server: MemoryServer) -> None:
        """Nobody serves at that address any more."""
        self._servers.pop(server.listener.address, None)

    def _next_port(self) -> int:
        self._ports += 1
        return self._ports


class Listener:
    """An address that was taken, in place of a listening socket."""

    family = socket.AF_INET

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)

    def getsockname(self) -> tuple[str, int]:
        """Host and port."""
        return self.address

    def close(self) -> None:
        """Nothing is held."""


class MemoryServer(asyncio.AbstractServer):
    """What `create_server` returns."""

    def __init__(
        self, network: Network, protocol_factory: Callable[[], asyncio.Protocol], listener: Listener
    ) -> None:
        self._network = network
        self.protocol_factory = protocol_factory
        self.listener = listener
        self.sockets = (listener,)

    def close(self) -> None:
        """Nobody new comes in; who is there stays."""
        self._network.forget(self)

    def is_serving(self) -> bool:
        """Always, until closed."""
        return True

    async def start_serving(self) -> None:
        """It does already."""

    async def serve_forever(self) -> None:
        """Until cancelled."""
        await self._network.for_ever()

    async def wait_closed(self) -> None:
        """There is nothing to wait for."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it serves on."""
        return self._network._loop


class _Socket:
    """What protocols ask the socket below a transport for."""

    def __init__(self, name: tuple[str, int], peer: tuple[str, int]) -> None:
        self._name = name
        self._peer = peer

    def setsockopt(self, *options: Any) -> None:
        """There are no buffers of a system here."""

    def getsockname(self) -> tuple[str, int]:
        """Host and port of this side."""
        return self._name

    def getpeername(self) -> tuple[str, int]:
        """Host and port of the other side."""
        return self._peer


class MemoryTransport(asyncio.Transport):
    """One end of a connection."""

    def __init__(
        self, loop: VirtualLoop, network: Network, name: tuple[str, int], peer: tuple[str, int]
    ) -> None:
        super().__init__({"sockname": name, "peername": peer, "socket": _Socket(name, peer)})
        self._loop = loop
        self._network = network
        self.other: MemoryTransport
        self.max_size = READ_BYTES
        self._protocol: asyncio.Protocol
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._high, self._low = HIGH_BYTES, HIGH_BYTES // 4
        self._paused_writing = False
        self._reading = True
        self._delivery: asyncio.Handle | None = None
        self._ends = False
        """This side writes no more."""
        self._heard_end = False
        self._closing = False
        self._gone = False

    def begin(self, protocol: asyncio.Protocol) -> None:
        """Somebody is at this end from now on."""
        self._protocol = protocol
        protocol.connection_made(self)

    # -- reading --------------------------------------------------------------------------------------

    def is_reading(self) -> bool:
        """Whether what comes is handed on."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Leave what comes where it is."""
        self._reading = False

    def resume_reading(self) -> None:
        """Hand on what comes."""
        self._reading = True
        self._deliver_soon()

    def _deliver_soon(self) -> None:
        if self._delivery is None and not self._gone:
            self._delivery = self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivery = None
        if self._gone or not self.is_reading():
            return
        if self._inbox:
            data = bytes(self._inbox[: self.max_size])
            del self._inbox[: len(data)]
            self.other._flow()
            self._protocol.data_received(data)
        elif self._end_comes():
            self._heard_end = True
            if not self._protocol.eof_received():
                self.close()
        if self._inbox or self._end_comes():
            self._deliver_soon()

    def _end_comes(self) -> bool:
        """The far end writes no more, all that it wrote was read, and this was not told yet."""
        other = self.other
        return other._ends and not (other._outbox or self._heard_end or self._network.silent)

    def carry_on(self) -> None:
        """The network carries again."""
        self._flow()
        self._deliver_soon()

    # -- writing --------------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send `data`; never waits."""
        if self._closing or self._ends or not data:
            return
        self._outbox += data
        self._flow()
        if len(self._outbox) > self._high and not self._paused_writing:
            self._paused_writing = True
            self._protocol.pause_writing()

    def _flow(self) -> None:
        """Move what the window takes; it moves on as the far end reads."""
        if self._network.silent:
            return
        other = self.other
        if other._gone:
            self._outbox.clear()  # as a reset connection does
        room = WINDOW_BYTES - len(other._inbox)
        if self._outbox and room > 0:
            other._inbox += self._outbox[:room]
            del self._outbox[:room]
            other._deliver_soon()
        if self._paused_writing and len(self._outbox) <= self._low:
            self._paused_writing = False
            self._protocol.resume_writing()
        if self._closing and not self._outbox:
            self._loop.call_soon(self._lose, None)

    def get_write_buffer_size(self) -> int:
        """Bytes that the far end's window did not take yet."""
        return len(self._outbox)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """From where on the protocol is told to pause, and to go on."""
        self._high = HIGH_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def can_write_eof(self) -> bool:
        """Always."""
        return True

    def write_eof(self) -> None:
        """Nothing more will be sent; what comes is still read."""
        self._ends = True
        self.other._deliver_soon()

    # -- the end --------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Send what was written, and hang up."""
        if not self._closing:
            self._closing = True
            self._flow()

    def abort(self) -> None:
        """Hang up now."""
        self._closing = True
        self._outbox.clear()
        self._loop.call_soon(self._lose, None)

    def _lose(self, error: Exception | None) -> None:
        if self._gone:
            return
        self._gone = self._closing = True
        self._network.ends.pop(self)
        self._protocol.connection_lost(error)
        # The far end reads what was sent, and then the end.
        self.write_eof()

    # -- what else a transport has --------------------------------------------------------------------

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol takes over."""
        self._protocol = protocol  # type: ignore[assignment]  # of a stream, as this one is

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who is at this end."""
        return self._protocol
