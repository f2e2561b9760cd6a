"""Where a kind's setpoints leave it: the driver's side of an actuator."""

from __future__ import annotations

from typing import Protocol


class Output(Protocol):
    """One value at the far end. A driver makes one for each actuator, so that kinds know no protocol."""

    def write(self, value: float) -> None:
        """Send the value now: a motor's duty -1..1, a servo's angle in rad, 0 or 1 for a digital output.

        Never waits. Raises `DeviceGone` or `LinkFull`.
        """
