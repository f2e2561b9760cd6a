"""The daemon on a pty, which notes for every stop when its last byte was accepted by `write(2)`.

The client puts the time of its request into the reason of its stop: `time.perf_counter()` is one clock for
all processes of a machine. On SIGUSR1 it prints what it has noted since, as one line of JSON. On SIGUSR2 a
slow disk becomes quick, so that the end is soon.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from robotd import log
from robotd.daemon.stopping import Stopping
from tests.benchmarks.daemon_server import serve
from tests.journal.disk import Slow, upon

_last_write = 0.0
_noted: list[tuple[float, float]] = []


def note_writes() -> None:
    """Let every `write(2)` of this process leave its time."""
    real_write = os.write

    def write(fd: int, data: Any) -> int:
        global _last_write
        sent = real_write(fd, data)
        _last_write = time.perf_counter()
        return sent

    os.write = write


def note_stops() -> None:
    """Let every stop leave two durations: from the client's request, and from the call to stop."""
    real_estop = Stopping.estop

    def estop(
        stopping: Stopping, reason: str, by: str, trace_id: str | None = None
    ) -> Awaitable[dict[str, Any]]:
        called = time.perf_counter()
        evidence = real_estop(stopping, reason, by, trace_id)
        if _last_write < called:
            raise RuntimeError("a stop that wrote nothing")
        _noted.append((_last_write - float(reason), _last_write - called))
        return evidence

    setattr(Stopping, "estop", estop)  # noqa: B010  # a measuring point that no type checker needs to follow


def tell() -> None:
    """Print what was noted and begin anew."""
    print(json.dumps(_noted), flush=True)
    _noted.clear()


async def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", required=True, metavar="BOARD=PATH")
    parser.add_argument("--journal", required=True, metavar="FOLDER")
    parser.add_argument("--sync-s", type=float, default=0.0, help="what each fsync of the journal takes")
    options = parser.parse_args()
    log.configure("error")
    note_writes()
    note_stops()
    loop, disk = asyncio.get_running_loop(), Slow(options.sync_s)
    loop.add_signal_handler(signal.SIGUSR1, tell)
    loop.add_signal_handler(signal.SIGUSR2, partial(setattr, disk, "sync_s", 0.0))
    with upon(disk) if options.sync_s else nullcontext():
        await serve(options.file, dict([options.port.split("=", 1)]), options.journal)


if __name__ == "__main__":
    asyncio.run(main())
