"""The newest reading of every device, by the names that expressions use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hal import Device, DeviceState, Reading

Clock = Callable[[], float]

_NOT_THERE = frozenset({DeviceState.ABSENT, DeviceState.FAULTED})


class ReadingTable:
    """Answers `get("battery.value")` with the value, or None when it is stale or was never heard.

    The age is judged when the value is asked for, so that a sensor that fell silent a moment ago is
    already stale, whether or not anybody has noticed the silence yet.
    """

    def __init__(self, devices: Mapping[str, Device], clock: Clock) -> None:
        self._devices = devices
        self._clock = clock
        self._places: dict[str, tuple[Device, str]] = {
            f"{device.name}.{reading}": (device, reading)
            for device in devices.values()
            for reading in device.readings_units()
        }

    def get(self, name: str) -> float | bool | None:
        """The value in SI; None: stale, absent or unknown."""
        place = self._places.get(name)
        if place is None:
            return None
        reading = self.fresh(*place)
        return None if reading is None else reading.value

    def fresh(self, device: Device, reading: str | None) -> Reading | None:
        """The reading itself, if it is fresh enough to act on."""
        found = device.reading(reading)
        if found is None or device.state in _NOT_THERE:
            return None
        limit_s = device.stale_after_s
        if limit_s is not None and self._clock() - found.at > limit_s:
            return None
        return found

    def device(self, name: str) -> Device:
        """The device called `name`; KeyError when there is none."""
        return self._devices[name]
