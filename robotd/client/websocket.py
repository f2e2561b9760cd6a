"""The WebSocket channel: the only file of the client that imports `websockets`."""

from __future__ import annotations

import ssl

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidMessage, WebSocketException
from websockets.typing import Subprotocol

from robotd.client.channel import ANSWER_LIMIT_BYTES, CLOSE_TIMEOUT_S, Channel

SUBPROTOCOL = Subprotocol("robotd.v1")
PING_S = 1.0
"""A robot that does not answer a ping for this long after one is gone."""


class WebSocketChannel:
    """One JSON object a text frame."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Send one text frame."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as closed:
            raise ConnectionResetError(_why(closed)) from None

    async def receive(self) -> str | bytes:
        """Read one frame."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as closed:
            raise EOFError(_why(closed)) from None

    def end_input(self) -> bool:
        """A WebSocket closes both ways or none."""
        return False

    async def close(self) -> None:
        """Close with the closing handshake, or without it when the far end does not answer."""
        await self._connection.close()


async def open_websocket(
    url: str, tls: ssl.SSLContext | None = None, *, ping_s: float | None = PING_S
) -> Channel:
    """Connect to `url`, with `tls` where it is `wss://`. Raises `OSError` when that fails for any reason.

    `ping_s`: how often the robot is asked whether it is there; None: never, as a browser does not.
    """
    try:
        connection = await connect_websocket(
            url,
            ssl=tls,
            subprotocols=[SUBPROTOCOL],
            compression=None,
            proxy=None,
            max_size=ANSWER_LIMIT_BYTES,
            ping_interval=ping_s,
            ping_timeout=PING_S,
            close_timeout=CLOSE_TIMEOUT_S,
        )
    except InvalidMessage as error:
        hint = "" if tls is not None else "; where TLS is spoken, connect with wss://"
        raise ConnectionRefusedError(f"what answers is no web server{hint}") from error
    except WebSocketException as error:
        raise ConnectionRefusedError(f"the WebSocket handshake failed: {error}") from error
    return WebSocketChannel(connection)


def _why(closed: ConnectionClosed) -> str:
    close = closed.rcvd or closed.sent
    if close is None:
        return "the connection was cut"
    return f"closed with {close.code}" + (f": {close.reason}" if close.reason else "")
