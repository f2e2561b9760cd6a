"""The layered drawing of what is directly inside one box."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from robotd.core.graph.boxes import Box, Edge, Leg
from robotd.core.graph.columns import LINE_GAP, gap, place_columns
from robotd.core.graph.layered import Link, Node, Rows, sort_rows
from robotd.core.graph.loops import room_beside
from robotd.core.graph.straight import aim, is_straight, straighten, turn
from robotd.core.graph.tracks import tracks

PADDING = 18.0
"""Between the border of a box and what is inside it."""
ROW_GAP = 14.0
"""Between two rows, where no line turns."""
BORDER_GAP = 4.0
"""Between a border and the row of labels next to it, where no line passes."""
ARROW = 16.0
"""From a box to the first level line before it..."""
NEAR_LABEL = 8.0
"""...and from a label."""
STRETCH = 24.0
"""How much wider a box may become to each side, so that a line need not bend."""
STEP = 2.0
"""How finely a free place is looked for on the side of a box."""
TRACK = 10.0
"""Between two level lines, one above the other."""


class Inside:
    """The layered drawing of what is directly inside one box.

    Row 0 is its top border and the last one its bottom border; boxes and labels take turns between them.
    """

    def __init__(
        self,
        box: Box,
        legs: Sequence[Leg],
        rank: dict[Box, int],
        ports: dict[tuple[Box, Edge], float],
        loops: dict[Box, list[Edge]],
    ) -> None:
        self._box = box
        self._legs = legs
        self._ports = ports
        self._row = {child: 2 * rank[child] + 2 for child in box.children}
        self._last = max(self._row.values()) + 2
        self._rows = Rows([[] for _ in range(self._last + 1)], [[] for _ in range(self._last)])
        self._node: dict[Box, Node] = {}
        self._joined_below = {child: [leg for leg in legs if leg.upper is child] for child in box.children}
        self._joined_above = {child: [leg for leg in legs if leg.lower is child] for child in box.children}
        for child in box.children:
            lines = max(len(self._joined_below[child]), len(self._joined_above[child]))
            if lines > 1:
                child.width = max(child.width, LINE_GAP * (lines + 1))
            self._node[child] = Node(child.width + room_beside(loops.get(child, ())), child.height)
            self._rows.nodes[self._row[child]].append(self._node[child])

    def place(self) -> None:
        """Give every child its place, every leg its points, every label its place; make the box fit."""
        if any(leg.upper is None for leg in self._legs):
            # What comes in from above passes to the right of the text at the top.
            self._rows.nodes[0].append(Node(self._box.width - PADDING))
        for leg in self._legs:
            self._thread(leg)
        sort_rows(self._rows)
        place_columns(self._rows)
        lines = [leg.links for leg in self._legs]
        aim(self._rows, lines)
        for row in self._rows.nodes:
            self._stretch(row)
        for child in self._box.children:
            self._spread(child, self._joined_above[child], above=True)
            self._spread(child, self._joined_below[child], above=False)
        straighten(self._rows, lines)
        self._place_rows()

    def _thread(self, leg: Leg) -> None:
        """Give the leg a place in every row that it passes."""
        top = 0 if leg.upper is None else self._row[leg.upper]
        bottom = self._last if leg.lower is None else self._row[leg.lower]
        label = self._label_row(leg, top, bottom)
        for number in range(top, bottom + 1):
            box = leg.upper if number == top else leg.lower if number == bottom else None
            if box is not None:
                node = self._node[box]
            else:
                size = (leg.edge.width, leg.edge.height) if number == label else (0.0, 0.0)
                node = Node(*size, passed=True)
                self._rows.nodes[number].append(node)
            leg.nodes.append(node)
        for number, (upper, lower) in enumerate(pairwise(leg.nodes), top):
            start, start_slack = self._port(leg, leg.upper) if number == top else (upper.width / 2, 0.0)
            end, end_slack = self._port(leg, leg.lower) if number == bottom - 1 else (lower.width / 2, 0.0)
            link = Link(upper, lower, start, end, start_slack, end_slack)
            leg.links.append(link)
            self._rows.links[number].append(link)

    def _label_row(self, leg: Leg, top: int, bottom: int) -> int | None:
        """Near that end where fewer lines meet: there it is clear whose label it is."""
        if not (leg.labelled and leg.edge.width):
            return None
        at_upper = len(self._joined_below[leg.upper]) if leg.upper else 0
        at_lower = len(self._joined_above[leg.lower]) if leg.lower else 0
        return top + 1 if at_upper <= at_lower else bottom - 1

    def _port(self, leg: Leg, box: Box | None) -> tuple[float, float]:
        """Where a leg is joined to a side of `box`, and how far it may be moved from there."""
        if box is None:
            return 0.0, 0.0
        if (box, leg.edge) in self._ports:
            return self._ports[box, leg.edge], 0.0
        return box.width / 2, max(box.width / 2 - LINE_GAP, 0.0)

    def _stretch(self, row: Sequence[Node]) -> None:
        """Make boxes a little wider, where there is room, for lines that would only just miss them."""
        box_of = {
            node: child
            for child, node in self._node.items()
            if not child.children and child.width > 2 * LINE_GAP
        }
        for number, node in enumerate(row):
            if node not in box_of:
                continue
            child = box_of[node]
            left, right = node.x + LINE_GAP, node.x + child.width - LINE_GAP
            ends = [turn(leg.links[-1]).start for leg in self._joined_above[child]]
            ends += [turn(leg.links[0]).end for leg in self._joined_below[child]]
            to_left = max((left - x for x in ends if 0 < left - x <= STRETCH), default=0.0)
            to_right = max((x - right for x in ends if 0 < x - right <= STRETCH), default=0.0)
            if number:
                before = row[number - 1]
                to_left = min(to_left, node.x - before.x - before.width - gap(before, node))
            if number + 1 < len(row):
                after = row[number + 1]
                to_right = min(to_right, after.x - node.x - node.width - gap(node, after))
            to_left, to_right = max(min(to_left, node.x), 0.0), max(to_right, 0.0)
            node.x -= to_left
            node.width += to_left + to_right
            child.width += to_left + to_right

    def _spread(self, child: Box, legs: Sequence[Leg], *, above: bool) -> None:
        """Choose where lines that may join a side of `child` anywhere do so: straight on if possible."""
        left = min(LINE_GAP, child.width / 2)
        right = child.width - left
        taken = [self._ports[child, leg.edge] for leg in legs if (child, leg.edge) in self._ports]
        wishes: list[tuple[float, Link]] = []
        for leg in legs:
            if (child, leg.edge) not in self._ports:
                link = leg.links[-1] if above else leg.links[0]
                far_end = turn(link).start if above else turn(link).end
                wishes.append((far_end - self._node[child].x, link))
        wishes.sort(key=lambda wish: wish[0])
        # From both ends to the middle, so that lines that all come from one side keep their order.
        middle = sum(wish <= child.width / 2 for wish, _ in wishes)
        for (wish, link), step in [
            *((wish, STEP) for wish in wishes[:middle]),
            *((wish, -STEP) for wish in reversed(wishes[middle:])),
        ]:
            port = _nearest_free(min(max(wish, left), right), taken, left, right, step)
            taken.append(port)
            if above:
                link.lower_port = port
            else:
                link.upper_port = port

    def _place_rows(self) -> None:
        box, rows = self._box, self._rows
        content = max(node.x + node.width for row in rows.nodes for node in row)
        left = max(PADDING, (box.width - content) / 2)
        box.width = max(box.width, content + 2 * PADDING)
        for row in rows.nodes:
            for node in row:
                node.x += left
        y = box.height
        levels: dict[Link, float] = {}
        for number, row in enumerate(rows.nodes):
            height = max((node.height for node in row), default=0.0)
            for node in row:
                node.y = y + (height - node.height) / 2
            y += height
            if number < self._last:
                y = self._turn(number, y, levels)
        box.height = y
        for child, node in self._node.items():
            child.x, child.y = node.x, node.y
        for leg in self._legs:
            self._trace(leg, levels)

    def _turn(self, number: int, y: float, levels: dict[Link, float]) -> float:
        """Choose the levels of the lines that turn between row `number`, which ends at `y`, and the next one.

        Returns where the next one begins.
        """
        links = self._rows.links[number]
        turns = {link: turn(link) for link in links if not is_straight(link)}
        at_border = number == 0 or number == self._last - 1
        if not turns:
            return y + (BORDER_GAP if at_border and not links else ROW_GAP)
        # Boxes stand in the even rows; what leads to one needs room for the head of its arrow.
        before, after = (ARROW, NEAR_LABEL) if number % 2 == 0 else (NEAR_LABEL, ARROW)
        chosen = tracks(list(turns.values()))
        for link, track in zip(turns, chosen, strict=True):
            levels[link] = y + before + track * TRACK
        return y + before + max(chosen) * TRACK + after

    def _trace(self, leg: Leg, levels: dict[Link, float]) -> None:
        for link in leg.links:
            if link in levels:
                start, end = turn(link)
                leg.points += [(start, levels[link]), (end, levels[link])]
        first, last = turn(leg.links[0]).start, turn(leg.links[-1]).end
        top = 0.0 if leg.upper is None else leg.upper.y + leg.upper.height
        bottom = self._box.height if leg.lower is None else leg.lower.y
        leg.points = [(first, top), *leg.points, (last, bottom)]
        if leg.upper is None or leg.lower is None:
            self._ports[self._box, leg.edge] = first if leg.upper is None else last
        if leg.labelled:
            label = next((node for node in leg.nodes if node.passed and node.width), None)
            if label is not None:
                leg.edge.x, leg.edge.y = label.x, label.y


def _nearest_free(wish: float, taken: Sequence[float], left: float, right: float, step: float) -> float:
    """The place nearest to `wish` that keeps off those `taken`, first looked for by `step`."""
    for distance in (LINE_GAP, LINE_GAP / 2):
        for number in range(int((right - left) / abs(step)) + 1):
            for place in (wish + number * step, wish - number * step):
                if left <= place <= right and all(abs(place - other) >= distance for other in taken):
                    return place
    return wish
