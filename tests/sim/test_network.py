"""The network in memory, as protocols and other people's clients see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from robotd.sim.loop import SimulationLoop, run
from robotd.sim.network import WINDOW_BYTES, MemoryTransport
from tests.counts import cases

HOST, PORT = "127.0.0.1", 5000


def here() -> SimulationLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    return loop


async def opened(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], end: AsyncExitStack
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream to a server that talks like that."""

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=1 << 24), talk)

    server = await here().create_server(protocol, sock=here().network.listen(HOST, PORT))
    end.callback(server.close)
    return await asyncio.open_connection(HOST, PORT, limit=1 << 24)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()


@given(st.lists(st.binary(max_size=100_000), max_size=8), st.integers(0, 100))
@settings(max_examples=cases(200), deadline=None)
def test_what_is_written_arrives_whole_and_in_order_and_then_the_end(pieces: list[bytes], seed: int):
    async def story() -> bytes:
        async with AsyncExitStack() as end:
            reader, writer = await opened(echo, end)
            for piece in pieces:
                writer.write(piece)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
        return answer

    assert run(story(), seed=seed) == b"".join(pieces)


def test_a_writer_waits_for_a_reader_that_does_not_read():
    async def story() -> tuple[bool, int]:
        async with AsyncExitStack() as end:

            async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                end.callback(writer.transport.abort)
                writer.transport.pause_reading()  # type: ignore[attr-defined]  # one that can read, too

            _, writer = await opened(silent, end)
            end.callback(writer.transport.abort)
            await asyncio.sleep(1)
            writer.write(bytes(4 * WINDOW_BYTES))
            waiting = asyncio.ensure_future(writer.drain())
            await asyncio.sleep(1)
            return waiting.done(), writer.transport.get_write_buffer_size()

    done, kept = run(story())

    assert not done
    assert kept == 3 * WINDOW_BYTES


def test_a_client_of_an_address_where_nobody_listens_is_refused():
    async def story() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, PORT)

    run(story())


def test_an_address_is_taken_once_and_free_again_after_its_server():
    async def story() -> None:
        network = here().network
        server = await here().create_server(asyncio.Protocol, sock=network.listen(HOST, PORT))
        with pytest.raises(OSError, match="in use"):
            network.listen(HOST, PORT)
        server.close()
        network.listen(HOST, PORT)

    run(story())


def test_one_that_is_aborted_is_gone_for_both_sides():
    async def story() -> bytes:
        async with AsyncExitStack() as end:

            async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.transport.abort()

            reader, writer = await opened(rude, end)
            assert isinstance(writer.transport, MemoryTransport)
            said = await reader.read()
            writer.write(b"too late")
            writer.close()
            return said

    assert run(story()) == b""


def test_a_connection_is_forgotten_when_both_sides_have_lost_it():
    async def story() -> tuple[int, int]:
        async with AsyncExitStack() as end:
            _, open_one = await opened(echo, end)
            for _ in range(20):
                reader, writer = await asyncio.open_connection(HOST, PORT)
                writer.close()
                await reader.read()
            await asyncio.sleep(1)
            left = len(here().network.ends)
            open_one.close()
            await asyncio.sleep(1)
        return left, len(here().network.ends)

    assert run(story()) == (2, 0)


@pytest.mark.parametrize("serves_on", [True, False])
def test_after_a_silence_all_that_was_held_back_comes_and_the_end_of_it_too(serves_on: bool):
    async def story() -> tuple[bytes, float]:
        async with AsyncExitStack() as end:

            async def late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await asyncio.sleep(1)
                writer.write(b"late")
                writer.close()

            reader, writer = await opened(late, end)
            here().network.silence(60)
            if not serves_on:
                await end.aclose()
            said = await reader.read()
            writer.close()
        return said, here().time()

    said, at = run(story())

    assert said == b"late"
    assert at == pytest.approx(60, abs=0.01)


@pytest.mark.no_cover
def test_websockets_talks_over_it_unmodified_for_a_day():
    async def story() -> float:
        async def answer(connection: ServerConnection) -> None:
            async for message in connection:
                await connection.send(message)

        async with (
            serve(answer, sock=here().network.listen(HOST, PORT)),
            connect(f"ws://{HOST}:{PORT}/") as client,
        ):
            for number in range(24):
                await asyncio.sleep(3600)
                await client.send(str(number))
                assert await client.recv() == str(number)
        return here().time()

    assert run(story(), seed=3) == pytest.approx(24 * 3600, abs=1.0)
