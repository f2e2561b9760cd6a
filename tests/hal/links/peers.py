"""Peers and twins for the tests of links: small far ends, not mocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; for what the system does without telling."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody sets an event when a file or a twin changes
            await asyncio.sleep(0.002)


class Listener:
    """Remembers what a link told it. Awaiting `heard` and `end` works in real and in virtual time."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.ends: list[Exception | None] = []
        self._news = asyncio.Event()

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)

    def data_received(self, data: bytes) -> None:
        self.chunks.append(data)
        self._news.set()

    def connection_lost(self, reason: Exception | None) -> None:
        self.ends.append(reason)
        self._news.set()

    async def heard(self, size: int) -> bytes:
        """All that came, when at least `size` bytes did."""
        while len(self.data) < size:
            await self._wait()
        return self.data

    async def end(self) -> Exception | None:
        """The reason of the end, when it came."""
        while not self.ends:
            await self._wait()
        return self.ends[0]

    async def _wait(self) -> None:
        self._news.clear()
        async with asyncio.timeout(5):
            await self._news.wait()


class Sulker(Listener):
    """A peer with a bug: it raises on every byte."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        raise ValueError("cannot parse this")


class ParrotTwin:
    """Says `hello` when powered on, repeats what it hears, and says `tick` each second."""

    def __init__(self) -> None:
        self.refusing = False
        self.started_at = 0.0
        self.power_ons = 0
        self.ticks = 0
        self.said_at: list[float] = []
        self.loud = 0
        """How many bytes it says at each power-on, after `hello`."""

    def power_on(self, now: float) -> bytes:
        self.started_at = now
        self.power_ons += 1
        self.ticks = 0
        return b"hello" + bytes(self.loud)

    def receive(self, data: bytes, now: float) -> bytes:
        if data == b"crash":
            raise ZeroDivisionError("a bug of the twin")
        return data

    def advance(self, now: float) -> bytes:
        said = b""
        while now >= self.started_at + self.ticks + 1:
            self.ticks += 1
            self.said_at.append(now)
            said += b"tick"
        return said

    def wakes_at(self) -> float | None:
        return self.started_at + self.ticks + 1

    def world(self) -> dict[str, float | bool]:
        return {"ticks": self.ticks}

    def set_world(self, name: str, value: float | bool | None) -> None:
        raise NotImplementedError("a parrot has no world to set")

    def run_away(self, name: str, *, on: bool) -> None:
        raise NotImplementedError("a parrot has no actuators")
