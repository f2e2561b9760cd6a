"""What the servers of this folder share: say the port, serve until told to stop. And how to run one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

START_TIMEOUT_S = 10.0


async def until_told(**ports: int) -> None:
    """Print the ports as one line of JSON, then wait for SIGTERM or for the end of standard input."""
    print(json.dumps(ports), flush=True)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)

    def on_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin)
            told.set()

    loop.add_reader(sys.stdin, on_input)
    await told.wait()


@contextmanager
def running(*command: str) -> Iterator[tuple[dict[str, int], int]]:
    """Run `python -m <command>`: gives the ports it printed and its process id, and stops it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a pipe was asked for and not made")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(command)} ended with {process.wait()} before it served")
        yield json.loads(line), process.pid
    finally:
        process.terminate()
        try:
            process.wait(START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
