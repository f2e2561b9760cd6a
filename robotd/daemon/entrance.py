"""The gate of this daemon, built from the robot's file, and the timer that has it look."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from robotd.access.gate import LOOK_S, Audit, Gate
from robotd.access.tokens import TokenFile
from robotd.access.users import Users, by_number
from robotd.clock import WallClock
from robotd.config.safety import AccessSettings


def gate_of(
    access: AccessSettings, *, clock: Callable[[], float], wall_clock: WallClock, audit: Audit, log: Any
) -> Gate:
    """The gate that the robot's file describes; its tokens have been read, or it says why they were not."""
    roles, unknown = by_number(access.users, lambda name: pwd.getpwnam(name).pw_uid)
    if unknown:
        log.warning("users of the file that this machine does not know", users=unknown)
    return Gate(
        None if access.tokens is None else TokenFile(access.tokens),
        users=Users(os.getuid(), roles),
        clock=clock,
        wall_clock=wall_clock,
        audit=audit,
        tell=log.error,
    )


@contextmanager
def looked_after(gate: Gate) -> Iterator[Gate]:
    """Have it look every `LOOK_S`."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal timer
        # First, so that nothing that goes wrong in a look is the end of them.
        timer = loop.call_later(LOOK_S, look)
        gate.look()

    look()
    try:
        yield gate
    finally:
        if timer is not None:
            timer.cancel()
