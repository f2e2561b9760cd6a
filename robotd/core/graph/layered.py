"""The two questions of a layered drawing before any coordinate: which row, and in which order within it.

After K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical System Structures",
IEEE Trans. SMC 11(2), 1981: arrows run down where they can, and rows are sorted by the mean place of what a
node is joined to, to and fro, until no order with fewer crossings turns up.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

N = TypeVar("N")
SWEEPS = 24
"""How often all rows are sorted, at most."""
PATIENCE = 6
"""After so many sweeps without fewer crossings it is enough."""


@dataclass(slots=True, eq=False)
class Node:
    """Something that takes room in one row: a box, a label, or nothing but the line that passes."""

    width: float
    height: float = 0.0
    passed: bool = False
    """A line passes it from top to bottom, and should do so straight."""
    x: float = 0.0
    """Its left edge, and..."""
    y: float = 0.0
    """...its top edge: both are known once the rows are placed."""


@dataclass(slots=True, eq=False)
class Link:
    """A piece of a line: from a node to one in the next row below."""

    upper: Node
    lower: Node
    upper_port: float
    """How far from the left edge of `upper` it starts, and..."""
    lower_port: float
    """...how far from that of `lower` it ends."""
    upper_slack: float = 0.0
    """How far to either side of there it may start as well, and..."""
    lower_slack: float = 0.0
    """...end."""

    @property
    def inner(self) -> bool:
        """Both ends are passed by the same long line."""
        return self.upper.passed and self.lower.passed


@dataclass(slots=True)
class Rows:
    """Nodes by row from the top, each row from the left, and the links that cross each gap below a row."""

    nodes: list[list[Node]] = field(default_factory=list)
    links: list[list[Link]] = field(default_factory=list)


def ranks(
    nodes: Sequence[N], arcs: Iterable[tuple[N, N]], widths: Mapping[N, float], limit: float
) -> dict[N, int]:
    """The row of each node, from 0: an arc leads to a lower row unless it closes a circle.

    `nodes` in the order in which a reader wants to meet them; those without arcs come below all others. A row
    that would be wider than `limit` is broken into several. No arc joins a node with one of its own row.
    """
    successors = _without_circles(nodes, arcs)
    predecessors = {successor for node in nodes for successor in successors[node]}
    order = _topological(nodes, successors)
    rank = dict.fromkeys(nodes, 0)
    for node in order:
        for successor in successors[node]:
            rank[successor] = max(rank[successor], rank[node] + 1)
    below_all = max(rank.values(), default=0) + 1
    for node in reversed(order):
        if node not in predecessors:
            rank[node] = min((rank[successor] for successor in successors[node]), default=below_all + 1) - 1
    return _broken(nodes, rank, widths, limit)


def _without_circles(nodes: Sequence[N], arcs: Iterable[tuple[N, N]]) -> dict[N, list[N]]:
    """The arcs as successors; those that lead back to where a walk came from are turned round."""
    successors: dict[N, list[N]] = {node: [] for node in nodes}
    for tail, head in arcs:
        if head not in successors[tail]:
            successors[tail].append(head)
    forward: dict[N, list[N]] = {node: [] for node in nodes}
    left = {node: iter(successors[node]) for node in nodes}
    seen: set[N] = set()
    for start in nodes:
        way = [] if start in seen else [start]
        on_the_way = set(way)
        seen.add(start)
        while way:
            node = way[-1]
            successor = next(left[node], None)
            if successor is None:
                on_the_way.discard(way.pop())
                continue
            tail, head = (successor, node) if successor in on_the_way else (node, successor)
            if head not in forward[tail]:
                forward[tail].append(head)
            if successor not in seen:
                seen.add(successor)
                on_the_way.add(successor)
                way.append(successor)
    return forward


def _topological(nodes: Sequence[N], successors: Mapping[N, Sequence[N]]) -> list[N]:
    waiting = dict.fromkeys(nodes, 0)
    for node in nodes:
        for successor in successors[node]:
            waiting[successor] += 1
    order = [node for node in nodes if not waiting[node]]
    for node in order:  # grows while it is read
        for successor in successors[node]:
            waiting[successor] -= 1
            if not waiting[successor]:
                order.append(successor)
    return order


def _broken(
    nodes: Sequence[N], rank: Mapping[N, int], widths: Mapping[N, float], limit: float
) -> dict[N, int]:
    rows: dict[int, list[N]] = {}
    for node in nodes:
        rows.setdefault(rank[node], []).append(node)
    result: dict[N, int] = {}
    row = -1
    for number in sorted(rows):
        row += 1
        width = 0.0
        for node in rows[number]:
            if width and width + widths[node] > limit:
                row, width = row + 1, 0.0
            result[node] = row
            width += widths[node]
    return result


def sort_rows(rows: Rows) -> None:
    """Bring the nodes of each row into an order in which few lines cross."""
    best, fewest, since = [list(row) for row in rows.nodes], crossings(rows), 0
    for sweep in range(SWEEPS):
        if not fewest or since == PATIENCE:
            break
        down = sweep % 2 == 0
        numbers = range(1, len(rows.nodes)) if down else range(len(rows.nodes) - 2, -1, -1)
        for number in numbers:
            links = rows.links[number - 1] if down else rows.links[number]
            _sort_row(rows.nodes[number], rows.nodes[number - 1 if down else number + 1], links, down=down)
        since += 1
        if (now := crossings(rows)) < fewest:
            best, fewest, since = [list(row) for row in rows.nodes], now, 0
    rows.nodes[:] = best


def _sort_row(row: list[Node], fixed: Sequence[Node], links: Sequence[Link], *, down: bool) -> None:
    """By the mean place of the neighbours in `fixed`; who has none keeps its place among the others."""
    place = {node: float(number) for number, node in enumerate(fixed)}
    pulls: dict[Node, list[float]] = {}
    for link in links:
        near, far = (link.lower, link.upper) if down else (link.upper, link.lower)
        port = link.upper_port if down else link.lower_port
        pulls.setdefault(near, []).append(place[far] + _fraction(far, port))
    pulled = sorted(
        (node for node in row if node in pulls), key=lambda node: sum(pulls[node]) / len(pulls[node])
    )
    following = iter(pulled)
    row[:] = [next(following) if node in pulls else node for node in row]


def _fraction(node: Node, port: float) -> float:
    """Where on its node a line is joined, from -0.45 for the left end to 0.45 for the right."""
    return 0.9 * (port / node.width - 0.5) if node.width else 0.0


def crossings(rows: Rows) -> int:
    """How often lines cross, in all gaps."""
    return sum(
        _crossings(upper, lower, links)
        for (upper, lower), links in zip(pairwise(rows.nodes), rows.links, strict=True)
    )


def _crossings(upper: Sequence[Node], lower: Sequence[Node], links: Sequence[Link]) -> int:
    above = {node: number for number, node in enumerate(upper)}
    below = {node: number for number, node in enumerate(lower)}
    ends = sorted(
        (
            above[link.upper] + _fraction(link.upper, link.upper_port),
            below[link.lower] + _fraction(link.lower, link.lower_port),
        )
        for link in links
    )
    passed: list[float] = []
    count = 0
    for _, end in ends:
        count += len(passed) - bisect_left(passed, end + 1e-9)
        insort(passed, end)
    return count
