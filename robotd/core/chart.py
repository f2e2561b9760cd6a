"""The machine as the YAML says it: regions of nested states and their transitions. Pure data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from robotd.core.expression import Expression

ESTOPPED = "estopped"
"""Built in: entered from everywhere by `estop`, left only by `reset`, which leads to the initial state."""
DOWN = "down"
"""Built in: entered by `shutdown`, never left."""
BUILT_IN_STATES = frozenset({ESTOPPED, DOWN})

ESTOP, RESET, SHUTDOWN = "estop", "reset", "shutdown"
BUILT_IN_TRIGGERS = frozenset({ESTOP, RESET, SHUTDOWN})
OPERATOR_LOST = "operator_lost"
"""The event that comes when who moved the robot was not heard any more, and nobody has taken over."""
ALWAYS = "always"
"""What transitions without a trigger have for one. As an event: look whether one of them may be taken now."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the robot's file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Where("<built in>", 0, 0)


class Mode(StrEnum):
    """What a second call of the same action does while the first still runs."""

    RESTART = "restart"
    """The newest wins; the first ends `preempted`."""
    QUEUED = "queued"
    """It waits for the first to end."""
    PARALLEL = "parallel"
    """Both run."""
    SINGLE = "single"
    """The second is refused as `busy`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a handler (`patrol`) or of a device's verb (`base.drive`)."""

    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Bound from the file, by the names of the Python parameters, in SI."""
    mode: Mode = Mode.RESTART
    where: Where = NOWHERE


@dataclass(frozen=True, slots=True)
class Do:
    """What a state or a transition does: steps one after the other, and the name that its outcome carries."""

    name: str
    """`<name>.done` or `.failed` is the event at its end: the action's name, or the state's for a list."""
    steps: tuple[Step, ...]
    where: Where = NOWHERE


@dataclass(frozen=True, slots=True)
class Timeout:
    """A trigger that comes by itself when a state was not left for `after_s` seconds."""

    after_s: float
    trigger: str
    where: Where = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class State:
    """One state. `path` is its full name: `armed.teleop`."""

    path: str
    initial: str | None = None
    """The path of the child that is entered with it; None for a leaf."""
    history: Literal["shallow", "deep"] | None = None
    active: tuple[str, ...] | Literal["all"] | None = None
    """The devices it needs active, as the file says for this state alone; children inherit."""
    do: Do | None = None
    timeout: Timeout | None = None
    unattended: bool = False
    final: bool = False
    where: Where = NOWHERE

    @property
    def parent(self) -> str | None:
        """The path of the state around it; None at the top of its region."""
        return self.path.rpartition(".")[0] or None


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of `sources`, on any of `triggers`, if `guard` holds: run `do` and go to `dest`."""

    triggers: tuple[str, ...]
    """Empty for an `always` transition, which needs no trigger."""
    sources: tuple[str, ...]
    dest: str | None
    """None: internal, no state is left."""
    guard: Expression | None = None
    do: Do | None = None
    where: Where = NOWHERE


@dataclass(frozen=True, slots=True)
class Region:
    """One machine of the chart; several stand side by side and see the same messages."""

    name: str
    initial: str
    states: Mapping[str, State]
    """By path, in the order of the file, parents before children. Built-in states are not listed."""
    transitions: tuple[Transition, ...]
    """In the order of the file, `always` ones included."""

    def lineage(self, path: str) -> Iterator[str]:
        """`path` and the states around it, innermost first."""
        current: str | None = path
        while current is not None:
            yield current
            current = current.rpartition(".")[0] or None


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole machine. The first region holds the built-in states."""

    version: int
    regions: tuple[Region, ...]
    commands: frozenset[str] = frozenset()
    """The triggers that a client may send (the built-in ones aside)."""

    @property
    def states(self) -> Iterator[State]:
        """Every state of every region."""
        for region in self.regions:
            yield from region.states.values()
