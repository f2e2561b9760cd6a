"""How whole JSON texts reach the daemon and come back. No meaning here, only transport.

A channel is one connection. `websocket.py` beside this file is the other implementation; it is
imported only for a `ws://` address, so that a line client needs the standard library alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import Protocol

from robotd.client.address import Address
from robotd.client.errors import CannotConnect
from robotd.client.target import Target
from robotd.client.tls import HUNG_UP, client_context, why_not

ANSWER_LIMIT_BYTES = 4 * 1024 * 1024
"""The longest answer that is read (a `describe` of a large chart); a longer one ends the connection."""
CLOSE_TIMEOUT_S = 1.0
"""How long closing waits for the far end before it cuts."""
TLS_ALERT = b"\x15\x03"
"""How TLS says no (RFC 8446, section 5.1), to who speaks none as well."""


class Channel(Protocol):
    """One connection that carries whole JSON texts."""

    async def send(self, text: str) -> None:
        """Hand `text` to the system; waits only while its buffers are full. Raises `OSError` when cut."""

    async def receive(self) -> str | bytes:
        """The next whole text. Raises `EOFError` after the last one, `OSError` when cut."""

    def end_input(self) -> bool:
        """Say that nothing more is sent. True: the far end closes when all is answered. False: it cannot."""

    async def close(self) -> None:
        """Close; returns within `CLOSE_TIMEOUT_S`. Never raises."""


class LineChannel:
    """One JSON object a line, over TCP or a Unix socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, text: str) -> None:
        """Write one line."""
        self._writer.write(text.encode() + b"\n")
        await self._writer.drain()

    async def receive(self) -> bytes:
        """Read one line."""
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as rest:
            if rest.partial.startswith(TLS_ALERT):
                raise EOFError("TLS is spoken there; connect with tcps://") from None
            raise EOFError("the robot closed the connection") from None
        except asyncio.LimitOverrunError:
            raise EOFError(f"an answer was longer than {ANSWER_LIMIT_BYTES} bytes") from None

    def end_input(self) -> bool:
        """Close one way, which asyncio's TLS cannot."""
        if not self._writer.can_write_eof():
            return False
        self._writer.write_eof()
        return True

    async def close(self) -> None:
        """Close both ways."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._writer.wait_closed()
        self._writer.transport.abort()


async def open_channel(target: Target, timeout_s: float) -> Channel:
    """Connect. Raises `CannotConnect` with the address and the probable cause."""
    address = target.address
    tls = client_context(target.fingerprint) if address.encrypted else None
    try:
        async with asyncio.timeout(timeout_s):
            return await _open(address, tls)
    except ssl.SSLError as error:
        raise CannotConnect(f"cannot connect to {address}: {why_not(error)}") from error
    except TimeoutError:
        why = f"no answer in {timeout_s:g} s"
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error) or HUNG_UP
    raise CannotConnect(f"cannot connect to {address}: {why}; is robotd running there?")


async def _open(address: Address, tls: ssl.SSLContext | None) -> Channel:
    if address.scheme == "unix":
        return LineChannel(*await asyncio.open_unix_connection(address.path, limit=ANSWER_LIMIT_BYTES))
    if address.scheme in ("tcp", "tcps"):
        return LineChannel(
            *await asyncio.open_connection(address.host, address.port, limit=ANSWER_LIMIT_BYTES, ssl=tls)
        )
    from robotd.client.websocket import open_websocket  # websockets takes 60 ms to import

    return await open_websocket(str(address), tls)
