"""What comes back from an actuator lies beyond a limit: the robot stops, and stays stopped while it does.

It is the kinds in `hal` that compare (`Actuator.limit_listeners`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hal import Actuator, Device


class Violations:
    """Listens to every actuator that has feedback. `stop` is told the reason, and on whose behalf."""

    def __init__(self, devices: Mapping[str, Device], stop: Callable[[str, str], object]) -> None:
        self._actuators = [device for device in devices.values() if isinstance(device, Actuator)]
        self._stop = stop
        for actuator in self._actuators:
            actuator.limit_listeners.append(partial(self._violated, actuator))

    def standing(self) -> str | None:
        """What is beyond its limit now, in a sentence: a cause for `Stop.causes`."""
        return next(
            (_sentence(actuator, what) for actuator in self._actuators for what in actuator.violations), None
        )

    def look(self) -> None:
        """Stop for what was found before anybody could."""
        for actuator in self._actuators:
            for what in actuator.violations:
                self._stop(_sentence(actuator, what), f"limit:{actuator.name}")

    def _violated(self, actuator: Actuator, what: str, _value: float, _limit: float, _unit: str) -> None:
        self._stop(_sentence(actuator, what), f"limit:{actuator.name}")


def _sentence(actuator: Actuator, what: str) -> str:
    return f"{actuator.name}: {actuator.violations[what]}"
