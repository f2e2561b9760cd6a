"""Serial ports through pyserial-asyncio, its faults mended. The only file that imports it, or pyserial.

What is mended: the connection is returned before it is made; a write after a loss is ignored; the buffer has
no bound; closing waits for bytes that may never go; a second program may open the same port; an exception of
the receiver is only logged; reading uses `select`, which fails above descriptor 1,023.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import termios
from collections.abc import Callable

import serial
import serial_asyncio

from hal.errors import LinkClosed, LinkError, SpeedRefused
from hal.link import Parity, Peer
from hal.links.base import BaseLink
from hal.links.outbox import BITS_PER_BYTE, Outbox, unsent_bytes
from hal.links.ports import device_of, explain

_PARITIES = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}
PSEUDO_TERMINALS = "/dev/pts/"
"""They have no line that could disturb a byte: asked for a parity, the system refuses."""
WAYS_OUT = "try another speed, or another adapter"
LINGER_S = 0.1
"""How long a closed port may go on sending what the system had taken: a stop frame, for example."""


class SerialLink(BaseLink):
    """A serial port, held exclusively. `port` is a path or `usb:VID:PID`, looked up at each opening.

    Each byte has eight bits, and one stop bit after the parity, if there is one.

    At most 64 bytes are in flight beyond our reach, at most 4 KiB wait here. Opening raises DTR, which resets
    most Arduinos. `unsent` says how many bytes the system still has to send, for ports that count otherwise.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        parity: Parity = "none",
        *,
        unsent: Callable[[int], int] = unsent_bytes,
    ) -> None:
        super().__init__(port)
        self.baud = baud
        self.parity = parity
        self._unsent = unsent
        self._session: _Session | None = None

    async def open(self, peer: Peer) -> None:
        """Open and configure the port. Raises `LinkError` with the probable cause and the next step."""
        self._require_closed()
        if self._session is not None:
            self._session.finish()
        session = _Session(self, _open(device_of(self.name), self.baud, self.parity), self._unsent)
        try:
            await session.start()
        except BaseException:
            session.finish()
            raise
        self._session = session
        self._attach(peer)

    def write(self, data: bytes) -> None:
        """Queue `data` whole or not at all; on an idle line it is written now. Never waits."""
        self._require_open()
        if self._session is not None:
            self._session.outbox.write(data)
        self._require_open()  # the write may have found the port gone

    def flush_output(self) -> None:
        """Discard what waits here and, where the port can, what the system has not sent."""
        if self.is_open and self._session is not None:
            self._session.discard()

    @property
    def descriptor(self) -> int | None:
        """The port's own number."""
        return self._session.descriptor if self.is_open and self._session is not None else None

    @property
    def pending(self) -> int:
        """How many bytes wait in this process."""
        return len(self._session.outbox) if self._session is not None else 0

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._session is not None:
            self._session.close()

    def received(self, session: _Session, data: bytes) -> None:
        """For the session alone: bytes came."""
        if session is self._session:
            self._deliver(data)

    def lost(self, session: _Session, error: Exception | None) -> None:
        """For the session alone: the port failed, or the system hung it up."""
        if session is self._session:
            self._end(LinkClosed(f"{self.name} is gone: {error}"))


class _Session(asyncio.Protocol):
    """One opening of a port: pyserial's port, its transport for reading, and our own way of writing."""

    def __init__(self, link: SerialLink, port: _Port, unsent: Callable[[int], int]) -> None:
        self._link = link
        self._port = port
        self._unsent = unsent
        self.descriptor = port.fileno()
        self._loop = asyncio.get_running_loop()
        self._made = self._loop.create_future()
        self._transport: serial_asyncio.SerialTransport | None = None
        self._finished = False
        self.outbox = Outbox(
            self.descriptor,
            link.name,
            rate_bytes_s=link.baud / (BITS_PER_BYTE + (link.parity != "none")),
            broken=lambda error: link.lost(self, error),
            unsent=unsent,
        )

    async def start(self) -> None:
        """Return when the transport is connected; it is handed out before that."""
        self._transport, _ = await serial_asyncio.connection_for_serial(self._loop, lambda: self, self._port)
        await self._made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._made.done():
            self._made.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(self, exc)

    def discard(self) -> None:
        """Drop all output that can still be dropped."""
        self.outbox.discard()
        with contextlib.suppress(termios.error):  # the port is gone: nothing waits there either
            self._port.reset_output_buffer()

    def close(self) -> None:
        """Stop reading and writing now; what the system has taken may go out for `LINGER_S`."""
        self.outbox.discard()
        if self._transport is None or self._transport.is_closing() or not self._sending():
            self.finish()
            return
        self._transport.pause_reading()
        self._loop.call_later(LINGER_S, self.finish)

    def finish(self) -> None:
        """Give the port back. The system would wait up to 30 s for unsent bytes, so they go first."""
        if self._finished:
            return
        self._finished = True
        self.discard()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()
        self._port.close()

    def _sending(self) -> bool:
        try:
            return self._unsent(self.descriptor) > 0
        except OSError:
            return False


class _Port(serial.Serial):
    """pyserial's port without the calls that would stop the event loop."""

    def read(self, size: int = 1) -> bytes:
        """What has arrived, at most `size` bytes. Raises `SerialException` when the port is gone."""
        try:
            for _ in range(2):
                data = os.read(self.fileno(), size)
                # An empty read is a hang-up only if the port is said to have something, again and again.
                if data or not self._ready():
                    return data
        except BlockingIOError:
            return b""
        except OSError as error:
            raise serial.SerialException(error.errno, error.strerror) from error
        raise serial.SerialException("hung up")

    def _ready(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def flush(self) -> None:
        """Nothing: the transport calls this at its end, and pyserial's waits for the far end there."""


def _open(path: str, baud: int, parity: Parity) -> _Port:
    if baud <= 0:  # to the system, 0 means: hang up
        raise LinkError(f"{path}: there is no baud rate {baud}; 9600, 57600 and 115200 are common ones")
    if os.path.realpath(path).startswith(PSEUDO_TERMINALS):
        parity = "none"
    try:
        return _Port(path, baud, parity=_PARITIES[parity], timeout=0, write_timeout=0, exclusive=True)
    except (ValueError, OverflowError) as error:
        raise SpeedRefused(f"{path}: it cannot be set to {baud} baud ({error}); {WAYS_OUT}") from error
    except termios.error as error:
        if error.args[0] == errno.EINVAL:
            raise SpeedRefused(f"{path}: it cannot be set to {baud} baud; {WAYS_OUT}") from error
        raise explain(path, error) from error
    except OSError as error:
        raise explain(path, error) from error
