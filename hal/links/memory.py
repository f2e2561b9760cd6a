"""Wires without a system call: to a twin in this process, or between two ends. Exact in virtual time."""

from __future__ import annotations

import asyncio

from hal.errors import LinkClosed, LinkError, LinkFull, Unplugged
from hal.link import IN_FLIGHT_LIMIT_BYTES, Peer
from hal.links.base import BaseLink
from hal.twin import Twin, TwinDriver


class TwinLink(BaseLink):
    """A wire to `twin`, which is powered on by each opening and stands still while the link is closed.

    A write reaches the twin at once and is never full; an answer comes in a later turn of the loop. One link
    serves one twin for good: open it again after a loss, as a port is opened again.
    """

    def __init__(self, name: str, twin: Twin) -> None:
        super().__init__(name)
        self.twin = twin
        self._driver = TwinDriver(twin, emit=self._deliver, failed=self._end)
        self._plugged = True

    async def open(self, peer: Peer) -> None:
        """Power the twin on. Raises `LinkError` while the wire is cut, `Unplugged` while the twin says so."""
        self._require_closed()
        if not self._plugged:
            raise LinkError(f"{self.name} is unplugged; plug it in again")
        if rest_s := self._driver.unplugged_s:
            raise Unplugged(self.name, rest_s)
        self._attach(peer)
        self._driver.start()

    def write(self, data: bytes) -> None:
        """Hand `data` to the twin now. Raises `LinkClosed`."""
        self._require_open()
        self._driver.feed(data)

    def flush_output(self) -> None:
        """Nothing waits on this wire: what was written is already at the twin."""

    @property
    def pending(self) -> int:
        """Always 0."""
        return 0

    def catch_up(self) -> None:
        """Move the twin on to this moment: it sleeps while nothing can happen that it would tell."""
        self._driver.feed(b"")

    def cut(self) -> None:
        """Pull the plug: an open link is lost, and `open` is refused until `mend`."""
        self._plugged = False
        self._end(LinkClosed(f"{self.name} was unplugged"))

    def mend(self) -> None:
        """Put the plug back. Whoever had the link open has to open it again."""
        self._plugged = True

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        self._driver.stop()


class MemoryLink(BaseLink):
    """One end of a wire whose other end is in this process too; `memory_pair` makes both.

    Bytes travel in the next turn of the loop. Those for an end that is not open wait for it, like the bytes
    in a port's buffer: when `IN_FLIGHT_LIMIT_BYTES` wait, a write is refused with `LinkFull`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.other: MemoryLink = self
        self._inbox = bytearray()
        self._delivery: asyncio.Handle | None = None

    async def open(self, peer: Peer) -> None:
        """Attach `peer` to this end; what was written for it already comes in the next turn."""
        self._attach(peer)
        self._schedule()

    def write(self, data: bytes) -> None:
        """Send `data` to the other end, whole or not at all. Raises `LinkFull` or `LinkClosed`."""
        self._require_open()
        inbox = self.other._inbox
        if len(inbox) + len(data) > IN_FLIGHT_LIMIT_BYTES:
            raise LinkFull(f"{self.name}: {len(inbox)} bytes wait already, the far end does not read")
        inbox += data
        self.other._schedule()

    def flush_output(self) -> None:
        """Discard what the other end was not given yet."""
        self.other._inbox.clear()

    @property
    def pending(self) -> int:
        """How many bytes the other end was not given yet."""
        return len(self.other._inbox)

    def _schedule(self) -> None:
        if self._loop is not None and self._inbox and self._delivery is None:
            self._delivery = self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._delivery = None
        data = bytes(self._inbox)
        self._inbox.clear()
        if data:
            self._deliver(data)

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None
        self._inbox.clear()
        # Closing one end hangs up the other; with nobody attached there this does nothing.
        self.other._end(LinkClosed(f"{self.other.name}: the far end closed the wire"))


def memory_pair(name: str = "memory") -> tuple[MemoryLink, MemoryLink]:
    """Two ends of one wire: what is written to one is received by the other."""
    near, far = MemoryLink(name), MemoryLink(f"{name} (far end)")
    near.other, far.other = far, near
    return near, far
