"""A small world for a rover: wheels, a pose, obstacles, a battery, joints. Pure; its only clock is the step.

Simple enough to read, good enough to demonstrate. Lengths in metres, angles in radians, x to the right and y
up on a map, the heading counter-clockwise from x. Every quantity is a function of how many steps were taken
and of what was commanded before each: how they were grouped into calls does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

STEP_MS = 5
STEP_S = STEP_MS / 1000

ROVER_RADIUS_M = 0.15
CONTACT_M = 0.004
"""How far a bumper's lip stands off: closer than this it is pressed."""
WHEEL_ACCELERATION_M_S2 = 4.0
RANGE_LIMIT_M = 4.0

BATTERY_AH = 2.2
BATTERY_EMPTY_V = 9.6
BATTERY_FULL_V = 12.6
BATTERY_OHM = 0.08
IDLE_A = 0.3
MOTOR_A = 1.6
"""What one motor draws at full duty."""

FAR_STEPS = 1 << 30
"""More steps than anybody takes at once."""

JOINT_RATE_RAD_S = math.radians(300)
"""A small servo without load: 0.2 s for 60 degrees."""


class Disc(NamedTuple):
    """A round obstacle: a barrel, a table's foot."""

    x_m: float
    y_m: float
    radius_m: float
    low: bool = False
    """The range sensor looks over it; only a bumper finds it."""


class Walls(NamedTuple):
    """The room."""

    left_m: float
    bottom_m: float
    right_m: float
    top_m: float


# The rover starts at the origin and looks along x: at 0.3 m/s it touches the first barrel after five seconds.
# Who turns left before that barrel meets a foot-stool.
OBSTACLES = (Disc(1.90, 0.00, 0.25), Disc(-0.60, 1.30, 0.30), Disc(1.60, 0.80, 0.08, low=True))
ROOM = Walls(-2.5, -2.0, 3.5, 2.5)


@dataclass(slots=True)
class Joint:
    """A servo's shaft: it turns towards its target at its own rate. Limp until it first has one."""

    angle_rad: float = 0.0
    target_rad: float | None = None

    @property
    def at_rest(self) -> bool:
        """Whether it stands where it should."""
        return self.target_rad is None or self.angle_rad == self.target_rad

    def step(self) -> None:
        """One `STEP_S`."""
        if self.target_rad is not None:
            self.angle_rad = _towards(self.angle_rad, self.target_rad, JOINT_RATE_RAD_S * STEP_S)


@dataclass(slots=True)
class World:
    """The rover and what is around it. Command it through goals and duties; read everything else."""

    track_m: float = 0.30
    obstacles: Sequence[Disc] = OBSTACLES
    walls: Walls = ROOM

    left_goal_m_s: float = 0.0
    right_goal_m_s: float = 0.0
    left_duty: float = 0.0
    right_duty: float = 0.0
    """What the motors draw current for."""
    joints: dict[str, Joint] = field(default_factory=dict)

    x_m: float = 0.0
    y_m: float = 0.0
    heading_rad: float = 0.0
    left_m_s: float = 0.0
    right_m_s: float = 0.0
    front_pressed: bool = False
    """Something touches the front half..."""
    rear_pressed: bool = False
    """...or the rear half."""
    _clear_m: float = 0.0
    """So far it can certainly go before anything is touched or let go; 0 where it has to be looked at."""
    _seen_from: tuple[float, float, float] | None = None
    _seen_m: float = 0.0
    """What the range sensor saw from there last."""
    _steps: int = 0
    _driving_as: float = 0.0
    """Charge that the motors took, ampere-seconds."""

    @property
    def at_rest(self) -> bool:
        """Nothing moves and nothing will until a new command."""
        if self.left_duty or self.right_duty or self.left_m_s or self.right_m_s:
            return False
        return all(joint.at_rest for joint in self.joints.values())

    @property
    def rolls(self) -> bool:
        """Whether it moves from its place, or is about to."""
        return bool(self.left_m_s or self.right_m_s or self.left_goal_m_s or self.right_goal_m_s)

    @property
    def clear_steps(self) -> int:
        """For so many steps certainly no bumper changes, unless the wheels are told another speed."""
        fastest_m_s = max(
            abs(self.left_m_s), abs(self.right_m_s), abs(self.left_goal_m_s), abs(self.right_goal_m_s)
        )
        return int(self._clear_m / (fastest_m_s * STEP_S)) if fastest_m_s else FAR_STEPS

    @property
    def battery_v(self) -> float:
        """What a voltmeter shows: it falls with the charge used and sags under load."""
        used_ah = (self._steps * STEP_S * IDLE_A + self._driving_as) / 3600
        charge = max(0.0, 1.0 - used_ah / BATTERY_AH)
        open_v = BATTERY_EMPTY_V + charge * (BATTERY_FULL_V - BATTERY_EMPTY_V)
        return open_v - BATTERY_OHM * (IDLE_A + self._motor_a)

    @property
    def range_m(self) -> float:
        """From the front edge straight ahead to the nearest surface, as a distance sensor would tell it."""
        pose = (self.x_m, self.y_m, self.heading_rad)
        if pose != self._seen_from:
            self._seen_from, self._seen_m = pose, self._look_ahead()
        return self._seen_m

    def _look_ahead(self) -> float:
        ahead = (math.cos(self.heading_rad), math.sin(self.heading_rad))
        nearest = min(
            [
                _to_walls(self.x_m, self.y_m, ahead, self.walls),
                *(_to_disc(self.x_m, self.y_m, ahead, disc) for disc in self.obstacles if not disc.low),
            ]
        )
        return min(max(0.0, nearest - ROVER_RADIUS_M), RANGE_LIMIT_M)

    def rest(self, steps: int) -> None:
        """`steps` steps at once; only valid `at_rest`, where each of them just drains the battery."""
        self._steps += steps

    def step(self) -> None:
        """Move on by `STEP_S`."""
        self._steps += 1
        if self.left_duty or self.right_duty:
            self._driving_as += self._motor_a * STEP_S
        for joint in self.joints.values():
            joint.step()
        change_m_s = WHEEL_ACCELERATION_M_S2 * STEP_S
        if self.left_m_s != self.left_goal_m_s:
            self.left_m_s = _towards(self.left_m_s, self.left_goal_m_s, change_m_s)
        if self.right_m_s != self.right_goal_m_s:
            self.right_m_s = _towards(self.right_m_s, self.right_goal_m_s, change_m_s)
        if self.left_m_s or self.right_m_s:
            self._roll()

    @property
    def _motor_a(self) -> float:
        return MOTOR_A * (abs(self.left_duty) + abs(self.right_duty))

    def _roll(self) -> None:
        forward_m = (self.left_m_s + self.right_m_s) / 2 * STEP_S
        turn_rad = (self.right_m_s - self.left_m_s) / self.track_m * STEP_S
        middle_rad = self.heading_rad + turn_rad / 2
        self.x_m += forward_m * math.cos(middle_rad)
        self.y_m += forward_m * math.sin(middle_rad)
        self.heading_rad = math.remainder(self.heading_rad + turn_rad, math.tau)
        self._clear_m -= abs(forward_m)
        if self._clear_m <= 0.0:
            self._push_out()

    def _push_out(self) -> None:
        """Nothing enters an obstacle: the wheels slip, and the bumper on that side is pressed."""
        self.front_pressed = self.rear_pressed = False
        nearest_m = math.inf
        for disc in self.obstacles:
            away_x, away_y = self.x_m - disc.x_m, self.y_m - disc.y_m
            distance_m = math.hypot(away_x, away_y)
            gap_m = distance_m - disc.radius_m - ROVER_RADIUS_M
            nearest_m = min(nearest_m, gap_m)
            if gap_m < CONTACT_M and distance_m > 0:
                self._touch(away_x / distance_m, away_y / distance_m, gap_m)
        for normal_x, normal_y, gap_m in (
            (1.0, 0.0, self.x_m - self.walls.left_m - ROVER_RADIUS_M),
            (-1.0, 0.0, self.walls.right_m - self.x_m - ROVER_RADIUS_M),
            (0.0, 1.0, self.y_m - self.walls.bottom_m - ROVER_RADIUS_M),
            (0.0, -1.0, self.walls.top_m - self.y_m - ROVER_RADIUS_M),
        ):
            nearest_m = min(nearest_m, gap_m)
            if gap_m < CONTACT_M:
                self._touch(normal_x, normal_y, gap_m)
        self._clear_m = max(0.0, nearest_m - 2 * CONTACT_M)

    def _touch(self, normal_x: float, normal_y: float, gap_m: float) -> None:
        if gap_m < 0:
            self.x_m -= gap_m * normal_x
            self.y_m -= gap_m * normal_y
        if normal_x * math.cos(self.heading_rad) + normal_y * math.sin(self.heading_rad) < 0:
            self.front_pressed = True
        else:
            self.rear_pressed = True


def _towards(value: float, target: float, largest: float) -> float:
    if abs(target - value) <= largest:
        return target
    return value + math.copysign(largest, target - value)


def _to_disc(x_m: float, y_m: float, ahead: tuple[float, float], disc: Disc) -> float:
    """How far along the unit vector `ahead` the disc's surface is; infinite when the ray misses it."""
    to_x, to_y = disc.x_m - x_m, disc.y_m - y_m
    along_m = to_x * ahead[0] + to_y * ahead[1]
    beside_m2 = to_x * to_x + to_y * to_y - along_m * along_m
    inside_m2 = disc.radius_m**2 - beside_m2
    if along_m < 0 or inside_m2 < 0:
        return math.inf
    return along_m - math.sqrt(inside_m2)


def _to_walls(x_m: float, y_m: float, ahead: tuple[float, float], walls: Walls) -> float:
    def to(low_m: float, high_m: float, from_m: float, towards: float) -> float:
        if towards == 0:
            return math.inf
        return ((high_m if towards > 0 else low_m) - from_m) / towards

    return min(
        to(walls.left_m, walls.right_m, x_m, ahead[0]),
        to(walls.bottom_m, walls.top_m, y_m, ahead[1]),
    )
