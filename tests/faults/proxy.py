"""A wire between a client and the daemon that can fall silent with both its ends open.

    python -m tests.faults.proxy LISTEN TARGET

Orders are lines, each answered: `hold` keeps what the client says, `release` hands all of that over at once.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from tests.faults.children import die_with_the_parent, say

READ_BYTES = 65_536


class Wire:
    """What every connection passes."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection both ways until it ends."""
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(self._forward(reader, far_writer), _copy(far_reader, writer))
        for end in (writer, far_writer):
            end.close()

    def obey(self, order: str) -> None:
        """Hold what comes, or let it go on."""
        if order == "hold":
            self._open.clear()
        else:
            self._open.set()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ_BYTES):
            await self._open.wait()
            writer.write(data)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)


async def main(listen: str, target: str) -> None:
    """Serve until standard input ends."""
    wire = Wire(target)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    async with await asyncio.start_unix_server(wire.serve, listen):
        say("listening")
        while order := (await orders.readline()).decode().strip():
            wire.obey(order)
            say(order)


if __name__ == "__main__":
    die_with_the_parent()
    asyncio.run(main(sys.argv[1], sys.argv[2]))
