"""What a scenario about one robot may name: its commands, events, states and readings, and its world."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

from hal import Rig, UnknownQuantity
from robotd.config import RobotConfig
from robotd.config.triggers import BOARD_EVENTS, OUTCOMES
from robotd.core.chart import BUILT_IN_STATES, BUILT_IN_TRIGGERS, OPERATOR_LOST
from robotd.sim.scenario.quantities import FLAG


class Names:
    """All that there is, in the order of the robot's file."""

    def __init__(self, config: RobotConfig) -> None:
        self._config = config
        rig = self._rig({})
        self.commands = config.commands
        self.boards = [*config.boards]
        self.devices = [*config.devices]
        self.readings = config.readings
        self.states = [*(state.path for state in config.chart.states), *sorted(BUILT_IN_STATES)]
        units = {
            name: next(iter(device.readings_units().values()), None) for name, device in rig.devices.items()
        }
        self.world = {
            name: FLAG if isinstance(value, bool) else units.get(name) for name, value in rig.world().items()
        }
        """The quantities of the simulated world, each with its unit: None where nobody says which."""
        self.settable = {name: unit for name, unit in self.world.items() if _can_be_set(rig, name)}
        """Those of them that can be held at a value."""
        self.events = dict.fromkeys(_events(config))
        """What happens by itself: rules, time-outs, outcomes, what befalls a board."""
        self.told = [*self.events, *self.commands, *sorted(BUILT_IN_TRIGGERS)]
        """What the machine may be told."""

    def check_fault(self, board: str, text: str) -> None:
        """Raises `FaultError` for what is no fault, or none of that board."""
        self._rig({board: [text]})

    def _rig(self, faults: Mapping[str, Sequence[str]]) -> Rig:
        """As the simulation builds it; nothing is opened."""
        boards, devices = self._config.boards, self._config.devices
        return Rig.build(boards, devices, simulated=[*boards], rng=random.Random(0), faults=faults)

    def parameters(self, command: str) -> Collection[str]:
        """What the payload of a command may hold."""
        return [parameter.wire_name for parameter in self.commands[command].parameters]

    def streamed(self, command: str) -> bool:
        """Whether it is a setpoint, of which the newest counts."""
        return self.commands[command].streamed


def _can_be_set(rig: Rig, name: str) -> bool:
    try:
        rig.set_world(name, None)
    except UnknownQuantity:
        return False
    return True


def _events(config: RobotConfig) -> list[str]:
    chart = config.chart
    rules = [rule.name for rule in config.rules]
    boards = [f"{board}.{event}" for board in config.boards for event in BOARD_EVENTS]
    timeouts = [state.timeout.trigger for state in chart.states if state.timeout]
    dos = [state.do for state in chart.states]
    dos += [transition.do for region in chart.regions for transition in region.transitions]
    outcomes = [f"{do.name}.{outcome}" for do in dos if do for outcome in OUTCOMES]
    lost = [OPERATOR_LOST] if config.lease.on else []
    return [*rules, *boards, *timeouts, *outcomes, *lost]
