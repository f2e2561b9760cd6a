"""Devices are active while a state that names them is present, from the moment it is entered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from hal import Actuator, Rig
from robotd.core.chart import State
from robotd.core.decision import Decision, Entry, Outcome
from robotd.errors import Refused
from robotd.runtime.activation import Activation
from tests import virtual
from tests.core.making import event
from tests.hal.rover import simulated_rover


class Stage:
    """A rover whose present states the test sets."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.present: dict[str, Entry] = {}
        self.refused: list[tuple[str, str]] = []
        self.locked: Refused | None = None
        self.activation = Activation(rig.devices, self._needed, self._refuse, lambda: self.locked)

    def _needed(self) -> frozenset[str]:
        named = [entry.state.active or () for entry in self.present.values()]
        return frozenset(name for names in named for name in (self.rig.devices if names == "all" else names))

    def _refuse(self, board: str, _: Decision, why: Mapping[str, Any]) -> None:
        self.refused.append((board, why["reason"]))

    def move(self, *, leave: tuple[str, ...] = (), enter: tuple[State, ...] = ()) -> None:
        exits = tuple(self.present.pop(path) for path in leave)
        entries = tuple(Entry(number, state) for number, state in enumerate(enter))
        self.present |= {entry.state.path: entry for entry in entries}
        self.activation.follow(Decision(event("go"), Outcome.MOVED, ("a",), ("b",), exits, entries))

    @property
    def active(self) -> set[str]:
        return {name for name, device in self.rig.devices.items() if device.state.value == "active"}


def staged(body: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            await body(Stage(rig))

    virtual.run(whole())


OUTER = State("outer", active=("base", "lamp"))
INNER = State("outer.inner", active=("mast",))
EVERYTHING = State("everything", active="all")


def test_children_add_to_what_is_around_them():
    async def body(stage: Stage) -> None:
        stage.move(enter=(OUTER, INNER))
        assert stage.active == {"base", "lamp", "mast"}
        stage.move(leave=("outer.inner",))
        assert stage.active == {"base", "lamp"}
        stage.move(leave=("outer",), enter=(EVERYTHING,))
        assert stage.active == set(stage.rig.devices)

    staged(body)


def test_entering_a_state_again_halts_what_it_names():
    async def body(stage: Stage) -> None:
        stage.move(enter=(OUTER,))
        base: Any = stage.rig.devices["base"]
        base.drive(0.2)
        stage.move(leave=("outer",), enter=(OUTER,))

        assert base.at_rest
        assert stage.active == {"base", "lamp"}

    staged(body)


def test_a_board_that_is_back_waits_for_the_state_to_be_entered_again():
    async def body(stage: Stage) -> None:
        stage.move(enter=(EVERYTHING,))
        board = stage.rig.boards["arduino"]
        assert board.link is not None
        board.link.close()
        await asyncio.sleep(0.01)
        assert stage.active == set()
        await board.online()
        stage.move(enter=(State("other"),))
        assert stage.active == set()
        stage.move(leave=("everything",), enter=(EVERYTHING,))
        assert stage.active == set(stage.rig.devices)

    staged(body)


def test_a_device_that_refuses_is_told_and_the_others_are_activated():
    async def body(stage: Stage) -> None:
        stage.rig.devices["mast"].fail("no horn")
        stage.move(enter=(EVERYTHING,))

        assert stage.refused == [("arduino", "device_refused")]
        assert stage.active == set(stage.rig.devices) - {"mast"}

    staged(body)


def test_after_a_stop_every_actuator_is_inactive_and_every_sensor_as_it_was():
    async def body(stage: Stage) -> None:
        stage.move(enter=(EVERYTHING,))
        stage.activation.end()

        assert stage.active == {"battery", "range", "bumper"}

    staged(body)


def test_while_actuators_are_locked_only_sensors_are_activated_and_why_is_told():
    async def body(stage: Stage) -> None:
        stage.locked = Refused("latched", "the guard process is not there yet")
        stage.move(enter=(EVERYTHING,))
        actuators = {name for name, device in stage.rig.devices.items() if isinstance(device, Actuator)}

        assert stage.active == set(stage.rig.devices) - actuators
        assert set(stage.refused) == {("arduino", "latched")}

    staged(body)
