"""What a drawing says in words, in every language: a state's own lines, a transition's label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from robotd.core.chart import DOWN, ESTOP, ESTOPPED, NOWHERE, SHUTDOWN, Do, Region, State, Transition, Where
from robotd.core.graph.marks import Marks

BUILT_IN = ((ESTOPPED, ESTOP), (DOWN, SHUTDOWN))
"""The built-in states, and the trigger that leads to each from everywhere."""

LEGEND_COLUMNS = 90


def children(region: Region, parent: str | None) -> Iterator[State]:
    """The states directly inside `parent`; those at the top of the region without one."""
    return (state for state in region.states.values() if state.parent == parent)


def name(state: State) -> str:
    """Its last name: those before it are on the boxes around it."""
    return state.path.rpartition(".")[2]


def facts(state: State) -> list[str]:
    """What it is and does by itself: its action, its time-out, the devices it needs."""
    lines = []
    if state.do is not None:
        lines.append(f"do: {done(state.do)}")
    if state.timeout is not None:
        lines.append(f"after {state.timeout.after_s:g} s: {state.timeout.trigger}")
    if state.history is not None:
        lines.append(f"history: {state.history}")
    if state.active is not None:
        lines.append(
            f"active: {state.active if isinstance(state.active, str) else ', '.join(state.active) or 'none'}"
        )
    lines += [word for word, holds in (("unattended", state.unattended), ("final", state.final)) if holds]
    return lines


def inside(region: Region, state: State) -> list[Transition]:
    """Its internal transitions: no state is left by them."""
    return [
        transition
        for transition in region.transitions
        if transition.dest is None and state.path in transition.sources
    ]


def label(transition: Transition) -> str:
    """`trigger [guard] / action`, as in UML; `always` for one without a trigger."""
    return " ".join(text for text in parts(transition) if text)


def parts(transition: Transition) -> tuple[str, str, str]:
    """The same in its three parts; what it does not have is empty."""
    return (
        " | ".join(transition.triggers) or "always",
        "" if transition.guard is None else f"[{transition.guard.text}]",
        "" if transition.do is None else f"/ {done(transition.do)}",
    )


def done(do: Do) -> str:
    """The actions of `do`, in their order."""
    return ", ".join(step.action for step in do.steps)


def place(where: Where) -> str:
    """`rover.yaml:58`; empty for what no file says."""
    return "" if where == NOWHERE else f"{where.file}:{where.line}"


def lines(region: Region, state: State, marks: Marks) -> list[str]:
    """All that a state says, name first: for languages in which its box is one text."""
    head = name(state) + badge(marks.states.get(state.path))
    within = [
        label(transition) + badge(marks.transitions.get(transition.where))
        for transition in inside(region, state)
    ]
    return [head, *facts(state), *within]


def badge(codes: Sequence[str] | None) -> str:
    """What is put behind a text that is marked with `codes`."""
    return f" \N{WARNING SIGN} {' '.join(codes)}" if codes else ""


def legend(marks: Marks) -> list[str]:
    """Some lines for each code: what it means, as far as is known."""
    lines = []
    for code in marks.codes:
        text = f"\N{WARNING SIGN} {code}: {marks.meanings.get(code, 'found by check')}"
        lines += wrap(text, LEGEND_COLUMNS, subsequent_indent="  ")
    return lines
