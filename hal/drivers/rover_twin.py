"""A board with a rover around it, without the board and the rover: what is alike whatever it speaks.

No I/O, no clock: time comes in the calls, and passes in steps of the rover's world.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Protocol

from hal.drivers.rover_world import STEP_S, World
from hal.twin import UnknownQuantity

NEVER = 1 << 62
"""In steps."""


class Sense(Protocol):
    """A sensor of the rover."""

    @property
    def name(self) -> str:
        """The device's."""

    @property
    def see(self) -> Callable[[World], float | bool]:
        """What it sees in the world, in SI."""


class RoverTwin(ABC):
    """Most of a `Twin`: its time, its world, what is pinned in it. A product adds its board's language."""

    def __init__(self, world: World, senses: Iterable[Sense]) -> None:
        self.refusing = False
        self._world = world
        self._senses = {sense.name: sense for sense in senses}
        self._pinned: dict[str, float | bool] = {}
        self._looks = False
        """Somebody changed what a sensor sees: it is looked at in the next step."""
        self._stirred = False
        """The world has moved since the sensors were looked at."""
        self._epoch: float | None = None
        self._steps = 0

    @abstractmethod
    def _next_look(self) -> int:
        """The number of the later step at which the board next has something to do by itself, or NEVER."""

    @abstractmethod
    def _look(self) -> bytes:
        """One turn of the board's own loop: what it says by itself."""

    def _switch_on(self, now: float) -> None:
        """Its time begins with the first opening of its port; every later one lets it pass until now."""
        if self._epoch is None:
            self._epoch = now
        self.advance(now)

    def advance(self, now: float) -> bytes:
        """Take all steps that are due by `now`."""
        if self._epoch is None:
            return b""
        due = int((now - self._epoch) / STEP_S + 1e-6)
        said: list[bytes] = []
        world = self._world
        while self._steps < due:
            steps = min(due, self._next_look()) - self._steps
            if world.at_rest:
                world.rest(steps)
            else:
                self._stirred = True
                for _ in range(steps):
                    world.step()
            self._steps += steps
            said.append(self._look())
        return b"".join(said)

    def wakes_at(self) -> float | None:
        """The next report, or sooner where a switch may change."""
        if self._epoch is None:
            return None
        look = self._next_look()
        return None if look == NEVER else self._epoch + look * STEP_S

    def world(self) -> dict[str, float | bool]:
        """Pose (m, rad), wheels (duty, m/s), and what each sensor sees."""
        world = self._world
        return {
            "x": world.x_m,
            "y": world.y_m,
            "heading": world.heading_rad,
            "left_duty": world.left_duty,
            "right_duty": world.right_duty,
            "left_speed": world.left_m_s,
            "right_speed": world.right_m_s,
            **{name: self._see(sense) for name, sense in self._senses.items()},
        }

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin what the sensor `name` sees."""
        if name not in self._senses:
            raise UnknownQuantity(name, self._senses)
        if value is None:
            self._pinned.pop(name, None)
        else:
            self._pinned[name] = value
        self._looks = True

    def _see(self, sense: Sense) -> float | bool:
        pinned = self._pinned.get(sense.name)
        return sense.see(self._world) if pinned is None else pinned
