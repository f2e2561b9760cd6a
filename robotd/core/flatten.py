"""From nested states to leaves: which transitions each leaf has, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from robotd.core.chart import (
    ALWAYS,
    BUILT_IN_STATES,
    BUILT_IN_TRIGGERS,
    DOWN,
    ESTOP,
    ESTOPPED,
    RESET,
    SHUTDOWN,
    Region,
    State,
    Transition,
)

_STOP = Transition((ESTOP,), (), ESTOPPED)
_STILL_STOPPED = Transition((ESTOP,), (ESTOPPED,), None)
_END = Transition((SHUTDOWN,), (), DOWN)
_STILL_DOWN = Transition((SHUTDOWN,), (DOWN,), None)


@dataclass(frozen=True, slots=True, eq=False)
class Arrow:
    """One transition as seen from one of its sources; equal only to itself."""

    transition: Transition
    source: str
    """The source as the file writes it: the leaf itself or a state around it."""
    forgets: bool = False
    """The region's history is forgotten with it: `reset` starts afresh."""


class FlatRegion:
    """A region with its nesting worked out."""

    def __init__(self, region: Region, *, built_in: bool) -> None:
        """`built_in`: it holds `estopped` and `down`, and their triggers cannot mean anything else in it."""
        self._region = region
        self._built_in = built_in
        self.states: Mapping[str, State] = dict(region.states)
        if built_in:
            self.states |= {path: State(path) for path in (ESTOPPED, DOWN)}
        self.lines: Mapping[str, tuple[str, ...]] = {
            path: tuple(reversed(tuple(region.lineage(path)))) for path in self.states
        }
        """For each state: the states around it, outermost first, and itself."""
        self.leaves = tuple(path for path, state in self.states.items() if state.initial is None)

    def arrows(self) -> Iterator[tuple[str, str, Arrow]]:
        """Leaf, trigger, arrow; those of one leaf in the order in which they are tried."""
        of_source: dict[str, list[tuple[str, Arrow]]] = {}
        for transition in self._region.transitions:
            for source in dict.fromkeys(transition.sources):
                arrow = Arrow(transition, source)
                for trigger in transition.triggers or (ALWAYS,):
                    if not (self._built_in and trigger in BUILT_IN_TRIGGERS):
                        of_source.setdefault(source, []).append((trigger, arrow))
        for leaf in self.leaves:
            if self._built_in:
                yield from ((leaf, trigger, arrow) for trigger, arrow in self._built_in_arrows(leaf))
                if leaf in BUILT_IN_STATES:
                    continue  # nothing in the file leads out of them
            for path in reversed(self.lines[leaf]):
                yield from ((leaf, trigger, arrow) for trigger, arrow in of_source.get(path, ()))

    def _built_in_arrows(self, leaf: str) -> Iterator[tuple[str, Arrow]]:
        if leaf == DOWN:
            yield SHUTDOWN, Arrow(_STILL_DOWN, DOWN)
            return
        yield SHUTDOWN, Arrow(_END, leaf)
        if leaf == ESTOPPED:
            yield ESTOP, Arrow(_STILL_STOPPED, ESTOPPED)
            yield (
                RESET,
                Arrow(Transition((RESET,), (ESTOPPED,), self._region.initial), ESTOPPED, forgets=True),
            )
        else:
            yield ESTOP, Arrow(_STOP, leaf)

    def leaf_of(self, path: str, history: Mapping[str, str]) -> str:
        """The leaf in which entering `path` ends, where `history` says what was last active in a state."""
        while (initial := self.states[path].initial) is not None:
            path = history.get(path, initial)
        return path

    def kept(self, leaf: str, dest: str) -> int:
        """How many states around `leaf`, from the outermost, are not left on the way to `dest`.

        Those around both; never `dest` itself, which is left and entered again where it is active.
        """
        kept = 0
        for present, wanted in zip(self.lines[leaf], self.lines[dest][:-1], strict=False):
            if present != wanted:
                break
            kept += 1
        return kept

    def memories(self, leaf: str, kept: int) -> Iterator[tuple[str, str]]:
        """State and what to enter in it next time, for each state with history that is left from `leaf`."""
        line = self.lines[leaf]
        for depth in range(kept, len(line) - 1):
            history = self.states[line[depth]].history
            if history is not None:
                yield line[depth], leaf if history == "deep" else line[depth + 1]
