"""An operator in a browser: the same as a console, over a WebSocket. It answers pings and sends none."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress

from robotd.client.channel import Channel
from robotd.client.websocket import open_websocket
from robotd.sim.client import HOST, WEBSOCKET_PORT, Console


class Browser(Console):
    """One tab. Make it with `connect`, and `close` it."""

    def __init__(self, name: str, channel: Channel, numbers: Iterator[int] | None = None) -> None:
        super().__init__(name, numbers)
        self._frames = _Frames(channel, self)
        self._transport = self._frames

    @classmethod
    async def connect(cls, name: str, numbers: Iterator[int] | None = None) -> Browser:
        """As `Console.connect`."""
        channel = await open_websocket(f"ws://{HOST}:{WEBSOCKET_PORT}/ws", ping_s=None)
        browser = cls(name, channel, numbers)
        browser.greet()
        return browser


class _Frames:
    """Messages to frames and back, in two tasks that end with the connection."""

    def __init__(self, channel: Channel, console: Console) -> None:
        self._channel = channel
        self._console = console
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._tasks = [self._start(self._send()), self._start(self._receive())]

    def write(self, data: bytes) -> None:
        """Each line is a frame."""
        for line in data.splitlines():
            self._waiting.put_nowait(line.decode(errors="replace"))

    def close(self) -> None:
        """Hang up; what was not sent is lost."""
        for task in self._tasks:
            task.cancel()
        self._tasks.append(self._start(self._channel.close()))

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name=f"browser {self._console.name}")

    async def _send(self) -> None:
        with suppress(OSError):
            while True:
                await self._channel.send(await self._waiting.get())

    async def _receive(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                message = await self._channel.receive()
                self._console.receive(message.encode() if isinstance(message, str) else message)
        self._console.connection_lost(None)
        self._tasks[0].cancel()
