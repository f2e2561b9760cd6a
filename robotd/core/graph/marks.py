"""What a proof found, for the drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robotd.core.chart import Where


@dataclass(frozen=True, slots=True)
class Marks:
    """The codes of what is wrong, or could not be proven, by where it is."""

    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the path of a state."""
    transitions: Mapping[Where, tuple[str, ...]] = field(default_factory=dict)
    """By where a transition stands in the file."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """What each code says, for the legend; a code without a meaning stands there alone."""

    @property
    def codes(self) -> list[str]:
        """Every code, each once, in the order of the alphabet."""
        found = [*self.states.values(), *self.transitions.values()]
        return sorted({code for codes in found for code in codes})


NO_MARKS = Marks()
