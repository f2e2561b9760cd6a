"""A client of the line transports that says exactly the bytes a test wants, over a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from robotd.wire.admission import Admission
from robotd.wire.tcp import serve_tcp
from robotd.wire.tls import Tls
from tests.wire.still_robot import StillRobot

PATIENCE_S = 10.0
"""A test that waits for longer has failed."""


class LineClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def say(self, *messages: Any) -> None:
        """Send each on a line; what is not bytes goes as JSON."""
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.writer.write(line + b"\n")

    async def hear(self) -> Any:
        """The next line, decoded. Raises `EOFError` when there is none any more."""
        line = await asyncio.wait_for(self._reader.readline(), PATIENCE_S)
        if not line:
            raise EOFError
        return json.loads(line)

    async def hear_out(self) -> list[Any]:
        """All lines until the robot closes."""
        lines = (await asyncio.wait_for(self._reader.read(), PATIENCE_S)).splitlines()
        return [json.loads(line) for line in lines]

    async def is_cut_off(self) -> bool:
        """Wait until the robot has ended the connection, reading nothing that matters."""
        try:
            while await asyncio.wait_for(self._reader.read(65536), PATIENCE_S):
                pass
        except ConnectionError:
            pass
        return True


@asynccontextmanager
async def served(robot: StillRobot, tls: Tls | None = None) -> AsyncIterator[tuple[str, int]]:
    """A TCP server for `robot`; gives its address. At the end nobody is connected any more."""
    admission = Admission(robot.limits)
    async with serve_tcp(robot, "127.0.0.1", 0, admission=admission, tls=tls) as address:
        yield address
    assert len(admission) == 0


@asynccontextmanager
async def connected(address: tuple[str, int], *, buffer_bytes: int = 0) -> AsyncIterator[LineClient]:
    """A client; with `buffer_bytes` its system keeps no more than about that for it to read."""
    stream = socket.socket()
    if buffer_bytes:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    stream.setblocking(False)
    await asyncio.get_running_loop().sock_connect(stream, address)
    reader, writer = await asyncio.open_connection(sock=stream, limit=max(buffer_bytes, 65536))
    try:
        yield LineClient(reader, writer)
    finally:
        writer.transport.abort()
