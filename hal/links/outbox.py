"""Bytes on their way into a file descriptor: at once where there is room, in a bounded buffer otherwise."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable

from hal.errors import LinkFull
from hal.link import IN_FLIGHT_LIMIT_BYTES

LINE_LIMIT_BYTES = 64
"""How much may be on its way in the system. At 115,200 baud, 4 KiB there are 356 ms in front of a stop."""
BITS_PER_BYTE = 10
"""Start bit, eight data bits, stop bit; a parity is one more."""
SHORTEST_WAIT_S = 0.001
"""A loop's timer is no finer than this."""


def unsent_bytes(descriptor: int) -> int:
    """How much the system has taken and not sent yet; 0 where it does not say, as on a pseudo-terminal."""
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EINVAL):
            raise
        return 0
    return int(count)


class Outbox:
    """Writes to a non-blocking descriptor, in order, each write whole or not at all.

    Never more than `LINE_LIMIT_BYTES` are handed to the system beyond what it has sent; the rest waits here,
    where `discard` finds it. Full at `IN_FLIGHT_LIMIT_BYTES`. `broken` is called when the descriptor fails.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        *,
        rate_bytes_s: float,
        broken: Callable[[OSError], None],
        unsent: Callable[[int], int] = unsent_bytes,
    ) -> None:
        self._descriptor = descriptor
        self._name = name
        self._rate_bytes_s = rate_bytes_s
        self._broken = broken
        self._unsent = unsent
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._refill: asyncio.TimerHandle | None = None
        self._blocked = False

    def __len__(self) -> int:
        """How many bytes wait here."""
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        """Send `data`: on an idle line it is in the system when this returns. Raises `LinkFull`."""
        if len(self._waiting) + len(data) > IN_FLIGHT_LIMIT_BYTES:
            raise LinkFull(
                f"{self._name}: {len(self._waiting)} bytes wait already and {len(data)} more do not fit; "
                "the far end takes them too slowly or not at all"
            )
        self._waiting += data
        if self._refill is None and not self._blocked:
            self._push()

    def discard(self) -> None:
        """Forget what waits here; the next write is first in line again. Also lets go of the loop."""
        self._waiting.clear()
        if self._refill is not None:
            self._refill.cancel()
            self._refill = None
        if self._blocked:
            self._blocked = False
            self._loop.remove_writer(self._descriptor)

    def _push(self) -> None:
        try:
            while self._waiting:
                unsent = self._unsent(self._descriptor)
                if unsent >= LINE_LIMIT_BYTES:
                    self._push_later(unsent)
                    return
                room = LINE_LIMIT_BYTES - unsent
                sent = os.write(self._descriptor, self._waiting[:room])
                del self._waiting[:sent]
        except BlockingIOError:
            self._blocked = True
            self._loop.add_writer(self._descriptor, self._unblock)
        except OSError as error:
            self.discard()
            self._broken(error)

    def _push_later(self, unsent: int) -> None:
        # Back when half of it is out, so that the line does not run dry meanwhile.
        surplus = unsent - LINE_LIMIT_BYTES / 2
        wait_s = max(surplus / self._rate_bytes_s, SHORTEST_WAIT_S)
        self._refill = self._loop.call_later(wait_s, self._push_again)

    def _push_again(self) -> None:
        self._refill = None
        self._push()

    def _unblock(self) -> None:
        self._blocked = False
        self._loop.remove_writer(self._descriptor)
        self._push()
