"""The chart in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from robotd.core.chart import ESTOPPED, RESET, Chart, Region, State
from robotd.core.graph import labels
from robotd.core.graph.marks import NO_MARKS, Marks

INDENT = "    "
MARK = 'color="#c2410c"'


def dot(chart: Chart, marks: Marks = NO_MARKS) -> str:
    """A digraph: parents as clusters; an edge of a parent starts or ends at its border.

    What is marked is dashed, in another colour, and says its codes; a box says what the codes mean.
    """
    lines = ["compound=true; rankdir=LR; fontname=sans;", "node [shape=box, style=rounded, fontname=sans];"]
    lines.append("edge [fontname=sans];")
    for region in chart.regions:
        body = list(_region(region, marks, built_in=region is chart.regions[0]))
        if len(chart.regions) > 1:
            body = list(_cluster(f"region {region.name}", [region.name], body))
        lines += body
    if marks.codes:
        lines.append(f"legend [shape=note, label={_quoted(*labels.legend(marks))}, style=dashed, {MARK}];")
    return "\n".join(["digraph machine {", *_indented(lines), "}"])


def _region(region: Region, marks: Marks, *, built_in: bool) -> Iterator[str]:
    start = f"start {region.name}"
    yield f"{_quoted(start)} [shape=point];"
    for state in labels.children(region, None):
        yield from _state(region, state, marks)
    yield _edge(region, start, region.initial, "")
    for transition in region.transitions:
        if transition.dest is not None:
            codes = marks.transitions.get(transition.where)
            label = labels.label(transition) + labels.badge(codes)
            for source in transition.sources:
                yield _edge(region, source, transition.dest, label, marked=bool(codes))
    if built_in:
        for name, trigger in labels.BUILT_IN:
            yield f"{_quoted(name)} [label={_quoted(name, f'from every state: {trigger}')}];"
        yield _edge(region, ESTOPPED, region.initial, RESET)


def _state(region: Region, state: State, marks: Marks) -> Iterator[str]:
    children = list(labels.children(region, state.path))
    title = labels.lines(region, state, marks)
    marked = bool(marks.states.get(state.path))
    if children:
        body = [line for child in children for line in _state(region, child, marks)]
        yield from _cluster(state.path, title, body, marked=marked)
    else:
        style = f', style="rounded,dashed", {MARK}' if marked else ", peripheries=2" if state.final else ""
        yield f"{_quoted(state.path)} [label={_quoted(*title)}{style}];"


def _cluster(name: str, title: Iterable[str], body: Iterable[str], *, marked: bool = False) -> Iterator[str]:
    yield f"subgraph {_quoted(f'cluster {name}')} {{"
    yield f"{INDENT}label={_quoted(*title)}; " + (
        f'style="rounded,dashed"; {MARK};' if marked else "style=rounded;"
    )
    yield from _indented(body)
    yield "}"


def _edge(region: Region, source: str, dest: str, label: str, *, marked: bool = False) -> str:
    """Graphviz joins nodes alone, so an edge of a parent joins its first leaf and is cut at the border."""
    tail, head = _first_leaf(region, source), _first_leaf(region, dest)
    parts = [f"label={_quoted(label)}"] if label else []
    if marked:
        parts.append(f'style=dashed, {MARK}, fontcolor="#c2410c"')
    # An edge that stays inside a cluster cannot be cut at its border; Graphviz would warn and draw it whole.
    if tail != source and not head.startswith(f"{source}."):
        parts.append(f"ltail={_quoted(f'cluster {source}')}")
    if head != dest and not tail.startswith(f"{dest}."):
        parts.append(f"lhead={_quoted(f'cluster {dest}')}")
    attributes = f" [{', '.join(parts)}]" if parts else ""
    return f"{_quoted(tail)} -> {_quoted(head)}{attributes};"


def _first_leaf(region: Region, path: str) -> str:
    while children := list(labels.children(region, path)):
        state = region.states[path]
        path = state.initial or children[0].path
    return path


def _quoted(*lines: str) -> str:
    return '"' + r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in lines) + '"'


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)
