"""What one decision looks at."""

from __future__ import annotations

from robotd.core.expression import Readings


class Seen:
    """Readings for one decision: the first look at each counts, so that the decision follows from them."""

    __slots__ = ("_readings", "values")

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self.values: dict[str, float | bool | None] = {}
        """What was looked at."""

    def get(self, name: str, /) -> float | bool | None:
        """As `Readings.get`; asked again, the same."""
        values = self.values
        if name not in values:
            values[name] = self._readings.get(name)
        return values[name]
