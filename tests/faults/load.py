"""Other work for the machine: processes that only count, held until they are wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = 4
"""On two cores that is twice as much as there is."""
COUNT = (
    "import ctypes, signal; ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"  # dies with the harness
    "print(flush=True)\n"
    "while True: pass"
)


class Load:
    """`BUSY` processes that count, or hold still (SIGSTOP)."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes

    @contextmanager
    def working(self) -> Iterator[None]:
        """They count within."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            os.kill(process.pid, number)


@contextmanager
def busy_processes() -> Iterator[Load]:
    """Start them, and end them whatever happens."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(BUSY):
            process = subprocess.Popen(
                [sys.executable, "-S", "-c", COUNT], stdout=subprocess.PIPE, process_group=0
            )
            processes.append(process)
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
        yield Load(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
