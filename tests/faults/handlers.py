"""User code that does what it should not. Each tells its moment, so that the time is counted from there."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from robotd import Robot, handler
from tests.faults.clock import now, pause

MOMENT = "ROBOTD_FAULT_MOMENT"
"""The environment's word for the file where a handler writes the moment of its fault."""
BLOCK_S = 3.0
"""So long a loop is blocked that nobody frees."""
STEP_S = 0.02
BITE_BYTES = 1 << 20


def _tell() -> None:
    """It is about to happen now."""
    Path(os.environ[MOMENT]).write_text(repr(now()))


async def _raise(_robot: Robot) -> None:
    _tell()
    raise ValueError("a bug")


async def _ignore(robot: Robot) -> None:
    """Drive on, whatever is said."""
    while True:
        with suppress(BaseException):
            await robot.sleep(STEP_S)
            robot.base.drive(linear_m_s=0.2, angular_rad_s=0.0)


async def _sleep(_robot: Robot) -> None:
    _tell()
    pause(BLOCK_S)


async def _spin(_robot: Robot) -> None:
    _tell()
    end = now() + BLOCK_S
    while now() < end:
        pass


async def _match(_robot: Robot) -> None:
    """One call of C, which holds the interpreter's lock for some seconds."""
    _tell()
    re.match(r"(a+)+$", "a" * 27 + "b")


async def _sort(_robot: Robot) -> None:
    """Another one, for a second."""
    _tell()
    [number * 7_919 % 3_000_017 for number in range(3_000_000)].sort()


async def _abort(_robot: Robot) -> None:
    _tell()
    os.abort()


async def _eat(robot: Robot) -> None:
    """Take all the memory there is, bite by bite, and drive on."""
    eaten: list[bytearray] = []
    while True:
        robot.base.drive(linear_m_s=0.2, angular_rad_s=0.0)
        eaten.append(bytearray(b"\1") * BITE_BYTES)
        await robot.sleep(0.0)


FAULTS: Mapping[str, Callable[[Robot], Awaitable[None]]] = {
    "raise": _raise,
    "ignore": _ignore,
    "sleep": _sleep,
    "spin": _spin,
    "match": _match,
    "sort": _sort,
    "abort": _abort,
    "eat": _eat,
}


@handler
async def fail(robot: Robot, how: str) -> None:
    """Drive, and then do one of `FAULTS`."""
    robot.base.drive(linear_m_s=0.4, angular_rad_s=0.2)
    await FAULTS[how](robot)


@handler
async def hang(robot: Robot) -> None:
    """Drive, and then wait for what never comes."""
    robot.base.drive(linear_m_s=0.4, angular_rad_s=0.2)
    _tell()
    await asyncio.Event().wait()
