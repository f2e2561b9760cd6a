"""Processes that the harness starts, talks to line by line, and surely ends."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.faults.clock import now

PATIENCE_S = 30.0
"""A process that says nothing for so long has failed the harness, not the trial."""
_PR_SET_PDEATHSIG = 1


class HarnessError(RuntimeError):
    """The trial could not be made: that says nothing of the robot."""


def die_with_the_parent() -> None:
    """A harness that is killed leaves nobody behind (prctl(2)). To be called by the child."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def say(what: str) -> None:
    """To whoever started this process: a line, at once."""
    os.write(sys.stdout.fileno(), f"{what}\n".encode())


class Child:
    """`python -m MODULE ...`, which reads orders and answers them, each a line."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            process_group=0,  # Ctrl-C is for the harness, which ends its children in its own order
        )
        self._name = module
        self._rest = b""

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def tell(self, order: str) -> None:
        """Send an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n".encode())

    def hear(self, patience_s: float = PATIENCE_S) -> str:
        """The next line that it says. Raises `HarnessError` when none comes."""
        assert self._process.stdout is not None
        deadline = now() + patience_s
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - now()))
            if not readable:
                raise HarnessError(f"{self._name} says nothing")
            heard = self._process.stdout.read(65_536)
            if not heard:
                raise HarnessError(f"{self._name} has ended with {self._process.wait()}")
            self._rest += heard
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def ask(self, order: str) -> str:
        """Send an order, and hear the answer."""
        self.tell(order)
        return self.hear()

    def close(self) -> None:
        """End it now, whatever it is doing; one that was stopped (SIGSTOP), too."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
