"""Where a kind's setpoints leave it: the driver's side of an actuator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable


class Output(Protocol):
    """One value at the far end. A driver makes one for each actuator, so that kinds know no protocol."""

    def write(self, value: float) -> None:
        """Send the value now: a motor's duty -1..1, a servo's angle in rad, 0 or 1 for a digital output.

        Never waits. Raises `DeviceGone` or `LinkFull`.
        """


@runtime_checkable
class HasOutput(Protocol):
    """An actuator with an output of its own; a drive base has none, its motors have."""

    output: Output


class OutputTap:
    """`output`, with `told` called before each value that it is given, whether the wire takes that or not."""

    def __init__(self, output: Output, told: Callable[[float], None]) -> None:
        self._output = output
        self._told = told

    def write(self, value: float) -> None:
        """As `output`."""
        self._told(value)
        self._output.write(value)
