"""Where the nodes of sorted rows stand from left to right: long lines straight, the rest near its neighbours.

After U. Brandes, B. Köpf, "Fast and Simple Horizontal Coordinate Assignment", Graph Drawing 2001: nodes that
are joined from row to row are aligned to blocks, blocks are pushed together; that is done from each of the
four corners, and each node takes the mean of the middle two of its four places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from robotd.core.graph.layered import Link, Node, Rows

GAP = 22.0
"""The least distance between two boxes or labels of a row, and..."""
LINE_GAP = 14.0
"""...where one of them is only a line."""


def gap(left: Node, right: Node) -> float:
    """The least distance between two neighbours of a row."""
    return GAP if left.width and right.width else LINE_GAP


def place_columns(rows: Rows) -> None:
    """Set `x` of every node: no two of a row overlap, and the leftmost of all stands at 0."""
    if not any(rows.nodes):
        return
    barred = _barred(rows)
    candidates = [
        _one_sided(rows, barred, from_below=from_below, from_right=from_right)
        for from_below in (False, True)
        for from_right in (False, True)
    ]
    spans = [_span(places) for places in candidates]
    narrowest = min(spans, key=lambda span: span[1] - span[0])
    for number, places in enumerate(candidates):
        from_right = number % 2 == 1
        shift = narrowest[1] - spans[number][1] if from_right else narrowest[0] - spans[number][0]
        for node in places:
            places[node] += shift
    for row in rows.nodes:
        for node in row:
            four = sorted(places[node] for places in candidates)
            node.x = (four[1] + four[2]) / 2
    leftmost = min(node.x for row in rows.nodes for node in row)
    for row in rows.nodes:
        for node in row:
            node.x = round(node.x - leftmost, 1)


def _span(places: dict[Node, float]) -> tuple[float, float]:
    return min(places.values()), max(x + node.width for node, x in places.items())


def _barred(rows: Rows) -> set[Link]:
    """Links that may not be straight, since they cross a piece of a long line, which has the right of way."""
    barred = set()
    for (upper, lower), links in zip(pairwise(rows.nodes), rows.links, strict=True):
        above = {node: number for number, node in enumerate(upper)}
        below = {node: number for number, node in enumerate(lower)}
        inner = [link for link in links if link.inner]
        for link in links:
            if not link.inner and any(
                (above[link.upper] - above[other.upper]) * (below[link.lower] - below[other.lower]) < 0
                for other in inner
            ):
                barred.add(link)
    return barred


@dataclass(slots=True)
class _Join:
    """A link as one of the four passes sees it: from `node` to `other`, which was met before."""

    other: Node
    other_port: float
    port: float
    link: Link


def _one_sided(rows: Rows, barred: set[Link], *, from_below: bool, from_right: bool) -> dict[Node, float]:
    order = [list(reversed(row)) if from_right else row for row in rows.nodes]
    joins: dict[Node, list[_Join]] = {}
    for link in (link for links in rows.links for link in links):
        upper_port = _port(link.upper, link.upper_port, from_right)
        lower_port = _port(link.lower, link.lower_port, from_right)
        if from_below:
            joins.setdefault(link.upper, []).append(_Join(link.lower, lower_port, upper_port, link))
        else:
            joins.setdefault(link.lower, []).append(_Join(link.upper, upper_port, lower_port, link))
    root, offset = _blocks(list(reversed(order)) if from_below else order, joins, barred)
    left = _pushed_together(order, root, offset)
    places = {node: left[root[node]] + offset[node] for row in order for node in row}
    if from_right:
        places = {node: -x - node.width for node, x in places.items()}
    return places


def _port(node: Node, port: float, mirrored: bool) -> float:
    return node.width - port if mirrored else port


def _blocks(
    order: Sequence[Sequence[Node]], joins: dict[Node, list[_Join]], barred: set[Link]
) -> tuple[dict[Node, Node], dict[Node, float]]:
    """The first node of the block that each belongs to, and how far it stands right of that one."""
    root = {node: node for row in order for node in row}
    offset = dict.fromkeys(root, 0.0)
    for previous, row in pairwise(order):
        place = {node: number for number, node in enumerate(previous)}
        taken = -1
        for node in row:
            ordered = sorted(joins.get(node, ()), key=lambda join: (place[join.other], join.other_port))
            middle = (len(ordered) - 1) // 2
            for join in ordered[middle : len(ordered) // 2 + 1]:
                if join.link not in barred and place[join.other] > taken:
                    root[node] = root[join.other]
                    offset[node] = offset[join.other] + join.other_port - join.port
                    taken = place[join.other]
                    break
    return root, offset


def _pushed_together(
    order: Sequence[Sequence[Node]], root: dict[Node, Node], offset: dict[Node, float]
) -> dict[Node, float]:
    """The left edge of each block's first node: as far left as it can, then near what stands to its right."""
    after: dict[Node, dict[Node, float]] = {root[node]: {} for row in order for node in row}
    waiting = dict.fromkeys(after, 0)
    for row in order:
        for left, right in pairwise(row):
            distance = offset[left] + left.width + gap(left, right) - offset[right]
            neighbours = after[root[left]]
            if root[right] not in neighbours:
                waiting[root[right]] += 1
            neighbours[root[right]] = max(neighbours.get(root[right], -inf), distance)
    ready = [block for block, count in waiting.items() if not count]
    x = dict.fromkeys(after, 0.0)
    for block in ready:  # grows while it is read
        for other, distance in after[block].items():
            x[other] = max(x[other], x[block] + distance)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for block in reversed(ready):
        if after[block]:
            x[block] = max(x[block], min(x[other] - distance for other, distance in after[block].items()))
    return x
