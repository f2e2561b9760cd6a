"""Baseline: a bare `websockets` echo server, as its documentation shows one. It understands nothing."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve

from tests.benchmarks.serving import until_told


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        await until_told(ws=server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main())
