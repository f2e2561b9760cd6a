"""A small world for a conveyor cell: drives with ramps, a belt that carries parts, a scale, a sorter. Pure.

Lengths in metres along the belt, from the feeder at 0. Everything is a function of how many steps were taken
and of what was commanded before each: how they were grouped into calls does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STEP_S = 0.01

PART_M = 0.20
SPACING_M = 0.60
"""The feeder puts a part on the belt each time that it has gone so far."""
MASSES_KG = (0.80, 1.25, 2.10, 0.45)
"""Of the parts, again and again."""
SCALE_M = (0.90, 1.30)
"""What stands with its middle here is weighed."""
SORTER_M = 2.00
"""Where the diverter takes a part off, to the left or to the right..."""
SWING_S = 0.3
"""...and how long its arm takes from one side to the other. Meanwhile parts wait before it."""
JAM_S = 0.5
"""A part that stands so long before the sorter while the belt goes on is a jam."""


@dataclass(slots=True)
class Drive:
    """A motor with its frequency drive."""

    full_m_s: float
    ramp_s: float
    """From standstill to full speed, or back."""
    watchdog_s: float | None = None
    """It stops when its watchdog was not fed for so long."""
    goal_m_s: float = 0.0
    speed_m_s: float = 0.0
    faulted: bool = False
    runs_away: bool = False
    starved_steps: int = 0

    def feed(self) -> None:
        """Its watchdog register was written."""
        self.starved_steps = 0

    @property
    def tripped(self) -> bool:
        """Its watchdog has stopped it."""
        return self.watchdog_s is not None and self.starved_steps * STEP_S > self.watchdog_s

    @property
    def at_rest(self) -> bool:
        """It stands, and does so until it is told something else."""
        return self.speed_m_s == 0.0 and not self.goal_m_s and not self.runs_away

    def step(self) -> None:
        """One `STEP_S`."""
        self.starved_steps += 1
        if self.tripped or self.faulted:
            self.goal_m_s = 0.0
        goal = self.full_m_s if self.runs_away else self.goal_m_s
        change = self.full_m_s / self.ramp_s * STEP_S
        self.speed_m_s += min(max(goal - self.speed_m_s, -change), change)


@dataclass(slots=True)
class Part:
    """Something on the belt: where its middle is, and its mass."""

    at_m: float
    mass_kg: float


@dataclass(slots=True)
class World:
    """The cell. The first of its drives moves the belt that carries parts."""

    drives: dict[str, Drive] = field(default_factory=dict)
    to_the_left: bool = False
    """Where the diverter's arm is told to go, and where it is: 0 right, 1 left."""
    arm: float = 0.0
    chute_full: bool = False
    """Nothing can leave the belt."""
    parts: list[Part] = field(default_factory=list)
    left: int = 0
    """How many parts were sorted to the left..."""
    right: int = 0
    """...and to the right."""
    _fed: int = 0
    _travelled_m: float = SPACING_M
    _waited_steps: int = 0

    @property
    def at_rest(self) -> bool:
        """Nothing moves and nothing will until a new command."""
        return self.arm == float(self.to_the_left) and all(drive.at_rest for drive in self.drives.values())

    @property
    def weighed_kg(self) -> float:
        """What lies on the scale."""
        return sum(part.mass_kg for part in self.parts if SCALE_M[0] <= part.at_m < SCALE_M[1])

    @property
    def jammed(self) -> bool:
        """A part has stood before the sorter for too long while the belt went on."""
        return self._waited_steps * STEP_S >= JAM_S

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        for done in range(steps):
            if self.at_rest:
                for drive in self.drives.values():
                    drive.starved_steps += steps - done
                return
            self.step()

    def step(self) -> None:
        """Move on by `STEP_S`."""
        for drive in self.drives.values():
            drive.step()
        change = STEP_S / SWING_S
        self.arm += min(max(self.to_the_left - self.arm, -change), change)
        belt = next(iter(self.drives.values()), None)
        if belt is not None and belt.speed_m_s:
            self._carry(belt.speed_m_s * STEP_S)

    def _carry(self, way_m: float) -> None:
        self._travelled_m += way_m
        if self._travelled_m >= SPACING_M and (not self.parts or self.parts[-1].at_m >= PART_M):
            self._travelled_m = 0.0
            self.parts.append(Part(0.0, MASSES_KG[self._fed % len(MASSES_KG)]))
            self._fed += 1
        end_m = SORTER_M
        for part in self.parts:  # the first is the farthest: nothing is pushed past what stands before it
            part.at_m = min(part.at_m + way_m, end_m) if way_m > 0 else part.at_m + way_m
            end_m = part.at_m - PART_M
        self.parts = [part for part in self.parts if part.at_m > -PART_M]
        if not self.parts or self.parts[0].at_m < SORTER_M:
            self._waited_steps = 0
        elif self.chute_full or self.arm not in (0.0, 1.0):
            self._waited_steps += 1
        else:
            self.parts.pop(0)
            self.left += self.arm == 1.0
            self.right += self.arm == 0.0
