"""Whether a WebSocket's far end is there: it is pinged, and whoever is heard at all is alive.

A pong may stand in a queue behind a client's own flood, so any byte of it counts as one. While it is not read
from, or does not read, its silence means nothing.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from robotd.core.limits import Limits

CONTROL_FRAMES_LIMIT = 100
"""Pings, pongs and empty fragments of one client between two looks at it; they have no token bucket."""


class Peer(Protocol):
    """The connection to the far end."""

    @property
    def may_be_silent(self) -> bool:
        """Whether it cannot be heard now: it is not read from, or does not read."""

    def ask_for_pong(self) -> None:
        """Ping it, if it is still there to be pinged."""

    def cut_off(self, why: str) -> None:
        """End it now."""


class Heartbeat:
    """Pings one peer every `ping_s`, and looks `pong_s` later whether anything came."""

    def __init__(self, peer: Peer, limits: Limits) -> None:
        self._peer = peer
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._control_frames = 0
        self._timer: asyncio.TimerHandle | None = None
        self.heard = True
        """Set by whoever reads, at each read."""

    def begin(self) -> None:
        """From now on, until `end`."""
        self._timer = self._loop.call_later(self._limits.ping_s, self._ask)

    def end(self) -> None:
        """It need not be alive any more."""
        if self._timer is not None:
            self._timer.cancel()

    def count_control_frame(self) -> None:
        """It sent a frame that is no message."""
        self._control_frames += 1
        if self._control_frames > CONTROL_FRAMES_LIMIT:
            self._peer.cut_off("too many control frames")

    def _ask(self) -> None:
        self.heard = False
        self._control_frames = 0
        self._peer.ask_for_pong()
        self._timer = self._loop.call_later(self._limits.pong_s, self._look)

    def _look(self) -> None:
        if not (self.heard or self._peer.may_be_silent):
            self._peer.cut_off(f"no pong for {self._limits.pong_s:g} s")
            return
        rest_s = max(0.0, self._limits.ping_s - self._limits.pong_s)
        self._timer = self._loop.call_later(rest_s, self._ask)
