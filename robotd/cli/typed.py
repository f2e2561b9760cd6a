"""Lines that are typed or piped to a command while it runs, without holding up its loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

READ_SIZE_BYTES = 4096
LINE_LIMIT_BYTES = 4096
"""A longer line is cut there: nobody types one."""
BACKGROUND_S = 0.5
"""How often a command in the background looks whether its terminal is its own again."""


class TypedLines:
    """Hands each line that comes in at `descriptor` to `take`, from the loop, until there are no more.

    A terminal, a pipe, a file and `/dev/null` all do. A command in the background leaves its terminal alone:
    reading it would suspend the process.
    """

    def __init__(self, descriptor: int, take: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._next: asyncio.Handle | None = None

    def start(self) -> None:
        """From now on."""
        self._next = None
        try:
            self._loop.add_reader(self._descriptor, self._read)
        except PermissionError:  # a file: it can always be read, and cannot be waited for
            self._next = self._loop.call_soon(self._read_file)
        except OSError:  # there is none: it was closed for us
            return

    def stop(self) -> None:
        """No more lines."""
        self._loop.remove_reader(self._descriptor)
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _read_file(self) -> None:
        self._next = self._loop.call_soon(self._read_file)
        self._read()

    def _read(self) -> None:
        if _in_background(self._descriptor):
            self._loop.remove_reader(self._descriptor)
            self._next = self._loop.call_later(BACKGROUND_S, self.start)
            return
        try:
            data = os.read(self._descriptor, READ_SIZE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the terminal is gone
            data = b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data:
            self.stop()
            lines.append(self._rest)
        for line in lines:
            self._take(line.decode(errors="replace").strip())
        self._rest = self._rest[:LINE_LIMIT_BYTES]


def _in_background(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor) and os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # a terminal, but not the one that this process belongs to
        return False
