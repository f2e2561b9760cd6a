"""The steps of a scenario's file: each is one action, with what may stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from robotd.config.document import describe
from robotd.config.errors import nearest
from robotd.config.place import NAME, NAME_HINT, Place
from robotd.core.chart import BUILT_IN_TRIGGERS
from robotd.sim.scenario.expecting import read_facts
from robotd.sim.scenario.model import (
    LATEST,
    OPERATOR,
    TCP,
    Action,
    Cancel,
    Connect,
    Disconnect,
    Expect,
    Fault,
    Gap,
    Inject,
    Lease,
    Mend,
    Reset,
    Send,
    SetWorld,
    Step,
    Stop,
    Wait,
    Write,
)
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.shape import StepModel
from robotd.sim.scenario.surroundings import read_fault_texts, read_faults, read_world

ALL = "all"
ACTIONS: Mapping[str, frozenset[str]] = {
    "send": frozenset({"payload", "as", "valid_for", "id", "priority", "version", "times", "from", "for"}),
    "stop": frozenset({"from"}),
    "reset": frozenset({"from"}),
    "lease": frozenset({"from", "for"}),
    "cancel": frozenset({"from"}),
    "write": frozenset({"from"}),
    "connect": frozenset({"over"}),
    "disconnect": frozenset(),
    "gap": frozenset(),
    "set": frozenset(),
    "fault": frozenset(),
    "mend": frozenset(),
    "inject": frozenset({"payload"}),
    "wait": frozenset(),
    "expect": frozenset({"within", "for"}),
}
"""What a step may do, and what may stand beside it; `at` may beside each."""


class StepReader:
    """Reads steps one after the other: later ones may name what earlier ones brought."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._clients = {OPERATOR: True}
        """Everyone who ever came, and whether they are there."""
        self._sent: dict[str, None] = {}
        """What a later step may call a command: its type, or what `as` says."""
        self._earliest_s = 0.0

    def steps(self, place: Place) -> Iterator[Step]:
        """Those that are sound."""
        if place.value == []:
            place.refuse("there is no step in it")
        for element in place.elements():
            step = self._step(element)
            if step is not None:
                yield step

    def _step(self, place: Place) -> Step | None:
        if not isinstance(place.value, dict):
            place.refuse(f"a step is a mapping, not {describe(place.value)}", "for example: send: arm")
            return None
        read = place.read(StepModel)
        model = read or StepModel()
        actions = [key for key in place.value if key in ACTIONS]
        if len(actions) != 1:
            self._refuse_actions(place, actions, sound=read is not None)
            return None
        kind = actions[0]
        for key in place.value:
            if key not in {"at", kind} | ACTIONS[kind] and key in _MODIFIERS:
                takers = [action for action, beside in ACTIONS.items() if key in beside]
                hint = f"it stands beside {' and '.join(takers)}"
                (place / key).refuse(f"'{key}' means nothing beside '{kind}'", hint, key=True)
        self._check_time(place, model)
        action = _READERS[kind](self, place, model)
        if action is None:
            return None
        return Step(
            action,
            at_s=model.at,
            within_s=model.within,
            for_s=model.lasting,
            where=place.document.where((*place.steps, kind), key=True),
        )

    def _refuse_actions(self, place: Place, actions: list[str], *, sound: bool) -> None:
        if actions:
            also = place / actions[1]
            also.refuse(
                f"one step does one thing: '{actions[0]}' or '{actions[1]}'", "make two steps of it", key=True
            )
        elif sound:
            place.refuse("this step does nothing", f"it needs one of {', '.join(ACTIONS)}")

    def _check_time(self, place: Place, model: StepModel) -> None:
        if model.at is not None:
            if model.at < self._earliest_s:
                hint = "steps stand in the order of their time"
                (place / "at").refuse(
                    f"this is before {self._earliest_s:g} s, where the steps above end", hint
                )
            self._earliest_s = max(self._earliest_s, model.at)
        self._earliest_s += model.wait or 0.0
        if "expect" in place:
            self._earliest_s += model.lasting or 0.0

    # -- what a client does

    def _client(self, place: Place, model: StepModel) -> str:
        """Who does it; they are there."""
        name = model.client or OPERATOR
        if name not in self._clients:
            hint = nearest(name, self._clients, what="clients") if len(self._clients) > 1 else None
            (place / "from").refuse(f"no client '{name}' has come", hint or f"first: connect: {name}")
        elif not self._clients[name]:
            (place / "from").refuse(f"'{name}' has hung up", f"first: connect: {name}")
        return name

    def _send(self, place: Place, model: StepModel) -> Action | None:
        read = self._named(place, "send", self._names.commands, "command")
        if read is None:
            return None
        command, payload = read
        for key in payload:
            known = self._names.parameters(command)
            if key not in known:
                hint = nearest(key, known, what="parameters")
                where = place / "payload" if model.payload is not None else place / "send" / command
                (where / key).refuse(f"{command} has no parameter '{key}'", hint, key=True)
        if model.lasting is not None and not self._names.streamed(command):
            (place / "for").refuse(f"'{command}' is no setpoint that could be renewed", key=True)
        if model.called is not None and not NAME.match(model.called):
            (place / "as").refuse(f"'{model.called}' cannot be the name of a command", NAME_HINT)
        self._sent |= {command: None} | ({model.called: None} if model.called else {})
        return Send(
            command,
            payload,
            name=model.called,
            valid_for_s=model.valid_for,
            id=model.id,
            priority=model.priority,
            version=model.version,
            times=model.times or 1,
            client=self._client(place, model),
        )

    def _stop(self, place: Place, model: StepModel) -> Action:
        return Stop(str(model.stop), self._client(place, model))

    def _reset(self, place: Place, model: StepModel) -> Action:
        return Reset(model.reset or LATEST, self._client(place, model))

    def _lease(self, place: Place, model: StepModel) -> Action | None:
        if model.lease is None:
            return None
        if model.lease == "release" and model.lasting is not None:
            (place / "for").refuse("what is given back is not renewed", key=True)
        return Lease(model.lease, self._client(place, model))

    def _cancel(self, place: Place, model: StepModel) -> Action | None:
        name = (place / "cancel").known(self._sent, "sent command")
        return None if name is None else Cancel(name, self._client(place, model))

    def _write(self, place: Place, model: StepModel) -> Action:
        return Write(str(model.write), self._client(place, model))

    def _connect(self, place: Place, model: StepModel) -> Action | None:
        name = model.connect
        if name is None:
            return None
        if not NAME.match(name):
            (place / "connect").refuse(f"'{name}' cannot be the name of a client", NAME_HINT)
        elif self._clients.get(name):
            (place / "connect").refuse(f"'{name}' is there already", "choose another name")
        self._clients[name] = True
        return Connect(name, model.over or TCP)

    def _disconnect(self, place: Place, model: StepModel) -> Action | None:
        there = [name for name, connected in self._clients.items() if connected]
        name = (place / "disconnect").known(there, "client")
        if name is None:
            return None
        self._clients[name] = False
        return Disconnect(name)

    def _gap(self, place: Place, model: StepModel) -> Action:
        return Gap(model.gap or 0.0)

    # -- what the world does

    def _set(self, place: Place, model: StepModel) -> Action:
        if not place.value["set"]:
            (place / "set").refuse("there is nothing in it")
        return SetWorld(read_world(place / "set", self._names))

    def _fault(self, place: Place, model: StepModel) -> Action | None:
        entry, boards = place / "fault", self._names.boards
        if isinstance(entry.value, dict):
            faults = read_faults(entry, self._names)
        elif len(boards) == 1:
            faults = {boards[0]: read_fault_texts(entry, boards[0], self._names)}
        else:
            hint = f"for example: fault: {{{boards[0]}: unplug 5 s}}" if boards else "this robot has none"
            entry.refuse("the name of a board and its fault are due here", hint)
            return None
        found = [Fault(board, text) for board, texts in faults.items() for text in texts]
        if len(found) > 1:
            entry.refuse("one step is one fault", "make several steps of it")
        return found[0] if found else None

    def _mend(self, place: Place, model: StepModel) -> Action | None:
        name = (place / "mend").known([*self._names.boards, ALL], "board")
        return None if name is None else Mend(None if name == ALL else name)

    def _inject(self, place: Place, model: StepModel) -> Action | None:
        named = self._named(place, "inject", self._names.events, "event")
        return None if named is None else Inject(*named)

    def _wait(self, place: Place, model: StepModel) -> Action:
        return Wait(model.wait or 0.0)

    def _expect(self, place: Place, model: StepModel) -> Action:
        return Expect(tuple(read_facts(place / "expect", self._names, self._sent)))

    def _named(
        self, place: Place, key: str, known: Mapping[str, Any], what: str
    ) -> tuple[str, dict[str, Any]] | None:
        """A name and its payload: `drive`, `{drive: {linear: 0.3 m/s}}`, or with `payload` beside it."""
        entry, beside = place / key, place / "payload"
        payload = beside.value if isinstance(beside.value, dict) else {}
        if not isinstance(entry.value, dict):
            name = self._known(entry, entry.value, known, what, key=False)
        elif len(entry.value) != 1:
            hint = f"for example: {key}: {{drive: {{linear: 0.3 m/s}}}}"
            entry.refuse(f"one {what} and its payload is due here", hint)
            return None
        else:
            (written,) = entry.value
            name = self._known(entry / written, written, known, what, key=True)
            inside = (entry / written).value
            if not isinstance(inside, dict | None):
                (entry / written).refuse(f"a payload is a mapping, not {describe(inside)}")
            elif inside and payload:
                beside.refuse("the payload is here twice", "leave one of the two out", key=True)
            else:
                payload = inside or payload
        return None if name is None else (name, payload)

    def _known(
        self, place: Place, name: Any, known: Mapping[str, Any], what: str, *, key: bool
    ) -> str | None:
        if not isinstance(name, str):
            place.refuse(f"the name of one {what} is due here, not {describe(name)}")
        elif name in known:
            return name
        elif name in BUILT_IN_TRIGGERS:
            place.refuse(f"'{name}' is built in", "there are the steps 'stop' and 'reset'", key=key)
        elif name in self._names.commands or name in self._names.events:
            other = "send" if name in self._names.commands else "inject"
            place.refuse(f"'{name}' is no {what}", f"write {other}: {name}", key=key)
        else:
            place.refuse(f"there is no {what} '{name}'", nearest(name, known, what=f"{what}s"), key=key)
        return None


_READERS: Mapping[str, Callable[[StepReader, Place, StepModel], Action | None]] = {
    "send": StepReader._send,
    "stop": StepReader._stop,
    "reset": StepReader._reset,
    "lease": StepReader._lease,
    "cancel": StepReader._cancel,
    "write": StepReader._write,
    "connect": StepReader._connect,
    "disconnect": StepReader._disconnect,
    "gap": StepReader._gap,
    "set": StepReader._set,
    "fault": StepReader._fault,
    "mend": StepReader._mend,
    "inject": StepReader._inject,
    "wait": StepReader._wait,
    "expect": StepReader._expect,
}
_MODIFIERS = frozenset[str]().union(*ACTIONS.values())
