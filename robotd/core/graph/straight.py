"""Take bends out of placed lines: move what a line passes to where it starts or ends, if there is room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from robotd.core.graph.columns import gap
from robotd.core.graph.layered import Link, Node, Rows
from robotd.core.graph.tracks import Turn

STRAIGHT = 0.05
"""A line that turns by no more is straight."""


def turn(link: Link) -> Turn:
    """Where a link starts and where it ends."""
    return Turn(link.upper.x + link.upper_port, link.lower.x + link.lower_port)


def is_straight(link: Link) -> bool:
    """It comes down without a turn."""
    start, end = turn(link)
    return abs(start - end) <= STRAIGHT


def aim(rows: Rows, lines: Iterable[Sequence[Link]]) -> None:
    """Move pieces of `lines` to where they can be joined to both their ends without a bend."""
    place = _places(rows)
    for line in lines:
        for piece in _pieces(line):
            ends = []
            if piece.before is not None:
                ends.append((turn(piece.before).start, piece.before.upper_slack))
            if piece.after is not None:
                ends.append((turn(piece.after).end, piece.after.lower_slack))
            first = max((x - slack for x, slack in ends), default=-inf)
            last = min((x + slack for x, slack in ends), default=inf)
            x = piece.nodes[0].x + piece.nodes[0].width / 2
            if first <= last:
                _move(piece, min(max(x, first), last) - x, place)


def straighten(rows: Rows, lines: Iterable[Sequence[Link]]) -> None:
    """Move pieces of `lines` so that they bend less often. Boxes and the order of the rows stay."""
    place = _places(rows)
    for line in lines:
        for piece in _pieces(line):
            for near, far in ((piece.before, piece.after), (piece.after, piece.before)):
                if near is None or is_straight(near) or (far is not None and is_straight(far)):
                    continue
                start, end = turn(near)
                if _move(piece, start - end if near is piece.before else end - start, place):
                    break


@dataclass(slots=True)
class _Piece:
    """Nodes that one line passes straight, and its links to what is before and behind them, if any is."""

    before: Link | None
    nodes: list[Node] = field(default_factory=list)
    after: Link | None = None


def _pieces(line: Sequence[Link]) -> list[_Piece]:
    pieces = [_Piece(None)]
    if line[0].upper.passed:
        pieces[0].nodes.append(line[0].upper)
    for link in line:
        if not (link.inner and is_straight(link)):
            pieces[-1].after = link
            pieces.append(_Piece(link))
        if link.lower.passed:
            pieces[-1].nodes.append(link.lower)
    return [piece for piece in pieces if piece.nodes]


Places = Mapping[Node, tuple[Sequence[Node], int]]


def _places(rows: Rows) -> Places:
    """The row of each node, and its number in it."""
    return {node: (row, number) for row in rows.nodes for number, node in enumerate(row)}


def _move(piece: _Piece, by: float, place: Places) -> bool:
    """Whether there is room for it."""
    if not all(_has_room(node, by, *place[node]) for node in piece.nodes):
        return False
    for node in piece.nodes:
        node.x += by
    return True


def _has_room(node: Node, by: float, row: Sequence[Node], number: int) -> bool:
    """It can be moved without coming too near to its neighbours."""
    x = node.x + by
    if number and x < row[number - 1].x + row[number - 1].width + gap(row[number - 1], node):
        return False
    if number + 1 < len(row) and x + node.width + gap(node, row[number + 1]) > row[number + 1].x:
        return False
    return x >= 0
