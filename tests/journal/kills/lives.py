"""Starts daemons on one folder, one after the other, and kills each."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journal.kills.client import PATIENCE_S


class Lives:
    """A zygote, and the daemon that it forked last."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders = process.stdin
        self._reports = process.stdout.fileno()
        self._rest = b""
        self._daemon = 0

    def begin(self, folder: Path) -> None:
        """Fork a daemon; it is about to begin."""
        self._orders.write(f"{folder}\n".encode())
        self._orders.flush()
        self._daemon = int(self._report("born"))

    def wait_until_ready(self) -> None:
        """It listens."""
        self._report("ready")

    def kill(self) -> None:
        """As `kill -9`, wherever it is; it is gone when this returns."""
        os.kill(self._daemon, signal.SIGKILL)
        assert int(self._report("gone")) == signal.SIGKILL

    def _report(self, kind: str) -> str:
        """What is said next of this kind; a daemon that was killed may have said before that it is ready."""
        while True:
            word, _, said = self._line().partition(" ")
            if word == kind:
                return said
            assert (word, kind) == ("ready", "gone"), f"{word} {said} in place of {kind}"

    def _line(self) -> str:
        deadline = time.perf_counter() + PATIENCE_S
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self._reports], [], [], deadline - time.perf_counter())
            assert readable, "the zygote says nothing"
            heard = os.read(self._reports, 4096)
            assert heard, "the zygote has gone"
            self._rest += heard
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


@contextmanager
def zygote() -> Iterator[Lives]:
    """A process that forks daemons; the last one dies with it."""
    command = [sys.executable, "-m", "tests.journal.kills.zygote"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Lives(process)
        finally:
            process.kill()
