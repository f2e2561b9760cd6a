"""The chart as a drawing, in the languages of Mermaid and Graphviz. Text only; nothing is rendered here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from robotd.core.chart import DOWN, ESTOP, ESTOPPED, RESET, SHUTDOWN, Chart, Do, Region, State, Transition

INDENT = "    "
BUILT_IN = ((ESTOPPED, ESTOP), (DOWN, SHUTDOWN))
"""The built-in states, and the trigger that leads to each from everywhere."""

_ENTITIES = str.maketrans({mark: f"#{ord(mark)};" for mark in '#;:"<>'})
"""Marks that mean something to Mermaid, as its entities."""


def mermaid(chart: Chart) -> str:
    """A `stateDiagram-v2`: parents are boxes around their children, and so are regions if there are several.

    Internal transitions are lines inside their state, since Mermaid cannot draw a loop on a box.
    """
    lines = ["stateDiagram-v2"]
    for region in chart.regions:
        body = list(_mermaid_region(region, built_in=region is chart.regions[0]))
        if len(chart.regions) > 1:
            body = [f"state {_mermaid_text(region.name)} {{", *_indented(body), "}"]
        lines += _indented(body)
    return "\n".join(lines)


def _mermaid_region(region: Region, *, built_in: bool) -> Iterator[str]:
    initial = _mermaid_name(region.initial)
    yield f"[*] --> {initial}"
    for state in _children(region, None):
        yield from _mermaid_state(region, state)
    for source, dest, label in _edges(region):
        yield f"{_mermaid_name(source)} --> {_mermaid_name(dest)} : {label.translate(_ENTITIES)}"
    if built_in:
        for name, trigger in BUILT_IN:
            yield f"state {_mermaid_text(name, f'from every state: {trigger}')} as {name}"
        yield f"{ESTOPPED} --> {initial} : {RESET}"


def _mermaid_state(region: Region, state: State) -> Iterator[str]:
    children = list(_children(region, state.path))
    head = f"state {_mermaid_text(*_title(region, state))} as {_mermaid_name(state.path)}"
    if not children:
        yield head
        return
    yield head + " {"
    if state.initial is not None:
        yield f"{INDENT}[*] --> {_mermaid_name(state.initial)}"
    for child in children:
        yield from _indented(_mermaid_state(region, child))
    yield "}"


def _mermaid_name(path: str) -> str:
    return path.replace(".", "__")


def _mermaid_text(*lines: str) -> str:
    return '"' + "<br/>".join(line.translate(_ENTITIES) for line in lines) + '"'


def dot(chart: Chart) -> str:
    """A Graphviz digraph: parents as clusters; an edge of a parent starts or ends at its border."""
    lines = ["compound=true; rankdir=LR; fontname=sans;", "node [shape=box, style=rounded, fontname=sans];"]
    lines.append("edge [fontname=sans];")
    for region in chart.regions:
        body = list(_dot_region(region, built_in=region is chart.regions[0]))
        if len(chart.regions) > 1:
            body = list(_cluster(f"region {region.name}", [region.name], body))
        lines += body
    return "\n".join(["digraph machine {", *_indented(lines), "}"])


def _dot_region(region: Region, *, built_in: bool) -> Iterator[str]:
    start = f"start {region.name}"
    yield f"{_quoted(start)} [shape=point];"
    for state in _children(region, None):
        yield from _dot_state(region, state)
    yield _dot_edge(region, start, region.initial, "")
    for source, dest, label in _edges(region):
        yield _dot_edge(region, source, dest, label)
    if built_in:
        for name, trigger in BUILT_IN:
            yield f"{_quoted(name)} [label={_quoted(name, f'from every state: {trigger}')}];"
        yield _dot_edge(region, ESTOPPED, region.initial, RESET)


def _dot_state(region: Region, state: State) -> Iterator[str]:
    children = list(_children(region, state.path))
    title = _title(region, state)
    if not children:
        yield f"{_quoted(state.path)} [label={_quoted(*title)}];"
        return
    yield from _cluster(state.path, title, [line for child in children for line in _dot_state(region, child)])


def _cluster(name: str, title: Iterable[str], body: Iterable[str]) -> Iterator[str]:
    yield f"subgraph {_quoted(f'cluster {name}')} {{"
    yield f"{INDENT}label={_quoted(*title)}; style=rounded;"
    yield from _indented(body)
    yield "}"


def _dot_edge(region: Region, source: str, dest: str, label: str) -> str:
    """Graphviz joins nodes alone, so an edge of a parent joins its first leaf and is cut at the border."""
    tail, head = _first_leaf(region, source), _first_leaf(region, dest)
    parts = [f"label={_quoted(label)}"] if label else []
    # An edge that stays inside a cluster cannot be cut at its border; Graphviz would warn and draw it whole.
    if tail != source and not head.startswith(f"{source}."):
        parts.append(f"ltail={_quoted(f'cluster {source}')}")
    if head != dest and not tail.startswith(f"{dest}."):
        parts.append(f"lhead={_quoted(f'cluster {dest}')}")
    attributes = f" [{', '.join(parts)}]" if parts else ""
    return f"{_quoted(tail)} -> {_quoted(head)}{attributes};"


def _first_leaf(region: Region, path: str) -> str:
    while children := list(_children(region, path)):
        state = region.states[path]
        path = state.initial or children[0].path
    return path


def _quoted(*lines: str) -> str:
    return '"' + r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in lines) + '"'


def _children(region: Region, parent: str | None) -> Iterator[State]:
    return (state for state in region.states.values() if state.parent == parent)


def _title(region: Region, state: State) -> list[str]:
    """The state's own name and what it does by itself: its action, its time-out, its internal transitions."""
    lines = [state.path.rpartition(".")[2]]
    if state.do is not None:
        lines.append(f"do: {_done(state.do)}")
    if state.timeout is not None:
        lines.append(f"after {state.timeout.after_s:g} s: {state.timeout.trigger}")
    if state.history is not None:
        lines.append(f"history: {state.history}")
    lines += [
        _label(transition)
        for transition in region.transitions
        if transition.dest is None and state.path in transition.sources
    ]
    return lines


def _edges(region: Region) -> Iterator[tuple[str, str, str]]:
    """Source, destination and label of every transition that leaves a state."""
    for transition in region.transitions:
        if transition.dest is not None:
            for source in transition.sources:
                yield source, transition.dest, _label(transition)


def _label(transition: Transition) -> str:
    """`trigger [guard] / action`, as in UML; `always` for one without a trigger."""
    label = " | ".join(transition.triggers) or "always"
    if transition.guard is not None:
        label += f" [{transition.guard.text}]"
    if transition.do is not None:
        label += f" / {_done(transition.do)}"
    return label


def _done(do: Do) -> str:
    return ", ".join(step.action for step in do.steps)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)
