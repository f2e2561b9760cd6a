"""Sensors that are told several values at once, as they are, in the units of their readings."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hal.device import Sensor


class Reporting(Sensor):
    """A sensor whose board reports some or all of its readings at a time."""

    updated_at: float | None = None
    """When its board last reported anything of it."""

    def update(self, values: Mapping[str, float | bool], at: float) -> None:
        """The board reports these readings; one that is not finite is left out. Listeners are told each time.

        Raises `KeyError` for a reading that it does not have.
        """
        for name, value in values.items():
            if name not in self._units:
                raise KeyError(name)
            if math.isfinite(value):
                self.updated_at = at
                self._values[name] = (value, at)
                self._tell(name)

    def vanish(self) -> None:
        """As for every device; what was reported before its wire was lost is forgotten."""
        super().vanish()
        self.updated_at = None
