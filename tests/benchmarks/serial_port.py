"""The round trip through a serial port: our link on a pty, against raw file descriptors on the same pty."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from hal import open_link
from tests.benchmarks.figures import Report, quantile

ASK = b"\xf0\x79\xf7"
TRIPS = 1_000
ROUNDS = 3
WAIT_S = 5.0

ECHO = """
import os, pty, tty
master, slave = pty.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
while data := os.read(master, 4096):
    os.write(master, data)
"""


@contextmanager
def _echo() -> Iterator[str]:
    """A far end in a process of its own that says what it hears."""
    process = subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for and not made")
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _raw(port: str) -> list[float]:
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    poll = select.epoll()
    poll.register(fd, select.EPOLLIN)
    took = []
    try:
        for _ in range(TRIPS):
            began = time.perf_counter()
            os.write(fd, ASK)
            heard = b""
            while len(heard) < len(ASK):
                if not poll.poll(WAIT_S):
                    raise TimeoutError("the pty is silent")
                heard += os.read(fd, 4096)
            took.append(time.perf_counter() - began)
    finally:
        poll.close()
        os.close(fd)
    return took


class _Listener:
    """The peer of the link: completes one future for each answer."""

    def __init__(self) -> None:
        self.heard = 0
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.heard += len(data)
        if self.heard >= len(ASK) and not self.answered.done():
            self.answered.set_result(None)

    def connection_lost(self, reason: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(reason or ConnectionError("closed"))


def _ours(port: str) -> list[float]:
    async def trips() -> list[float]:
        listener = _Listener()
        link = open_link(port, 115_200)
        await link.open(listener)
        took = []
        try:
            for _ in range(TRIPS):
                listener.heard = 0
                listener.answered = asyncio.get_running_loop().create_future()
                began = time.perf_counter()
                link.write(ASK)
                await asyncio.wait_for(listener.answered, WAIT_S)
                took.append(time.perf_counter() - began)
        finally:
            link.close()
        return took

    return asyncio.run(trips())


def serial_port(report: Report) -> None:
    """Three bytes there and back."""
    report.title("serial round trip over a pty (ms)")
    raw: list[float] = []
    ours: list[float] = []
    for _ in range(ROUNDS):
        with _echo() as port:
            raw += _raw(port)
        with _echo() as port:
            ours += _ours(port)
    rows = [
        (name, *(f"{1000 * quantile(took, share):.3f}" for share in (0.5, 0.99)))
        for name, took in (("raw file descriptors", raw), ("SerialLink", ours))
    ]
    report.table(("", "p50", "p99"), rows)
