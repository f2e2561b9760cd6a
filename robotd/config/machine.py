"""From the section `machine` to the chart: every state, transition and name in it checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from robotd.config.actions import Actions
from robotd.config.models import (
    AlwaysModel,
    MachineModel,
    RegionModel,
    StateModel,
    TimeoutModel,
    TransitionModel,
)
from robotd.config.place import Place
from robotd.core.chart import BUILT_IN_STATES, BUILT_IN_TRIGGERS, Region, State, Timeout, Transition
from robotd.core.expression import Expression, ExpressionError, compile_expression

ONLY_REGION = "main"
"""What the one machine of a file without `regions` is called."""
LISTED_STATES = 5
"""So many states are named as an example."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a machine may name."""

    devices: Collection[str]
    doubtful: Collection[str]
    """Devices whose kind is the fault: nothing is said about their readings and verbs."""
    readings: Mapping[str, str]
    """Each `device.reading` and its unit."""
    actions: Actions


@dataclass(slots=True)
class Draft:
    """A region while it is read, with the place of everything that is still to be checked."""

    name: str
    place: Place
    paths: dict[str, Place] = field(default_factory=dict)
    """Every state that the file writes down, sound or not."""
    initial: str = ""
    states: dict[str, State] = field(default_factory=dict)
    transitions: list[tuple[Transition, Place]] = field(default_factory=list)

    def region(self) -> Region:
        """What became of it."""
        transitions = tuple(transition for transition, _ in self.transitions)
        return Region(self.name, self.initial, self.states, transitions)


def compile_at(
    place: Place, known: Known, *, states: Collection[str] = (), payload: bool = False
) -> Expression | None:
    """The expression that stands at `place`; a fault in it points into its text."""
    text = place.value
    if text is None:
        return None
    if not isinstance(text, str):
        place.refuse("an expression is due here", "for example: battery.value > 10.8")
        return None
    try:
        return compile_expression(text, readings=known.readings, states=states, payload=payload)
    except ExpressionError as error:
        rest = text[error.offset :]
        if not any(rest.startswith(f"{device}.") for device in known.doubtful):
            place.refuse(error.sentence, error.hint, offset=error.offset)
    return None


def read_regions(place: Place, known: Known, names: dict[str, Place]) -> list[Draft]:
    """Read every region of the machine at `place`.

    `names` holds the names that devices have taken; those of regions and top states are added.
    """
    drafts = list(_regions(place, names))
    devices_and_regions = dict(names)
    for draft in drafts:
        _collect(draft, draft.place / "states", "", names, devices_and_regions)
    paths = {path: place for draft in drafts for path, place in draft.paths.items()}
    for draft in drafts:
        _RegionReader(draft, known, paths).read()
    return drafts


def _regions(machine: Place, names: dict[str, Place]) -> Iterator[Draft]:
    machine.read(MachineModel, gaps=True)
    if "regions" not in machine:
        yield Draft(ONLY_REGION, machine)
        return
    for key in ("initial", "states", "transitions", "always"):
        if key in machine:
            hint = "move it into one of the regions"
            (machine / key).refuse(f"'{key}' may not stand beside 'regions'", hint, key=True)
    regions = machine / "regions"
    if not regions.value:
        regions.refuse("there is no region in it", key=True)
    for place in regions.members():
        place.named("region", names)
        place.read(RegionModel, gaps=True)
        yield Draft(str(place.name), place)


def _collect(
    draft: Draft, states: Place, parent: str, names: dict[str, Place], reserved: dict[str, Place]
) -> None:
    """Note the paths of all states. At the top their names are new to the file; inside, to `reserved`."""
    for place in states.members():
        name = str(place.name)
        if name in BUILT_IN_STATES:
            place.refuse(f"the state '{name}' is built in", "choose another name", key=True, code="estop")
        else:
            place.named("state", dict(reserved) if parent else names)
        path = f"{parent}.{name}" if parent else name
        draft.paths[path] = place
        if isinstance(place.value, dict):
            _collect(draft, place / "states", path, names, reserved)


class _RegionReader:
    """Fills one draft."""

    def __init__(self, draft: Draft, known: Known, paths: Collection[str]) -> None:
        self._draft = draft
        self._known = known
        self._paths = paths
        self._children: dict[str, list[str]] = {"": []}
        for path in draft.paths:
            parent, _, name = path.rpartition(".")
            self._children.setdefault(parent, []).append(name)

    def read(self) -> None:
        place = self._draft.place
        if not self._children[""]:
            place.refuse("there is no state in it", "at least one is needed, under 'states'", key=True)
        else:
            self._draft.initial = self._initial(place, "") or ""
        for path, state_place in self._draft.paths.items():
            self._draft.states[path] = self._state(path, state_place)
        for transition in (place / "transitions").elements():
            transition.read(TransitionModel)
            self._transition(transition, self._triggers(transition / "trigger"))
        for transition in (place / "always").elements():
            transition.read(AlwaysModel)
            self._transition(transition, ())

    def _state(self, path: str, place: Place) -> State:
        model = StateModel() if place.value is None else place.read(StateModel)
        children = path in self._children
        for key in () if children else ("initial", "history"):
            if key in place:
                (place / key).refuse(f"'{key}' needs states inside this one", key=True)
        return State(
            path,
            initial=self._initial(place, path) if children else None,
            history=model.history if model else None,
            active=self._active(place / "active"),
            do=self._known.actions.read(place / "do", path),
            timeout=self._timeout(place / "timeout"),
            unattended=model is not None and model.unattended,
            final=model is not None and model.final,
            where=place.document.where(place.steps, key=True),
        )

    def _initial(self, place: Place, path: str) -> str | None:
        names = self._children[path]
        if "initial" not in place:
            hint = f"it names the state to begin with, such as {', '.join(names[:LISTED_STATES])}"
            place.refuse("'initial' is missing", hint, key=True)
            return None
        name = (place / "initial").known(names, "state")
        return f"{path}.{name}" if name and path else name

    def _active(self, place: Place) -> tuple[str, ...] | Literal["all"] | None:
        if place.value == "all":
            return "all"
        options = {*self._known.devices, "all"} if isinstance(place.value, str) else self._known.devices
        return None if place.value is None else place.names(options, "device")

    def _timeout(self, place: Place) -> Timeout | None:
        model = None if place.value is None else place.read(TimeoutModel)
        return Timeout(model.after, model.trigger, place.document.where(place.steps)) if model else None

    def _transition(self, place: Place, triggers: tuple[str, ...]) -> None:
        sources = self._sources(place / "source")
        dest = self._end(place / "dest") if "dest" in place else None
        transition = Transition(
            triggers,
            sources,
            dest,
            compile_at(
                place / "when", self._known, states={*self._paths, *BUILT_IN_STATES}, payload=bool(triggers)
            ),
            self._known.actions.read(place / "do", dest or (sources[0] if sources else "")),
            place.document.where(place.steps),
        )
        self._draft.transitions.append((transition, place))

    def _sources(self, place: Place) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for element in place.one_or_more():
            source = self._end(element)
            if source in found:
                element.refuse(f"'{source}' is here twice")
            elif source:
                found[source] = None
        return tuple(found)

    def _end(self, place: Place) -> str | None:
        """The state that a transition comes from or leads to."""
        if isinstance(place.value, str) and place.value in BUILT_IN_STATES:
            sentence = f"no transition of the file may touch the built-in state '{place.value}'"
            hint = "'estop', 'reset' and 'shutdown' lead in and out of it by themselves"
            place.refuse(sentence, hint, code="estop")
            return None
        return place.known(self._draft.paths, "state")

    def _triggers(self, place: Place) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for element in place.one_or_more():
            trigger = element.value
            if not isinstance(trigger, str) or not trigger:
                element.refuse("the name of a trigger is due here")
            elif trigger in BUILT_IN_TRIGGERS:
                element.refuse(f"the trigger '{trigger}' is built in", "choose another name", code="estop")
            elif trigger in found:
                element.refuse(f"'{trigger}' is here twice")
            else:
                found[trigger] = None
        return tuple(found)
