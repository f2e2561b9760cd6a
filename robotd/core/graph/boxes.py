"""What is laid out: nested boxes, and the lines between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from robotd.core.graph.layered import Link, Node

Point = tuple[float, float]


@dataclass(slots=True, eq=False)
class Box:
    """A rectangle with others inside. Its size is what its own text needs until `lay_out` makes it grow."""

    width: float
    height: float
    children: list[Box] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


@dataclass(slots=True, eq=False)
class Edge:
    """A line from one box to another, or to itself, with a label of a given size."""

    source: Box
    dest: Box
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    """The left..."""
    y: float = 0.0
    """...and the top of its label."""
    path: list[Point] = field(default_factory=list)
    """From `source` to `dest`; every piece is level or upright."""


@dataclass(slots=True, eq=False)
class Leg:
    """The part of an edge inside one box, from what is higher to what is lower; None: a border of the box."""

    edge: Edge
    upper: Box | None
    lower: Box | None
    labelled: bool
    down: bool
    """The edge goes the way of the leg, not against it."""
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
