"""What comes back from an actuator lies beyond a limit: the robot stops, and stays stopped while it does.

It is the kinds in `hal` that compare (`Actuator.limit_listeners`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hal import Actuator, Device


class Violations:
    """Listens to every actuator. `tell` is told which one, and in a sentence what its feedback says."""

    def __init__(self, devices: Mapping[str, Device], tell: Callable[[str, str], None]) -> None:
        self._actuators = [device for device in devices.values() if isinstance(device, Actuator)]
        self._tell = tell
        for actuator in self._actuators:
            actuator.limit_listeners.append(partial(self._violated, actuator))

    def standing(self) -> str | None:
        """What is beyond its limit now, in a sentence: a cause for `Stop.causes`."""
        return next(
            (f"{one.name}: {said}" for one in self._actuators for said in one.violations.values()), None
        )

    def look(self) -> None:
        """Tell what was found before anybody could hear of it."""
        for actuator in self._actuators:
            for sentence in actuator.violations.values():
                self._tell(actuator.name, sentence)

    def _violated(self, actuator: Actuator, what: str, _value: float, _limit: float, _unit: str) -> None:
        self._tell(actuator.name, actuator.violations[what])
