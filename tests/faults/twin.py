"""The far ends of the robot's wires, on pseudo-terminals, in a process of their own; they note all they hear.

    python -m tests.faults.twin ROBOT FOLDER

The terminal of each board is FOLDER/BOARD. One order a line comes in, one line of JSON answers it:

    heard                 what came since it was asked last, by board: [[seconds, bytes in hex], ...]
    inject BOARD FAULT    something goes wrong with a board, in hal's grammar
    mend                  all is well again

Hearing a chunk costs one entry of a list; everything else waits until it is asked for. A board is a computer
of its own: where that is permitted, this process waits for no other.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from hal import FaultyTwin, Twin, find_driver, serve_pty
from robotd.config import load
from tests.faults.children import die_with_the_parent, say
from tests.faults.clock import now

PRIORITY = 20


class HearingTwin(FaultyTwin):
    """A twin that keeps what it is told, and when."""

    def __init__(self, name: str, twin: Twin, rng: random.Random) -> None:
        super().__init__(name, twin, rng)
        self._heard: list[tuple[float, bytes]] = []

    def receive(self, data: bytes, at: float) -> bytes:
        """Note first, then act."""
        self._heard.append((now(), data))
        return super().receive(data, at)

    def heard(self) -> list[tuple[float, str]]:
        """What came since this was asked last."""
        heard, self._heard = self._heard, []
        return [(at, data.hex()) for at, data in heard]


def obey(twins: dict[str, HearingTwin], order: str) -> Any:
    """Carry out one order; returns the answer."""
    word, _, rest = order.partition(" ")
    moment = asyncio.get_running_loop().time()
    if word == "heard":
        return {name: twin.heard() for name, twin in twins.items()}
    if word == "inject":
        board, _, fault = rest.partition(" ")
        twins[board].inject(fault, moment)
    elif word == "mend":
        for twin in twins.values():
            twin.mend(moment)
    else:
        raise ValueError(f"{order!r} is no order")
    return now()


async def serve(file: Path, folder: Path) -> None:
    """Serve every board of `file` until standard input ends."""
    config = load(file)
    rng = random.Random(1)
    twins = {
        name: HearingTwin(name, find_driver(board.driver).twin(name, board, config.devices, rng), rng)
        for name, board in config.boards.items()
    }
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with AsyncExitStack() as wires:
        for name, twin in twins.items():
            await wires.enter_async_context(serve_pty(twin, folder / name))
        say(json.dumps(sorted(twins)))
        gc.freeze()
        gc.disable()
        while order := (await reader.readline()).decode().strip():
            say(json.dumps(obey(twins, order)))


if __name__ == "__main__":
    die_with_the_parent()
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
