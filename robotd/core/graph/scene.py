"""The chart as boxes, lines and text of known sizes, ready to be laid out and drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from robotd.core.chart import ESTOPPED, RESET, Chart, Region, State, Transition
from robotd.core.graph import labels
from robotd.core.graph.boxes import Box, Edge
from robotd.core.graph.layout import lay_out
from robotd.core.graph.marks import Marks
from robotd.core.graph.style import NAME_SIZE, TEXT_SIZE
from robotd.core.graph.text import HELD, Line, Span, width, wrap

LINE_HEIGHT = 17.0
NAME_HEIGHT = 21.0
INSET = 12.0
"""Between the side of a box and its text."""
ABOVE = 8.0
"""Between the top or the bottom of a box and its text."""
RULE_GAP = 9.0
"""What the rule above the internal transitions takes."""
CHIP_INSET = 6.0
CHIP_GAP = 4.0
"""Between two labels on one line."""
FACT_COLUMNS, INTERNAL_COLUMNS, LABEL_COLUMNS = 36, 44, 30
"""Where text is wrapped: what a state does by itself, its internal transitions, and the labels of lines."""
MOST_LINES = 5
"""A text of more lines is cut; its tooltip has all of it."""
DOT = 13.0
"""How wide the spot is that shows where a region or a state begins."""
PAGE_WIDTH = 1600.0
"""Regions stand side by side up to it; then below one another."""
REGION_GAP = 24.0

_COMPARED = re.compile(r" (?:[<>]=?|[=!]=|[-+*/]) |\bnot ")
"""What a guard is not broken at, as long as it fits into a line."""


@dataclass(slots=True, eq=False)
class Text:
    """Lines that belong together: what an internal transition says, or one label."""

    id: str
    title: str
    lines: list[Line]
    codes: tuple[str, ...] = ()

    @property
    def height(self) -> float:
        """Of all its lines."""
        return LINE_HEIGHT * len(self.lines)

    @property
    def width(self) -> float:
        """Of its longest line."""
        return max(width(line, TEXT_SIZE) for line in self.lines)


@dataclass(slots=True, eq=False)
class Shape:
    """A state and its box."""

    box: Box
    id: str
    title: str
    name: str
    facts: list[Line]
    internal: list[Text]
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Arrow:
    """A line and its transitions: those between the same two states with the same marks."""

    edge: Edge
    texts: list[Text]
    codes: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class RegionScene:
    """One region, laid out."""

    name: str
    box: Box
    shapes: list[Shape] = field(default_factory=list)
    """Parents before what is inside them."""
    arrows: list[Arrow] = field(default_factory=list)
    dots: list[Box] = field(default_factory=list)
    starts: list[Edge] = field(default_factory=list)
    """From each dot to the state in which its region or state begins."""


def scenes(chart: Chart, marks: Marks) -> list[RegionScene]:
    """Every region, laid out from a corner of its own at 0, 0."""
    several = len(chart.regions) > 1
    return [
        _Builder(region, marks, built_in=region is chart.regions[0], framed=several).build()
        for region in chart.regions
    ]


class _Builder:
    def __init__(self, region: Region, marks: Marks, *, built_in: bool, framed: bool) -> None:
        self._region = region
        self._marks = marks
        self._built_in = built_in
        header = NAME_HEIGHT + ABOVE if framed else 0.0
        least = width((Span(f"region {region.name}", "name"),), NAME_SIZE) + 2 * INSET if framed else 0.0
        self._scene = RegionScene(region.name, Box(least, header))
        self._boxes: dict[str, Box] = {}

    def build(self) -> RegionScene:
        region, scene = self._region, self._scene
        starts = [(scene.box, region.initial)]
        self._add_states(scene.box, None, starts)
        if self._built_in:
            for name, trigger in labels.BUILT_IN:
                lines: list[Line] = [(Span("from every state: ", "fact"), Span(trigger, "trigger"))]
                shape = Shape(
                    Box(0.0, 0.0), self._id(name), f"{name}\nbuilt in", name, lines, [], (), (name,)
                )
                self._add(scene.box, shape, name)
        for around, initial in starts:
            dot = Box(DOT, DOT)
            around.children.insert(0, dot)
            scene.dots.append(dot)
            scene.starts.append(Edge(dot, self._boxes[initial]))
        self._add_arrows()
        lay_out(scene.box, [*scene.starts, *(arrow.edge for arrow in scene.arrows)])
        return scene

    def _add_states(self, around: Box, parent: str | None, starts: list[tuple[Box, str]]) -> None:
        for state in labels.children(self._region, parent):
            box = Box(0.0, 0.0)
            self._add(around, self._shape(state, box), state.path)
            if state.initial is not None:
                starts.append((box, state.initial))
            self._add_states(box, state.path, starts)

    def _add(self, around: Box, shape: Shape, path: str) -> None:
        _fit(shape)
        around.children.append(shape.box)
        self._scene.shapes.append(shape)
        self._boxes[path] = shape.box

    def _shape(self, state: State, box: Box) -> Shape:
        codes = self._marks.states.get(state.path, ())
        facts = [
            line
            for fact in labels.facts(state)
            for line in wrap([Span(fact, "fact")], FACT_COLUMNS, MOST_LINES)
        ]
        internal = [
            self._text(transition, state.path, INTERNAL_COLUMNS)
            for transition in labels.inside(self._region, state)
        ]
        title = _lines(state.path, *labels.facts(state), *_found(codes), labels.place(state.where))
        classes = ("final",) if state.final else ()
        return Shape(box, self._id(state.path), title, labels.name(state), facts, internal, codes, classes)

    def _add_arrows(self) -> None:
        bundles: dict[tuple[str, str, tuple[str, ...]], list[Text]] = {}
        for transition in self._region.transitions:
            if transition.dest is not None:
                for source in dict.fromkeys(transition.sources):
                    text = self._text(transition, source, LABEL_COLUMNS)
                    bundles.setdefault((source, transition.dest, text.codes), []).append(text)
        if self._built_in:
            title = f"{RESET}\n{ESTOPPED} to {self._region.initial}\nbuilt in"
            reset = Text(self._id(RESET, "transition"), title, [(Span(RESET, "trigger"),)])
            bundles[ESTOPPED, self._region.initial, ()] = [reset]
        for (source, dest, codes), texts in bundles.items():
            wide = max(text.width for text in texts) + 2 * CHIP_INSET
            high = sum(text.height + CHIP_INSET + CHIP_GAP for text in texts) - CHIP_GAP
            edge = Edge(self._boxes[source], self._boxes[dest], wide, high)
            self._scene.arrows.append(Arrow(edge, texts, codes))

    def _text(self, transition: Transition, source: str, limit: int) -> Text:
        trigger, guard, action = labels.parts(transition)
        codes = self._marks.transitions.get(transition.where, ())
        spans = [
            Span(trigger.replace(" | ", f"{HELD}| "), "trigger"),
            Span(_COMPARED.sub(lambda found: found[0].replace(" ", HELD), guard), "guard"),
            Span(action.replace("/ ", f"/{HELD}"), "action"),
        ]
        lines = wrap(spans, limit, MOST_LINES) + [(Span(labels.badge(codes).strip(), "badge"),)] * bool(codes)
        way = f"in {source}" if transition.dest is None else f"{source} to {transition.dest}"
        title = _lines(labels.label(transition), way, *_found(codes), labels.place(transition.where))
        number = next(n for n, other in enumerate(self._region.transitions, 1) if other is transition)
        return Text(self._id(f"{number}-{source}", "transition"), title, lines, codes)

    def _id(self, name: str, kind: str = "state") -> str:
        return f"{kind}-{self._region.name}-{name}"


def _fit(shape: Shape) -> None:
    """Make the box as large as its own text needs."""
    head = width((Span(shape.name, "name"),), NAME_SIZE)
    if shape.codes:
        head += 2 * INSET + width((Span(" ".join(shape.codes), "badge"),), TEXT_SIZE)
    lines = [width(line, TEXT_SIZE) for line in shape.facts] + [text.width for text in shape.internal]
    shape.box.width = max(head, *lines, 60.0) + 2 * INSET
    shape.box.height = 2 * ABOVE + NAME_HEIGHT + LINE_HEIGHT * len(shape.facts)
    if shape.internal:
        shape.box.height += RULE_GAP + sum(text.height for text in shape.internal)


def _found(codes: Sequence[str]) -> list[str]:
    return [f"check: {' '.join(codes)}"] if codes else []


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)
