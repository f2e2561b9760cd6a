"""All regions together: what each trigger may do from each configuration, exactly as the machine decides it.

A configuration is one node of each region, written as one number. Which states are present is a set of bits,
one for each state that a guard, an invariant or the origin of a trigger asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from robotd.check.guards import Assignment, Literal, Payload, Solver, Unsolved
from robotd.check.local import LocalRegion, Option
from robotd.check.origins import Origins
from robotd.check.step import Choice, Literals, Rounds, Step
from robotd.check.subject import Subject
from robotd.core.chart import ALWAYS
from robotd.core.expression import Expression
from robotd.core.machine import MAX_ALWAYS


class Space:
    """What is possible from each configuration."""

    def __init__(self, subject: Subject, origins: Origins) -> None:
        """Raises `TooLarge`."""
        self.origins = origins
        self.solver = Solver(subject.readings)
        self.regions = [LocalRegion(region, number) for number, region in enumerate(subject.chart.regions)]
        self.sizes = [len(region.nodes) for region in self.regions]
        self.strides = [1]
        for size in self.sizes[:-1]:
            self.strides.append(self.strides[-1] * size)
        self.triggers = tuple(
            dict.fromkeys(trigger for region in self.regions for trigger in region.triggers)
        )
        """Every trigger that some region handles, `always` among them where the chart has it."""
        self._takers = {
            trigger: [number for number, region in enumerate(self.regions) if trigger in region.triggers]
            for trigger in self.triggers
        }
        self.shared = frozenset(trigger for trigger, takers in self._takers.items() if len(takers) > 1)
        self.always = tuple(self._takers.get(ALWAYS, ()))
        """The regions with transitions that need no trigger."""
        self._number_states(subject)
        self._sources = {
            trigger: [
                (None if source.states is None else self.bits(source.states), self.bits(source.unless))
                for source in origins.sources(trigger)
            ]
            for trigger in self.triggers
        }
        self._asked = [[self._asked_by(options) for options in region.options] for region in self.regions]
        self.asked = [[sum_of(asked.values()) for asked in of_region] for of_region in self._asked]
        """By region and node: the bits on which it depends what the region does there."""
        self.asked_always = sum_of(asked.get(ALWAYS, 0) for of_region in self._asked for asked in of_region)
        """The bits on which it depends what any region does without a trigger."""
        self._cells: dict[str, Sequence[Assignment] | None] = {}
        self._choices: dict[tuple[int, int, str, int], tuple[Choice, ...]] = {}

    # States as bits.

    def _number_states(self, subject: Subject) -> None:
        mentioned: dict[str, None] = {}
        for region in subject.chart.regions:
            for transition in region.transitions:
                mentioned |= dict.fromkeys(sorted(transition.guard.states) if transition.guard else ())
        for invariant in subject.invariants:
            mentioned |= dict.fromkeys(sorted(invariant.expression.states))
        for trigger in self.triggers:
            mentioned |= dict.fromkeys(sorted(self.origins.states(trigger)))
        self._bit = {path: 1 << place for place, path in enumerate(mentioned)}
        self.masks = [
            [self.bits(region.present(node)) for node in range(len(region.nodes))] for region in self.regions
        ]
        """By region and node: the bits of the states that are present."""
        self.layout = tuple(zip(self.sizes, self.masks, strict=True))
        self.watched = self.bits(
            path for invariant in subject.invariants for path in invariant.expression.states
        )
        """The bits of the states that invariants ask for."""

    def bits(self, states: Iterable[str]) -> int:
        """The bits of those states that anything asks for."""
        return sum_of(self._bit.get(path, 0) for path in states)

    def _asked_by(self, options: Mapping[str, Sequence[Option]]) -> dict[str, int]:
        """By trigger: the bits on which it depends whether it comes, and which guards hold."""
        return {
            trigger: sum_of(
                [self.bits(self.origins.states(trigger))]
                + [
                    self.bits(one.arrow.transition.guard.states)
                    for one in of_it
                    if one.arrow.transition.guard
                ]
            )
            for trigger, of_it in options.items()
        }

    def payload(self, trigger: str) -> Payload:
        """What the trigger carries; `always` carries nothing."""
        return self.origins.payload(trigger)

    # Configurations as numbers.

    def decode(self, configuration: int) -> tuple[int, ...]:
        """The node of each region."""
        nodes = []
        for size in self.sizes:
            configuration, node = divmod(configuration, size)
            nodes.append(node)
        return tuple(nodes)

    def encode(self, nodes: Sequence[int]) -> int:
        """The number of the configuration."""
        return sum(node * stride for node, stride in zip(nodes, self.strides, strict=True))

    def mask(self, nodes: Sequence[int]) -> int:
        """The bits of all states that are present."""
        return sum_of(masks[node] for masks, node in zip(self.masks, nodes, strict=True))

    def leaves(self, configuration: int) -> tuple[str, ...]:
        """The leaf of each region."""
        nodes = self.decode(configuration)
        return tuple(region.nodes[node].leaf for region, node in zip(self.regions, nodes, strict=True))

    # What a trigger does.

    def cells(self, trigger: str) -> Sequence[Assignment] | None:
        """Values that stand for all there are, as far as guards of the trigger look at them; or too many."""
        if trigger not in self._cells:
            guards = [
                transition.guard
                for number in self._takers[trigger]
                for transition in self.regions[number].region.transitions
                if trigger in transition.triggers and transition.guard
            ]
            self._cells[trigger] = self.solver.cells(guards, self.payload(trigger))
        return self._cells[trigger]

    def comes(self, trigger: str, mask: int) -> bool:
        """Whether it can come while those states are present."""
        return any(
            (needed is None or needed & mask) and not unless & mask
            for needed, unless in self._sources[trigger]
        )

    def choices(self, number: int, node: int, trigger: str, mask: int) -> tuple[Choice, ...]:
        """What the region may do at the trigger; empty where it has nothing to choose from."""
        key = (number, node, trigger, mask & self._asked[number][node].get(trigger, 0))
        found = self._choices.get(key)
        if found is None:
            options = self.regions[number].options[node].get(trigger, ())
            found = tuple(self._choose(number, node, trigger, mask, options)) if options else ()
            self._choices[key] = found
        return found

    def _choose(
        self, number: int, node: int, trigger: str, mask: int, options: Sequence[Option]
    ) -> Iterator[Choice]:
        """Each option with the guards before it not holding; at last none, with no guard holding."""
        payload = self.payload(trigger)
        before: Literals = ()
        stride = self.strides[number]
        for option in options:
            guard = option.arrow.transition.guard
            decided = self._decided(guard, mask)
            if decided is False:
                continue
            holds = before
            if guard is not None and decided is None:
                holds = (*before, self.literal(guard, mask, True))
            values = self.solver.solve(holds, payload)
            if values is not Unsolved.NO:
                delta = (option.dest - node) * stride
                yield Choice(option, holds, delta, not isinstance(values, Unsolved))
            if guard is None or decided:
                return
            before = (*before, self.literal(guard, mask, False))
        values = self.solver.solve(before, payload)
        if values is not Unsolved.NO:
            yield Choice(None, before, 0, not isinstance(values, Unsolved))

    def literal(self, guard: Expression, mask: int, holds: bool) -> Literal:
        """The guard with the states that it mentions as the bits say."""
        present = frozenset(path for path in guard.states if self._bit[path] & mask)
        return Literal(guard.text, present, holds, guard)

    def _decided(self, guard: Expression | None, mask: int) -> bool | None:
        """Whether a guard holds that asks for states alone; None where readings or payload decide."""
        if guard is None:
            return True
        if guard.readings or guard.payload:
            return None
        return self.literal(guard, mask, True).test({})

    def together(self, trigger: str, per_region: Sequence[Sequence[Choice]]) -> Iterator[tuple[int, ...]]:
        """Which choices several regions may make of one message, which all see the same values; by number."""
        payload = self.payload(trigger)
        for picks in product(*(range(len(choices)) for choices in per_region)):
            literals = tuple(
                literal
                for choices, pick in zip(per_region, picks, strict=True)
                for literal in choices[pick].literals
            )
            if self.solver.solve(literals, payload) is not Unsolved.NO:
                yield picks

    def steps(self, configuration: int, triggers: Iterable[str] | None = None) -> Iterator[Step]:
        """All that may happen there: the slow and complete account, for traces."""
        nodes = self.decode(configuration)
        mask = self.mask(nodes)
        for trigger in self.triggers if triggers is None else triggers:
            if trigger == ALWAYS:
                yield from (step for step in self.rest(ALWAYS, nodes, (), ()) if step.rounds)
            elif self.comes(trigger, mask):
                takers = [
                    (number, found)
                    for number in self._takers[trigger]
                    if (found := self.choices(number, nodes[number], trigger, mask))
                ]
                for picks in self.together(trigger, [found for _, found in takers]):
                    chosen = [
                        (number, found[pick]) for (number, found), pick in zip(takers, picks, strict=True)
                    ]
                    literals = tuple(literal for _, choice in chosen for literal in choice.literals)
                    taken = [(number, choice.option) for number, choice in chosen if choice.option]
                    if taken:
                        yield from self.rest(trigger, *self._moved(nodes, taken), literals)

    def _moved(
        self, nodes: Sequence[int], taken: Sequence[tuple[int, Option]]
    ) -> tuple[tuple[int, ...], Rounds]:
        moved = list(nodes)
        for number, option in taken:
            moved[number] = option.dest
        return tuple(moved), (tuple((number, option.arrow) for number, option in taken),)

    def rest(
        self,
        trigger: str,
        nodes: tuple[int, ...],
        rounds: Rounds,
        literals: Literals,
    ) -> Iterator[Step]:
        """Where `always` transitions lead from there, while `literals` hold, until none may be taken."""
        yield from self._rest(trigger, nodes, rounds, literals, ())

    def _rest(
        self,
        trigger: str,
        nodes: tuple[int, ...],
        rounds: Rounds,
        literals: Literals,
        passed: tuple[tuple[int, ...], ...],
    ) -> Iterator[Step]:
        payload = self.payload(trigger)
        proven = not isinstance(self.solver.solve(literals, payload), Unsolved)
        # The first round of `always` is what the message itself does, and is not undone.
        own = 1 if trigger == ALWAYS else 0
        if nodes in passed or len(passed) > MAX_ALWAYS + own:
            circle = passed[passed.index(nodes) :] if nodes in passed else passed
            after = self.encode((*passed, nodes)[own])
            yield Step(trigger, rounds, literals, after, passed, circle, proven)
            return
        mask = self.mask(nodes)
        takers = [
            (number, found)
            for number in self.always
            if (found := self.choices(number, nodes[number], ALWAYS, mask))
        ]
        for combination in product(*(found for _, found in takers)):
            more = (*literals, *(literal for choice in combination for literal in choice.literals))
            if combination and self.solver.solve(more, payload) is Unsolved.NO:
                continue
            taken = [
                (number, choice.option)
                for (number, _), choice in zip(takers, combination, strict=True)
                if choice.option
            ]
            if taken:
                moved, one = self._moved(nodes, taken)
                yield from self._rest(trigger, moved, (*rounds, *one), more, (*passed, nodes))
            else:
                proven = not isinstance(self.solver.solve(more, payload), Unsolved)
                yield Step(trigger, rounds, more, self.encode(nodes), passed, proven=proven)


def sum_of(sets: Iterable[int]) -> int:
    """The bits that stand in any of them."""
    found = 0
    for one in sets:
        found |= one
    return found
