"""The whole daemon as the benchmarks run it: as `robotd run FILE --sim` does, with its ports told as JSON.

python -m tests.benchmarks.daemon_server tests/benchmarks/throughput.yaml --quiet
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from robotd import log
from robotd.cli.ending import collect_less
from robotd.config import load
from robotd.daemon import Daemon, Ready
from tests.benchmarks.serving import until_told


async def serve(file: Path, ports: dict[str, str]) -> None:
    """Run the robot of `file`, its boards simulated but for those with a port, until told to stop."""
    config = load(file)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    telling: list[asyncio.Task[None]] = []

    async def tell(ready: Ready) -> None:
        addresses = {"ws": ready.websocket, "tcp": ready.tcp}
        told = {kind: int(at.rpartition(":")[2]) for kind, at in addresses.items() if at is not None}
        await until_told(**told)
        stop.set()

    daemon = Daemon(config, simulated=set(config.boards) - set(ports), ports=ports)

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
    options = parser.parse_args()
    log.configure(options.log, options.log_file.open("w") if options.log_file else None)
    asyncio.run(serve(options.file, dict(port.split("=", 1) for port in options.port)))


if __name__ == "__main__":
    main()
