"""A relay: what it switches, a vacuum pump or the air of a diverter, may be what holds something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from hal.kinds.digital import DigitalOutput, SwitchSpec


class RelaySpec(SwitchSpec, frozen=True):
    """What the file says about a relay. `on_stop: keep` is for one that must not let go when all stops."""

    kind: Literal["relay"] = "relay"


class Relay(DigitalOutput):
    """A digital output by its field's name. It comes back from a loss as it is, and is told nothing then."""

    KIND = "relay"
    READINGS: ClassVar[Mapping[str, str]] = {"on": "bool"}

    spec: RelaySpec

    def felt(self, level: float, now: float) -> bool:
        """As for every output. How it was found, before it was told anything, is what it shows."""
        if self.reading("on") is None:
            self._publish("on", level > 0, now)
        return super().felt(level, now)
