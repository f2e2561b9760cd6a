"""Every configuration that can be reached, breadth first, so that the first way found to it is a shortest.

What a region does at a trigger depends on its node and on a few bits of the others, so it is worked out once
for each such pair and kept as numbers to add. Which trigger an edge was is found again where a trace is told.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from robotd.check.space import Space
from robotd.check.step import Choice, Literals, Step
from robotd.core.chart import ALWAYS

CONFIGURATIONS_AT_MOST = 1_000_000

START = "start"
"""What the first step of every trace is called."""


class Move(NamedTuple):
    """What a trigger adds to the number of a configuration."""

    delta: int
    trigger: str
    literals: Literals
    """What must hold for it. Left out where no `always` transition could ask."""


class Table(NamedTuple):
    """What one region does, at one node, for one set of bits of the others."""

    moves: Sequence[Move]
    """At triggers that no other region takes..."""
    calm: Sequence[Move]
    """...and those of which no `always` transition takes any notice."""
    shared: Mapping[str, tuple[Choice, ...]]
    """What it may choose at the others."""


class Exploration:
    """The configurations that can be reached, in the order of their distance from the start."""

    def __init__(self, space: Space, at_most: int = CONFIGURATIONS_AT_MOST) -> None:
        self.space = space
        self.order: list[int] = []
        """Every configuration that was reached..."""
        self.parents = array("q")
        """...and the place in `order` of the one before it; -1 for a start."""
        self.complete = True
        """False: there are more than were looked at."""
        self.local: list[dict[tuple[int, int], int]] = [{} for _ in space.regions]
        """By region: a node with the bits of all states, and the place where it was like that first."""
        self.watched: dict[int, int] = {}
        """Which of the states in `space.watched` were present together, and the place where first."""
        self.passed: dict[int, tuple[int, bool]] = {}
        """Arrows without a trigger that were taken, by identity: from which place, and whether proven."""
        self.visited: list[dict[int, int]] = [{} for _ in space.regions]
        """By region: the nodes where `always` began or passed, and the place from which first."""
        self.left: dict[str, tuple[int, str]] = {}
        """States that were left without a trigger: from which place first, after which trigger."""
        self.cycles: dict[tuple[int, ...], tuple[int, Step]] = {}
        """Each circle of `always` by its arrows; the place from which it was met first, and how."""
        self._numbers: dict[int, int] = {}
        self.edges = array("q")
        self.offsets = array("q", [0])
        self._tables: list[list[dict[int, Table]]] = [[{} for _ in region.nodes] for region in space.regions]
        self._rows: dict[int, tuple[int, ...]] = {}
        self._rests: dict[tuple[str, Literals, tuple[int, ...], int], tuple[int, ...]] = {}
        self._explore(at_most)

    def __len__(self) -> int:
        return len(self.order)

    def way(self, place: int) -> list[int]:
        """The places on a shortest way to `place`, a start first; none for -1."""
        found = []
        while place >= 0:
            found.append(place)
            place = self.parents[place]
        return found[::-1]

    def next(self, place: int) -> Sequence[int]:
        """The places that one step leads to, some more than once, its own perhaps among them."""
        return self.edges[self.offsets[place] : self.offsets[place + 1]]

    # Breadth first.

    def _explore(self, at_most: int) -> None:
        space, order, numbers, edges = self.space, self.order, self._numbers, self.edges
        for step in self._starts():
            if step.after not in numbers:
                numbers[step.after] = len(order)
                order.append(step.after)
                self.parents.append(-1)
        for place, configuration in enumerate(order):  # it grows meanwhile
            nodes, mask = self._look(configuration)
            if mask & space.watched not in self.watched:
                self.watched[mask & space.watched] = place
            for delta in self._deltas(place, nodes, mask):
                after = configuration + delta
                number = numbers.get(after, -1)
                if number < 0:
                    if len(order) >= at_most:
                        self.complete = False
                        continue
                    number = numbers[after] = len(order)
                    order.append(after)
                    self.parents.append(place)
                edges.append(number)
            self.offsets.append(len(edges))

    def _starts(self) -> Iterator[Step]:
        nodes = (0,) * len(self.space.regions)
        for step in self.space.rest(START, nodes, (), ()):
            self._note(-1, step)
            yield step

    def _look(self, configuration: int) -> tuple[list[int], int]:
        """The node of each region, and the bits of the states that are present."""
        nodes, mask = [], 0
        for size, masks in self.space.layout:
            configuration, node = divmod(configuration, size)
            mask |= masks[node]
            nodes.append(node)
        return nodes, mask

    def _deltas(self, place: int, nodes: list[int], mask: int) -> Iterable[int]:
        moves: list[Move] = []
        calm: list[Move] = []
        shared: dict[str, list[tuple[Choice, ...]]] = {}
        for number, node in enumerate(nodes):
            bits = mask & self.space.asked[number][node]
            table = self._tables[number][node].get(bits)
            if table is None:
                table = self._tables[number][node][bits] = self._table(number, node, mask)
                self.local[number][node, mask] = place
            moves += table.moves
            calm += table.calm
            for trigger, choices in table.shared.items():
                shared.setdefault(trigger, []).append(choices)
        for trigger, per_region in shared.items():
            moves += self._joined(trigger, per_region)
        if self.space.always:
            return self._rested(place, nodes, mask, moves, calm)
        return [move[0] for move in moves]

    def _table(self, number: int, node: int, mask: int) -> Table:
        space = self.space
        moves: dict[Move, None] = {}
        shared = {}
        for trigger in space.regions[number].options[node]:
            if trigger == ALWAYS or not space.comes(trigger, mask):
                continue
            choices = space.choices(number, node, trigger, mask)
            if trigger in space.shared:
                shared[trigger] = choices
            else:
                moves |= dict.fromkeys(self._moves(trigger, [(choice,) for choice in choices]))
        if not space.always or number in space.always:
            return Table(tuple(moves), (), shared)
        masks, stride = space.masks[number], space.strides[number]
        calm = [
            move
            for move in moves
            if not move.literals
            and not (masks[node] ^ masks[node + move.delta // stride]) & space.asked_always
        ]
        return Table([move for move in moves if move not in calm], calm, shared)

    def _moves(self, trigger: str, combinations: Iterable[Sequence[Choice]]) -> Iterator[Move]:
        for combination in combinations:
            if any(choice.option for choice in combination):
                delta = sum(choice.delta for choice in combination)
                if self.space.always:
                    literals = tuple(literal for choice in combination for literal in choice.literals)
                    yield Move(delta, trigger, literals)
                else:
                    yield Move(delta, "", ())

    def _joined(self, trigger: str, per_region: list[tuple[Choice, ...]]) -> Iterable[Move]:
        """What several regions do at one trigger, all at once."""
        if all(len(choices) == 1 and not choices[0].literals for choices in per_region):
            # Nothing to choose and nothing to ask: the most frequent case by far.
            return [Move(sum([choices[0].delta for choices in per_region]), trigger, ())]
        if not self.space.always and self.space.cells(trigger) is not None:
            rows = [self._row(trigger, choices) for choices in per_region]
            return [Move(delta, "", ()) for delta in dict.fromkeys(map(sum, zip(*rows, strict=True)))]
        picked = (
            [choices[pick] for choices, pick in zip(per_region, picks, strict=True)]
            for picks in self.space.together(trigger, per_region)
        )
        return self._moves(trigger, picked)

    def _row(self, trigger: str, choices: tuple[Choice, ...]) -> tuple[int, ...]:
        """What the region adds, for each of the trigger's cells."""
        row = self._rows.get(id(choices))  # the space keeps them, so an identity is theirs alone
        if row is None:
            row = self._rows[id(choices)] = tuple(
                next(
                    choice.delta
                    for choice in choices
                    if all(literal.test(cell) for literal in choice.literals)
                )
                for cell in self.space.cells(trigger) or ()
            )
        return row

    # What follows without a trigger.

    def _rested(
        self, place: int, nodes: list[int], mask: int, moves: Iterable[Move], calm: Sequence[Move]
    ) -> Iterator[int]:
        """Each move with the `always` transitions after it; and those that a reading alone sets off."""
        configuration = self.order[place]
        if calm:
            own = self._rest(place, calm[0].trigger, (), nodes, mask)
            yield from (delta + more for delta, _, _ in calm for more in own)
        for delta, trigger, literals in (*moves, Move(0, ALWAYS, ())):
            after = self._look(configuration + delta) if delta else (nodes, mask)
            for more in self._rest(place, trigger, literals, *after):
                if trigger != ALWAYS or more:
                    yield delta + more

    def _rest(
        self, place: int, trigger: str, literals: Literals, nodes: list[int], mask: int
    ) -> tuple[int, ...]:
        always = tuple([nodes[number] for number in self.space.always])
        what = trigger if literals or trigger == ALWAYS else ""  # it matters only to what guards ask for
        key = (what, literals, always, mask & self.space.asked_always)
        deltas = self._rests.get(key)
        if deltas is None:
            before = self.space.encode(nodes)
            steps = list(self.space.rest(trigger, tuple(nodes), (), literals))
            for step in steps:
                self._note(place, step)
            deltas = tuple(dict.fromkeys(step.after - before for step in steps))
            self._rests[key] = deltas
        return deltas

    def _note(self, place: int, step: Step) -> None:
        """Which transitions were taken without a trigger, and whether they go round."""
        for round_ in step.rounds:
            for _, arrow in round_:
                _, proven = self.passed.get(id(arrow), (place, False))
                if not proven:
                    self.passed[id(arrow)] = (place, step.proven)
        for nodes in step.passed:
            for visited, node in zip(self.visited, nodes, strict=True):
                visited.setdefault(node, place)
        for before, after in pairwise((*step.passed, self.space.decode(step.after))):
            for region, one, other in zip(self.space.regions, before, after, strict=True):
                for path in region.present(one) if not step.circle else ():
                    if path not in region.present(other):
                        self.left.setdefault(path, (place, step.trigger))
        if step.circle:
            circle = step.rounds[-len(step.circle) :]
            key = tuple(sorted({id(arrow.transition) for round_ in circle for _, arrow in round_}))
            self.cycles.setdefault(key, (place, step))
