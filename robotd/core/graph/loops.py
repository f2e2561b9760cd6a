"""Lines from a box to itself: on its right side, one above the other, each with its label beside it."""

from __future__ import annotations

from collections.abc import Sequence

from robotd.core.graph.boxes import Box, Edge

REACH = 18.0
"""How far a loop leads away from its box; its least height, too."""
INDENT = 3.0
"""How far its ends are inside that height."""
BESIDE = 6.0
"""Between a loop and its label."""
BETWEEN = 12.0
"""Between two loops, and between them and the corners of the box."""


def room_beside(loops: Sequence[Edge]) -> float:
    """How much of the row to the right of a box its loops take."""
    return max((REACH + BESIDE + edge.width for edge in loops), default=0.0)


def least_height(loops: Sequence[Edge]) -> float:
    """How high a box must be for its loops; 0 without any."""
    return sum(_height(edge) + BETWEEN for edge in loops) + BETWEEN if loops else 0.0


def place_loops(box: Box, loops: Sequence[Edge]) -> None:
    """Give the loops of a placed box their paths, and their labels their places."""
    near, far = box.x + box.width, box.x + box.width + REACH
    top = box.y + (box.height - least_height(loops)) / 2 + BETWEEN
    for edge in loops:
        bottom = top + _height(edge)
        start, end = top + INDENT, bottom - INDENT
        edge.path = [(near, start), (far, start), (far, end), (near, end)]
        edge.x, edge.y = far + BESIDE, (top + bottom - edge.height) / 2
        top = bottom + BETWEEN


def _height(edge: Edge) -> float:
    return max(edge.height, REACH)
