"""Why a client is gone, as the daemon hears it: at every transport, for every way to go."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from robotd.core.limits import Limits
from tests.wire import lines, raw
from tests.wire.raw import BINARY, CLOSE, frame
from tests.wire.scripted import Connection, ScriptedRobot, request, story, turns
from tests.wire.still_robot import StillRobot

PATIENCE_S = 10.0


class Doorkeeper(StillRobot):
    """Notes who comes and goes."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.reasons: list[str] = []
        self.happens = asyncio.Event()
        """Set when somebody comes, or asks why (which is never told)."""
        self._gone = asyncio.Event()

    def joined(self, source: str, principal: str) -> None:
        super().joined(source, principal)
        self.happens.set()

    def left(self, source: str, why: str, last_at: float) -> None:
        super().left(source, why, last_at)
        self.reasons.append(why)
        self._gone.set()

    async def why(self, about: str | int | None) -> dict[str, Any]:
        self.happens.set()
        await asyncio.get_running_loop().create_future()
        return {}

    async def reason(self) -> str:
        """Why the only client is gone. Waits for it."""
        await asyncio.wait_for(self._gone.wait(), PATIENCE_S)
        [reason] = self.reasons
        return reason


@asynccontextmanager
async def on_tcp(robot: Doorkeeper) -> AsyncIterator[lines.LineClient]:
    async with lines.served(robot) as address, lines.connected(address) as client:
        client.say(request("status"))
        await client.hear()
        yield client


@asynccontextmanager
async def on_websocket(robot: Doorkeeper) -> AsyncIterator[raw.RawClient]:
    async with raw.served(robot) as port, raw.upgraded(port) as client:
        client.send(raw.call("status"))
        await client.message()
        yield client


def reset(writer: asyncio.StreamWriter) -> None:
    """Go without a word: with nothing to linger for, the system sends RST."""
    stream = writer.get_extra_info("socket")
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# -- line transports ------------------------------------------------------------------------------------


async def test_a_client_that_closes():
    robot = Doorkeeper()
    async with on_tcp(robot) as client:
        client.writer.close()

        assert await robot.reason() == "closed by the client"


async def test_a_client_that_closes_one_way_and_takes_its_answers():
    robot = Doorkeeper()
    async with on_tcp(robot) as client:
        client.say(request("status"))
        client.writer.write_eof()
        await client.hear_out()

        assert await robot.reason() == "closed by the client"


async def test_a_connection_that_is_reset():
    robot = Doorkeeper()
    async with on_tcp(robot) as client:
        reset(client.writer)

        assert await robot.reason() == "connection lost: Connection reset by peer"


async def test_the_end_of_the_daemon():
    robot = Doorkeeper()
    async with on_tcp(robot):
        pass

    assert robot.reasons == ["the daemon ended"]


async def test_the_end_of_the_daemon_for_a_client_that_does_not_close():
    robot = Doorkeeper()
    async with lines.served(robot) as address:
        stream = socket.create_connection(address)
        await robot.happens.wait()

    stream.close()
    assert robot.reasons == ["the daemon ended"]


async def test_a_browser_that_speaks_http_where_lines_are_spoken():
    robot = Doorkeeper()
    async with lines.served(robot) as address, lines.connected(address) as client:
        client.say(b"GET / HTTP/1.1")
        await client.hear_out()

        assert await robot.reason() == "it speaks HTTP"


async def test_who_is_not_let_in_was_never_there():
    robot = Doorkeeper(Limits(connections=0))
    async with lines.served(robot) as address, lines.connected(address) as client:
        await client.hear_out()

    assert robot.sessions == []


# -- WebSocket ------------------------------------------------------------------------------------------


async def test_a_page_that_closes():
    robot = Doorkeeper()
    async with on_websocket(robot) as client:
        await client.leave()

        assert await robot.reason() == "closed by the client"


async def test_a_page_whose_machine_closed_without_a_word():
    robot = Doorkeeper()
    async with on_websocket(robot) as client:
        client.writer.write_eof()

        assert await robot.reason() == "connection lost: no closing handshake"


async def test_a_page_whose_connection_is_reset():
    robot = Doorkeeper()
    async with on_websocket(robot) as client:
        reset(client.writer)

        assert await robot.reason() == "connection lost: Connection reset by peer"


@story
async def test_a_page_that_breaks_the_protocol():
    robot = Doorkeeper()
    async with on_websocket(robot) as client:
        client.send(frame(0x3))
        assert await client.close_code() == 1002
        client.send(frame(CLOSE, b"\x03\xea"))

        assert await robot.reason() == "it broke the WebSocket protocol (1002)"


@story
async def test_a_page_at_the_end_of_the_daemon_gets_its_answers_and_is_told():
    robot = Doorkeeper()
    async with raw.served(robot) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = raw.RawClient(reader, writer)
        client.send(raw.request("GET", "/ws", raw.UPGRADE))
        await client.head()
        client.send(raw.call("why"))
        robot.happens.clear()
        await robot.happens.wait()
    answer = await client.message()
    code = await client.close_code()
    writer.close()

    assert answer["error"]["data"]["reason"] == "shutting_down"
    assert (code, robot.reasons) == (1001, ["the daemon ended"])


@story
async def test_a_page_that_freezes_answers_no_ping():
    robot = Doorkeeper(Limits(ping_s=1.0, pong_s=0.5))
    async with raw.served(robot) as port, raw.upgraded(port):
        await asyncio.sleep(1.6)

        assert robot.reasons == ["no pong for 0.5 s"]


@story
async def test_a_page_that_floods_with_pings():
    robot = Doorkeeper()
    async with raw.served(robot) as port, raw.upgraded(port) as client:
        client.send(*(frame(0x9) for _ in range(200)))
        await asyncio.sleep(0.1)

        assert robot.reasons == ["too many control frames"]


# -- any session ----------------------------------------------------------------------------------------


@story
async def test_a_client_that_does_not_read():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.session.pause_writing()
    await asyncio.sleep(robot.limits.slow_reader_s + 0.1)
    client.session.close("connection lost: whatever the transport says of it")

    assert robot.sessions == [("joined", "memory", "local"), ("left", "memory", "it does not read")]
    assert client.socket.aborted == "it does not read"


@story
async def test_the_daemon_hears_when_a_client_last_said_something():
    heard: list[float] = []

    class Listening(ScriptedRobot):
        def left(self, source: str, why: str, last_at: float) -> None:
            heard.append(last_at)

    robot = Listening()
    loop = asyncio.get_running_loop()
    came = loop.time()
    silent, talking = Connection(robot), Connection(robot)
    await asyncio.sleep(1.0)
    talking.say(request("status"))
    spoke = loop.time()
    await asyncio.sleep(1.0)
    talking.session.begin_read(8)  # bytes that are no message: half a line, a pong
    for client in (silent, talking):
        client.session.close()

    assert heard == [came, spoke]


@story
async def test_what_a_client_said_last_while_it_was_not_read_was_said_when_it_was_read():
    heard: list[float] = []

    class Listening(ScriptedRobot):
        def left(self, source: str, why: str, last_at: float) -> None:
            heard.append(last_at)

    robot = Listening(Limits(rate_per_s=10, burst=1))
    client = Connection(robot)
    client.say(*(request("status") for _ in range(100)))
    await asyncio.sleep(0.5)
    assert not client.socket.reading

    client.say(request("status"))
    client.session.close()
    assert heard == [asyncio.get_running_loop().time()]


@story
async def test_a_command_says_who_wants_it():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("send", {"type": "arm"}), request("send", {"type": "arm", "id": "c1"}))
    await turns(2)

    assert [sent.principal for sent in robot.sent] == ["local", "local"]


@pytest.mark.parametrize("way", ["session", "frame"])
def test_a_client_that_is_only_refused_goes_on(way: str):
    @story
    async def run() -> None:
        robot = Doorkeeper()
        async with raw.served(robot) as port, raw.upgraded(port) as client:
            client.send(frame(BINARY, b"x") if way == "frame" else raw.call("nothing"))
            await client.message()

            assert robot.reasons == []

    run()
