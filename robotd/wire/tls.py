"""TLS between a socket's transport and a protocol, with the bounds that a plain transport is given here.

asyncio's own layer reads 256 KiB of one client in one turn of the loop, hands all of it on at once, and reads
half a MiB more while the protocol wants nothing. A stop of somebody else would wait behind that, and an old
setpoint would pass for a fresh one. Here one turn brings a protocol at most `READ_BYTES`, one that pauses
reading pauses the socket, and `get_extra_info("read_size")` tells whether the socket may hold more.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from robotd.wire.admission import Admission
from robotd.wire.service import Service
from robotd.wire.transport import READ_BYTES

NOT_TLS = b"\x15\x03\x03\x00\x02\x02\x46"
"""A fatal alert, `protocol_version` (RFC 8446, section 6.2). OpenSSL says nothing to who speaks no TLS."""
HANDSHAKE = 0x16
"""The first byte of whoever speaks TLS (RFC 8446, section 5.1)."""

logger = logging.getLogger(__name__)


class Tls:
    """One for all servers of a daemon: who shakes hands now, and with which certificate."""

    def __init__(self, service: Service, context: Callable[[], ssl.SSLContext]) -> None:
        """`context` is asked for each connection, and so may change."""
        self.context = context
        self.handshake_s = service.limits.handshake_s
        self.turns = service.turns
        self.admission = Admission(service.limits)
        self.opening: dict[TlsTransport, None] = {}
        """Those that have not proved anything yet: as many as may be connected, and of one address, too."""

    def around(self, protocol: asyncio.Protocol) -> TlsTransport:
        """What a socket talks to in place of `protocol`, which hears of it when hands are shaken."""
        return TlsTransport(self, protocol)

    def begin(self, transport: asyncio.BaseTransport, protocol: asyncio.Protocol) -> None:
        """The same for one that has its connection already: it will be told again."""
        between = self.around(protocol)
        transport.set_protocol(between)
        between.connection_made(transport)

    def close(self) -> None:
        """Cut those off that still shake hands."""
        self.admission.close()
        for layer in tuple(self.opening):
            layer.abort()


class TlsTransport(asyncio.Protocol, asyncio.Transport):
    """One connection: the protocol of a socket's transport, and the transport of a protocol."""

    def __init__(self, tls: Tls, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.max_size = READ_BYTES
        """How much is handed on at once, as selector transports have it."""
        self._tls = tls
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl: ssl.SSLObject | None = None
        self._open = False
        self._goes_on_later = False
        self._reading = True
        self._drained = False
        """The last read took all that the socket had."""
        self._read_size = 0
        self._heard_end = False
        self._blocked = False
        self._closing = False
        self._why: Exception | None = None

    # -- from the socket ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give them `handshake_s` to show that they mean it."""
        self._socket = cast(asyncio.Transport, transport)
        self._socket.max_size = READ_BYTES  # type: ignore[attr-defined]  # of selector transports, not of all
        self._address = transport.get_extra_info("peername")[0]
        self._timer = self._loop.call_later(self._tls.handshake_s, self.abort)
        self._counted = self._tls.admission.enter(self._address) is None
        self._tls.opening[self] = None
        if not self._counted:
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Take what is encrypted."""
        if self._ssl is None and not self._incoming.pending and data[0] != HANDSHAKE:
            self._socket.write(NOT_TLS)
            self._socket.close()
            return
        self._drained = len(data) < READ_BYTES
        self._incoming.write(data)
        self._go_on()

    def eof_received(self) -> bool:
        """The far end sends nothing more; what came before is still handed on."""
        self._incoming.write_eof()
        self._go_on()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._closing = True
        if self._open:
            self._protocol.connection_lost(self._why or exc)
        else:
            self._leave()

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self._blocked = True
        if self._open:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._blocked = False
        if self._open:
            self._protocol.resume_writing()

    # -- one step, and what is left of it a turn later --------------------------------------------------

    def _go_on(self) -> None:
        if self._goes_on_later or self._closing:
            return
        if self._open:
            self._hand_on()
        elif self._tls.turns.may_go():
            self._shake_hands()
        else:
            # A handshake costs as much as ten commands: a crowd that comes at once must not delay a stop.
            self._goes_on_later = True
            self._tls.turns.wait(self._go_on_now)

    def _go_on_soon(self) -> None:
        if not self._goes_on_later:
            self._goes_on_later = True
            self._loop.call_soon(self._go_on_now)

    def _go_on_now(self) -> None:
        self._goes_on_later = False
        self._go_on()

    def _shake_hands(self) -> None:
        if self._ssl is None:
            self._ssl = self._tls.context().wrap_bio(self._incoming, self._outgoing, server_side=True)
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            logger.debug("%s shakes no hands: %s", self._address, error)
            self._flush()
            self.abort()
        else:
            self._flush()
            self._leave()
            self._open = True
            self._protocol.connection_made(self)
            self._go_on()

    def _leave(self) -> None:
        """It no longer is among those who shake hands."""
        self._timer.cancel()
        del self._tls.opening[self]
        if self._counted:
            self._tls.admission.leave(self._address)

    def _hand_on(self) -> None:
        """Decrypt as much as one read of a plain socket brings, and give it to the protocol."""
        if not self._reading or self._heard_end or self._ssl is None:
            return
        data = b""
        try:
            while len(data) < self.max_size and not self._heard_end:
                piece = self._ssl.read(self.max_size - len(data))
                data += piece
                self._heard_end = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._why = _lost(error)
        if self._blocked and self._outgoing.pending:
            # Each new key is answered with one. Who asks and does not read would fill our memory.
            self._why = ConnectionAbortedError("it asks for new keys and does not read")
        self._flush()
        more = len(data) == self.max_size
        if data:
            self._read_size = len(data) if self._drained and not more else READ_BYTES
            self._protocol.data_received(data)
        if self._closing:
            return
        if self._why is not None:
            self.abort()
        elif self._heard_end and not self._protocol.eof_received():
            self.close()
        elif more:
            self._go_on_soon()

    def _flush(self) -> None:
        """Send what TLS has to say."""
        if data := self._outgoing.read():
            self._socket.write(data)

    # -- from the protocol ------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send; never waits."""
        if self._ssl is None or self._closing:
            return
        rest = memoryview(data)
        while rest:
            rest = rest[self._ssl.write(rest) :]
        self._flush()

    def can_write_eof(self) -> bool:
        """No: who is told that nothing more comes is to close."""
        return False

    def pause_reading(self) -> None:
        """Leave what comes in the socket."""
        self._reading = False
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read again, and first what was decrypted already. It may be as old as the pause."""
        self._reading, self._drained = True, False
        self._go_on_soon()
        self._socket.resume_reading()

    def is_reading(self) -> bool:
        """Whether what comes is handed on."""
        return self._reading and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Of the socket's transport, in encrypted bytes."""
        self._socket.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Encrypted bytes that the socket did not take yet."""
        return self._socket.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As of the socket's transport; `read_size` is `READ_BYTES` where there may be more to hand on."""
        return self._read_size if name == "read_size" else self._socket.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Send what was written, say that it is the end, and hang up."""
        if self._ssl is None or self._closing:
            return
        self._closing = True
        # Raises where it would wait for the far end to say the same, which nobody has to (RFC 8446, 6.1).
        with suppress(ssl.SSLError):
            self._ssl.unwrap()
        self._flush()
        self._socket.close()

    def abort(self) -> None:
        """Hang up now."""
        self._closing = True
        self._socket.abort()


def _lost(error: ssl.SSLError) -> OSError:
    """Why it is lost, in words for the journal."""
    if isinstance(error, ssl.SSLEOFError):
        return ConnectionAbortedError("its TLS was cut short")
    return ConnectionAbortedError(f"its TLS is broken: {error.reason or error}")
