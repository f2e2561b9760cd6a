"""`robotd send --raw -`: lines of standard input to the robot as they are, its answers to standard output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import typer

from robotd.cli.connection import target
from robotd.cli.exits import Exit, fail

if TYPE_CHECKING:
    from robotd.client.target import Target

CONNECT_TIMEOUT_S = 3.0
QUIET_S = 1.0
"""After the last line over a WebSocket, answers are printed until none came for so long, as `nc -q1` does."""


def pass_lines(url: str | None) -> None:
    """Send every line, print every answer, and end when all are there.

    Ends with `CANNOT_CONNECT` when the robot goes away before the last line.
    """
    from robotd.client import CannotConnect

    robot = target(url)
    try:
        asyncio.run(_converse(robot))
    except CannotConnect as error:
        fail(Exit.CANNOT_CONNECT, str(error))
    except EOFError as error:
        fail(Exit.CANNOT_CONNECT, str(error) or "the robot closed the connection")
    except OSError as error:
        fail(Exit.CANNOT_CONNECT, f"the connection was cut: {error}")


async def _converse(robot: Target) -> None:
    from robotd.client.channel import open_channel

    channel = await open_channel(robot, CONNECT_TIMEOUT_S)
    heard = asyncio.Event()
    closes_when_answered = False

    async def listen() -> None:
        while True:
            try:
                answer = await channel.receive()
            except EOFError:
                if closes_when_answered:
                    return
                raise
            heard.set()
            typer.echo((answer if isinstance(answer, str) else answer.decode(errors="replace")).rstrip("\n"))

    async def speak() -> None:
        nonlocal closes_when_answered
        async for line in _standard_input():
            await channel.send(line)
        if closes_when_answered := channel.end_input():
            await asyncio.wait({listening})
            return
        while True:
            heard.clear()
            async with asyncio.timeout(QUIET_S):
                await heard.wait()

    listening, speaking = asyncio.ensure_future(listen()), asyncio.ensure_future(speak())
    try:
        await asyncio.wait({listening, speaking}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()
        elif not isinstance(speaking.exception(), TimeoutError):  # the quiet at the end is how it should end
            speaking.result()
    finally:
        for task in (listening, speaking):
            task.cancel()
        await asyncio.gather(listening, speaking, return_exceptions=True)
        await channel.close()


async def _standard_input() -> AsyncIterator[str]:
    """Its lines that are not empty; read in a thread, since a regular file cannot be polled."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip():
            yield line.rstrip("\n")
