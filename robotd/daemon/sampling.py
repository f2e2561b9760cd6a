"""Readings in the journal: a sample now and then, and all of them around a fault."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Mapping

from hal import Device, Reading
from robotd.journal.journal import Journal
from robotd.journal.kinds import READINGS
from robotd.runtime.readings import Clock, ReadingTable

AROUND_S = 2.0
"""Before and after a fault every reading is kept for so long."""
KEPT = 4_096
"""Readings at most, where they come faster than that."""


class Sampler:
    """Keeps the newest readings in a ring, and writes them down when something has happened."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        table: ReadingTable,
        journal: Journal,
        clock: Clock,
        sample_s: float,
    ) -> None:
        self._table = table
        self._journal = journal
        self._clock = clock
        self._sample_s = sample_s
        self._places = [
            (f"{device.name}.{reading}", device, reading)
            for device in devices.values()
            for reading in device.readings_units()
        ]
        self._ring: deque[tuple[Device, str, Reading]] = deque(maxlen=KEPT)
        self._dense_until = -math.inf
        self._written_until = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        for device in devices.values():
            device.listeners.append(self._changed)

    def start(self) -> None:
        """Sample from now on."""
        self._timer = asyncio.get_running_loop().call_later(self._sample_s, self._sample)

    def close(self) -> None:
        """Sample no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._write_dense()

    def fault(self) -> None:
        """Something has happened: what was read just before it, and what comes now, is worth keeping."""
        now = self._clock()
        if now >= self._dense_until:
            self._written_until = max(self._written_until, now - AROUND_S)
        self._dense_until = now + AROUND_S

    def _changed(self, device: Device, reading: str) -> None:
        found = device.reading(reading)
        if found is not None:
            self._ring.append((device, reading, found))

    def _sample(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._sample_s, self._sample)
        if self._journal.trouble is None:
            self._write_dense()
            fresh = self._table.fresh
            values = {
                name: None if (found := fresh(device, reading)) is None else found.value
                for name, device, reading in self._places
            }
            self._journal.write(READINGS, {"values": values})

    def _write_dense(self) -> None:
        if self._written_until < self._dense_until:
            dense = [
                (round(found.at, 6), f"{device.name}.{reading}", found.value)
                for device, reading, found in self._ring
                if self._written_until < found.at <= self._dense_until
            ]
            self._written_until = min(self._clock(), self._dense_until)
            if dense:
                self._journal.write(READINGS, {"dense": dense})
