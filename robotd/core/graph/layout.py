"""Where nested boxes, the lines between them and the labels of those lines stand. Knows nothing of charts.

Each box is a layered drawing of what is directly inside it. A line between boxes of different depth is cut
at every border that it crosses: inside it ends at a place on the border, and outside it goes on from there.
Lines and labels have places of their own in the rows, so none can lie on a box or on another label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from robotd.core.graph.boxes import Box, Edge, Leg, Point
from robotd.core.graph.columns import GAP
from robotd.core.graph.inside import Inside
from robotd.core.graph.layered import ranks
from robotd.core.graph.loops import least_height, place_loops

WIDEST_ROW = 1100.0
"""Boxes of one row that would together be wider than this are put into several rows."""


def lay_out(root: Box, edges: Sequence[Edge]) -> None:
    """Place everything inside `root`, whose own corner becomes 0, 0."""
    layout = _Layout(root, edges)
    layout.place(root, [])
    layout.settle(root, 0.0, 0.0)
    layout.join()


class _Layout:
    def __init__(self, root: Box, edges: Sequence[Edge]) -> None:
        self._parent: dict[Box, Box] = {}
        self._note_parents(root)
        self._own: dict[Box, list[Edge]] = {}
        """The edges that each box is the innermost around."""
        self._loops: dict[Box, list[Edge]] = {}
        for edge in edges:
            if edge.source is edge.dest:
                self._loops.setdefault(edge.source, []).append(edge)
            else:
                self._own.setdefault(self._around_both(edge), []).append(edge)
        self._parts: dict[Edge, list[tuple[Box, Leg]]] = {}
        """The legs of each edge, from its source to its dest, and the box in which each lies."""
        self._ports: dict[tuple[Box, Edge], float] = {}
        """How far from its left edge a box's border is crossed by an edge."""

    def _note_parents(self, box: Box) -> None:
        for child in box.children:
            self._parent[child] = box
            self._note_parents(child)

    def _line(self, box: Box | None) -> Iterator[Box]:
        while box is not None:
            yield box
            box = self._parent.get(box)

    def _around_both(self, edge: Edge) -> Box:
        around_source = list(self._line(edge.source))
        return next(box for box in self._line(edge.dest) if box in around_source)

    def _child(self, box: Box, inner: Box) -> Box | None:
        """The child of `box` that is `inner` or around it; None if `inner` is `box` itself."""
        return next((child for child in self._line(inner) if self._parent.get(child) is box), None)

    # Inside one box

    def place(self, box: Box, through: list[Leg]) -> None:
        """Place what is inside `box`, relative to it. `through`: the legs of edges that come from outside."""
        if box.children:
            rank, legs = self._ranked(box)
            legs = [*through, *legs]
            for child in box.children:
                self.place(child, [leg for whole in legs for leg in self._continued(child, whole)])
            Inside(box, legs, rank, self._ports, self._loops).place()
        box.height = max(box.height, least_height(self._loops.get(box, ())))

    def _ranked(self, box: Box) -> tuple[dict[Box, int], list[Leg]]:
        ends = [
            (edge, self._child(box, edge.source), self._child(box, edge.dest))
            for edge in self._own.get(box, ())
        ]
        arcs = [(tail, head) for _, tail, head in ends if tail and head]
        widths = _needs(box, ends)
        rank = ranks(box.children, arcs, widths, WIDEST_ROW)
        legs = []
        for edge, tail, head in ends:
            down = not (tail and head) or rank[tail] < rank[head]
            upper, lower = (tail, head) if down else (head, tail)
            leg = Leg(edge, upper, lower, labelled=True, down=down)
            self._parts[edge] = [(box, leg)]
            legs.append(leg)
        return rank, legs

    def _continued(self, child: Box, leg: Leg) -> Iterator[Leg]:
        """The leg inside `child` of an edge that crosses its border."""
        if child not in (leg.upper, leg.lower):
            return
        leaves_below = child is leg.upper
        at_source = leaves_below is leg.down
        inner = self._child(child, leg.edge.source if at_source else leg.edge.dest)
        if inner is None:
            return
        upper, lower = (inner, None) if leaves_below else (None, inner)
        part = Leg(leg.edge, upper, lower, labelled=False, down=leg.down)
        self._parts[leg.edge].insert(0 if at_source else len(self._parts[leg.edge]), (child, part))
        yield part

    # From places inside each box to places in the drawing

    def settle(self, box: Box, x: float, y: float) -> None:
        """Make the places of `box` and of everything in it those of the drawing."""
        box.x, box.y = box.x + x, box.y + y
        for child in box.children:
            self.settle(child, box.x, box.y)

    def join(self) -> None:
        """Make one path of the legs of each edge."""
        for edge, parts in self._parts.items():
            points: list[Point] = []
            for box, leg in parts:
                # Rounded, so that what is meant to be level or upright is so exactly.
                placed = [(round(box.x + x, 1), round(box.y + y, 1)) for x, y in leg.points]
                points += placed if leg.down else reversed(placed)
                if leg.labelled:
                    edge.x, edge.y = edge.x + box.x, edge.y + box.y
            edge.path = _corners(points)
        for box, loops in self._loops.items():
            place_loops(box, loops)


def _rough(box: Box) -> float:
    """How wide `box` will be, roughly: which row it belongs to is decided before it is placed."""
    return max([box.width, *(1.5 * _rough(child) for child in box.children)])


def _needs(box: Box, ends: Sequence[tuple[Edge, Box | None, Box | None]]) -> dict[Box, float]:
    """How much of a row each child takes, roughly, with the labels that will stand above or below it."""
    lines = Counter(child for _, *both in ends for child in both)
    labels: Counter[Box] = Counter()
    for edge, *both in ends:
        joined = [child for child in both if child is not None]
        labels[min(joined, key=lambda child: lines[child])] += int(edge.width + GAP)
    return {child: max(_rough(child) + GAP, labels[child]) for child in box.children}


def _corners(points: Iterable[Point]) -> list[Point]:
    """`points` without those at which a line that is level or upright goes straight on."""
    result: list[Point] = []
    for point in points:
        if len(result) > 1 and any(result[-2][axis] == result[-1][axis] == point[axis] for axis in (0, 1)):
            result.pop()
        if not result or point != result[-1]:
            result.append(point)
    return result
