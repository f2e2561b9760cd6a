"""A client that says exactly the bytes a test wants, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from robotd.wire.admission import Admission
from robotd.wire.http import Access
from robotd.wire.listen import listen_tcp
from robotd.wire.tls import Tls
from robotd.wire.websocket import serve_websocket
from tests.virtual import SimulationLoop
from tests.wire.still_robot import StillRobot

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x01\x02\x03\x04"
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    "Sec-WebSocket-Version": "13",
}


@asynccontextmanager
async def served(
    robot: StillRobot, admission: Admission | None = None, tls: Tls | None = None
) -> AsyncIterator[int]:
    """A WebSocket server for `robot`; gives its port. In virtual time it is one in memory."""
    loop = asyncio.get_running_loop()
    listen = loop.network.listen if isinstance(loop, SimulationLoop) else listen_tcp
    admission = Admission(robot.limits) if admission is None else admission
    async with serve_websocket(
        robot, "127.0.0.1", 0, access=Access(), admission=admission, listen=listen, tls=tls
    ) as (_, port):
        yield port
    assert len(admission) == 0


def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    told = {"Host": "localhost"} | (headers or {})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """One frame, as RFC 6455, section 5.2, has it."""
    head = bytes((opcode | (0x80 if fin else 0),))
    mask_bit = 0x80 if masked else 0
    size = len(payload)
    length = bytes((size | mask_bit,)) if size < 126 else struct.pack("!BH", 126 | mask_bit, size)
    if not masked:
        return head + length + payload
    return head + length + MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(payload))


def text(value: Any) -> bytes:
    return frame(TEXT, json.dumps(value).encode())


def call(method: str, params: Any = None, number: int = 1) -> bytes:
    return text({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *data: bytes) -> None:
        self.writer.write(b"".join(data))

    async def head(self) -> str:
        """The head of an HTTP answer."""
        return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: its opcode and payload."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0xF, await self.reader.readexactly(size)

    async def message(self) -> Any:
        """The next text frame, decoded; others are passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT:
                return json.loads(payload)

    async def close_code(self) -> int:
        """The code of the close frame that comes, now or after others."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                (code,) = struct.unpack("!H", payload[:2])
                return int(code)

    async def is_cut(self) -> bool:
        """Whether the connection ends, after whatever still comes. Waits for it."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()
        return True

    async def leave(self) -> None:
        """Close as the protocol asks, and wait until the server has done its half."""
        self.send(frame(CLOSE, b"\x03\xe8"))
        await self.is_cut()
        self.writer.close()


@asynccontextmanager
async def plugged_in(port: int) -> AsyncIterator[RawClient]:
    """A TCP connection on which nothing was said yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def upgraded(port: int, **headers: str) -> AsyncIterator[RawClient]:
    """An open WebSocket."""
    async with plugged_in(port) as client:
        client.send(request("GET", "/ws", UPGRADE | headers))
        assert (await client.head()).startswith("HTTP/1.1 101 ")
        yield client
