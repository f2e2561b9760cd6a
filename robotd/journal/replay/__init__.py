"""A journal played again: the recorded inputs through the recorded machine, or through another one.

A machine decides by nothing but its messages and the readings it looked at, and a journal has both. So it
must decide the same again, at every row; where it does not, the row says who is wrong.
"""

from robotd.journal.replay.identical import Difference, Divergence, Report, replay
from robotd.journal.replay.player import Boot, Decided, Player, decide
from robotd.journal.replay.standing import Standing, stand
from robotd.journal.replay.versus import Comparison, Parting, compare

__all__ = [
    "Boot",
    "Comparison",
    "Decided",
    "Difference",
    "Divergence",
    "Parting",
    "Player",
    "Report",
    "Standing",
    "compare",
    "decide",
    "replay",
    "stand",
]
