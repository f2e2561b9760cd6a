"""The whole daemon as the benchmarks run it: as `robotd run FILE --sim` does, with its ports told as JSON.

python -m tests.benchmarks.daemon_server tests/benchmarks/throughput.yaml --quiet
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robotd import log
from robotd.cli.ending import collect_less
from robotd.clock import WallClock
from robotd.config import load
from robotd.daemon import Daemon, Ready, Surroundings
from robotd.daemon.ids import Ids
from robotd.daemon.journaling import Opened, in_memory
from robotd.journal.journal import Journal
from robotd.runtime.readings import Clock
from tests.benchmarks.serving import until_told


class Unwritten(Journal):
    """What a daemon without a journal would cost: rows have a number, and count as durable at once."""

    def write(self, *_: Any, **__: Any) -> int:
        """Nothing is written."""
        self.seq += 1
        return self.seq

    def when_durable(self, seq: int, call: Callable[[], None]) -> None:
        """In the next turn, as soon as it can be."""
        asyncio.get_running_loop().call_soon(call)


def unwritten(ids: Ids, clock: Clock, wall_clock: WallClock) -> Opened:
    """No journal at all."""
    opened = in_memory(ids, clock, wall_clock)
    opened.journal.__class__ = Unwritten
    return opened


async def serve(file: Path, ports: dict[str, str], journal: str | None = None) -> None:
    """Run the robot of `file`, its boards simulated but for those with a port, until told to stop.

    `journal`: its folder; None: in memory; `none`: nothing is written.
    """
    config = load(file)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    telling: list[asyncio.Task[None]] = []

    async def tell(ready: Ready) -> None:
        addresses = {"ws": ready.websocket, "tcp": ready.tcp}
        told = {kind: int(at.rpartition(":")[2]) for kind, at in addresses.items() if at is not None}
        await until_told(**told)
        stop.set()

    opens = unwritten if journal == "none" else None if journal is None else Path(journal)
    surroundings = Surroundings(journal=opens)
    simulated = set(config.boards) - set(ports)
    daemon = Daemon(config, simulated=simulated, ports=ports, surroundings=surroundings)

    def say_ready(ready: Ready) -> None:
        collect_less()
        telling.append(asyncio.ensure_future(tell(ready)))

    await daemon.run(say_ready, stop)


def main() -> None:
    """Serve one robot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", action="append", default=[], metavar="BOARD=PATH")
    parser.add_argument("--log", default="info", help="the level of the log")
    parser.add_argument("--log-file", type=Path, help="where the log goes; standard error without it")
    parser.add_argument("--journal", help="its folder; 'none': nothing is written; in memory without it")
    options = parser.parse_args()
    log.configure(options.log, options.log_file.open("w") if options.log_file else None)
    ports = dict(port.split("=", 1) for port in options.port)
    asyncio.run(serve(options.file, ports, options.journal))


if __name__ == "__main__":
    main()
