"""A small world for a gantry: a planner, axes that accelerate along their path, a part to pick. Pure.

Millimetres and seconds, as the firmware counts. Simple enough to read, good enough to demonstrate: one
acceleration along the whole path, corners as slow as the firmware's junction deviation makes them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from hal.drivers.grbl.words import Point

STEP_S = 0.005
PLANNER_BLOCKS = 15
JUNCTION_MM = 0.01
"""$11: how far from a corner the path of the firmware may be thought to pass."""
SLOWEST_MM_S = 0.5
"""Below this the last bit of a way is done at once."""
GRIP_MM = 1.0
"""So close to a part the vacuum holds it."""
BENT = -0.999999
STRAIGHT = 0.999999


@dataclass(slots=True)
class Block:
    """A straight way to `target`."""

    target: Point
    feed_mm_s: float
    length_mm: float
    direction: Point
    junction_mm_s: float
    """The most at which it may be entered, by its corner with the one before."""
    exit_mm_s: float = 0.0


@dataclass(slots=True)
class Path:
    """The planner: blocks in their order, and how fast each may be left so that the last one can end."""

    accel_mm_s2: float
    position: Point = (0.0, 0.0, 0.0)
    speed_mm_s: float = 0.0
    blocks: deque[Block] = field(default_factory=deque)

    @property
    def end(self) -> Point:
        """Where it will stand when all is done."""
        return self.blocks[-1].target if self.blocks else self.position

    @property
    def full(self) -> bool:
        """Whether another block has to wait."""
        return len(self.blocks) >= PLANNER_BLOCKS

    def add(self, target: Point, feed_mm_s: float) -> None:
        """Plan another block; a way of nothing is none."""
        start = self.end
        length = math.dist(start, target)
        if length < 1e-6:
            return
        x, y, z = ((to - at) / length for to, at in zip(target, start, strict=True))
        junction = 0.0
        if self.blocks:
            junction = min(feed_mm_s, self.blocks[-1].feed_mm_s, self._corner((x, y, z)))
        self.blocks.append(Block(target, feed_mm_s, length, (x, y, z), junction))
        leave = 0.0
        for index in range(len(self.blocks) - 1, -1, -1):
            block = self.blocks[index]
            block.exit_mm_s = leave
            reach = math.sqrt(leave * leave + 2 * self.accel_mm_s2 * block.length_mm)
            leave = min(block.junction_mm_s, reach)

    def forget(self) -> None:
        """Nothing is planned any more, and nothing moves."""
        self.blocks.clear()
        self.speed_mm_s = 0.0

    def advance(self, elapsed_s: float, *, braking: bool) -> None:
        """Move on. While `braking` it slows down along its path, and stands at the end of that."""
        change = self.accel_mm_s2 * elapsed_s
        if braking:
            self.speed_mm_s = max(0.0, self.speed_mm_s - change)
        left_s = elapsed_s
        while self.blocks and left_s > 0:
            block = self.blocks[0]
            to_go = math.dist(self.position, block.target)
            if not braking:
                brake_from = math.sqrt(block.exit_mm_s**2 + 2 * self.accel_mm_s2 * to_go)
                self.speed_mm_s = max(
                    SLOWEST_MM_S, min(self.speed_mm_s + change, block.feed_mm_s, brake_from)
                )
                change = 0.0
            if self.speed_mm_s == 0.0:
                return
            way = self.speed_mm_s * left_s
            if way < to_go - 1e-9:
                x, y, z = (at + one * way for at, one in zip(self.position, block.direction, strict=True))
                self.position = x, y, z
                return
            left_s -= to_go / self.speed_mm_s
            self.position = block.target
            self.blocks.popleft()
        if not self.blocks:
            self.speed_mm_s = 0.0

    def _corner(self, direction: Point) -> float:
        before = self.blocks[-1].direction
        cosine = -sum(one * other for one, other in zip(before, direction, strict=True))
        if cosine > STRAIGHT:
            return 0.0
        if cosine < BENT:
            return math.inf
        half_sine = math.sqrt((1 - cosine) / 2)
        return math.sqrt(self.accel_mm_s2 * JUNCTION_MM * half_sine / (1 - half_sine))


@dataclass(slots=True)
class Part:
    """Something that lies somewhere and can be carried."""

    place: Point
    held: bool = False

    def follow(self, gripper: Point, *, vacuum: bool) -> None:
        """Be picked, carried or let go; what is let go in the air stays there."""
        if not vacuum:
            self.held = False
        elif not self.held and math.dist(gripper, self.place) <= GRIP_MM:
            self.held = True
        if self.held:
            self.place = gripper


def arc(
    start: Point, end: Point, center: Sequence[float], *, clockwise: bool, step_mm: float = 1.0
) -> list[Point]:
    """The chords of an arc in the plane of x and y, the last one ending at `end`; z goes along evenly."""
    radius = math.dist(start[:2], center)
    begin = math.atan2(start[1] - center[1], start[0] - center[0])
    turn = math.atan2(end[1] - center[1], end[0] - center[0]) - begin
    if clockwise and turn >= -1e-9:
        turn -= math.tau
    elif not clockwise and turn <= 1e-9:
        turn += math.tau
    pieces = max(1, math.ceil(abs(turn) * radius / step_mm))
    points = [
        (
            center[0] + radius * math.cos(begin + turn * n / pieces),
            center[1] + radius * math.sin(begin + turn * n / pieces),
            start[2] + (end[2] - start[2]) * n / pieces,
        )
        for n in range(1, pieces)
    ]
    return [*points, end]
