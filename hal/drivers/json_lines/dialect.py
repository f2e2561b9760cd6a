"""What the two dialects have in common: the questions that the board puts, and the answers as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from hal.drivers.json_lines.codec import Object

Value = float | None | Mapping[str, float]
"""Of an output what it puts out; of an input a number, None for "nothing there", or readings by name."""


class Hello(NamedTuple):
    """Who is there."""

    name: str
    version: int
    channels: tuple[str, ...]
    """What it can be told and tells."""
    started: bool = False
    """It says so because it starts, and was not asked."""


class Prepared(NamedTuple):
    """What it has been told of its pace."""

    deadman_ms: int
    report_ms: int


class Report(NamedTuple):
    """What some of its channels are, in SI."""

    values: Mapping[str, Value]


class Dialect(Protocol):
    """How a host speaks."""

    KINDS: tuple[str, ...]
    """The kinds of devices that such a board can carry."""
    INTRODUCES_ITSELF: bool
    """It says who it is, and answers what prepares it; else a report has to do for both."""
    UNSEEN: str
    """What to do where something else is there."""

    def hello(self) -> bytes:
        """Who are you?"""

    def prepare(self, deadman_s: float, report_s: float) -> bytes:
        """Stop by yourself after so long without a word, and report so often."""

    def set(self, outputs: Mapping[str, float]) -> bytes:
        """Put this out; all outputs are given, by channel. A duty is from -1 to 1, a level 0 or 1."""

    def ask(self) -> bytes:
        """Report now."""

    def read(self, found: Object) -> Hello | Prepared | Report | None:
        """What an object says, None where it is none of this dialect."""
