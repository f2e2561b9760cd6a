"""What stands under `expect` in a scenario's file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from hal import BoardState, DeviceState
from robotd.config.document import describe
from robotd.config.errors import nearest
from robotd.config.place import Place
from robotd.core.stage import STAGES
from robotd.sim.scenario.model import (
    Answered,
    BoardIs,
    Counted,
    DeviceIs,
    Fact,
    InOrder,
    InState,
    ReadingIs,
    StageIs,
    Told,
    WorldIs,
)
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.quantities import read_bound
from robotd.sim.scenario.shape import FACTS
from robotd.sim.scenario.writing import STALE


def read_facts(place: Place, names: Names, sent: Collection[str]) -> Iterator[Fact]:
    """The facts at `place`, those that are sound. `sent`: what commands may be called by now."""
    if not isinstance(place.value, dict) or not place.value:
        place.refuse("what is expected stands here, each under its name", "for example: {state: armed}")
        return
    reader = _FactReader(names, sent)
    for member in place.members():
        read = _READERS.get(str(member.name), _FactReader.reading)
        yield from read(reader, member)


class _FactReader:
    def __init__(self, names: Names, sent: Collection[str]) -> None:
        self._names = names
        self._sent = sent

    def state(self, place: Place) -> Iterator[Fact]:
        for state in place.names(self._names.states, "state"):
            yield InState(state)

    def event(self, place: Place) -> Iterator[Fact]:
        for event in place.names(self._names.told, "event"):
            yield Told(event)

    def no_event(self, place: Place) -> Iterator[Fact]:
        for event in place.names(self._names.told, "event"):
            yield Told(event, happened=False)

    def count(self, place: Place) -> Iterator[Fact]:
        for member in self._known_members(place, self._names.told, "event"):
            times = member.read(int)
            if times is not None and times >= 0:
                yield Counted(str(member.name), times)
            elif times is not None:
                member.refuse("less than never is not possible")

    def order(self, place: Place) -> Iterator[Fact]:
        found = [element.known(self._names.told, "event") for element in place.elements()]
        if len(found) < 2:
            place.refuse("an order is of two or more", "for example: [bump, patrol.done]")
        elif None not in found:
            yield InOrder(tuple(event for event in found if event))

    def stage(self, place: Place) -> Iterator[Fact]:
        if not isinstance(place.value, dict):
            yield from self._stage(place, None)
            return
        for member in place.members():
            if member.name in self._sent:
                yield from self._stage(member, str(member.name))
            else:
                hint = nearest(str(member.name), self._sent, what="commands that were sent")
                member.refuse(f"no command '{member.name}' was sent", hint, key=True)

    def _stage(self, place: Place, command: str | None) -> Iterator[Fact]:
        if not isinstance(place.value, str):
            place.refuse(f"a stage is due here, not {describe(place.value)}", "for example: rejected latched")
            return
        stage, _, reason = place.value.partition(" ")
        if stage not in STAGES:
            place.refuse(f"there is no stage '{stage}'", nearest(stage, STAGES, what="stages"))
        elif not self._sent and command is None:
            place.refuse("nothing was sent yet", key=True)
        else:
            yield StageIs(stage, command, reason.strip() or None)

    def answer(self, place: Place) -> Iterator[Fact]:
        if isinstance(place.value, dict):
            yield Answered(place.value)
        else:
            hint = "for example: {error: {data: {reason: busy}}}"
            place.refuse(f"an answer is a mapping, not {describe(place.value)}", hint)

    def world(self, place: Place) -> Iterator[Fact]:
        for member in self._known_members(place, self._names.world, "quantity"):
            value = read_bound(member, self._names.world[str(member.name)])
            if value is not None:
                yield WorldIs(str(member.name), value)

    def board(self, place: Place) -> Iterator[Fact]:
        for member in self._known_members(place, self._names.boards, "board"):
            state = member.known([state.value for state in BoardState], "board state")
            if state is not None:
                yield BoardIs(str(member.name), state)

    def device(self, place: Place) -> Iterator[Fact]:
        for member in self._known_members(place, self._names.devices, "device"):
            state = member.known([state.value for state in DeviceState], "device state")
            if state is not None:
                yield DeviceIs(str(member.name), state)

    def reading(self, place: Place) -> Iterator[Fact]:
        """Every other key is the name of one."""
        name = str(place.name)
        if name not in self._names.readings:
            hint = nearest(name, [*FACTS, *self._names.readings], what="readings")
            place.refuse(f"there is no reading '{name}'", hint, key=True)
        elif place.value == STALE:
            yield ReadingIs(name, None)
        else:
            value = read_bound(place, self._names.readings[name])
            if value is not None:
                yield ReadingIs(name, value)

    def _known_members(self, place: Place, known: Collection[str], what: str) -> Iterator[Place]:
        if place.value is None or place.value == {}:
            place.refuse("there is nothing in it")
        for member in place.members():
            if member.name in known:
                yield member
            else:
                hint = nearest(str(member.name), known, what=f"{what}s")
                member.refuse(f"there is no {what} '{member.name}'", hint, key=True)


_READERS: Mapping[str, Callable[[_FactReader, Place], Iterator[Fact]]] = {
    "state": _FactReader.state,
    "event": _FactReader.event,
    "no_event": _FactReader.no_event,
    "count": _FactReader.count,
    "order": _FactReader.order,
    "stage": _FactReader.stage,
    "answer": _FactReader.answer,
    "world": _FactReader.world,
    "board": _FactReader.board,
    "device": _FactReader.device,
}
