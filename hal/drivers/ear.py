"""Who listens during a scan: puts one question after another on a wire, and keeps what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from hal.errors import LinkClosed
from hal.link import Link

_Frame = TypeVar("_Frame")
_T = TypeVar("_T")


class Ear(Generic[_Frame]):
    """The peer of `link` while a probe talks. `feed` is that of the driver's decoder.

    `end` tells the decoder before each question that what came until then is over: on a shared line the rest
    of a broken answer is no beginning of the next.
    """

    def __init__(
        self, link: Link, feed: Callable[[bytes], Iterable[_Frame]], end: Callable[[], object] = lambda: None
    ) -> None:
        self.heard_bytes = 0
        """How many came so far, noise included."""
        self._link = link
        self._feed = feed
        self._end = end
        self._frames: asyncio.Queue[_Frame] = asyncio.Queue()
        self._lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """From the link."""
        self.heard_bytes += len(data)
        for frame in self._feed(data):
            self._frames.put_nowait(frame)

    def connection_lost(self, reason: Exception | None) -> None:
        """From the link."""
        self._lost.set_result(reason)

    async def ask(
        self, question: bytes, meant: Callable[[_Frame], _T | None], patience_s: float
    ) -> _T | None:
        """The first answer that `meant` makes something of; None without one in time. Raises `LinkError`."""
        self._say(question)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while (answer := meant(await self._frames.get())) is None:
                    pass
                return answer
        return None

    async def ask_all(self, question: bytes, patience_s: float) -> list[_Frame]:
        """All that comes within `patience_s`. Raises `LinkError`."""
        self._say(question)
        return await self.hear(patience_s)

    async def hear(self, patience_s: float) -> list[_Frame]:
        """All that comes by itself within `patience_s`."""
        await asyncio.sleep(patience_s)
        return [self._frames.get_nowait() for _ in range(self._frames.qsize())]

    def _say(self, question: bytes) -> None:
        if self._lost.done():
            raise LinkClosed(f"{self._link.name} was lost during the scan: {self._lost.result()}")
        self._end()
        self._link.write(question)
