"""The way from the start to what was found, one step after the other, with values for which it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from robotd.check.explore import START, Exploration
from robotd.check.finding import Origin, TraceStep
from robotd.check.guards import Assignment, Literal, Unsolved
from robotd.check.origins import Source
from robotd.check.space import Space
from robotd.check.step import Step
from robotd.check.subject import Subject
from robotd.core.action import Parameter
from robotd.core.chart import ALWAYS, NOWHERE
from robotd.core.parser import PAYLOAD

NEUTRAL: Mapping[type, Any] = {float: 0.0, int: 0, bool: False, str: "", dict: {}}
"""What a command carries where no guard asks for anything."""
_STARTS = Source(Origin.START)


class Tracer:
    """Tells shortest ways through an exploration."""

    def __init__(self, subject: Subject, exploration: Exploration) -> None:
        self._space: Space = exploration.space
        self._exploration = exploration
        self._steps: dict[int, TraceStep] = {}
        self._calm = tuple(Literal(rule.when.text, frozenset(), False, rule.when) for rule in subject.rules)

    def to(self, place: int) -> tuple[TraceStep, ...]:
        """From the start to the configuration at `place` of the exploration."""
        return tuple(self._step_to(one) for one in self._exploration.way(place))

    def _step_to(self, place: int) -> TraceStep:
        """The last step on the way to `place`; ways share their beginnings, so each is found once."""
        step = self._steps.get(place)
        if step is None:
            order, before = self._exploration.order, self._exploration.parents[place]
            ways = self._first() if before < 0 else self._space.steps(order[before])
            found = next(one for one in ways if one.after == order[place])
            step = self._steps[place] = self._tell(None if before < 0 else order[before], found)
        return step

    def on(self, place: int, step: Step) -> tuple[TraceStep, ...]:
        """To the configuration at `place`, -1 for before the start, and one step on from there."""
        before = self._exploration.order[place] if place >= 0 else None
        return (*self.to(place), self._tell(before, step))

    def round(self, place: int, step: Step) -> tuple[TraceStep, ...]:
        """To the configuration at `place`, and from there with the step's trigger into its circle."""
        if place < 0:
            return self.on(place, step)
        steps = self._space.steps(self._exploration.order[place], [step.trigger])
        return self.on(place, next((one for one in steps if one.circle), step))

    def taking(self, place: int, trigger: str) -> tuple[TraceStep, ...]:
        """To the configuration at `place`, and then what the trigger does there, if it does anything."""
        steps = self._space.steps(self._exploration.order[place], [trigger])
        found = next(steps, None)
        return self.to(place) if found is None else self.on(place, found)

    def _first(self) -> Iterator[Step]:
        return self._space.rest(START, (0,) * len(self._space.regions), (), ())

    def _tell(self, before: int | None, step: Step) -> TraceStep:
        space = self._space
        source = _STARTS if before is None else self._source(step.trigger, before)
        is_command = source.origin is Origin.COMMAND
        values = self._witness(before, step)
        named = {name: None for literal in step.literals for name in literal.names}
        payload = {} if not is_command else self._payload(step.trigger, values)
        arrows = [arrow for round_ in step.rounds for _, arrow in round_]
        places = dict.fromkeys(arrow.transition.where for arrow in arrows)
        return TraceStep(
            step.trigger,
            source.origin,
            source.detail,
            tuple(where for where in places if where != NOWHERE),
            space.leaves(step.after),
            {name: values[name] for name in named if name in values and not _of_payload(name)},
            payload,
        )

    def _source(self, trigger: str, before: int) -> Source:
        """The way in which the trigger comes there."""
        space = self._space
        nodes = space.decode(before)
        present = {
            path for region, node in zip(space.regions, nodes, strict=True) for path in region.present(node)
        }
        return next(
            source
            for source in space.origins.sources(trigger)
            if (source.states is None or source.states & present) and not source.unless & present
        )

    # Values.

    def _witness(self, before: int | None, step: Step) -> Assignment:
        """Values for the step; if there are such, some for which nothing else happens and no rule fires."""
        payload = self._space.payload(step.trigger)
        wishes = self._calm
        if before is not None and step.trigger != ALWAYS:
            wishes = (*self._at_rest(before), *wishes)
        wanted: tuple[Literal, ...] = step.literals
        values = self._space.solver.solve((*wanted, *wishes), payload)
        if not isinstance(values, Unsolved):
            return values
        for wish in wishes:
            if not isinstance(self._space.solver.solve((*wanted, wish), payload), Unsolved):
                wanted = (*wanted, wish)
        values = self._space.solver.solve(wanted, payload)
        return {} if isinstance(values, Unsolved) else values

    def _at_rest(self, before: int) -> Iterator[Literal]:
        """That nothing leads on from there without a trigger."""
        space = self._space
        nodes = space.decode(before)
        mask = space.mask(nodes)
        for number in space.always:
            for option in space.regions[number].options[nodes[number]].get(ALWAYS, ()):
                if option.arrow.transition.guard:
                    yield space.literal(option.arrow.transition.guard, mask, False)

    def _payload(self, command: str, values: Assignment) -> dict[str, Any]:
        """What the command carries: what guards ask for, and something neutral for what it must have."""
        parameters: Sequence[Parameter] = tuple(self._space.payload(command).values())
        payload: dict[str, Any] = {}
        for parameter in parameters:
            value = values.get(f"{PAYLOAD}.{parameter.wire_name}")
            if value is not None:
                kind: Callable[[float], Any] = parameter.type  # never a dict: no guard may ask for that
                payload[parameter.wire_name] = kind(value)
            elif parameter.required:
                payload[parameter.wire_name] = NEUTRAL[parameter.type]
        return payload


def _of_payload(name: str) -> bool:
    return name.partition(".")[0] == PAYLOAD
