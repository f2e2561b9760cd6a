"""The daemon's own switch: a loop that stands still for a second ends the process, guard or no guard.

Python's `faulthandler` does it: a thread of C that needs no interpreter lock, so that it also ends a loop
that a sort or a regular expression holds. What the loop was doing is left in a file beside the journal, and
the next start tells of it. Only `robotd run` has a switch: it ends whatever process it is in.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BLOCKED_S = 1.0
"""A loop that stands still for so long is ended: with exit code 1, in the middle of what it does."""
REARM_S = 0.1
"""How often a loop that turns says so. Each time costs 20 us: a new thread of C."""
LAST_WORDS_BYTES = 20_000
"""So much of the end of the file is told; a traceback has at most 100 frames of each thread."""
FILE = "traceback"


class Switch:
    """One file for last words, and the thread that writes them. The constructor only stores."""

    def __init__(self, file: int, *, kept: bool) -> None:
        """`file`: an open descriptor; `kept`: what is in it is there at the next start."""
        self._file = file
        self._kept = kept

    @classmethod
    def beside(cls, journal: Path | None) -> Switch:
        """With its file in the journal's folder; without one, the last words go to stderr. Raises `OSError`.

        Call it while the folder is held: another daemon's words are not ours to take.
        """
        if journal is None:
            return cls(sys.stderr.fileno(), kept=False)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return cls(os.open(journal / FILE, flags, 0o600), kept=True)

    def last_words(self) -> str:
        """What an earlier process left when it was ended, or fell by a signal; empty: nothing."""
        if not self._kept:
            return ""
        size = os.fstat(self._file).st_size
        words = os.pread(self._file, LAST_WORDS_BYTES, max(0, size - LAST_WORDS_BYTES))
        return words.decode(errors="replace").strip()

    def forget(self) -> None:
        """The last words are kept elsewhere now. Never raises: then they are told once more."""
        with suppress(OSError):
            os.ftruncate(self._file, 0)

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While it is armed, this loop must turn. A signal that kills leaves its traceback, too."""
        faulthandler.enable(self._file)
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def turn() -> None:
            nonlocal timer
            faulthandler.dump_traceback_later(BLOCKED_S, exit=True, file=self._file)
            timer = loop.call_later(REARM_S, turn)

        turn()
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            faulthandler.cancel_dump_traceback_later()
