"""One region by itself: every leaf with every memory that history may have there, and what leads on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from robotd.core.chart import SHUTDOWN, Region
from robotd.core.flatten import Arrow, FlatRegion

NODES_AT_MOST = 100_000
"""Leaves times memories of one region; history deep inside history can have very many."""


class TooLarge(Exception):  # noqa: N818  # it says what it is
    """There are more configurations than can be looked at."""


class Node(NamedTuple):
    """Where one region is, as far as it matters for what comes."""

    leaf: str
    memory: tuple[tuple[str, str], ...] = ()
    """For each state with history that was left: what is entered in it next. Sorted."""


class Option(NamedTuple):
    """One transition that a trigger may take from a node."""

    arrow: Arrow
    dest: int
    """The node where it leads; where it stays, for an internal one."""


class LocalRegion:
    """The nodes of one region, guards aside, from its start on; `shutdown` is left out: it ends all."""

    def __init__(self, region: Region, number: int) -> None:
        """Raises `TooLarge`."""
        self.region = region
        self.flat = FlatRegion(region, built_in=number == 0)
        self.nodes: list[Node] = []
        self.options: list[Mapping[str, tuple[Option, ...]]] = []
        """By node and trigger, in the order in which they are tried."""
        self._numbers: dict[Node, int] = {}
        self._arrows: dict[str, dict[str, list[Arrow]]] = {}
        for leaf, trigger, arrow in self.flat.arrows():
            if trigger != SHUTDOWN:
                self._arrows.setdefault(leaf, {}).setdefault(trigger, []).append(arrow)
        self._number(Node(self.flat.leaf_of(region.initial, {})))
        for node in self.nodes:  # it grows meanwhile
            self.options.append(
                {
                    trigger: tuple(Option(arrow, self._dest(node, arrow)) for arrow in arrows)
                    for trigger, arrows in self._arrows.get(node.leaf, {}).items()
                }
            )

    @property
    def triggers(self) -> dict[str, None]:
        """All that some leaf handles, in the order of the file."""
        return {trigger: None for arrows in self._arrows.values() for trigger in arrows}

    def present(self, node: int) -> tuple[str, ...]:
        """The states that are present there, outermost first."""
        return self.flat.lines[self.nodes[node].leaf]

    def leaves(self, option: Option, node: int) -> frozenset[str]:
        """The states that are left by taking it from there; those that are entered again included."""
        dest = option.arrow.transition.dest
        line = self.present(node)
        return frozenset() if dest is None else frozenset(line[self.flat.kept(line[-1], dest) :])

    def _dest(self, node: Node, arrow: Arrow) -> int:
        dest = arrow.transition.dest
        if dest is None:
            return self._numbers[node]
        kept = self.flat.kept(node.leaf, dest)
        memory = {} if arrow.forgets else dict(node.memory) | dict(self.flat.memories(node.leaf, kept))
        return self._number(Node(self.flat.leaf_of(dest, memory), tuple(sorted(memory.items()))))

    def _number(self, node: Node) -> int:
        number = self._numbers.get(node)
        if number is None:
            number = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
            if number >= NODES_AT_MOST:
                raise TooLarge(f"the region {self.region.name} has more than {NODES_AT_MOST} places to be")
        return number
