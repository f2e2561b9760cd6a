"""What every device promises: a life and readings."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from hal.device.words import DeviceSpec, DeviceState, Reading
from hal.errors import DeviceGone, DeviceRefused, HalError

_log = logging.getLogger(__name__)


class Device(ABC):
    """Something on a board, of one kind. The name is the one from the robot's file."""

    KIND: ClassVar[str]
    READINGS: ClassVar[Mapping[str, str]]
    """The unit of each reading, the main one first; empty for a plain number, `bool` for a flag."""
    INITIAL: ClassVar[Mapping[str, float | bool]] = {}
    """What is known without being told, as soon as the board is there: nothing moves."""

    folder: Path | None = None
    """Where the files are that its verbs are told by name: the folder of the robot's file."""
    drafts: dict[str, str] | None = None
    """Where a verb writes files in place of the folder, by name: a simulation leaves nothing behind."""
    stale_after_s: float | None = None
    """How old a reading may grow before it means nothing. None: what was commanded does not age."""

    def __init__(self, name: str, spec: DeviceSpec) -> None:
        self.name = name
        self.spec = spec
        self.state = DeviceState.ABSENT
        self.fault: str | None = None
        """Why it is faulted, as a sentence; None otherwise."""
        self.listeners: list[Callable[[Device, str], None]] = []
        """Called with the device and the reading's name when a reading changed or was renewed."""
        self.life_listeners: list[Callable[[Device], None]] = []
        """Called after each change of `state`."""
        self._units = self.units_of(spec)
        self._values: dict[str, tuple[float | bool, float]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def units_of(cls, spec: DeviceSpec) -> Mapping[str, str]:
        """The units of the readings that a device with this spec will have; asked before there is one."""
        return cls.READINGS

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards it needs: its own, or those of its parts."""
        return () if self.spec.board is None else (self.spec.board,)

    def readings_units(self) -> Mapping[str, str]:
        """The units of this device's readings, the main one first."""
        return self._units

    def reading(self, name: str | None = None) -> Reading | None:
        """The last value of a reading (of the main one without a name); None when never heard.

        It may be old: compare its age with `stale_after_s`. Raises `KeyError` for a reading it does not have.
        """
        if name is None:
            name = next(iter(self._units))
        unit = self._units[name]
        known = self._values.get(name)
        return None if known is None else Reading(known[0], unit, known[1])

    def present(self) -> None:
        """Its board is there: absent or faulted becomes inactive."""
        if self.state in (DeviceState.ABSENT, DeviceState.FAULTED):
            now = self._now()
            for name, value in self.INITIAL.items():
                if name not in self._values:  # after a fault it may be known better
                    self._publish(name, value, now)
            self._live(DeviceState.INACTIVE)

    def activate(self) -> None:
        """Inactive becomes active. Moves nothing.

        Raises:
            DeviceGone: its board is not there.
            DeviceRefused: it is faulted.
        """
        if self.state is DeviceState.ABSENT:
            raise DeviceGone(
                self.name, "its board is not connected; it can be activated when the board is back"
            )
        if self.state is DeviceState.FAULTED:
            raise DeviceRefused(self.name, f"it is faulted and cannot be activated: {self.fault}")
        self._live(DeviceState.ACTIVE)

    def deactivate(self) -> None:
        """Active becomes inactive. Never raises."""
        if self.state is DeviceState.ACTIVE:
            self._live(DeviceState.INACTIVE)

    def vanish(self) -> None:
        """The wire was lost: what was read is no longer known. Never raises."""
        self._values.clear()
        self._live(DeviceState.ABSENT)

    def fail(self, why: str) -> None:
        """Something is wrong with it; `why` says what. Means nothing while it is absent."""
        if self.state is not DeviceState.ABSENT:
            self.fault = why
            self._live(DeviceState.FAULTED)

    def _live(self, state: DeviceState) -> None:
        if state is self.state:
            return
        self.state = state
        if state is not DeviceState.FAULTED:
            self.fault = None
        for tell in self.life_listeners:
            self._attempt(tell, self)

    def _publish(self, name: str, value: float | bool, at: float) -> None:
        """Keep a commanded value and tell the listeners, if it is another than before."""
        known = self._values.get(name)
        if known is None or known[0] != value:
            self._values[name] = (value, at)
            self._tell(name)

    def _tell(self, name: str) -> None:
        for tell in self.listeners:
            tell(self, name)

    def _attempt(self, step: Callable[..., object], *args: object) -> HalError | None:
        """Take a step whose failure must not keep the next one from being taken.

        Returns what the hardware refused it with, which is its board's to tell; a bug goes to the log.
        """
        try:
            step(*args)
        except HalError as refusal:
            return refusal
        except Exception:
            _log.exception("%s: a step of its stop or of a change of its life failed", self.name)
        return None

    def _now(self) -> float:
        """The loop's time, also when called from outside it, as a last stop may be."""
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        return self._loop.time() if self._loop is not None else 0.0


class Sensor(Device):
    """A device that only tells."""
