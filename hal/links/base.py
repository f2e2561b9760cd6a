"""What all links have in common: one peer, whose end comes exactly once."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from hal.errors import LinkClosed, LinkError
from hal.link import Link, Peer


class BaseLink(Link):
    """Keeps a link's promises to its peer. A link of this kind may be opened again after its end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._peer: Peer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_open(self) -> bool:
        """Whether a write may succeed."""
        return self._peer is not None

    def close(self) -> None:
        """Close now; the peer hears `connection_lost(None)` in the next turn of the loop."""
        self._end(None)

    @abstractmethod
    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of everything that the open link holds, without waiting. Called once for each opening."""

    def _attach(self, peer: Peer) -> asyncio.AbstractEventLoop:
        """From now on the link is open, and `_end` will tell `peer`."""
        self._require_closed()
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _deliver(self, data: bytes) -> None:
        """Give bytes to the peer. An exception of the peer ends the link with that reason."""
        if self._peer is None:
            return
        try:
            self._peer.data_received(data)
        except Exception as error:
            self._end(error)

    def _end(self, reason: Exception | None) -> None:
        """End the link, once. The peer hears of it from the loop, never from inside its own call."""
        peer, loop = self._peer, self._loop
        if peer is None or loop is None:
            return
        self._peer = self._loop = None
        self._release(loop)
        loop.call_soon(peer.connection_lost, reason)

    def _require_closed(self) -> None:
        """Raises `LinkError` where the link is open."""
        if self._peer is not None:
            raise LinkError(f"{self.name} is already open; close it first")

    def _require_open(self) -> asyncio.AbstractEventLoop:
        """The loop of an open link; raises `LinkClosed` where there is none."""
        if self._loop is None:
            raise LinkClosed(f"{self.name} is closed")
        return self._loop
