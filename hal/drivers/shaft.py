"""The shaft of a smart servo, its motor and its winding: the physical model in the twins of servo buses.

Simple enough to read, good enough to demonstrate: it goes to its goal on a trapezoid of speed, draws current
for what it does, and grows warm. Pure; its only clock is the step, and how steps are grouped into calls does
not matter. Angles are the servo's own, 0 in the middle of its travel.
"""

from __future__ import annotations

import math

STEP_S = 0.005

HOLD_A = 0.12
"""What it draws standing with torque, against a little gravity..."""
MOVE_A = 0.35
"""...at an even speed..."""
SPEED_UP_A = 0.8
"""...while it speeds up or brakes..."""
PUSH_A = 1.8
"""...and pushing against something that does not give way."""
PUSH_RAD = math.radians(3)
"""So far from its goal it pushes with all it has."""
OVERLOAD_STEPS = round(2.0 / STEP_S)
"""So long it pushes before that is an overload."""
STRONGEST_RAD_S2 = 60.0

AMBIENT_DEGC = 25.0
WARMTH_DEGC_A2 = 18.0
"""So much warmer it gets in the end for each squared ampere..."""
WARMING_S = 90.0
"""...with this time constant."""


class Shaft:
    """One shaft: tell it what to do, let its time pass, and read the rest."""

    def __init__(self, top_speed_rad_s: float, angle_rad: float = 0.0) -> None:
        self.angle_rad = angle_rad
        self.speed_rad_s = 0.0
        self.current_a = 0.0
        self.goal_rad: float | None = None
        """None: it turns freely."""
        self._top_speed_rad_s = top_speed_rad_s
        self._speed_limit_rad_s = top_speed_rad_s
        self._acceleration_rad_s2 = STRONGEST_RAD_S2
        self._held_rad: float | None = None
        self._pushed_steps = 0
        self.settled = True
        """Until it is told something, a step changes nothing but its temperature."""
        self._steps = 0
        self._draws_since = 0
        self._was_degc = AMBIENT_DEGC
        """Its temperature when it began to draw what it draws."""
        self._measured: tuple[int, float] | None = None
        """Its temperature at a step: several ask for it in the same."""
        self.changes = 0
        """Counts whatever may have changed it: while that stays, all but its temperature stays."""

    @property
    def temperature_degc(self) -> float:
        """Of its winding."""
        if self._measured is None or self._measured[0] != self._steps:
            self._measured = self._steps, self._temperature_at(self._steps)
        return self._measured[1]

    @property
    def overloaded(self) -> bool:
        """Whether it has been pushing for too long."""
        return self._pushed_steps >= OVERLOAD_STEPS

    def drive(
        self, goal_rad: float, speed_rad_s: float = math.inf, acceleration_rad_s2: float = math.inf
    ) -> None:
        """Go to a goal, no faster than it is told and than it can."""
        self.goal_rad = goal_rad
        self._speed_limit_rad_s = min(speed_rad_s, self._top_speed_rad_s)
        self._acceleration_rad_s2 = min(acceleration_rad_s2, STRONGEST_RAD_S2)
        self._disturb()

    def release(self) -> None:
        """Turn freely: it stays where it is until somebody moves it."""
        self.goal_rad = None
        self._disturb()

    def hold(self, angle_rad: float | None) -> None:
        """Somebody holds it there, stronger than it is; None: lets it go."""
        self._held_rad = angle_rad
        self._disturb()

    def advance(self, steps: int) -> None:
        """Let so many steps of `STEP_S` pass."""
        while steps and not self.settled:
            steps -= 1
            self._steps += 1
            self._step()
        self._steps += steps

    def _disturb(self) -> None:
        self.settled = False
        self.changes += 1

    def _step(self) -> None:
        self.changes += 1
        speed_before_rad_s, current_before_a = self.speed_rad_s, self.current_a
        if self._held_rad is not None:
            self.angle_rad, self.speed_rad_s = self._held_rad, 0.0
        elif self.goal_rad is None:
            self.speed_rad_s = 0.0
        else:
            self._travel(self.goal_rad)
        pushes = self.goal_rad is not None and self._pushes(self.goal_rad)
        self._pushed_steps = self._pushed_steps + 1 if pushes else 0
        self._draw(self._current_for(speed_before_rad_s, pushes))
        self.settled = (
            self.speed_rad_s == speed_before_rad_s == 0
            and self.current_a == current_before_a
            and (not pushes or self.overloaded)
        )

    def _travel(self, goal_rad: float) -> None:
        """Towards the goal, braking in time; the last step ends on it."""
        to_go_rad = goal_rad - self.angle_rad
        most_rad_s = self._acceleration_rad_s2 * STEP_S
        # The speed that, held for one step and lowered by `most_rad_s` in each after it, ends on the goal.
        square = 2 * self._acceleration_rad_s2 * abs(to_go_rad)
        braking_rad_s = math.sqrt(square + most_rad_s**2 / 4) - most_rad_s / 2
        wanted_rad_s = math.copysign(min(self._speed_limit_rad_s, braking_rad_s), to_go_rad)
        change_rad_s = wanted_rad_s - self.speed_rad_s
        self.speed_rad_s += min(max(change_rad_s, -most_rad_s), most_rad_s)
        if abs(to_go_rad) <= abs(self.speed_rad_s) * STEP_S and abs(self.speed_rad_s) <= 2 * most_rad_s:
            self.angle_rad, self.speed_rad_s = goal_rad, 0.0
        elif to_go_rad or self.speed_rad_s:
            self.angle_rad += self.speed_rad_s * STEP_S

    def _pushes(self, goal_rad: float) -> bool:
        return self._held_rad is not None and abs(goal_rad - self._held_rad) > PUSH_RAD

    def _current_for(self, speed_before_rad_s: float, pushes: bool) -> float:
        if self.goal_rad is None:
            return 0.0
        if pushes:
            return PUSH_A
        if self.speed_rad_s != speed_before_rad_s:
            return SPEED_UP_A
        return MOVE_A if self.speed_rad_s else HOLD_A

    def _draw(self, current_a: float) -> None:
        if current_a != self.current_a:
            self._was_degc = self._temperature_at(self._steps)
            self._draws_since = self._steps
            self.current_a = current_a
            self._measured = None

    def _temperature_at(self, steps: int) -> float:
        final_degc = AMBIENT_DEGC + WARMTH_DEGC_A2 * self.current_a**2
        passed_s = (steps - self._draws_since) * STEP_S
        return final_degc + (self._was_degc - final_degc) * math.exp(-passed_s / WARMING_S)
