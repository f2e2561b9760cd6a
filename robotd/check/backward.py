"""From which configurations there is no way back, and to what.

A configuration of which everything else can be reached again needs only a way back to the start. Those that
have none are looked at further: each leads at last into a part that nothing leads out of, and a state that
has no place in that part is lost.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from robotd.check.explore import Exploration
from robotd.core.chart import ESTOPPED

PARTS_AT_MOST = 20
"""So many parts without a way out are told."""


def lost(exploration: Exploration) -> Iterator[tuple[int, list[str]]]:
    """For each part without a way out: its configuration that is nearest to the start, and the leaves lost.

    A part in which some region has come to an end that the file calls final has no other way to be.
    """
    if len(exploration.space.regions) == 1:
        return  # a stop leads out of everything, and `reset` to the start
    before = _Before(exploration)
    left = bytearray(b"\1") * len(exploration)
    if exploration.parents.count(-1) == 1:
        # Everything is reached from the one start, so whatever leads back to it leads to everything.
        left = bytearray(1 - mark for mark in before.leading_to([0], None))
    everything = _leaves(exploration, range(len(exploration)))
    for _ in range(PARTS_AT_MOST):
        first = left.find(1)
        if first < 0:
            return
        part = _last_part(exploration, before, first)
        there = _leaves(exploration, sorted(part))
        missing = [leaf for leaf in everything if leaf not in there]
        if missing and not _ended(exploration, min(part)):
            yield min(part), missing
        gone = before.leading_to(sorted(part), None)
        left = bytearray(1 if mark and not went else 0 for mark, went in zip(left, gone, strict=True))


class _Before:
    """The edges of an exploration, backwards."""

    def __init__(self, exploration: Exploration) -> None:
        edges, offsets = exploration.edges, exploration.offsets
        count = len(exploration)
        ends = array("q", bytes(8 * (count + 1)))
        for after in edges:
            ends[after + 1] += 1
        for place in range(count):
            ends[place + 1] += ends[place]
        self._offsets = array("q", ends)
        self._sources = array("q", bytes(8 * len(edges)))
        for place in range(count):
            for after in edges[offsets[place] : offsets[place + 1]]:
                self._sources[ends[after]] = place
                ends[after] += 1

    def leading_to(self, goals: list[int], within: set[int] | None) -> bytearray:
        """A mark for each place from which some way, all of it `within`, leads to one of `goals`."""
        marks = bytearray(len(self._offsets) - 1)
        for goal in goals:
            marks[goal] = 1
        queue = list(goals)
        for place in queue:
            for source in self._sources[self._offsets[place] : self._offsets[place + 1]]:
                if not marks[source] and (within is None or source in within):
                    marks[source] = 1
                    queue.append(source)
        return marks


def _last_part(exploration: Exploration, before: _Before, place: int) -> set[int]:
    """A part that can be reached from `place`, leads nowhere else, and where each leads to each."""
    while True:
        reach = _reach(exploration, place)
        marks = before.leading_to([place], reach)
        onward = next((one for one in sorted(reach) if not marks[one]), None)
        if onward is None:
            return reach
        place = onward


def _reach(exploration: Exploration, place: int) -> set[int]:
    found = {place}
    queue = [place]
    for one in queue:
        for after in exploration.next(one):
            if after not in found:
                found.add(after)
                queue.append(after)
    return found


def _leaves(exploration: Exploration, places: range | list[int]) -> dict[str, None]:
    """The leaves of all regions that are present somewhere, in the order of the file."""
    space = exploration.space
    found: dict[str, None] = {}
    for region, stride, size in zip(space.regions, space.strides, space.sizes, strict=True):
        order = exploration.order
        nodes = {order[place] // stride % size for place in places}
        present = {region.nodes[node].leaf for node in nodes}
        found |= {leaf: None for leaf in region.flat.leaves if leaf in present and leaf != ESTOPPED}
    return found


def _ended(exploration: Exploration, place: int) -> bool:
    """Whether a region is in a state that the file calls final."""
    space = exploration.space
    return any(
        region.flat.states[path].final
        for region, node in zip(space.regions, space.decode(exploration.order[place]), strict=True)
        for path in region.present(node)
    )
