"""The wire, as everything above it sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, Protocol

IN_FLIGHT_LIMIT_BYTES = 4096
"""How much an ordinary link accepts before it refuses; a line that can stop something queues far less."""

Parity = Literal["none", "even", "odd"]
"""The bit with which a serial line checks each byte: none in 8N1, which most boards speak; even in 8E1."""


class Peer(Protocol):
    """Who listens to a link. Neither method may block; an exception ends the link with that reason."""

    def data_received(self, data: bytes) -> None:
        """Some bytes came, in order, cut anywhere."""

    def connection_lost(self, reason: Exception | None) -> None:
        """The wire is gone; called once, after the last byte. None: it was closed from this side."""


class Link(ABC):
    """A byte stream to the far end: a serial port, a TCP socket, a pseudo-terminal or memory."""

    name: str
    """For people: `/dev/ttyACM0`, `tcp:192.0.2.1:5000`, `simulated arduino`."""

    @abstractmethod
    async def open(self, peer: Peer) -> None:
        """Connect and attach `peer`. Raises `LinkError` with the probable cause and the next step."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Queue `data` whole or not at all. Never waits. Raises `LinkFull` or `LinkClosed`."""

    @abstractmethod
    def flush_output(self) -> None:
        """Discard what was accepted and not yet sent, as far as the system allows. Never raises."""

    @abstractmethod
    def close(self) -> None:
        """Close now, without waiting for unsent bytes. Never raises; a second call does nothing."""

    @property
    def descriptor(self) -> int | None:
        """The system's number of the open port, which another process can be given a duplicate of.

        None while it is closed, and for a wire that only this process can write to.
        """
        return None

    @property
    @abstractmethod
    def pending(self) -> int:
        """How many bytes were accepted and have not left this process."""
