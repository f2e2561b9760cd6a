"""What a region may choose at a trigger, and what one message does as a whole."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from robotd.check.guards import Literal
from robotd.check.local import Option
from robotd.core.flatten import Arrow

Literals: TypeAlias = tuple[Literal, ...]
Rounds: TypeAlias = tuple[tuple[tuple[int, Arrow], ...], ...]
"""Region and transition: of one message, round by round."""


class Choice(NamedTuple):
    """What one region may do at a trigger."""

    option: Option | None
    """None: nothing, since no guard holds."""
    literals: Literals
    """What readings and payload must be like for it."""
    delta: int
    """By how much the number of the configuration changes."""
    proven: bool
    """There are values for which it is so; otherwise nobody knows whether there are."""


class Step(NamedTuple):
    """One message and all that the machine does with it."""

    trigger: str
    rounds: Rounds
    """Region and transition: first those of the trigger, then each round of `always`."""
    literals: Literals
    """What readings and payload must be like for it."""
    after: int
    """Where it comes to rest; what `always` does is undone where that has no end."""
    passed: tuple[tuple[int, ...], ...] = ()
    """The nodes from which each round of `always` went on."""
    circle: tuple[tuple[int, ...], ...] = ()
    """Those of them between which it goes on for ever."""
    proven: bool = True
    """There are values for which it is so; otherwise nobody knows whether there are."""
