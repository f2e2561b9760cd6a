"""What is promised about decisions: of the chart alone, by fresh readings, for the stay that asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from hal import Device, DeviceState
from robotd.core.chart import ALWAYS, BUILT_IN_STATES, BUILT_IN_TRIGGERS, Region
from robotd.core.decision import Decision, Outcome
from robotd.core.message import Event
from robotd.sim.invariants.promise import Promise
from robotd.sim.simulation import Simulation

REMEMBERED = 4_096
"""Of so many actions it is known which stay began them."""


class Legal(Promise):
    """Compares each decision with the chart."""

    name = "legal"
    sentence = "the machine is where its last decision left it, and moves along its transitions alone"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._leaves = self.engine.machine.leaves
        self._regions = simulation.config.chart.regions
        self._ways = [_ways(region) for region in self._regions]

    def decision(self, decision: Decision) -> None:
        """From where it was, along a transition of that trigger, to a state that there is."""
        self.checked += 1
        if decision.before != self._leaves:
            self.breaks(f"{decision.message.type} was decided in {decision.before}, not {self._leaves}")
        self._leaves = decision.after
        if decision.before == decision.after:
            return
        for region, ways, before, after in zip(
            self._regions, self._ways, decision.before, decision.after, strict=True
        ):
            if before != after and not self._leads(region, ways, decision.message.type, before, after):
                self.breaks(f"{decision.message.type} led from {before} to {after}, and no transition does")

    def _leads(self, region: Region, ways: _Ways, trigger: str, before: str, after: str) -> bool:
        if trigger in BUILT_IN_TRIGGERS and region is self._regions[0]:
            return True
        if before in BUILT_IN_STATES or after not in region.states:
            return False
        if ALWAYS in ways:
            return True  # one after the other, they may lead anywhere
        return any(
            f"{after}.".startswith(f"{dest}.") and source in region.lineage(before)
            for source, dest in ways.get(trigger, ())
        )


class OwnOutcomes(Promise):
    """Knows which stay began each action, and looks at each outcome that the machine acts on."""

    name = "own outcomes"
    sentence = "the end of an action moves the machine only while the stay lasts that began it"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._begun: OrderedDict[tuple[str | None, str], list[int]] = OrderedDict()

    def decision(self, decision: Decision) -> None:
        """An outcome that is acted on belongs to a stay that was there."""
        message = decision.message
        if (
            type(message) is Event
            and message.source == "executor"
            and decision.outcome is not Outcome.IGNORED
        ):
            self.checked += 1
            name = message.type.rpartition(".")[0]
            begun = self._begun.get((message.correlation_id, name))
            if begun is not None and not set(begun).intersection(self._there(decision)):
                self.breaks(f"{message.type} was acted on, and the stay that began {name} was over")
        for start in decision.starts:
            self._begun.setdefault((message.id, start.do.name), []).append(start.entry.number)
            if len(self._begun) > REMEMBERED:
                self._begun.popitem(last=False)

    def _there(self, decision: Decision) -> Iterator[int]:
        """The numbers of the stays before the decision."""
        began = {entry.number for entry in decision.entries}
        yield from (entry.number for entry in decision.exits)
        yield from (e.number for e in self.engine.machine.entries.values() if e.number not in began)


class FreshReadings(Promise):
    """Looks at what is known of a device that comes back, and at the readings that guards look at."""

    name = "fresh readings"
    sentence = "no decision rests on a reading that is too old, or from before its board was lost"

    def __init__(self, simulation: Simulation, breaks: Callable[[str], None]) -> None:
        super().__init__(simulation, breaks)
        self._lost_at: dict[str, float] = {}
        self._looked_at = _guard_readings(simulation)

    def life(self, device: Device) -> None:
        """Nothing is known that was known before it was lost."""
        now = self.engine.clock()
        if device.state is DeviceState.ABSENT:
            self._lost_at[device.name] = now
        elif device.state is DeviceState.INACTIVE:
            for name in device.readings_units():
                self._require_fresh(device, name)

    def decision(self, decision: Decision) -> None:
        """What its guards saw."""
        for device, name in self._looked_at.get(decision.message.type, ()):
            if self.engine.table.get(f"{device.name}.{name}") is not None:
                self._require_fresh(device, name, limit_s=device.stale_after_s)

    def _require_fresh(self, device: Device, name: str, limit_s: float | None = None) -> None:
        found = device.reading(name)
        if found is None:
            return
        self.checked += 1
        if found.at < self._lost_at.get(device.name, 0.0):
            self.breaks(f"{device.name}.{name} is from before {device.name} was lost")
        age_s = self.engine.clock() - found.at
        if limit_s is not None and age_s > limit_s:
            self.breaks(f"{device.name}.{name} was looked at {age_s:.3f} s after it was heard")


_Ways = dict[str, list[tuple[str, str]]]


def _ways(region: Region) -> _Ways:
    """The sources and destinations of a region's transitions, by trigger."""
    ways: _Ways = {}
    for transition in region.transitions:
        if transition.dest is not None:
            for trigger in transition.triggers or (ALWAYS,):
                ways.setdefault(trigger, []).extend((s, transition.dest) for s in transition.sources)
    return ways


def _guard_readings(simulation: Simulation) -> dict[str, list[tuple[Device, str]]]:
    """The readings that the guards of each trigger look at."""
    found: dict[str, dict[str, None]] = {}
    for region in simulation.config.chart.regions:
        for transition in region.transitions:
            if transition.guard is not None:
                for trigger in transition.triggers or (ALWAYS,):
                    found.setdefault(trigger, {}).update(dict.fromkeys(sorted(transition.guard.readings)))
    devices = simulation.engine.rig.devices
    return {
        trigger: [(devices[device], reading) for device, _, reading in (n.partition(".") for n in names)]
        for trigger, names in found.items()
    }
