"""Telling systemd how the service fares: the datagrams of sd_notify(3), without its library.

Outside a service there is no `NOTIFY_SOCKET`, and everything here does nothing. Not responsible for
deciding whether the daemon is well: `beat` runs on the daemon's own loop, so a loop that hangs falls silent,
and it asks `stuck` about the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping

BEATS_PER_WATCHDOG = 3
"""A single late beat must not cost the service its life; sd_watchdog_enabled(3) asks for at least two."""


class Notifier:
    """One line to systemd. No method waits or raises."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        """Take `NOTIFY_SOCKET`, and after how many seconds without a beat systemd ends the service."""
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self.beat_s = watchdog_s / BEATS_PER_WATCHDOG if watchdog_s else None
        self.stuck: Callable[[float], str | None] = lambda _now: None
        """Asked at each beat, with the loop's time, which part of the service does not move on; while there
        is one, no beat is sent."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Notifier:
        """What systemd told this process; a `WATCHDOG_PID` of another process means no watchdog here."""
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit_us = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(limit_us) / 1_000_000 if ours and limit_us.isdecimal() else None
        return cls(environ.get("NOTIFY_SOCKET"), watchdog_s)

    def ready(self, status: str) -> None:
        """The service is up; `status` is what `systemctl status` shows."""
        self._tell("READY=1", f"STATUS={status}")

    def status(self, text: str) -> None:
        """Replace the line that `systemctl status` shows."""
        self._tell(f"STATUS={text}")

    def stopping(self, status: str = "stopping") -> None:
        """The service is on its way down."""
        self._tell("STOPPING=1", f"STATUS={status}")

    async def beat(self) -> None:
        """Tell the watchdog for ever that this loop turns and nothing is stuck.

        Returns at once where systemd watches nothing.
        """
        if self.beat_s is None:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time()
        while True:
            stuck = self.stuck(loop.time())
            self._tell("WATCHDOG=1" if stuck is None else f"STATUS=the {stuck} is stuck")
            # From the first deadline, or the error of each sleep would add up; after a gap from now.
            deadline += self.beat_s
            if deadline < loop.time():
                deadline = loop.time() + self.beat_s
            await asyncio.sleep(deadline - loop.time())

    def _tell(self, *assignments: str) -> None:
        if not self._address:
            return
        text = "\n".join(assignment.replace("\n", " ") for assignment in assignments)
        # A full or absent socket is systemd's trouble; the robot goes on.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(text.encode(), self._address)
