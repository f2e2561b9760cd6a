"""Which devices are active: those that the present states name, and only since such a state was entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hal import Actuator, Device, DeviceState, HalError
from robotd.core.decision import Decision, Entry
from robotd.errors import Refused
from robotd.runtime.failure import explain


class Activation:
    """Activates and deactivates devices as states are entered and left."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        needed: Callable[[], frozenset[str]],
        refused: Callable[[str, Decision, Mapping[str, Any]], None],
        locked: Callable[[], Refused | None],
    ) -> None:
        self._devices = devices
        self._needed = needed
        self._refused = refused
        """Told the board of each device that could not be activated, and why."""
        self._locked = locked
        """Why no actuator may be activated now, or None."""

    def follow(self, decision: Decision) -> None:
        """Leaving a state halts and deactivates the devices it named; entering one activates them.

        A device whose board was lost and came back stays inactive until such a state is entered again.
        """
        needed = self._needed()
        entered = self._named(decision.entries)
        for name, device in self._devices.items():
            if device.state is DeviceState.ACTIVE and (name not in needed or name in entered):
                device.deactivate()
        for name in entered:
            device = self._devices[name]
            why = self._locked() if isinstance(device, Actuator) else None
            if why is None:
                try:
                    device.activate()
                except HalError as error:
                    why = explain(error)
            if why is not None:
                for board in device.boards:
                    self._refused(board, decision, {"reason": why.reason, "message": why.message})

    def end(self) -> None:
        """After a stop: no actuator is active until a state that names it is entered again."""
        for device in self._devices.values():
            if isinstance(device, Actuator):
                device.deactivate()

    def _named(self, entries: tuple[Entry, ...]) -> dict[str, None]:
        """The devices that the states of `entries` name themselves, each once."""
        names: dict[str, None] = {}
        for entry in entries:
            active = entry.state.active
            if active is not None:
                names.update(dict.fromkeys(self._devices if active == "all" else active))
        return names
