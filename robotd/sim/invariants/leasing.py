"""What is promised about who moves the robot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hal import Actuator, verbs
from robotd.daemon.leasing import LAPSED, TAKEN
from robotd.safety.lease import Held
from robotd.sim.invariants.motion import Moves
from robotd.sim.invariants.promise import Promise
from robotd.sim.simulation import Simulation

HALTED_S = 0.05
"""So long after its operator was lost a robot stands still."""


class Lease(Promise):
    """Follows the lease from hand to hand, and looks at every value that an actuator is told."""

    name = "lease"
    sentence = "never two have the lease, and without it nothing moves but in a state that is unattended"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._leasing = self.engine.leasing
        self._moves = Moves()
        self._actuators = [
            d for d in self.engine.rig.devices.values() if isinstance(d, Actuator) and _moves(d)
        ]
        """Those that move something; a lamp needs nobody's lease."""
        self._held: Held | None = self._leasing.lease.held
        self._leasing.listeners.append(self._told)

    def output(self, device: Actuator, value: float) -> None:
        """A value that moves needs somebody who is heard."""
        if device not in self._actuators:
            return
        self.checked += 1
        if self._moves.told(device, value) and self._is_without():
            self.breaks(f"{device.name} was told {value:.6g}, and nobody had the lease")

    def _is_without(self) -> bool:
        leasing = self._leasing
        present = self.engine.machine.active
        return leasing.on and leasing.lease.holder is None and leasing.unattended.isdisjoint(present)

    def _told(self, what: str, held: Held, more: Mapping[str, Any]) -> None:
        self.checked += 1
        before, self._held = self._held, held if what == TAKEN else None
        if what == TAKEN and before is not None and before.holder != held.holder and "from" not in more:
            self.breaks(f"{held.holder.source} took the lease, and {before.holder.source} still had it")
        if what == LAPSED:
            asyncio.get_running_loop().call_later(HALTED_S, self._look)

    def _look(self) -> None:
        moving = [device.name for device in self._actuators if not device.at_rest]
        if moving and self._is_without():
            self.breaks(f"{moving[0]} still moves, and its operator was lost {HALTED_S:g} s ago")


def _moves(device: Actuator) -> bool:
    return any(verb.verb_info.moves for verb in verbs(device).values())  # type: ignore[attr-defined]  # hal's @verb sets it
