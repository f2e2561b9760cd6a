from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from robotd.client import CannotConnect, ConnectionLost, connect
from robotd.client.websocket import SUBPROTOCOL


def url(server: Server | asyncio.Server) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


async def answer_hello(connection: ServerConnection) -> None:
    request = json.loads(await connection.recv())
    await connection.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"robot": "ws"}}))


async def test_a_websocket_carries_the_same_objects():
    async def robot_of_few_words(connection: ServerConnection) -> None:
        assert connection.subprotocol == SUBPROTOCOL
        await answer_hello(connection)
        request = json.loads(await connection.recv())
        await connection.send(
            json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": request["method"]})
        )
        await connection.wait_closed()

    async with (
        serve(robot_of_few_words, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server,
        connect(url(server)) as robot,
    ):
        assert robot.server == {"robot": "ws"}
        assert await robot.call("status") == "status"


async def test_why_the_robot_closed_is_told():
    async def impatient(connection: ServerConnection) -> None:
        await answer_hello(connection)
        await connection.recv()
        await connection.close(1013, "too slow")

    async with serve(impatient, "127.0.0.1", 0) as server, connect(url(server)) as robot:
        with pytest.raises(ConnectionLost, match="closed with 1013: too slow"):
            await robot.status()
        with pytest.raises(ConnectionLost):
            await robot.status()


async def test_a_web_server_that_is_no_websocket_is_not_connected_to():
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        with pytest.raises(CannotConnect, match="WebSocket handshake failed"):
            async with connect(url(server)):
                pass
