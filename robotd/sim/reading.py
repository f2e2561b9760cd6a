"""From a scenario's file to the scenario, every name in it checked, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hal import FaultError, parse_fault
from robotd.config import ConfigErrors, RobotConfig, load
from robotd.config.document import Document, describe, read
from robotd.config.errors import nearest
from robotd.config.invariants import read_invariants
from robotd.config.place import NAME, NAME_HINT, Place
from robotd.core.chart import BUILT_IN_TRIGGERS, NOWHERE
from robotd.core.invariant import Invariant, Kind, compile_invariant
from robotd.sim.expecting import read_facts
from robotd.sim.models import ScenarioModel, StepModel
from robotd.sim.names import Names
from robotd.sim.quantities import read_amount
from robotd.sim.scenario import (
    LATEST,
    OPERATOR,
    Action,
    Amount,
    Cancel,
    Connect,
    Disconnect,
    Expect,
    Fault,
    Inject,
    Mend,
    Reset,
    Scenario,
    Send,
    SetWorld,
    Step,
    Stop,
    Wait,
    Write,
)
from robotd.sim.writing import FREE

EXAMPLE_PREFIX = "example:"
ALL = "all"
BEGINS = "robot: <path of the robot's file>"
ACTIONS: Mapping[str, frozenset[str]] = {
    "send": frozenset({"payload", "as", "valid_for", "id", "priority", "version", "times", "from", "for"}),
    "stop": frozenset({"from"}),
    "reset": frozenset({"from"}),
    "cancel": frozenset({"from"}),
    "write": frozenset({"from"}),
    "connect": frozenset(),
    "disconnect": frozenset(),
    "set": frozenset(),
    "fault": frozenset(),
    "mend": frozenset(),
    "inject": frozenset({"payload"}),
    "wait": frozenset(),
    "expect": frozenset({"within", "for"}),
}
"""What a step may do, and what may stand beside it; `at` may beside each."""


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario and all that it takes to run it."""

    scenario: Scenario
    config: RobotConfig
    invariants: tuple[Invariant, ...]
    """Those of the scenario; those of the robot's file are in its config."""
    file: str = ""
    """Where the scenario came from; empty for one that was made as data."""
    document: Document | None = None

    @classmethod
    def of(cls, scenario: Scenario, config: RobotConfig) -> Script:
        """To run a scenario that was made as data. Raises `ExpressionError` for one of its invariants."""
        states = [state.path for state in config.chart.states]
        kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (
            ("never", scenario.never),
            ("always", scenario.always),
        )
        invariants = [
            compile_invariant(text, kind, NOWHERE, readings=config.readings, states=states)
            for kind, texts in kinds
            for text in texts
        ]
        return cls(scenario, config, tuple(invariants))


class Robots:
    """The robots' files that scenarios name, each loaded once."""

    def __init__(self, examples: Path) -> None:
        """`examples`: the folder of what is called `example:rover`."""
        self._examples = examples
        self._loaded: dict[Path, RobotConfig | ConfigErrors] = {}

    def find(self, name: str, folder: Path) -> Path:
        """The path that `name` stands for in a scenario of `folder`."""
        if name.startswith(EXAMPLE_PREFIX):
            return self._examples / f"{name.removeprefix(EXAMPLE_PREFIX)}.yaml"
        return folder / name

    def load(self, path: Path) -> RobotConfig:
        """Raises `ConfigErrors`."""
        key = path.resolve()
        if key not in self._loaded:
            try:
                self._loaded[key] = load(path)
            except ConfigErrors as errors:
                self._loaded[key] = errors
        loaded = self._loaded[key]
        if isinstance(loaded, ConfigErrors):
            raise loaded
        return loaded


def read_scenario(path: Path, robots: Robots) -> Script:
    """Read and check a scenario's file.

    Raises `ConfigErrors` with every fault of it, or with those of its robot's file.
    """
    document = read(path, BEGINS)
    root = Place(document)
    model = root.read(ScenarioModel)
    name = (root / "robot").value
    if not isinstance(name, str):
        raise ConfigErrors.of(document.errors)
    robot = robots.find(name, path.parent)
    if not robot.is_file():
        (root / "robot").refuse(
            f"there is no file {robot}", "a path from the folder of this file, or example:rover"
        )
        raise ConfigErrors.of(document.errors)
    config = robots.load(robot)
    reader = _Reader(Names(config))
    world = reader.world(root / "set")
    faults = {str(place.name): tuple(reader.fault_texts(place)) for place in reader.boards(root / "faults")}
    steps = tuple(reader.steps(root / "steps"))
    invariants = read_invariants(
        root, readings=config.readings, states=[state.path for state in config.chart.states], doubtful=()
    )
    if document.errors or model is None:
        raise ConfigErrors.of(document.errors)
    scenario = Scenario(
        robot=model.robot,
        title=model.scenario,
        seed=model.seed,
        faults=faults,
        world=world,
        steps=steps,
        never=tuple(found.text for found in invariants if found.kind == "never"),
        always=tuple(found.text for found in invariants if found.kind == "always"),
    )
    return Script(scenario, config, invariants, str(path), document)


class _Reader:
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
        model = place.read(StepModel)
        actions = [key for key in place.value if key in ACTIONS]
        if len(actions) != 1:
            self._refuse_actions(place, actions, sound=model is not None)
            return None
        kind = actions[0]
        for key in place.value:
            if key not in {"at", kind} | ACTIONS[kind] and key in _MODIFIERS:
                takers = [action for action, beside in ACTIONS.items() if key in beside]
                hint = f"it stands beside {' and '.join(takers)}"
                (place / key).refuse(f"'{key}' means nothing beside '{kind}'", hint, key=True)
        if model is None:
            return None
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
        name = model.client
        if name is None:
            return OPERATOR
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

    def _cancel(self, place: Place, model: StepModel) -> Action | None:
        name = (place / "cancel").known(self._sent, "command that was sent")
        return None if name is None else Cancel(name, self._client(place, model))

    def _write(self, place: Place, model: StepModel) -> Action:
        return Write(str(model.write), self._client(place, model))

    def _connect(self, place: Place, model: StepModel) -> Action | None:
        name = str(model.connect)
        if not NAME.match(name):
            (place / "connect").refuse(f"'{name}' cannot be the name of a client", NAME_HINT)
        elif self._clients.get(name):
            (place / "connect").refuse(f"'{name}' is there already", "choose another name")
        self._clients[name] = True
        return Connect(name)

    def _disconnect(self, place: Place, model: StepModel) -> Action | None:
        there = [name for name, connected in self._clients.items() if connected]
        name = (place / "disconnect").known(there, "client")
        if name is None:
            return None
        self._clients[name] = False
        return Disconnect(name)

    # -- what the world does

    def world(self, place: Place) -> dict[str, Amount | bool | None]:
        """What stands under `set`."""
        values: dict[str, Amount | bool | None] = {}
        for member in place.members():
            name = str(member.name)
            if name not in self._names.world:
                hint = nearest(name, self._names.world, what="quantities")
                member.refuse(f"the simulated world has no '{name}'", hint, key=True)
            else:
                free = member.value == FREE
                values[name] = None if free else read_amount(member, self._names.world[name])
        return values

    def _set(self, place: Place, model: StepModel) -> Action:
        if not place.value["set"]:
            (place / "set").refuse("there is nothing in it")
        return SetWorld(self.world(place / "set"))

    def boards(self, place: Place) -> Iterator[Place]:
        """What stands under the names of boards, those that there are."""
        for member in place.members():
            if member.name in self._names.boards:
                yield member
            else:
                hint = nearest(str(member.name), self._names.boards, what="boards")
                member.refuse(f"there is no board '{member.name}'", hint, key=True)

    def fault_texts(self, place: Place) -> Iterator[str]:
        """The faults at `place`, one or several, those that are sound."""
        for element in place.one_or_more():
            try:
                yield str(parse_fault(element.value if isinstance(element.value, str) else ""))
            except FaultError as error:
                element.refuse(str(error))

    def _fault(self, place: Place, model: StepModel) -> Action | None:
        entry = place / "fault"
        if isinstance(entry.value, dict):
            found = [
                (str(board.name), text) for board in self.boards(entry) for text in self.fault_texts(board)
            ]
        elif len(self._names.boards) == 1:
            found = [(self._names.boards[0], text) for text in self.fault_texts(entry)]
        else:
            example = f"fault: {{{self._names.boards[0]}: unplug 5 s}}" if self._names.boards else None
            entry.refuse("which board?", example and f"for example: {example}")
            return None
        if len(found) > 1:
            entry.refuse("one step is one fault", "make several steps of it")
        return Fault(*found[0]) if found else None

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
        if not isinstance(entry.value, dict):
            name = self._known(entry, entry.value, known, what, key=False)
            return None if name is None else (name, beside.value or {})
        if len(entry.value) != 1:
            entry.refuse(
                f"one {what} and its payload is due here",
                f"for example: {key}: {{drive: {{linear: 0.3 m/s}}}}",
            )
            return None
        (written,) = entry.value
        name = self._known(entry / written, written, known, what, key=True)
        payload = (entry / written).value
        if not isinstance(payload, dict | None):
            (entry / written).refuse(f"the payload is a mapping, not {describe(payload)}")
            return None
        if payload and beside.value:
            beside.refuse("the payload is here twice", "leave one of the two out", key=True)
        return None if name is None else (name, payload or beside.value or {})

    def _known(
        self, place: Place, name: Any, known: Mapping[str, Any], what: str, *, key: bool
    ) -> str | None:
        if not isinstance(name, str):
            place.refuse(
                f"the name of an {what} is due here, not {describe(name)}"
                if what[0] == "e"
                else f"the name of a {what} is due here, not {describe(name)}"
            )
        elif name in known:
            return name
        elif name in BUILT_IN_TRIGGERS:
            place.refuse(f"'{name}' is no {what} of a client", "there are steps 'stop' and 'reset'", key=key)
        elif name in self._names.commands or name in self._names.events:
            other = "send" if name in self._names.commands else "inject"
            place.refuse(f"'{name}' is no {what}", f"write {other}: {name}", key=key)
        else:
            place.refuse(f"there is no {what} '{name}'", nearest(name, known, what=f"{what}s"), key=key)
        return None


_READERS: Mapping[str, Callable[[_Reader, Place, StepModel], Action | None]] = {
    "send": _Reader._send,
    "stop": _Reader._stop,
    "reset": _Reader._reset,
    "cancel": _Reader._cancel,
    "write": _Reader._write,
    "connect": _Reader._connect,
    "disconnect": _Reader._disconnect,
    "set": _Reader._set,
    "fault": _Reader._fault,
    "mend": _Reader._mend,
    "inject": _Reader._inject,
    "wait": _Reader._wait,
    "expect": _Reader._expect,
}
_MODIFIERS = frozenset[str]().union(*ACTIONS.values())
