"""Listens to one running daemon on behalf of every promise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from hal import Actuator, Device
from robotd.core.decision import Decision
from robotd.core.invariant import Invariant
from robotd.sim.invariants.commands import Bounds, InTime, OneEnd, Settles
from robotd.sim.invariants.deciding import FreshReadings, Legal, OwnOutcomes
from robotd.sim.invariants.leasing import Lease
from robotd.sim.invariants.motion import Freshness, Limits, Standing
from robotd.sim.invariants.process import NoBug, NoLeak
from robotd.sim.invariants.promise import Broken, Promise
from robotd.sim.invariants.stopping import Epoch, Latch
from robotd.sim.simulation import Simulation

STANDARD: tuple[type[Promise], ...] = (
    OneEnd,
    InTime,
    Bounds,
    Settles,
    Standing,
    Limits,
    Freshness,
    Lease,
    Epoch,
    Latch,
    Legal,
    OwnOutcomes,
    FreshReadings,
    NoLeak,
    NoBug,
)
"""What every robot is promised."""


class Watch:
    """All promises about one daemon, and those of its file, from now to its end."""

    def __init__(
        self,
        simulation: Simulation,
        invariants: Sequence[Invariant] = (),
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """`invariants`: the `never` and `always` to judge besides. `told` is called when one is broken."""
        self.broken: Broken | None = None
        """The first that was not kept."""
        self._simulation = simulation
        self._told = told
        self._promises = [promise(simulation, partial(self._breaks, promise.name)) for promise in STANDARD]
        self._own = [*invariants]
        self._own_checked = 0
        self._looks_soon = False
        self._listen()

    @property
    def checked(self) -> Mapping[str, int]:
        """How often each was looked at, by name."""
        counts = {promise.name: promise.checked for promise in self._promises}
        return counts | {"never and always": self._own_checked} if self._own else counts

    def _listen(self) -> None:
        simulation, engine = self._simulation, self._simulation.engine
        engine.dispatcher.observers += self._hooks("decision")
        engine.ledger.observers += self._hooks("stage")
        for output in self._hooks("output"):
            engine.rig.tap_outputs(output)
        for device in engine.rig.devices.values():
            device.life_listeners += self._hooks("life")
            if isinstance(device, Actuator):
                device.listeners += self._hooks("reading")
        simulation.at_end += self._hooks("end")
        if self._own:
            engine.dispatcher.observers.append(self._decided)
            mentioned = {name for own in self._own for name in own.expression.readings}
            for device in engine.rig.devices.values():
                if any(f"{device.name}.{name}" in mentioned for name in device.readings_units()):
                    device.listeners.append(self._changed)

    def _hooks(self, name: str) -> list[Callable[..., Any]]:
        """The hooks of that name, of the promises that define one."""
        return [
            getattr(promise, name)
            for promise in self._promises
            if getattr(type(promise), name) is not getattr(Promise, name)
        ]

    def _breaks(self, name: str, sentence: str) -> None:
        if self.broken is None:
            self.broken = Broken(name, sentence, self._simulation.now)
            self._told()

    # -- the file's own

    def _decided(self, _decision: Decision) -> None:
        self._look_soon()

    def _changed(self, _device: Device, _reading: str) -> None:
        self._look_soon()

    def _look_soon(self) -> None:
        """When whatever happens now is through."""
        if not self._looks_soon:
            self._looks_soon = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looks_soon = False
        self._own_checked += 1
        engine = self._simulation.engine
        for invariant in self._own:
            if self.broken is None and invariant.broken(engine.table, engine.machine.active):
                saw = invariant.expression.saw(engine.table, {}, engine.machine.active)
                seen = ", ".join(f"{name} {saw[name]}" for name in sorted(saw))
                sentence = f"{invariant.text} (seen: {seen})"
                self.broken = Broken(invariant.kind, sentence, self._simulation.now, invariant.where)
                self._told()
