"""Ctrl-C in a command that does one thing after the other: what is under way ends in good order."""

from __future__ import annotations

import signal
from typing import Self


class CtrlC:
    """Keeps in mind that somebody pressed it; the second time it raises `KeyboardInterrupt` at once.

    With `raises`, where there is nothing under way that could end, it does so at the first.
    """

    def __init__(self, *, raises: bool = False) -> None:
        self.came = False
        self.raises = raises

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._pressed)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _pressed(self, *_: object) -> None:
        again, self.came = self.came, True
        if self.raises or again:
            raise KeyboardInterrupt
