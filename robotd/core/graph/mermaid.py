"""The chart in the language of Mermaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from robotd.core.chart import ESTOPPED, RESET, Chart, Region, State
from robotd.core.graph import labels
from robotd.core.graph.marks import NO_MARKS, Marks

INDENT = "    "
STYLE = "classDef marked stroke:#c2410c,stroke-width:2px,stroke-dasharray:5 3"

_ENTITIES = str.maketrans({mark: f"#{ord(mark)};" for mark in '#;:"<>'})
"""Marks that mean something to Mermaid, as its entities."""


def mermaid(chart: Chart, marks: Marks = NO_MARKS) -> str:
    """A `stateDiagram-v2`: parents are boxes around their children, and so are regions if there are several.

    Internal transitions are lines inside their state, since Mermaid cannot draw a loop on a box. What is
    marked says its codes, states are dashed as well, and a note says what the codes mean.
    """
    lines = ["stateDiagram-v2"]
    for region in chart.regions:
        body = list(_region(region, marks, built_in=region is chart.regions[0]))
        if len(chart.regions) > 1:
            body = [f"state {_text(region.name)} {{", *_indented(body), "}"]
        lines += _indented(body)
    marked = [_name(state.path) for state in chart.states if marks.states.get(state.path)]
    if marked:
        lines += _indented([STYLE, f"class {','.join(marked)} marked"])
    return "\n".join(lines)


def _region(region: Region, marks: Marks, *, built_in: bool) -> Iterator[str]:
    initial = _name(region.initial)
    yield f"[*] --> {initial}"
    for state in labels.children(region, None):
        yield from _state(region, state, marks)
    for transition in region.transitions:
        if transition.dest is not None:
            label = labels.label(transition) + labels.badge(marks.transitions.get(transition.where))
            for source in transition.sources:
                yield f"{_name(source)} --> {_name(transition.dest)} : {label.translate(_ENTITIES)}"
    if built_in:
        for name, trigger in labels.BUILT_IN:
            yield f"state {_text(name, f'from every state: {trigger}')} as {name}"
        yield f"{ESTOPPED} --> {initial} : {RESET}"
        if marks.codes:
            yield f"note right of {ESTOPPED}"
            yield from (INDENT + line.translate(_ENTITIES) for line in labels.legend(marks))
            yield "end note"


def _state(region: Region, state: State, marks: Marks) -> Iterator[str]:
    children = list(labels.children(region, state.path))
    head = f"state {_text(*labels.lines(region, state, marks))} as {_name(state.path)}"
    if not children:
        yield head
        return
    yield head + " {"
    if state.initial is not None:
        yield f"{INDENT}[*] --> {_name(state.initial)}"
    for child in children:
        yield from _indented(_state(region, child, marks))
    yield "}"


def _name(path: str) -> str:
    return path.replace(".", "__")


def _text(*lines: str) -> str:
    return '"' + "<br/>".join(line.translate(_ENTITIES) for line in lines) + '"'


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)
