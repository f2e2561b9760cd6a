"""Whether the pins still are what they were made: asked for one after the other while the board serves.

A restart whose greeting was lost, or a disturbed byte that the board took for a command, shows nowhere else.
"""

from __future__ import annotations

from hal.drivers.firmata import codec
from hal.drivers.firmata.codec import PinState
from hal.drivers.firmata.fittings import Pin


class Audit:
    """One round after the other over the pins. An answer counts against a pin only if it comes twice."""

    def __init__(self) -> None:
        self._asked: Pin | None = None
        self._turn = 0
        self._doubted = False
        self.unanswered = 0
        """How many questions were put since the last answer about a pin."""

    def question(self, pins: list[Pin]) -> bytes:
        """What to ask now; without any pins just for a word. `pins` have the modes of this moment."""
        if not pins:
            return codec.VERSION_QUERY
        self.unanswered += 1
        self._asked = pins[self._turn % len(pins)]
        return codec.pin_state_query(self._asked.number)

    def judge(self, state: PinState) -> Pin | None:
        """The pin that surely lost its mode, if this answer, to whomever, shows one."""
        self.unanswered = 0
        pin = self._asked
        if pin is None or state.pin != pin.number:
            return None
        self._asked = None
        if state.mode == pin.mode:
            self._turn += 1
            self._doubted = False
        elif self._doubted:
            return pin
        else:
            self._doubted = True  # perhaps it was the answer that was disturbed: this pin is asked for again
        return None
