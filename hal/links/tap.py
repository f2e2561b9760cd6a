"""A wire that somebody listens in on."""

from __future__ import annotations

from collections.abc import Callable

from hal.link import Link, Peer

Tap = Callable[[str, bytes], None]
"""Told which way (`to` or `from` the far end) and what; it must not wait, raise or write."""


class TappedLink(Link):
    """`link`, with `tap` told of every write that it took and of everything that came."""

    def __init__(self, link: Link, tap: Tap) -> None:
        self.name = link.name
        self._link = link
        self._tap = tap

    async def open(self, peer: Peer) -> None:
        """Open the wire itself. Raises `LinkError`."""
        await self._link.open(_TappedPeer(peer, self._tap))

    def write(self, data: bytes) -> None:
        """Write to the wire itself. Raises `LinkFull` or `LinkClosed`."""
        self._link.write(data)
        self._tap("to", data)

    def flush_output(self) -> None:
        """Discard what waits in the wire itself, though it was told of."""
        self._link.flush_output()

    def close(self) -> None:
        """Close the wire itself."""
        self._link.close()

    @property
    def descriptor(self) -> int | None:
        """That of the wire itself."""
        return self._link.descriptor

    @property
    def pending(self) -> int:
        """What waits in the wire itself, in bytes."""
        return self._link.pending


class _TappedPeer:
    """The board, as the wire sees it."""

    def __init__(self, peer: Peer, tap: Tap) -> None:
        self._peer = peer
        self._tap = tap

    def data_received(self, data: bytes) -> None:
        self._tap("from", data)
        self._peer.data_received(data)

    def connection_lost(self, reason: Exception | None) -> None:
        self._peer.connection_lost(reason)
