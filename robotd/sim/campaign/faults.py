"""Random faults: which of them, when, for how long.

`--faults 2%` is the share of the time in which one is in force, over a long time: one lasts four seconds on
average, and the times between two are drawn so that the share comes out. What happens at one moment, a
reboot, takes as much of the share as another would. For each life a random subset of all kinds is drawn.
"""

from __future__ import annotations

import math
import random

from hal import FaultError
from robotd.config import RobotConfig
from robotd.sim.scenario.model import Fault, Step
from robotd.sim.scenario.names import Names

LASTS_S = 4.0
"""How long a fault lasts on average. The time between two follows from that and from their share."""
SHORTEST_S, LONGEST_S = 0.02, 60.0
KINDS_SHARE = 0.4
"""Of all kinds of faults, so many are drawn for one life: some go together with some others only then."""

LASTING = ("corrupt 2%", "corrupt 20%", "drop 1%", "drop 20%", "delay 5..40 ms", "delay 100..400 ms", "split")
LASTING_AT_THE_FAR_END = ("nak", "deaf", "slow clock", "slow clock 5%")
ONCE = ("garbage 64 B", "garbage 1000 B", "reboot", "reboot garbage 400 B")
FOR_A_TIME = ("stall", "full", "unplug")
HELD = ("freeze", "stuck")


class Faults:
    """Draws the faults of one life. Every text is one of `hal.parse_fault`."""

    def __init__(self, config: RobotConfig, share: float, rng: random.Random) -> None:
        """`share`: of the time, from 0 to less than 1, in which one is in force."""
        self._rng = rng
        self._share = share
        names = Names(config)
        drawn = {board: self._draw_kinds(names, board) for board in config.boards}
        self.texts = {board: texts for board, texts in drawn.items() if texts}
        """What may befall each board in this life, without how long."""
        self._boards = [*self.texts]
        self._over_at = 0.0

    def next(self, now: float) -> tuple[float, Step | None]:
        """When the next one begins, after `now` and after the present one. None: never."""
        if not self._share or not self._boards:
            return math.inf, None
        rng = self._rng
        begins = max(now, self._over_at) + rng.expovariate(self._share / ((1 - self._share) * LASTS_S))
        duration_s = round(min(max(rng.expovariate(1 / LASTS_S), SHORTEST_S), LONGEST_S), 3)
        self._over_at = begins + duration_s
        board = rng.choice(self._boards)
        text = rng.choice(self.texts[board])
        if text in FOR_A_TIME:
            text = f"{text} {duration_s:g} s"
        elif text not in ONCE:
            text = f"{text} for {duration_s:g} s"
        return begins, Step(Fault(board, text))

    def _draw_kinds(self, names: Names, board: str) -> list[str]:
        """The faults of this life: a random subset of those that the board can have."""
        texts = [*LASTING, *LASTING_AT_THE_FAR_END, *ONCE, *FOR_A_TIME]
        texts += [f"{kind} {quantity}" for kind in HELD for quantity in names.settable]
        drawn = [text for text in texts if self._rng.random() < KINDS_SHARE]
        return [text for text in drawn if _possible(names, board, text)]


def _possible(names: Names, board: str, text: str) -> bool:
    try:
        names.check_fault(board, f"{text} 1 s" if text in FOR_A_TIME else text)
    except FaultError:
        return False
    return True
