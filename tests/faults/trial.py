"""What a row of the matrix is, and how one trial of it is judged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tests.faults.bench import Bench
from tests.faults.children import HarnessError
from tests.faults.clock import now, pause
from tests.faults.evidence import STOPS, Heard, NotStopped, stopped, strays, turning

LOAD_SETTLES_S = 0.05
"""The busy processes have their cores by then."""
SETTLES_S = 0.06
"""So long after its limit a row is looked at: what was stopped is still at rest, and the last words came."""
LATE_S = 2.0
"""What does not stand still so long after that was not stopped at all."""
LOOK_S = 0.05
EVERYWHERE = tuple(STOPS)


class Stopper(Enum):
    """Who stops the robot, which says what else its boards may hear afterwards."""

    DAEMON = "daemon"
    """It lives on, and asks its boards this and that; but nothing turns."""
    GUARD = "guard"
    """Not a byte but stops."""


class Fault(NamedTuple):
    """Something has broken."""

    at: float
    boards: tuple[str, ...] = EVERYWHERE
    """Where something was turning that must stand still now."""


Act = Callable[[Bench], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One failure, and within which time it must be over."""

    name: str
    limit_s: float
    trials: int
    """Its share of the 2,000."""
    fail: Callable[[Bench], Fault]
    """Breaks something."""
    stopper: Stopper = Stopper.DAEMON
    share: float = 1.0
    """Of the trials, so many must be within the limit."""
    loaded: bool = False
    """While four other processes are busy."""
    scene: Act = Bench.move
    """Before: everything turns."""
    after: Act = lambda _bench: None
    """Looks what else must be so, and makes all well again. Raises `NotStopped`."""
    obstacle: Callable[[], str | None] = lambda: None
    """Why it cannot be tried on this machine."""

    @property
    def title(self) -> str:
        """With what is beside it."""
        return f"{self.name}; 4 busy processes" if self.loaded else self.name


def attempt(row: Row, bench: Bench) -> float:
    """One trial: seconds from the fault to the byte that stopped the last motor.

    Raises `NotStopped`, and `HarnessError` where the trial itself could not be made.
    """
    row.scene(bench)
    with bench.load.working() if row.loaded else nullcontext():
        if row.loaded:
            pause(LOAD_SETTLES_S)
        fault = row.fail(bench)
        heard = _watched(row, bench, fault)
    took_s = stopped(heard, fault.at).last_s
    if row.stopper is Stopper.GUARD and (others := strays(heard, fault.at)):
        told = ", ".join(f"{board}: {rest.hex(' ')}" for board, rest in others.items())
        raise NotStopped(f"other bytes than stops came after the stop: {told}")
    row.after(bench)
    return took_s


def _watched(row: Row, bench: Bench, fault: Fault) -> Heard:
    """All that the boards in question heard from the beginning of the trial until it is surely over."""
    end = fault.at + row.limit_s + SETTLES_S
    pause(max(0.0, end - now()))
    heard = bench.heard()
    while turning(_of(fault, heard), now()) and now() < end + LATE_S:
        pause(LOOK_S)
        heard = bench.heard()
    heard = _of(fault, heard)
    still = [board for board in fault.boards if board not in turning(heard, fault.at)]
    if still:
        raise HarnessError(f"nothing was turning at {', '.join(still)} when it broke")
    return heard


def _of(fault: Fault, heard: Heard) -> Heard:
    return {board: heard[board] for board in fault.boards}
